"""Write the report of a method validation."""

from pathlib import Path

from bioanalysis.report import write_validation_report
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    write_validation_report(Path.cwd(), Path(snakemake.output.report))
