"""Two methods on the same samples: line, difference and agreement. Descriptive; no limit is set here."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from bioanalysis.words import count_of


class Line(NamedTuple):
    """Straight line y = intercept + slope x with intervals."""

    slope: float
    intercept: float
    slope_low: float
    slope_high: float
    intercept_low: float
    intercept_high: float
    note: str


class BlandAltman(NamedTuple):
    """Mean difference y - x and the limits that hold a share `level` of single differences, with intervals."""

    bias: float
    bias_low: float
    bias_high: float
    sd: float
    lower_limit: float
    lower_limit_low: float
    lower_limit_high: float
    upper_limit: float
    upper_limit_low: float
    upper_limit_high: float


class Concordance(NamedTuple):
    """Lin's concordance correlation: `pearson` (precision) times `bias_correction` (accuracy)."""

    coefficient: float
    low: float
    high: float
    pearson: float
    bias_correction: float
    note: str


class Comparison(NamedTuple):
    """Everything `compare_methods` returns; `left_out` pairs had a missing value."""

    n: int
    left_out: int
    deming: Line
    passing_bablok: Line
    bland_altman: BlandAltman
    concordance: Concordance


def compare_methods(x: ArrayLike, y: ArrayLike, error_ratio: float = 1.0, level: float = 0.95) -> Comparison:
    """Return how method y agrees with method x on the same samples.

    Parameters
    ----------
    x, y : array_like (n_samples,)
        Results of both methods on one basis and unit; for concentrations over decades pass logarithms, so that a
        difference is a log ratio. Pairs with a missing value are left out and counted.
    error_ratio : float
        Variance of the error of x over variance of the error of y.
    level : float
        Confidence of all intervals, and share of differences between the limits of agreement.

    Returns
    -------
    Comparison
        `deming` (jackknife intervals), `passing_bablok`, `bland_altman` (of y - x) and `concordance`.

    Raises
    ------
    ValueError
        For fewer than 3 complete pairs, x or y all equal, infinite values, or an error ratio that is not above 0.

    References
    ----------
    Linnet, Clin Chem 39 (1993) 424 (Deming, jackknife); Passing & Bablok, J Clin Chem Clin Biochem 21 (1983) 709;
    Bland & Altman, Stat Methods Med Res 8 (1999) 135; Lin, Biometrics 45 (1989) 255 and 56 (2000) 324.
    """
    first, second = np.asarray(x, dtype=float).ravel(), np.asarray(y, dtype=float).ravel()
    if len(first) != len(second):
        raise ValueError(f"x holds {count_of(len(first), 'value')}, y {len(second)}; they must be pairs")
    complete = ~(np.isnan(first) | np.isnan(second))
    first, second = first[complete], second[complete]
    _refuse(first, second, error_ratio)
    return Comparison(
        n=len(first),
        left_out=int(np.sum(~complete)),
        deming=deming(first, second, error_ratio, level),
        passing_bablok=passing_bablok(first, second, level),
        bland_altman=bland_altman(first, second, level),
        concordance=concordance(first, second, level),
    )


def share_within(x: ArrayLike, y: ArrayLike, percent: float) -> float:
    """Return the share of pairs whose difference is at most `percent` of their mean (ICH M10's way to compare)."""
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    return float(np.mean(np.abs(second - first) <= percent / 100 * np.abs(first + second) / 2))


def _refuse(x: np.ndarray, y: np.ndarray, error_ratio: float) -> None:
    if not error_ratio > 0:
        raise ValueError(f"error_ratio is {error_ratio}; it must be above 0")
    if len(x) < 3:
        raise ValueError(f"{len(x)} complete pairs; at least 3 are needed")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x and y must hold finite numbers")
    for name, values in (("x", x), ("y", y)):
        if np.ptp(values) == 0:
            raise ValueError(f"all {len(values)} values of {name} are equal; no line can be drawn")


def deming(x: np.ndarray, y: np.ndarray, error_ratio: float, level: float) -> Line:
    """Return the Deming line, errors in both variables, with jackknife intervals (Student's t, n - 2)."""
    n = len(x)
    estimate = _deming_lines(x, y, error_ratio, np.ones((1, n)))[0]
    without = _deming_lines(x, y, error_ratio, 1 - np.eye(n))
    if not np.isfinite(estimate).all():
        return _no_line("x and y are uncorrelated: the Deming slope is not defined")
    error = np.sqrt((n - 1) ** 2 / n * without.var(axis=0, ddof=1))
    if not np.isfinite(error).all():
        note = "no intervals: without one of the pairs no line can be drawn"
        return Line(float(estimate[0]), float(estimate[1]), np.nan, np.nan, np.nan, np.nan, note)
    reach = stdtrit(n - 2, (1 + level) / 2) * error
    low, high = estimate - reach, estimate + reach
    slope, intercept, slope_low, slope_high = (float(each) for each in (*estimate, low[0], high[0]))
    return Line(slope, intercept, slope_low, slope_high, float(low[1]), float(high[1]), "")


def _deming_lines(x: np.ndarray, y: np.ndarray, error_ratio: float, weights: np.ndarray) -> np.ndarray:
    """Return slope and intercept (n_lines, 2) for each row of `weights` (n_lines, n_pairs)."""
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    off_x, off_y = x - mean_x[:, None], y - mean_y[:, None]
    sxx, syy, sxy = (np.sum(weights * product, axis=1) for product in (off_x**2, off_y**2, off_x * off_y))
    lean = error_ratio * syy - sxx
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (lean + np.sqrt(lean**2 + 4 * error_ratio * sxy**2)) / (2 * error_ratio * sxy)
    return np.column_stack([slope, mean_y - slope * mean_x])


