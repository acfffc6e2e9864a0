"""Reports: self-contained HTML pages, one per run and one per study."""

from bioanalysis.report.pages import write_run_report, write_study_report
from bioanalysis.report.validation_page import write_validation_report

__all__ = ["write_run_report", "write_study_report", "write_validation_report"]
