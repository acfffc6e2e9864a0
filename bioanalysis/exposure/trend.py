"""Groups against a control (Dunnett) and along a dose (Jonckheere), the same at every call."""

from __future__ import annotations

from functools import cache
from math import comb, fsum
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtri, gammaln, ndtr

Alternative = Literal["two-sided", "greater", "less"]
ALTERNATIVES = ("two-sided", "greater", "less")


class Jonckheere(NamedTuple):
    """Jonckheere-Terpstra statistic, its standard normal form and p-value."""

    statistic: float
    z: float
    p_value: float


def dunnett(
    control: ArrayLike, *groups: ArrayLike, alternative: Alternative = "two-sided", level: float = 0.95
) -> pd.DataFrame:
    """Return Dunnett's comparison of every group with the control, pooled variance, family-wise p-values.

    Parameters
    ----------
    control, *groups : array_like
        Values of each group; pass logarithms for ratios. At least two values in one of them.
    alternative : {"two-sided", "greater", "less"}
        "greater": the group lies above the control.
    level : float
        Simultaneous confidence of the intervals.

    Returns
    -------
    DataFrame
        One row per group: `statistic` (t), `p_value`, and the bounds `low`, `high` of group minus control (infinite
        on the open side of a one-sided test). Where no group scatters all is NaN and ``attrs["note"]`` says so.

    Raises
    ------
    ValueError
        For an empty group, values that are not finite, no degree of freedom, or an unknown alternative.

    Notes
    -----
    The multivariate t integral, whose correlations are products l_i l_j with l_i^2 = n_i / (n_0 + n_i), reduces to
    two dimensions; both are done by fixed Gauss-Legendre nodes, to about 1e-10, without random numbers.

    References
    ----------
    Dunnett, J Am Stat Assoc 50 (1955) 1096.
    """
    _check(alternative)
    samples = [_values(each) for each in (control, *groups)]
    n = np.array([len(each) for each in samples])
    degrees = int(n.sum() - len(n))
    if len(n) < 2 or degrees < 1:
        raise ValueError("Dunnett's test needs a control, a group, and two values in one of them")
    difference = np.array([each.mean() for each in samples[1:]]) - samples[0].mean()
    variance = fsum(float(np.sum((each - each.mean()) ** 2)) for each in samples) / degrees
    columns = ["statistic", "p_value", "low", "high"]
    if variance == 0:
        empty = pd.DataFrame(np.nan, index=range(len(groups)), columns=columns)
        empty.attrs["note"] = "no scatter within any group: nothing to test against"
        return empty
    error = np.sqrt(variance * (1 / n[1:] + 1 / n[0]))
    loading = np.sqrt(n[1:] / (n[1:] + n[0]))
    statistic = difference / error
    above = {"two-sided": np.abs(statistic), "greater": statistic, "less": -statistic}[alternative]
    both = alternative == "two-sided"
    p_value = [1 - _below(value, loading, degrees, both) for value in above]
    reach = error * _critical(level, loading, degrees, both)
    low = np.full(len(reach), -np.inf) if alternative == "less" else difference - reach
    high = np.full(len(reach), np.inf) if alternative == "greater" else difference + reach
    table = pd.DataFrame(dict(zip(columns, (statistic, np.clip(p_value, 0, 1), low, high), strict=True)))
    table.attrs["note"] = ""
    return table


def _critical(level: float, loading: np.ndarray, degrees: int, both: bool) -> float:
    """Return the value that the largest statistic stays below with probability `level`."""
    from scipy.optimize import brentq  # loaded where it is used: most jobs never do

    return float(brentq(lambda value: _below(value, loading, degrees, both) - level, 0.0, 1e4, xtol=1e-12, rtol=1e-12))


def _below(value: float, loading: np.ndarray, degrees: int, both: bool) -> float:
    """Return the probability that all statistics (their absolute values, if `both`) stay below `value`."""
    z, of_z = _nodes(-9.0, 9.0, 160)
    density = of_z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    s, of_s = _scales(degrees)
    width = np.sqrt(1 - loading**2)
    inside = np.ones((len(s), len(z)))
    for shared, own in zip(loading, width, strict=True):
        upper = ndtr((shared * z + value * s[:, None]) / own)
        inside *= upper - ndtr((shared * z - value * s[:, None]) / own) if both else upper
    return float(of_s @ inside @ density)


