"""Results for other hands: the workbook, and the summary that another system reads."""

from bioanalysis.export.summary import write_summary
from bioanalysis.export.workbook import write_workbook

__all__ = ["write_summary", "write_workbook"]
