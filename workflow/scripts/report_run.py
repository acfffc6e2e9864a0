"""Write the report of one run."""

from pathlib import Path

from bioanalysis.report import write_run_report
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    write_run_report(Path.cwd(), snakemake.wildcards.run, Path(snakemake.output.report))
