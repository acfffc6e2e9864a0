"""Results for other hands: the document for signature, the workbook, the summary that another system reads."""

from bioanalysis.export.pdf import write_pdf
from bioanalysis.export.send import write_send
from bioanalysis.export.summary import write_summary
from bioanalysis.export.workbook import write_workbook

__all__ = ["write_pdf", "write_send", "write_summary", "write_workbook"]
