"""Control charts as functions of arrays: Westgard rules, EWMA, CUSUM, steps. Nothing here knows a study.

A value exactly on a limit is inside. What is missing (NaN) has no place in a sequence: leave it out before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bioanalysis.limits import Rule, trend_rules

WESTGARD = "CC-02-"
ACROSS_CENTRE = "CC-02-R-4s"

Floats = NDArray[np.float64]


def standard_scores(values: ArrayLike, centre: float, sd: float) -> Floats:
    """Return (value - centre) / sd; ValueError where `sd` is not above 0."""
    if not sd > 0:
        raise ValueError(f"the standard deviation is {sd}; it must be above 0")
    return (np.asarray(values, dtype=float) - centre) / sd


def westgard(scores: ArrayLike, rules: Mapping[str, Rule] | None = None) -> list[list[str]]:
    """Return the Westgard words at each value, of the rules that it completes.

    Parameters
    ----------
    scores : array_like (n_runs,)
        Standard scores of consecutive runs.
    rules : mapping, optional
        Rules ``CC-02-...`` with (count, number of SD) each; default: the catalogue's.

    Notes
    -----
    ``1-2s`` one value beyond 2 SD; ``1-3s`` beyond 3; ``2-2s`` two in a row beyond 2 SD on one side; ``R-4s`` two in a
    row beyond 2 SD on opposite sides; ``4-1s`` four beyond 1 SD on one side; ``10x`` ten on one side of the centre.

    References
    ----------
    Westgard, Barry, Hunt & Groth, Clin Chem 27 (1981) 493; R-4s there is within one run, here across two runs.
    """
    scores = np.asarray(scores, dtype=float)
    rules = trend_rules() if rules is None else rules
    words: list[list[str]] = [[] for _ in scores]
    for rule_id, rule in rules.items():
        if rule_id.startswith(WESTGARD):
            count, width = int(rule.numbers[0]), float(rule.numbers[1])
            fires = _opposite if rule_id == ACROSS_CENTRE else _same_side
            for place in np.flatnonzero(fires(scores, count, width)):
                words[place].append(rule_id.removeprefix(WESTGARD))
    return words


def _same_side(scores: Floats, count: int, width: float) -> NDArray[np.bool_]:
    return _all_of_last(scores > width, count) | _all_of_last(scores < -width, count)


def _opposite(scores: Floats, count: int, width: float) -> NDArray[np.bool_]:
    """Return where the last `count` values lie beyond `width`, each on the other side than the one before."""
    side = np.where(scores > width, 1, np.where(scores < -width, -1, 0))
    changes = np.concatenate(([False], side[1:] * side[:-1] == -1))
    return _all_of_last(changes, count - 1)


def _all_of_last(holds: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    length = np.zeros(len(holds), dtype=int)
    for place, here in enumerate(holds):
        length[place] = (length[place - 1] if place else 0) + 1 if here else 0
    return length >= count


def ewma(values: ArrayLike, centre: float, weight: float) -> Floats:
    """Return the exponentially weighted moving average, starting from `centre`.

    ``E(t) = weight x(t) + (1 - weight) E(t - 1)``, ``E(0) = centre`` (Roberts, Technometrics 1 (1959) 239).

    Parameters
    ----------
    values : array_like (n_runs,) or (n_runs, n_series)
    """
    found = np.array(values, dtype=float)
    average = np.full(found.shape[1:], float(centre))
    for place, value in enumerate(found):
        average = weight * value + (1 - weight) * average
        found[place] = average
    return found


def ewma_half_width(n: int, sd: float, weight: float, width: float) -> Floats:
    """Return the exact half-width of the EWMA limits at t = 1 ... n.

    ``width sd sqrt(weight / (2 - weight) (1 - (1 - weight)^(2 t)))``: narrower at the start than its asymptote, so that
    an early shift is not missed (Montgomery, Introduction to Statistical Quality Control, section 9.2).
    """
    t = np.arange(1, n + 1)
    return width * sd * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))


def cusum(scores: ArrayLike, allowance: float) -> tuple[Floats, Floats]:
    """Return the upper and lower cumulative sums of standard scores, both counted upwards from 0.

    ``U(t) = max(0, U(t - 1) + z(t) - allowance)``, ``L(t) = max(0, L(t - 1) - z(t) - allowance)``
    (Page, Biometrika 41 (1954) 100; tabular form of Montgomery, section 9.1).

    Parameters
    ----------
    scores : array_like (n_runs,) or (n_runs, n_series)
    """
    return _one_side(np.asarray(scores, dtype=float), allowance), _one_side(-np.asarray(scores, dtype=float), allowance)


def _one_side(scores: Floats, allowance: float) -> Floats:
    total, found = np.zeros(scores.shape[1:]), np.empty_like(scores)
    for place, score in enumerate(scores):
        total = np.maximum(0.0, total + score - allowance)
        found[place] = total
    return found


class Step(NamedTuple):
    """Difference of two means (after - before) with its 95 % interval and p; NaN where it cannot be tested."""

    n_before: int
    n_after: int
    mean_before: float
    mean_after: float
    difference: float
    low: float
    high: float
    p_value: float
    note: str


def step(before: ArrayLike, after: ArrayLike) -> Step:
    """Return size and p of a step between two sets of runs, by Welch's test (Biometrika 34 (1947) 28)."""
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    means = [float(part.mean()) if len(part) else np.nan for part in (first, second)]
    known = (len(first), len(second), means[0], means[1], means[1] - means[0])
    if min(len(first), len(second)) < 2:
        return Step(*known, np.nan, np.nan, np.nan, "fewer than 2 runs on one side")
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        return Step(*known, np.nan, np.nan, np.nan, "no spread on either side")
    test = stats.ttest_ind(second, first, equal_var=False)
    interval = test.confidence_interval(0.95)
    return Step(*known, float(interval.low), float(interval.high), float(test.pvalue), "")


def holm(p_values: ArrayLike) -> Floats:
    """Return p values adjusted for being several, NaN left aside (Holm, Scand J Stat 6 (1979) 65)."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(p), np.nan)
    order = [place for place in np.argsort(p, kind="stable") if np.isfinite(p[place])]
    so_far = 0.0
    for rank, place in enumerate(order):
        so_far = max(so_far, min(1.0, (len(order) - rank) * float(p[place])))
        adjusted[place] = so_far
    return adjusted


class Drift(NamedTuple):
    """Change of a value over the places of a run (slope times span), with Kendall's correlation and its p."""

    n: int
    change: float
    correlation: float
    p_value: float
    note: str


def drift(place: ArrayLike, value: ArrayLike) -> Drift:
    """Return how far a value drifts over its places, and how likely that is by chance.

    The size is Theil-Sen's slope over the whole span, so that one outlier does not make a drift; p is that of Kendall's
    rank correlation, exact where there are no ties (Sen, J Am Stat Assoc 63 (1968) 1379).
    """
    x, y = np.asarray(place, dtype=float), np.asarray(value, dtype=float)
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    if len(x) < 3:
        return Drift(len(x), np.nan, np.nan, np.nan, "fewer than 3 values")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Drift(len(x), np.nan, np.nan, np.nan, "all places or all values are the same")
    rank = stats.kendalltau(x, y)
    change = float(stats.theilslopes(y, x).slope * np.ptp(x))
    return Drift(len(x), change, float(rank.statistic), float(rank.pvalue), "")
