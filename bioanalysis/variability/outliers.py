"""Tests for values that do not belong to the rest. They raise flags; nothing is ever removed by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from bioanalysis.words import count_of

Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class Grubbs:
    """Outcome of Grubbs' test for one outlier."""

    statistic: float
    critical: float
    p_value: float
    index: int
    outlier: bool
    reason: str


def grubbs(
    values: ArrayLike, *, alpha: float = 0.05, alternative: Alternative = "two-sided", fewest: int = 5
) -> Grubbs:
    """Return Grubbs' test of the value farthest from the mean.

    Parameters
    ----------
    values : array_like (n_values,)
        At least 3; for concentrations pass logarithms.
    alpha : float
        Significance level.
    alternative : {"two-sided", "greater", "less"}
        Suspect either end, the largest, or the smallest value.
    fewest : int
        Below this number of values no outlier is declared: with 3 the statistic can hardly differ from its
        largest possible value.

    Returns
    -------
    Grubbs
        `statistic` (distance from the mean in standard deviations), exact `critical` value, `p_value` (Bonferroni
        bound, at most 1), `index` of the suspect (position from 0), `outlier`, and the `reason` where a test that
        was asked for declares none.

    Raises
    ------
    ValueError
        For fewer than 3 values or values that are not finite.

    References
    ----------
    Grubbs, Technometrics 11 (1969) 1; NIST/SEMATECH e-Handbook 1.3.5.17.1.
    """
    numbers = _finite(values, fewest=3)
    n, sd = len(numbers), float(np.std(numbers, ddof=1))
    sides = 2 if alternative == "two-sided" else 1
    critical = grubbs_critical(n, alpha=alpha / sides)
    if np.ptp(numbers) == 0:
        return Grubbs(0.0, critical, 1.0, 0, False, "all values are equal")
    distance = _distance(numbers, alternative)
    index = int(np.argmax(distance))
    statistic = float(distance[index] / sd)
    p_value = min(1.0, sides * _tail(statistic, n))
    too_few = f"{count_of(n, 'value')}, at least {fewest} are needed to declare an outlier" if n < fewest else ""
    beyond = statistic > critical
    reason = too_few or ("" if beyond else f"statistic not above {critical:.3f}")
    return Grubbs(statistic, critical, p_value, index, bool(beyond and not too_few), reason)


def grubbs_critical(n: int, *, alpha: float) -> float:
    """Return the one-sided critical value of Grubbs' statistic for `n` values (halve `alpha` for two sides)."""
    return _from_t(-stdtrit(n - 2, alpha / n), n)


def rosner(values: ArrayLike, most: int, alpha: float = 0.05) -> pd.DataFrame:
    """Return Rosner's generalised ESD test for up to `most` outliers, one row per step.

    Parameters
    ----------
    values : array_like (n_values,)
        For concentrations pass logarithms. The approximation is good from 15 values on.
    most : int
        Largest number of outliers looked for, at most n - 2.
    alpha : float
        Two-sided significance level.

    Returns
    -------
    DataFrame
        `statistic`, `critical`, `index` (position of the value set aside at this step, from 0), `value` and `outlier`:
        true up to the *largest* step whose statistic exceeds its critical value, so that outliers which hide each other
        are found. ``attrs["outliers"]`` is their number.

    Raises
    ------
    ValueError
        For fewer than 3 values, values that are not finite, or `most` outside 1 ... n - 2.

    References
    ----------
    Rosner, Technometrics 25 (1983) 165; NIST/SEMATECH e-Handbook 1.3.5.17.3.
    """
    numbers = _finite(values, fewest=3)
    n = len(numbers)
    if not 1 <= most <= n - 2:
        raise ValueError(f"most is {most}; with {n} values it must lie between 1 and {n - 2}")
    kept = np.arange(n)
    steps = []
    for left in range(n, n - most, -1):
        distance = _distance(numbers[kept], "two-sided")
        at, sd = int(np.argmax(distance)), float(np.std(numbers[kept], ddof=1))
        statistic = float(distance[at] / sd) if np.ptp(numbers[kept]) > 0 else 0.0
        steps.append((statistic, grubbs_critical(left, alpha=alpha / 2), int(kept[at]), float(numbers[kept[at]])))
        kept = np.delete(kept, at)
    table = pd.DataFrame(steps, columns=["statistic", "critical", "index", "value"], index=range(1, most + 1))
    beyond = np.flatnonzero(table["statistic"] > table["critical"])
    number = int(beyond[-1]) + 1 if len(beyond) else 0
    table["outlier"] = np.arange(most) < number
    table.attrs["outliers"] = number
    return table


def modified_z(values: ArrayLike) -> np.ndarray:
    """Return the robust z-score of each value: 0.6745 times its distance from the median in MADs.

    Where more than half of the values are equal the MAD is zero; the mean absolute deviation takes its place, as
    Iglewicz & Hoaglin (1993) advise. All zero where all values are equal.
    """
    numbers = _finite(values, fewest=1)
    off = numbers - np.median(numbers)
    mad = np.median(np.abs(off))
    if mad > 0:
        return 0.6745 * off / mad
    mean_deviation = np.mean(np.abs(off))
    return off / (1.253314 * mean_deviation) if mean_deviation > 0 else np.zeros(len(off))


def _finite(values: ArrayLike, *, fewest: int) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or len(numbers) < fewest:
        raise ValueError(f"{count_of(numbers.size, 'value')} given; at least {fewest} are needed")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{int(np.sum(~np.isfinite(numbers)))} of {len(numbers)} values are not finite numbers")
    return numbers


def _distance(numbers: np.ndarray, alternative: str) -> np.ndarray:
    off = numbers - numbers.mean()
    ways = {"two-sided": np.abs(off), "greater": off, "less": -off}
    if alternative not in ways:
        raise ValueError(f"alternative is {alternative!r}; it must be one of {', '.join(ways)}")
    return ways[alternative]


def _from_t(t: float, n: int) -> float:
    return float((n - 1) / np.sqrt(n) * np.sqrt(t**2 / (n - 2 + t**2)))


def _tail(statistic: float, n: int) -> float:
    """Return n times the chance that one given value lies that far out."""
    room = (n - 1) ** 2 - n * statistic**2
    if room <= 0:
        return 0.0
    return float(n * stdtr(n - 2, -np.sqrt(n * (n - 2) * statistic**2 / room)))
