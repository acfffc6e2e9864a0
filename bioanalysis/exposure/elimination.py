"""Exposure and half-life in tissue where every animal gives one time point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from bioanalysis.variability.combined_degrees import combined_degrees


class SparseAUC(NamedTuple):
    """Area under the curve of the mean; error and degrees of freedom are NaN where `note` says why."""

    auc: float
    standard_error: float
    degrees_of_freedom: float

    @property
    def note(self) -> str:
        """Why there is no standard error; empty where there is one."""
        return "one animal at a time point: no standard error" if np.isnan(self.standard_error) else ""


class HalfLife(NamedTuple):
    """Half-life of a log-linear phase; NaN where `note` says why."""

    half_life: float
    low: float
    high: float
    rate: float
    rate_standard_error: float
    degrees_of_freedom: int
    span_ratio: float
    n: int
    note: str


def sparse_auc(time: ArrayLike, concentration: ArrayLike, *, animal: ArrayLike | None = None) -> SparseAUC:
    """Return the AUC from the first to the last time, by linear trapezoids of the means, with its error.

    Parameters
    ----------
    time, concentration : array_like (n_values,)
        One value per animal and time; several animals at each time. A concentration of 0 counts as such.
    animal : array_like (n_values,), optional
        Label of the animal, where animals were sampled at more than one time, in batches with times of their own:
        what an animal's values share then counts. Without it every value is taken as an animal of its own.

    Returns
    -------
    SparseAUC
        Unpacks as (auc, standard_error, degrees_of_freedom). With one animal at any time point the error is not
        available: NaN, never 0, and `note` says so.

    Raises
    ------
    ValueError
        For fewer than two times, missing or infinite values, or repeated sampling that is not in batches.

    Notes
    -----
    AUC = sum w_j mean_j, w_j half the distance between the neighbours of time j; its variance sum w_j^2 s_j^2 / n_j,
    degrees of freedom after Satterthwaite. With batches, the sum runs over batches and s^2 is the variance of each
    animal's own weighted sum.

    References
    ----------
    Bailer, J Pharmacokinet Biopharm 16 (1988) 303; Nedelman, Gibiansky & Lau, Pharm Res 12 (1995) 124; Holder, J
    Biopharm Stat 11 (2001) 75 (batches).
    """
    times, at = np.unique(_numbers("time", time), return_inverse=True)
    values = _numbers("concentration", concentration)
    if len(values) != len(at) or len(times) < 2:
        raise ValueError(f"{len(values)} concentrations at {len(times)} distinct times; two times at least, in pairs")
    weight = (np.append(times[1:], times[-1]) - np.insert(times[:-1], 0, times[0])) / 2
    auc = float(weight @ (np.bincount(at, values) / np.bincount(at)))
    sets = _independent(at, weight[at] * values, animal)
    n = np.array([len(each) for each in sets])
    if np.any(n < 2):
        return SparseAUC(auc, np.nan, np.nan)
    parts = np.array([each.var(ddof=1) for each in sets]) / n
    behind = np.sum(parts**2 / (n - 1))
    return SparseAUC(auc, float(np.sqrt(parts.sum())), float(parts.sum() ** 2 / behind) if behind > 0 else np.inf)


def _independent(at: np.ndarray, share: np.ndarray, animal: ArrayLike | None) -> list[np.ndarray]:
    """Return independent sets of shares in the AUC: one value per animal, animals seen at the same times together."""
    if animal is None:
        return [share[at == time] for time in range(at.max() + 1)]
    who = np.unique(np.asarray(animal).astype(str), return_inverse=True)[1]
    seen = {label: tuple(np.sort(at[who == label])) for label in range(who.max() + 1)}
    times = [time for batch in sorted(set(seen.values())) for time in batch]
    if len(times) != len(set(times)):
        raise ValueError("animals sampled repeatedly must form batches: each batch has its own times, once per animal")
    whole = np.bincount(who, share)
    return [
        np.array([whole[label] for label, own in seen.items() if own == batch]) for batch in sorted(set(seen.values()))
    ]


def half_life(
    time: ArrayLike,
    concentration: ArrayLike,
    *,
    start: float | None = None,
    end: float | None = None,
    level: float = 0.95,
    shared: Sequence[tuple[float, float]] = (),
) -> HalfLife:
    """Return the half-life of a declared phase from a straight line through ln concentration of single animals.

    Parameters
    ----------
    time, concentration : array_like (n_values,)
        One value per animal (or per time); concentrations above 0. Pairs with a missing value are left out.
    start, end : float, optional
        First and last time of the phase, included; all times where not given.
    level : float
        Confidence of the interval.
    shared : sequence of (variance, degrees of freedom)
        Variances of the rate that the scatter about the line does not hold: of curves and recovery factors.

    Returns
    -------
    HalfLife
        In the unit of `time`. The interval is that of the rate, turned over; where the rate may be 0 the upper end
        is infinite. `span_ratio` is the length of the phase in half-lives: below 2 the result leans on little
        decline. No half-life where concentrations do not fall; `note` says so.

    Raises
    ------
    ValueError
        For concentrations that are not above 0 or fewer than two times in the phase.
    """
    times, values = np.asarray(time, dtype=float), np.asarray(concentration, dtype=float)
    used = ~(np.isnan(times) | np.isnan(values))
    used &= (times >= (-np.inf if start is None else start)) & (times <= (np.inf if end is None else end))
    times, values = times[used], values[used]
    if np.any(values <= 0):
        raise ValueError("concentrations must be above 0: values below the limit of quantification have no logarithm")
    if len(times) < 2 or np.ptp(times) == 0:
        raise ValueError(f"{len(times)} values at {len(np.unique(times))} distinct times in the phase; two at least")
    rate, error, degrees = _decline(times, np.log(values))
    if rate <= 0:
        note = "concentrations do not fall over the phase: no half-life"
        return HalfLife(np.nan, np.nan, np.nan, rate, error, degrees, np.nan, len(times), note)
    life = float(np.log(2) / rate)
    span = float(np.ptp(times) / life)
    if not degrees:
        return HalfLife(life, np.nan, np.nan, rate, np.nan, 0, span, 2, "two values: no interval")
    total, freedom = combined_degrees([(error**2, float(degrees)), *shared])
    reach = stdtrit(freedom, (1 + level) / 2) * np.sqrt(total)
    high = float(np.log(2) / (rate - reach)) if rate > reach else np.inf
    note = f"{100 * level:g} % interval"
    note += "" if np.isfinite(high) else "; the decline is not distinguishable from none: no upper bound"
    return HalfLife(life, float(np.log(2) / (rate + reach)), high, rate, error, degrees, span, len(times), note)


def _decline(times: np.ndarray, logs: np.ndarray) -> tuple[float, float, int]:
    """Return the rate of a log-linear decline, its standard error and degrees of freedom."""
    off = times - times.mean()
    slope = float(off @ logs / (off @ off))
    degrees = len(times) - 2
    residual = logs - logs.mean() - slope * off
    error = float(np.sqrt(residual @ residual / degrees / (off @ off))) if degrees else np.nan
    return -slope, error, degrees


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values, dtype=float).ravel()
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} must hold finite numbers")
    return numbers
