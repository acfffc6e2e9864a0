"""The input of a study: its tables, methods and raw files, read once and held against each other."""

from bioanalysis.study.config import StudyConfig
from bioanalysis.study.load import Study
from bioanalysis.study.run import Run

__all__ = ["Run", "Study", "StudyConfig"]
