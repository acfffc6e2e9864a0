"""Rows that decisions of people exclude from a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.method import Analyte, Method
from bioanalysis.study import Run

NAMED = ("plate", "position", "sample_id", "extraction_id")


def excluded_rows(run: Run, analyte: Analyte) -> pd.Series:
    """Return, by worklist row, which decision excludes it for this analyte, with code, author and reason; '' for most.

    A decision concerns the analyte it names, or every analyte that the internal standard or transition it names serves.
    """
    words = pd.Series("", index=run.worklist.index, dtype=str)
    for decision in run.decisions[run.decisions.action == "exclude"].itertuples():
        if decision.analyte == "" or decision.analyte in names_of(analyte, run.method):
            said = f"({decision.reason_code}, {decision.author}): {decision.reason}"
            words[rows_named(decision, run.worklist)] = f"excluded by {decision.decision_id} {said}"
    return words


def rows_named(decision: Any, worklist: pd.DataFrame) -> np.ndarray:
    """Return which rows of the worklist (n,) a decision names; it may leave all but one of their columns open."""
    named = np.ones(len(worklist), dtype=bool)
    for column in NAMED:
        if wanted := getattr(decision, column, ""):
            named &= (worklist[column] == wanted).to_numpy()
    factor = getattr(decision, "dilution_factor", np.nan)
    return named if pd.isna(factor) else named & (worklist.dilution_factor == factor).to_numpy()


def names_of(analyte: Analyte, method: Method) -> set[str]:
    """Return the names under which a decision may mean this analyte: its own, its internal standard's, a transition."""
    substances = {analyte.name, str(analyte.internal_standard or analyte.name)}
    return substances | {t.name for t in method.transitions if (t.analyte or t.internal_standard) in substances}
