"""Precision within and between runs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bioanalysis.variability import one_way_anova

NEGATIVE = "between-run variance estimated below 0, taken as 0: the runs scatter no more than replicates within them"
ONE_RUN = "one run: precision between runs not estimable"
NO_REPLICATES = "one value per run: precision within and between runs cannot be told apart"


class Precision(NamedTuple):
    """Variance components of replicates in several runs, in squared units of the values; NaN where `note` says why.

    Attributes
    ----------
    within, between : float
        Variance within runs, and between them (never below 0).
    within_cv_percent, between_cv_percent, total_cv_percent : float
        100 sqrt(variance) / mean; total is sqrt(within + between), the intermediate precision of one value.
    """

    n: int
    runs: int
    mean: float
    within: float
    between: float
    within_cv_percent: float
    between_cv_percent: float
    total_cv_percent: float
    note: str


def precision(values: ArrayLike, run: ArrayLike) -> Precision:
    """Return the variance components of `values` (n,) by the labels in `run` (n,), one-way random effects.

    With N values in k runs of n_i each, and mean squares between (MSB) and within runs (MSW)::

        within  = MSW
        between = max(0, (MSB - MSW) / n0),   n0 = (N - sum(n_i^2) / N) / (k - 1)

    n0 is n in a balanced set; both are unbiased in an unbalanced one (before the 0). The mean is that of all values.

    References
    ----------
    Searle, Casella & McCulloch, Variance Components (1992), section 3.6 (unbalanced one-way classification).
    """
    numbers = np.asarray(values, float)
    labels, counts = np.unique(np.asarray(run, dtype=str), return_counts=True)
    n, runs = len(numbers), len(labels)
    mean = float(numbers.mean()) if n else np.nan
    if runs < 2:
        within = float(numbers.var(ddof=1)) if n > 1 else np.nan
        return _precision(n, runs, mean, within, np.nan, ONE_RUN)
    found = one_way_anova(numbers, run)
    if found.within_df == 0:
        return _precision(n, runs, mean, np.nan, np.nan, NO_REPLICATES)
    within, between_ms = found.within_ss / found.within_df, found.between_ss / found.between_df
    n0 = (n - float(counts @ counts) / n) / (runs - 1)
    between = (between_ms - within) / n0
    return _precision(n, runs, mean, within, max(0.0, between), NEGATIVE if between < 0 else "")


def _precision(n: int, runs: int, mean: float, within: float, between: float, note: str) -> Precision:
    within_cv, between_cv, total_cv = (
        100 * np.sqrt(variance) / abs(mean) if mean else np.nan for variance in (within, between, within + between)
    )
    return Precision(n, runs, mean, within, between, float(within_cv), float(between_cv), float(total_cv), note)
