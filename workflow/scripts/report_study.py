"""Write the report of the study."""

from pathlib import Path

from bioanalysis.report import write_study_report
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    write_study_report(Path.cwd(), Path(snakemake.output.report))
