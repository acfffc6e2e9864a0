"""Two methods on the same samples: what cross validation compares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.acceptance.validation import FOUND, RATIO
from bioanalysis.variability import compare_methods
from bioanalysis.words import count_of

FEWEST_PAIRS = 3
EXPERIMENT = "cross_validation"


def sample_pairs(units: pd.DataFrame, analyte: str) -> pd.DataFrame:
    """Return one row per study sample with a value by both of the first two methods: sample_id and their names."""
    rows = units[(units.experiment == EXPERIMENT) & (units.analyte == analyte) & units.found_ng_ml.notna()]
    rows = rows[rows.sample_type.isin(["unknown", "incurred"]) & (rows.why_not == "")]
    table = rows.pivot_table(index="sample_id", columns="method_id", values="found_ng_ml", aggfunc="mean", sort=True)
    methods = [name for name in dict.fromkeys(units.method_id) if name in table][:2]
    return table[methods].dropna() if len(methods) == 2 else table.iloc[:0]


def agreement_words(pairs: pd.DataFrame) -> str:
    """Return mean ratio with its interval, limits of agreement, Deming slope and Lin's coefficient, on logarithms."""
    if len(pairs) < FEWEST_PAIRS:
        return ""
    first, second = (np.log(pairs[name].to_numpy(float)) for name in pairs)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return ""
    found = compare_methods(first, second)
    whole = found.bland_altman
    ratio, low, high, lower, upper = (
        100 * np.exp(value)
        for value in (whole.bias, whole.bias_low, whole.bias_high, whole.lower_limit, whole.upper_limit)
    )
    return (
        f"{pairs.columns[1]} over {pairs.columns[0]}: {ratio:.1f} % ({low:.1f} to {high:.1f}), limits of agreement "
        f"{lower:.1f} to {upper:.1f} %; Deming slope of logarithms {found.deming.slope:.3g}; concordance "
        f"{found.concordance.coefficient:.3g}; {count_of(len(pairs), 'sample')}"
    )


def agreement_row(pairs: pd.DataFrame, analyte: str, words: str) -> dict[str, object]:
    """Return the row of validation.tsv on the pairs: geometric mean of second over first, in percent."""
    ratio = np.log(pairs.iloc[:, 1] / pairs.iloc[:, 0]) if len(pairs) else pd.Series(dtype=float)
    return {"analyte": analyte, "experiment": EXPERIMENT, "measure": RATIO, "run_id": "", "n": len(pairs),
            "mean": float(100 * np.exp(ratio.mean())) if len(pairs) else np.nan, "note": words}  # fmt: skip


def control_statistics(table: pd.DataFrame, analyte: str) -> pd.DataFrame:
    """Return the statistics of QCs measured for cross validation."""
    here = (table.experiment == EXPERIMENT) & (table.measure == FOUND) & (table.analyte == analyte)
    return table[here]
