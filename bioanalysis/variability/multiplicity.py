"""Several tests at once: of a study without a fault, few may raise a flag, however many tests it holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from bioanalysis.limits.statistics import statistical_limits

STUDY_ALARMS = statistical_limits()["study_alarms"]


def holm(p_values: ArrayLike) -> np.ndarray:
    """Return Holm's adjusted p-values (n,): reject where one is at most alpha, and at most alpha of studies err.

    Missing p-values stay missing and are not counted as tests.

    References
    ----------
    Holm, Scand J Stat 6 (1979) 65.
    """
    given = np.asarray(p_values, dtype=float)
    adjusted = np.full(given.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(given))
    order = tests[np.argsort(given[tests], kind="stable")]
    raised = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised)) if len(order) else raised
    return adjusted


def stand_out(p_values: ArrayLike, alarms: float = STUDY_ALARMS) -> np.ndarray:
    """Return which of a study's tests (n,) raise a flag: of studies without a fault at most `alarms` have any.

    Missing p-values raise none.
    """
    return np.asarray(holm(p_values) <= alarms)


def tail(distance: float, standard_error: float, degrees: float) -> float:
    """Return the probability that chance alone leads at least `distance` upwards; NaN without a standard error.

    With a standard error of 0 every distance above 0 is beyond chance.
    """
    if not np.isfinite([distance, standard_error]).all() or np.isnan(degrees):
        return np.nan
    if standard_error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stdtr(degrees, -distance / standard_error))