@cache
def _scales(degrees: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes of s = sqrt(chi-square / degrees) with their probabilities."""
    ends = np.sqrt(chdtri(degrees, np.array([1 - 1e-16, 1e-17])) / degrees)
    s, weight = _nodes(float(ends[0]), float(ends[1]), 160)
    half = degrees / 2
    log_density = np.log(2) + half * np.log(half) - gammaln(half) + (degrees - 1) * np.log(s) - half * s**2
    return s, weight * np.exp(log_density)


@cache
def _nodes(low: float, high: float, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss-Legendre nodes and weights on [low, high]."""
    node, weight = np.polynomial.legendre.leggauss(number)
    return (high - low) / 2 * node + (high + low) / 2, (high - low) / 2 * weight


def jonckheere(*groups: ArrayLike, alternative: Alternative = "two-sided", exact: bool = False) -> Jonckheere:
    """Return the Jonckheere-Terpstra test of a trend over ordered groups.

    Parameters
    ----------
    *groups : array_like
        Two or more, in the order of dose.
    alternative : {"two-sided", "greater", "less"}
        "greater": values rise with the order of the groups.
    exact : bool
        p-value from the exact distribution of the statistic, which exists without ties only. Worth it for groups of
        3 to 6, where the normal one errs by some tenths of its value.

    Returns
    -------
    Jonckheere
        `statistic` counts pairs in order, ties by half; `z` has its variance corrected for ties; `p_value` is that
        of `z` unless `exact`. Where all values are equal z is 0 and p is 1.

    Raises
    ------
    ValueError
        For fewer than two groups, an empty one, values that are not finite, `exact` with ties, or an unknown
        alternative.

    References
    ----------
    Hollander, Wolfe & Chicken, Nonparametric Statistical Methods (2014), section 6.2.
    """
    _check(alternative)
    if len(groups) < 2:
        raise ValueError("a trend needs two groups at least")
    samples = [_values(each) for each in groups]
    sizes = tuple(len(each) for each in samples)
    pairs = [(samples[i], samples[j]) for i in range(len(sizes)) for j in range(i + 1, len(sizes))]
    statistic = float(sum(np.sum(np.sign(b[:, None] - a) + 1) / 2 for a, b in pairs))
    ties = np.unique(np.concatenate(samples), return_counts=True)[1]
    total = sum(sizes)
    expected = (total**2 - sum(size**2 for size in sizes)) / 4
    variance = _variance(np.array(sizes), ties)
    z = (statistic - expected) / np.sqrt(variance) if variance > 0 else 0.0
    if exact:
        if ties.max() > 1:
            raise ValueError("the exact distribution of the statistic needs values without ties")
        return Jonckheere(statistic, float(z), _exact_p(int(statistic), sizes, alternative))
    tails = {"greater": ndtr(-z), "less": ndtr(z), "two-sided": min(1.0, 2 * ndtr(-abs(z)))}
    return Jonckheere(statistic, float(z), float(tails[alternative]))


def _variance(sizes: np.ndarray, ties: np.ndarray) -> float:
    """Return the variance of the statistic under no trend, with ties of the given numbers of equal values."""
    n = float(sizes.sum())
    if n < 3:
        return 0.25 if len(ties) == 2 else 0.0
    sizes, ties = sizes.astype(float), ties.astype(float)
    first = n * (n - 1) * (2 * n + 5) - sum(np.sum(k * (k - 1) * (2 * k + 5)) for k in (sizes, ties))
    second = np.prod([np.sum(k * (k - 1) * (k - 2)) for k in (sizes, ties)])
    third = np.prod([np.sum(k * (k - 1)) for k in (sizes, ties)])
    return float(first / 72 + second / (36 * n * (n - 1) * (n - 2)) + third / (8 * n * (n - 1)))


def _exact_p(statistic: int, sizes: tuple[int, ...], alternative: Alternative) -> float:
    counts = _ways(sizes)
    total = sum(counts)
    up, down = sum(counts[statistic:]) / total, sum(counts[: statistic + 1]) / total
    return {"greater": up, "less": down, "two-sided": min(1.0, 2 * min(up, down))}[alternative]


@cache
def _ways(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return in how many orders the statistic takes each value: the product of Gaussian binomials, as integers."""
    counts, before = [1], 0
    for size in sizes:
        counts = _multiplied(counts, _gaussian_binomial(before + size, size))
        before += size
    return tuple(counts)


def _gaussian_binomial(n: int, k: int) -> list[int]:
    """Return the coefficients of the Gaussian binomial [n over k], degree k (n - k)."""
    degree = k * (n - k)
    row = [1] + [0] * degree
    for factor in range(1, k + 1):
        top = n - k + factor
        row = [value - (row[at - top] if at >= top else 0) for at, value in enumerate(row)]
        for at in range(factor, degree + 1):
            row[at] += row[at - factor]
    if sum(row) != comb(n, k):
        raise ArithmeticError(f"coefficients of [{n} over {k}] do not add up")
    return row


def _multiplied(left: list[int], right: list[int]) -> list[int]:
    product = [0] * (len(left) + len(right) - 1)
    for at, value in enumerate(left):
        for other, factor in enumerate(right):
            product[at + other] += value * factor
    return product


def _values(group: ArrayLike) -> np.ndarray:
    values = np.asarray(group, dtype=float).ravel()
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("every group must hold at least one value, all of them finite numbers")
    return values


def _check(alternative: str) -> None:
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative is {alternative!r}; it must be one of {', '.join(ALTERNATIVES)}")
