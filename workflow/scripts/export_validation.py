"""Write the validation report for signature, the workbook and the machine-readable summary of a method validation."""

from pathlib import Path

from bioanalysis.export import write_pdf, write_summary, write_workbook
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    write_workbook(Path.cwd(), Path(snakemake.output.workbook))
    write_pdf(Path.cwd(), Path(snakemake.output.document))
    write_summary(Path.cwd(), Path(snakemake.output.summary))
