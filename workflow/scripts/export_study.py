"""Write the document for signature, the workbook, the SEND data sets and the machine-readable summary of the study."""

from pathlib import Path

from bioanalysis.export import write_pdf, write_send, write_summary, write_workbook
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    write_workbook(Path.cwd(), Path(snakemake.output.workbook))
    write_pdf(Path.cwd(), Path(snakemake.output.document))
    write_send(Path.cwd(), Path(snakemake.output.concentrations).parent)
    write_summary(Path.cwd(), Path(snakemake.output.summary))
