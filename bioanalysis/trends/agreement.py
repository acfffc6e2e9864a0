"""Two methods on the same samples, over all studies of a folder (rule CC-08): reported, not judged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.tables import read_results
from bioanalysis.variability import compare_methods

AGREEMENT = [
    "analyte", "unit", "method_x", "method_y", "n", "bias_percent", "bias_low_percent", "bias_high_percent",
    "lower_limit_percent", "upper_limit_percent", "deming_slope", "deming_slope_low", "deming_slope_high",
    "deming_intercept", "passing_bablok_slope", "passing_bablok_slope_low", "passing_bablok_slope_high",
    "passing_bablok_intercept", "concordance", "concordance_low", "concordance_high", "note",
]  # fmt: skip
NEEDED = ("sample_id", "analyte", "method_id", "status", "value", "unit")
RESULT = Path("results/study/tissue_concentrations.tsv")


def agreement(folders: list[Path], root: Path) -> pd.DataFrame:
    """Return agreement.tsv: per analyte and pair of methods, line, difference and concordance of their logarithms.

    On logarithms a difference is a ratio: bias and limits of agreement are given as percent, slopes near 1 and
    intercepts near 0 mean agreement over the whole range.
    """
    tables = [_results(folder, root) for folder in folders if (folder / RESULT).is_file()]
    rows = [row for row in _pairs(pd.concat(tables, ignore_index=True))] if tables else []
    return pd.DataFrame(rows, columns=AGREEMENT)


def _results(folder: Path, root: Path) -> pd.DataFrame:
    """Return the quantified results of one study."""
    file = (folder / RESULT).relative_to(root).as_posix()
    table = read_results(folder / RESULT)
    if lacking := [name for name in NEEDED if name not in table]:
        raise BatchError([Fault(file, "no such column", "a column of this table", 1, name) for name in lacking])
    table = table[table.status == "quantified"][list(NEEDED)]
    return table.assign(value=pd.to_numeric(table.value, errors="coerce"), study=folder.name)


def _pairs(results: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for (analyte, unit), here in results.groupby(["analyte", "unit"], sort=True):
        wide = here.pivot_table("value", ["study", "sample_id"], "method_id", aggfunc="mean", sort=True)
        for first, second in combinations(sorted(wide.columns), 2):
            both = wide[[first, second]].dropna()
            if len(both):
                yield {"analyte": analyte, "unit": unit, "method_x": first, "method_y": second} | _compared(both)


def _compared(both: pd.DataFrame) -> dict[str, Any]:
    x, y = (np.log(both.iloc[:, place].to_numpy(dtype=float)) for place in (0, 1))
    try:
        found = compare_methods(x, y)
    except ValueError as error:
        return {"n": len(both), "note": str(error)}
    difference, deming, bablok = found.bland_altman, found.deming, found.passing_bablok
    return {
        "n": found.n,
        "bias_percent": _percent(difference.bias),
        "bias_low_percent": _percent(difference.bias_low),
        "bias_high_percent": _percent(difference.bias_high),
        "lower_limit_percent": _percent(difference.lower_limit),
        "upper_limit_percent": _percent(difference.upper_limit),
        "deming_slope": deming.slope, "deming_slope_low": deming.slope_low, "deming_slope_high": deming.slope_high,
        "deming_intercept": deming.intercept,
        "passing_bablok_slope": bablok.slope, "passing_bablok_slope_low": bablok.slope_low,
        "passing_bablok_slope_high": bablok.slope_high, "passing_bablok_intercept": bablok.intercept,
        "concordance": found.concordance.coefficient, "concordance_low": found.concordance.low,
        "concordance_high": found.concordance.high,
        "note": "; ".join(note for note in (deming.note, bablok.note, found.concordance.note) if note),
    }  # fmt: skip


def _percent(log_ratio: float) -> float:
    return float(100 * np.expm1(log_ratio))
