"""Animals that do not belong to their group: studentised residuals of logarithms, scatter pooled over the groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtr

from bioanalysis.limits.statistics import statistical_limits

FEWEST_IN_GROUP = int(statistical_limits()["fewest_in_group"])
FEWEST_DEGREES = int(statistical_limits()["fewest_degrees"])


def pooled_outliers(logs: pd.Series, group: pd.Series) -> pd.DataFrame:
    """Return the externally studentised residual of each value inside its group.

    Parameters
    ----------
    logs : Series (n,)
        Logarithmic concentration of each animal.
    group : Series (n,)
        Its group.

    Returns
    -------
    DataFrame
        On the index of `logs`: `fold` (value over the geometric mean of the *others* of its group), `statistic`,
        `degrees_of_freedom`, `p_value` (two-sided, not adjusted for the other values), `note` where there is none.

    Notes
    -----
    With k groups and n values, t = r / (s sqrt(1 - 1/m)), s pooled over all groups without the value itself, m values
    in its group, n - k - 1 degrees of freedom: exact for logarithms that are normal with one variance. A rule of three
    MADs inside groups of 3 to 6 raises false alarms in 21 to 33 % of clean groups.

    References
    ----------
    Cook & Weisberg, Residuals and Influence in Regression (1982), section 2.2.2.
    """
    logs = logs.astype(float)
    by_group = logs.groupby(group)
    size = by_group.transform("size")
    residual = logs - by_group.transform("mean")
    freedom = len(logs) - group.nunique() - 1
    total = float((residual**2).sum())
    share = 1 - 1 / size
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.maximum(total - residual**2 / share, 0.0)
        statistic = residual / np.sqrt(rest / freedom * share) if freedom > 0 else residual * np.nan
        fold = np.exp(residual / share)
    usable = (size >= FEWEST_IN_GROUP) & (freedom >= FEWEST_DEGREES) & (total > 1e-20)
    statistic = statistic.where(usable)
    return pd.DataFrame(
        {
            "fold": fold.where(size > 1), "statistic": statistic,
            "degrees_of_freedom": np.where(usable, float(freedom), np.nan),
            "p_value": 2 * stdtr(max(freedom, 1), -statistic.abs()),
            "note": [_why_not(n, freedom, total) for n in size],
        },
        index=logs.index,
    )  # fmt: skip


def _why_not(size: int, freedom: int, total: float) -> str:
    if size < FEWEST_IN_GROUP:
        return f"{size} in its group: not judged"
    if freedom < FEWEST_DEGREES:
        return "too few animals in all groups together: not judged"
    return "" if total > 1e-20 else "values agree exactly: check rounding or copied values"
