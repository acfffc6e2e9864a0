"""Centre and spread of a handful of values: plain, geometric and robust, with how little they say about the spread."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

MAD_TO_SD = 1.4826  # consistent for a normal distribution
MAD_EFFICIENCY = 0.3675  # asymptotic, against the SD (Huber 1981, section 5.1)


class RobustSummary(NamedTuple):
    """Summary of one group; NaN where `note` says why."""

    n: int
    missing: int
    mean: float
    sd: float
    cv_percent: float
    geometric_mean: float
    geometric_cv_percent: float
    geometric_cv_percent_low: float
    geometric_cv_percent_high: float
    median: float
    mad: float
    robust_sd: float
    robust_cv_percent: float
    robust_cv_percent_low: float
    robust_cv_percent_high: float
    huber_mean: float
    huber_sd: float
    note: str


def robust_summary(values: ArrayLike, *, level: float = 0.95) -> RobustSummary:
    """Return plain, geometric and robust summaries of a group.

    Parameters
    ----------
    values : array_like (n_values,)
        Missing values are left out and counted.
    level : float
        Confidence of the two-sided intervals of the coefficients of variation.

    Returns
    -------
    RobustSummary
        `mad` is the plain median absolute deviation, `robust_sd` 1.4826 times it; `huber_mean` and `huber_sd` follow
        Algorithm A of ISO 13528. `geometric_cv_percent` is 100 sqrt(exp(s^2) - 1), s the SD of logarithms, its
        interval from the chi-square distribution of s^2. The interval of `robust_cv_percent` uses the same with
        0.3675 (n - 1) degrees of freedom, the efficiency of the MAD: an approximation that errs on the wide side.
        In percent of the mean or the median. What cannot be computed is NaN and named in `note`.

    References
    ----------
    ISO 13528:2022, annex C; Huber, Robust Statistics (1981).
    """
    given = np.asarray(values, dtype=float).ravel()
    numbers = given[~np.isnan(given)]
    n, notes = len(numbers), []
    sd = float(np.std(numbers, ddof=1)) if n > 1 else np.nan
    mean, median = (float(np.mean(numbers)), float(np.median(numbers))) if n else (np.nan, np.nan)
    mad = float(np.median(np.abs(numbers - median))) if n > 1 else np.nan
    if n < 2:
        notes.append("no value" if n == 0 else "one value: no spread can be given")
    elif mad == 0:
        notes.append("MAD is 0: more than half of the values are equal; robust spread not usable")
    geometric = _geometric(numbers, level, notes)
    spread = MAD_TO_SD * mad if mad > 0 else np.nan
    robust_cv = _percent(spread, median)
    low, high = _spread_interval(robust_cv, MAD_EFFICIENCY * (n - 1), level)
    huber = _algorithm_a(numbers, median, spread) if mad > 0 else (np.nan, np.nan)
    plain = (n, len(given) - n, mean, sd, _percent(sd, mean))
    return RobustSummary(*plain, *geometric, median, mad, spread, robust_cv, low, high, *huber, "; ".join(notes))


def _geometric(numbers: np.ndarray, level: float, notes: list[str]) -> tuple[float, float, float, float]:
    """Return geometric mean and coefficient of variation with its interval."""
    if len(numbers) == 0:
        return (np.nan,) * 4
    if np.any(numbers <= 0):
        notes.append("zero or negative values: no geometric mean")
        return (np.nan,) * 4
    logs = np.log(numbers)
    if len(numbers) == 1:
        return float(numbers[0]), np.nan, np.nan, np.nan
    s = float(np.std(logs, ddof=1))
    ends = _spread_interval(s, len(logs) - 1, level)
    cv, low, high = (geometric_cv_percent(each**2) for each in (s, *ends))
    return float(np.exp(logs.mean())), cv, low, high


def geometric_cv_percent(variance_log: float) -> float:
    """Return the coefficient of variation, in percent, of a log-normal quantity whose logarithm has this variance."""
    return float(100 * np.sqrt(np.expm1(variance_log)))


def _percent(spread: float, centre: float) -> float:
    return 100 * spread / centre if centre > 0 else np.nan


def _spread_interval(sd: float, degrees: float, level: float) -> tuple[float, float]:
    """Return the chi-square interval of a standard deviation."""
    if not degrees > 0 or np.isnan(sd):
        return np.nan, np.nan
    tail = (1 - level) / 2
    return float(sd * np.sqrt(degrees / chdtri(degrees, tail))), float(
        sd * np.sqrt(degrees / chdtri(degrees, 1 - tail))
    )


def _algorithm_a(numbers: np.ndarray, centre: float, spread: float) -> tuple[float, float]:
    """Return robust mean and SD: values beyond 1.5 SD are pulled in to it until nothing moves."""
    for _ in range(1000):
        pulled = np.clip(numbers, centre - 1.5 * spread, centre + 1.5 * spread)
        before = centre, spread
        centre, spread = float(pulled.mean()), 1.134 * float(np.std(pulled, ddof=1))
        if np.allclose(before, (centre, spread), rtol=1e-14, atol=0):
            break
    return centre, spread
