"""How much of the analyte survives extraction, how surely, and how it differs between batches."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit


class Recovery(NamedTuple):
    """A recovery as a fraction, with its relative standard uncertainty; NaN where `note` says why."""

    recovery: float
    relative_uncertainty: float
    degrees_of_freedom: float
    low: float
    high: float
    n_pre: int
    n_post: int
    note: str


class ShrunkRecovery(NamedTuple):
    """Recovery of several batches; `factors` on the recovery scale, variances of logarithms."""

    mean_log: float
    between_variance: float
    within_variance: float
    factors: pd.Series
    new_batch_sd_log: float
    mean_log_uncertainty: float
    note: str


class Scatter(NamedTuple):
    """Variance of the logarithm that one extraction adds, and how surely it is known."""

    variance_log: float
    degrees_of_freedom: float


def extraction_recovery(pre: ArrayLike, post: ArrayLike, *, paired: bool = False, level: float = 0.95) -> Recovery:
    """Return what extracts spiked before extraction hold of those spiked after it, at one nominal concentration.

    Parameters
    ----------
    pre, post : array_like (n_pre,), (n_post,)
        Responses the calibration curve uses (area ratios; back-calculated concentrations for ELISA) of samples
        spiked before extraction and of blank extract spiked after it. With neat solutions as `post` the result is
        the process efficiency.
    paired : bool
        True where `pre` and `post` stand lot by lot in the same order: geometric mean of the ratios.
    level : float
        Confidence of the interval, which is multiplicative.

    Returns
    -------
    Recovery
        Unpaired: ratio of means, (u/RE)^2 = CV_pre^2/n_pre + CV_post^2/n_post, degrees of freedom after
        Welch-Satterthwaite. With a single value on one side there is a recovery but no uncertainty. Recoveries above
        1 are not cut off.

    Raises
    ------
    ValueError
        For values that are not above zero, an empty side, or pairs of different number.

    References
    ----------
    Matuszewski, Constanzer & Chavez-Eng, Anal Chem 75 (2003) 3019; JCGM 100:2008, annex G.4.
    """
    before, after = _positive("pre", pre), _positive("post", post)
    if paired:
        if len(before) != len(after):
            raise ValueError(f"paired recovery needs as many values before ({len(before)}) as after ({len(after)})")
        logs = np.log(before / after)
        square = logs.var(ddof=1) / len(logs) if len(logs) > 1 else np.nan
        return _recovery(float(np.exp(logs.mean())), square, len(logs) - 1, before, after, level)
    parts = [_relative_square(before), _relative_square(after)]
    square = math.fsum(parts)
    behind = math.fsum(part**2 / (len(side) - 1) for part, side in zip(parts, (before, after), strict=True) if part > 0)
    degrees = square**2 / behind if behind > 0 else np.inf
    return _recovery(float(before.mean() / after.mean()), square, degrees, before, after, level)


def _recovery(
    ratio: float, square: float, degrees: float, before: np.ndarray, after: np.ndarray, level: float
) -> Recovery:
    if np.isnan(square):
        note = "uncertainty not estimable: one side has a single value"
        return Recovery(ratio, np.nan, np.nan, np.nan, np.nan, len(before), len(after), note)
    relative = float(np.sqrt(square))
    spread = float(np.exp(stdtrit(degrees, (1 + level) / 2) * relative)) if relative else 1.0
    note = "" if relative else "replicates agree exactly: check rounding or copied values"
    return Recovery(ratio, relative, float(degrees), ratio / spread, ratio * spread, len(before), len(after), note)


def _relative_square(values: np.ndarray) -> float:
    """Return the squared relative standard error of a mean."""
    return float(values.var(ddof=1) / values.mean() ** 2 / len(values)) if len(values) > 1 else np.nan


def shrink_recovery(batch: ArrayLike, recovery: ArrayLike) -> ShrunkRecovery:
    """Return recovery factors of batches, each drawn towards the common mean as far as its scatter asks for.

    Parameters
    ----------
    batch : array_like (n_values,)
        Label of the batch of each value.
    recovery : array_like (n_values,)
        Recoveries as fractions, above zero.

    Returns
    -------
    ShrunkRecovery
        `mean_log` and its standard uncertainty; REML variances of ln recovery between (tau^2) and within batches
        (s^2); `factors` by batch in order of appearance, exp(mean + lambda (batch mean - mean)) with
        lambda = tau^2 / (tau^2 + s^2/n); `new_batch_sd_log` = sqrt(tau^2 + u^2(mean)) for a batch without recovery
        samples. tau^2 = 0 is full pooling. With one batch tau^2, and with one value in each batch both variances,
        cannot be estimated: they are NaN and `note` says so.

    Raises
    ------
    ValueError
        For recoveries that are not above zero, missing labels, or labels and recoveries of different number.

    References
    ----------
    Searle, Casella & McCulloch, Variance Components (1992), chapters 3 and 7.
    """
    logs = np.log(_positive("recovery", recovery))
    codes, labels = pd.factorize(pd.Series(np.asarray(batch, dtype=object)))
    if len(codes) != len(logs) or (codes < 0).any():
        raise ValueError(f"{len(logs)} recoveries need as many batch labels, none missing")
    n = np.bincount(codes).astype(float)
    means = np.bincount(codes, logs) / n
    inside = float(np.sum((logs - means[codes]) ** 2))
    index = pd.Index(labels, name="batch")
    if len(n) == 1:
        return _one_batch(logs, index)
    if len(logs) == len(n):
        return _one_value_each(logs, index)
    mean, uncertainty, between, within = _one_way_reml(means, n, inside)
    pull = between / (between + within / n) if between > 0 else np.zeros(len(n))
    factors = pd.Series(np.exp(mean + pull * (means - mean)), index=index, name="recovery")
    new_batch = float(np.hypot(np.sqrt(between), uncertainty))
    note = "" if within else "replicates agree exactly: check rounding or copied values"
    return ShrunkRecovery(mean, between, within, factors, new_batch, uncertainty, note)


def _one_way_reml(means: np.ndarray, n: np.ndarray, inside: float) -> tuple[float, float, float, float]:
    """Return mean, its standard uncertainty, and the variances between and within batches.

    `means` and `n` (n_batches,) describe the batches, `inside` is the sum of squares within them.
    """
    if inside <= 1e-26 * n.sum() * np.mean(means**2):
        between = float(means.var(ddof=1))
        return float(means.mean()), float(np.sqrt(between / len(n))), between, 0.0
    ratio = _variance_ratio(means, n, inside)
    weight = n / (1 + ratio * n)
    mean = float(weight @ means / weight.sum())
    within = float((inside + weight @ (means - mean) ** 2) / (n.sum() - 1))
    return mean, float(np.sqrt(within / weight.sum())), ratio * within, within


def _variance_ratio(means: np.ndarray, n: np.ndarray, inside: float) -> float:
    """Return tau^2/s^2 with the largest restricted likelihood (exactly 0 at the boundary).

    Minus twice the profiled log likelihood is (N - 1) ln q + sum ln(1 + r n) + ln sum w, with w = n / (1 + r n) and
    q the weighted sum of squares. It is searched on a grid first, since it may have two minima.
    """
    from scipy.optimize import brentq  # loaded where it is used: most jobs never do

    def terms(ratio: float) -> tuple[np.ndarray, np.ndarray, float]:
        weight = n / (1 + ratio * n)
        off = (means - weight @ means / weight.sum()) ** 2
        return weight, off, inside + weight @ off

    def deviance(ratio: float) -> float:
        weight, _, squares = terms(ratio)
        return (n.sum() - 1) * np.log(squares) + np.log1p(ratio * n).sum() + np.log(weight.sum())

    def slope(ratio: float) -> float:
        weight, off, squares = terms(ratio)
        fit = (n.sum() - 1) * (weight**2 @ off) / squares
        return float(weight.sum() - (weight**2).sum() / weight.sum() - fit)

    grid = np.concatenate([[0.0], np.logspace(-8, 12, 201)])
    slopes = np.array([slope(ratio) for ratio in grid])
    turns = np.flatnonzero((slopes[:-1] < 0) & (slopes[1:] >= 0))
    candidates = [brentq(slope, grid[at], grid[at + 1], xtol=1e-300, rtol=1e-14) for at in turns]
    if slopes[0] >= 0:
        candidates.append(0.0)
    return min(candidates, key=deviance)


def _one_batch(logs: np.ndarray, index: pd.Index) -> ShrunkRecovery:
    mean = float(logs.mean())
    within = float(logs.var(ddof=1)) if len(logs) > 1 else np.nan
    note = "one batch: the variance between batches cannot be estimated"
    factors = pd.Series([np.exp(mean)], index=index, name="recovery")
    return ShrunkRecovery(mean, np.nan, within, factors, np.nan, float(np.sqrt(within / len(logs))), note)


def _one_value_each(logs: np.ndarray, index: pd.Index) -> ShrunkRecovery:
    mean, n = float(logs.mean()), len(logs)
    total = float(logs.var(ddof=1))
    note = "one value per batch: scatter between and within batches cannot be told apart; factors are pooled"
    factors = pd.Series(np.full(n, np.exp(mean)), index=index, name="recovery")
    return ShrunkRecovery(
        mean, np.nan, np.nan, factors, float(np.sqrt(total * (1 + 1 / n))), float(np.sqrt(total / n)), note
    )


def extraction_scatter(
    pre_by_level: Iterable[ArrayLike],
    post_by_level: Iterable[ArrayLike] | None = None,
    reading_variance: float = 0.0,
    *,
    cv_floor: float = 0.0,
) -> Scatter:
    """Return the variance of the logarithm that a single extraction adds to a result.

    Parameters
    ----------
    pre_by_level, post_by_level : iterable of array_like
        Responses spiked before and after extraction, one array per level (and lot or batch, where those differ).
        None or nothing with two values for `post_by_level` (as in ELISA): `reading_variance` takes its place.
    reading_variance : float
        Variance of the logarithm of one reading, taken as known.
    cv_floor : float
        Smallest coefficient of variation to be believed, as a fraction; taken as known.

    Returns
    -------
    Scatter
        The pooled within-level log variance before extraction less that after it, at least ``cv_floor**2`` and never
        below 0. NaN both, where no level has two values before extraction and there is no floor.

    Raises
    ------
    ValueError
        For values that are not above zero or a negative `reading_variance`.

    Notes
    -----
    Degrees of freedom after Satterthwaite, d^2 / (s_pre^4/nu_pre + s_post^4/nu_post), with two guards. A small
    difference d of two large variances would get nearly none, and Student's t of its interval no bounds; so never
    below 1. Nor does a difference know more than its minuend: never above nu_pre. A variance set by the floor has
    infinitely many; one of 0 contributes nothing and has those of `pre`.
    """
    if reading_variance < 0:
        raise ValueError(f"reading_variance is {reading_variance}; it must not be negative")
    pre, pre_degrees = pooled_log_variance(pre_by_level)
    post, post_degrees = pooled_log_variance(post_by_level or ())
    subtrahend, known_by = (post, float(post_degrees)) if post_degrees else (reading_variance, np.inf)
    if not pre_degrees:
        return Scatter(cv_floor**2, np.inf) if cv_floor else Scatter(np.nan, np.nan)
    difference = max(0.0, pre - subtrahend)
    if cv_floor and difference <= cv_floor**2:
        return Scatter(cv_floor**2, np.inf)
    if difference == 0:
        return Scatter(0.0, float(pre_degrees))
    degrees = difference**2 / (pre**2 / pre_degrees + subtrahend**2 / known_by)
    return Scatter(difference, float(np.clip(degrees, 1.0, pre_degrees)))


def pooled_log_variance(by_level: Iterable[ArrayLike]) -> tuple[float, int]:
    """Return the variance of logarithms inside levels, pooled, and its degrees of freedom; (NaN, 0) without any."""
    logs = [np.log(_positive("response", values)) for values in by_level if np.size(values)]
    degrees = sum(len(level) - 1 for level in logs)
    squares = math.fsum(float(np.sum((level - level.mean()) ** 2)) for level in logs)
    return (squares / degrees, degrees) if degrees else (np.nan, 0)


def _positive(name: str, values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values, dtype=float).ravel()
    if not len(numbers) or not np.all(np.isfinite(numbers) & (numbers > 0)):
        raise ValueError(f"{name} must hold at least one value, all of them numbers above 0")
    return numbers
