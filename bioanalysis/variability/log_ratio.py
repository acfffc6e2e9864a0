"""The ratio of two groups' geometric means with an interval that does not take their spreads for equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from bioanalysis.variability.combined_degrees import combined_degrees


class Ratio(NamedTuple):
    """Ratio of geometric means, its interval and the standard error of its logarithm.

    `note` says which interval it is, or why there is none (NaN).
    """

    ratio: float
    low: float
    high: float
    degrees_of_freedom: float
    note: str
    standard_error: float = np.nan


def ratio_of_means(
    numerator: ArrayLike, denominator: ArrayLike, *, level: float = 0.90, shared: Sequence[tuple[float, float]] = ()
) -> Ratio:
    """Return the ratio of the geometric means of two groups of animals, after Welch on logarithms.

    Parameters
    ----------
    numerator, denominator : array_like (n_animals,)
        Concentrations, or ratios between tissues (then the result is a ratio of ratios), all above 0.
    level : float
        Confidence of the interval.
    shared : sequence of (variance, degrees of freedom)
        What the animals' scatter does not hold: `shared_of_ratio`.

    Raises
    ------
    ValueError
        For an empty group or values that are not above 0.

    References
    ----------
    Welch, Biometrika 34 (1947) 28; degrees of freedom after Satterthwaite.
    """
    logs = [_logs(each) for each in (numerator, denominator)]
    difference = float(logs[0].mean() - logs[1].mean())
    if min(map(len, logs)) < 2:
        return Ratio(float(np.exp(difference)), np.nan, np.nan, np.nan, "one animal in a group: no interval")
    parts = np.array([each.var(ddof=1) / len(each) for each in logs])
    if parts.sum() == 0:
        return Ratio(float(np.exp(difference)), np.nan, np.nan, np.nan, "no scatter within the groups: no interval")
    own = [(float(part), float(len(each) - 1)) for part, each in zip(parts, logs, strict=True)]
    total, degrees = combined_degrees([*own, *shared])
    half = float(stdtrit(degrees, (1 + level) / 2) * np.sqrt(total))
    low, mid, high = (float(np.exp(difference + step)) for step in (-half, 0.0, half))
    return Ratio(mid, low, high, degrees, f"{100 * level:g} % interval", float(np.sqrt(total)))


def _logs(values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values, dtype=float).ravel()
    if not len(numbers) or not np.all(numbers > 0) or not np.isfinite(numbers).all():
        raise ValueError("every group must hold at least one value, all of them above 0 and finite")
    return np.log(numbers)
