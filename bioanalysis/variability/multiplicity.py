"""Several tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


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