def passing_bablok(x: np.ndarray, y: np.ndarray, level: float) -> Line:
    """Return Passing & Bablok's line, distribution free.

    Slopes between all pairs of points, infinite for equal x; those of -1 (within rounding) and of coinciding points
    are dropped. Where x and y fall against each other the line is drawn for -y and turned back.
    """
    sign = -1.0 if np.sum(np.sign(x[:, None] - x) * np.sign(y[:, None] - y)) < 0 else 1.0
    slopes = _slopes(x, sign * y)
    n, total = len(x), len(slopes)
    offset = int(np.sum(slopes < -1))
    if total < 3:
        return _no_line("too few distinct points for a line")
    spread = ndtri((1 + level) / 2) * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    rank = round((total - spread) / 2)
    middle = (_at(slopes, (total - 1) // 2 + offset) + _at(slopes, total // 2 + offset)) / 2
    low, high = _at(slopes, rank - 1 + offset), _at(slopes, total - rank + offset)
    slope_low, slope_high = sorted((sign * low, sign * high))
    note = "" if np.isfinite([middle, low, high]).all() else "too few pairs for a bounded interval"
    if sign < 0:
        note = "; ".join(filter(None, ["x and y fall against each other", note]))
    crossings = [_crossing(x, y, each) for each in (sign * middle, slope_high, slope_low)]
    return Line(sign * middle, crossings[0], slope_low, slope_high, crossings[1], crossings[2], note)


def _crossing(x: np.ndarray, y: np.ndarray, slope: float) -> float:
    """Return the median intercept for a slope; minus or plus infinity for an unbounded one."""
    return float(np.median(y - slope * x)) if np.isfinite(slope) else -slope


def _no_line(note: str) -> Line:
    return Line(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, note)


def _slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the sorted slopes between all pairs of points, without those that Passing & Bablok leave out."""
    first, second = np.triu_indices(len(x), 1)
    dx, dy = x[second] - x[first], y[second] - y[first]
    dx[np.abs(dx) <= 1e-12 * np.abs(x).max()] = 0.0
    dy[np.abs(dy) <= 1e-12 * np.abs(y).max()] = 0.0
    apart = (dx != 0) | (dy != 0)
    dx, dy = dx[apart], dy[apart]
    minus_one = np.abs(dx + dy) <= 1e-10 * np.abs(dx)
    with np.errstate(divide="ignore"):
        slopes = np.where(dx == 0, np.inf, dy / np.where(dx == 0, 1.0, dx))
    return np.sort(slopes[~minus_one])


def _at(ordered: np.ndarray, rank: int) -> float:
    """Return the slope of a rank counted from 0; beyond the ends there is no bound."""
    if rank < 0:
        return -np.inf
    return float(ordered[rank]) if rank < len(ordered) else np.inf


def bland_altman(x: np.ndarray, y: np.ndarray, level: float) -> BlandAltman:
    """Return bias and limits of agreement of y - x, with intervals from Student's t.

    The limits lie 1.96 SD from the bias at 95 %, rounded as Bland & Altman print it and everybody since.
    """
    difference = y - x
    n, bias, sd = len(difference), float(difference.mean()), float(difference.std(ddof=1))
    z, t = round(float(ndtri((1 + level) / 2)), 2), float(stdtrit(n - 1, (1 + level) / 2))
    of_bias = t * sd / np.sqrt(n)
    of_limit = t * sd * np.sqrt(1 / n + z**2 / (2 * (n - 1)))
    limits = (bias - z * sd, bias + z * sd)
    ends = [float(end) for limit in limits for end in (limit, limit - of_limit, limit + of_limit)]
    return BlandAltman(bias, float(bias - of_bias), float(bias + of_bias), sd, *ends)


def concordance(x: np.ndarray, y: np.ndarray, level: float) -> Concordance:
    """Return Lin's concordance correlation coefficient (population moments) with an interval by Fisher's z."""
    n = len(x)
    scale, shift = np.std(x) * np.std(y), (np.mean(x) - np.mean(y)) ** 2
    covariance = float(np.mean((x - x.mean()) * (y - y.mean())))
    coefficient = 2 * covariance / (np.var(x) + np.var(y) + shift)
    pearson = covariance / scale
    correction = float(2 * scale / (np.var(x) + np.var(y) + shift))
    if 1 - abs(coefficient) < 1e-14 or pearson == 0:
        words = {1: "perfect agreement", -1: "perfect opposition"}
        note = words.get(round(coefficient), "no correlation")
        return Concordance(float(coefficient), np.nan, np.nan, float(pearson), correction, f"{note}: no interval")
    c, u = coefficient, shift / scale
    of_z = (1 - pearson**2) * c**2 / ((1 - c**2) * pearson**2)
    of_z += 2 * c**3 * (1 - c) * u / (pearson * (1 - c**2) ** 2) - c**4 * u**2 / (2 * pearson**2 * (1 - c**2) ** 2)
    reach = ndtri((1 + level) / 2) * np.sqrt(max(of_z, 0.0) / (n - 2))
    low, high = np.tanh(np.arctanh(c) - reach), np.tanh(np.arctanh(c) + reach)
    return Concordance(float(c), float(low), float(high), float(pearson), correction, "")
