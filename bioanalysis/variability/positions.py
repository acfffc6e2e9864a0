"""Position effects on a plate: do rows, columns or edges read differently?

Replicate wells hold the same, so that what differs between them is position or noise. The logarithms of the signals
are polished: unit means, row medians and column medians are swept out in turn until nothing moves. What replicates
never compare (rows, where they lie side by side) cannot be assessed and is said to be so; units that lie in one level
of what is asked for are left out. The p-value comes from shuffling the signals among the wells of each unit, which is
exact where wells are exchangeable. It is that of means: of duplicates, one above and one below their mean, medians are
the same for seven pairs of twelve as for twelve of twelve. So that a bubble counts no more than the farthest of the
others, signals are first brought to within `FARTHEST` robust standard deviations of their unit's mean.

References
----------
Tukey, Exploratory Data Analysis (1977), chapter 11 (median polish); Brideau et al., J. Biomol. Screen. 8 (2003) 634.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import gammaln

from bioanalysis.calibration.least_squares import Array
from bioanalysis.limits.statistics import statistical_limits

COLUMNS = ["effect", "size_percent", "p_value", "largest", "n_wells", "note", "smallest_p"]
SWEEPS = 8
MAD_TO_SD = 1.4826  # of a normal distribution
FEWEST_WELLS = int(statistical_limits()["fewest_wells"])
FARTHEST = statistical_limits()["farthest_well"]
LETTERS = "ABCDEFGHIJKLMNOP"


def position_effects(
    wells: pd.DataFrame, *, rng: np.random.Generator | None = None, shuffles: int = 499
) -> pd.DataFrame:
    """Return the size of row, column and edge effects of one plate.

    Parameters
    ----------
    wells : DataFrame
        One row per well: well (`B7`), unit (wells that hold the same share it) and signal, above 0.
    rng : Generator, optional
        For the shuffles; without it always the same.
    shuffles : int, default=499
        How many, so that the smallest p-value is 1 / (shuffles + 1).

    Returns
    -------
    DataFrame
        One row per effect (``rows``, ``columns``, ``edge``): size_percent (between the highest and the lowest row or
        column; of edge wells against inner ones), p_value, largest (which stand out, in words), n_wells (wells that
        tell something), note (why there is no number) and smallest_p (below which no p-value of so few can lie).
    """
    rng = rng or np.random.default_rng(1977)
    wells = wells[wells.signal > 0]
    wells = wells[wells.groupby("unit").signal.transform("size") > 1]
    row = np.array([LETTERS.index(well[0]) for well in wells.well], dtype=int)
    column = np.array([int(well[1:]) for well in wells.well], dtype=int)
    unit = pd.factorize(wells.unit)[0]
    many = row.max(initial=0) > 7 or column.max(initial=0) > 12
    edge = (row == 0) | (row == (15 if many else 7)) | (column == 1) | (column == (24 if many else 12))
    log = np.log(wells.signal.to_numpy(float))
    shuffled = _shuffle(_without_wild_wells(log, unit), unit, rng, shuffles) if len(log) >= FEWEST_WELLS else log[None]
    signals = np.concatenate([log[None], shuffled])
    rows = [
        _effect("rows", row, unit, signals, lambda level: f"row {LETTERS[level]}", column),
        _effect("columns", column, unit, signals, lambda level: f"column {level}", row),
        _effect("edge", edge.astype(int), unit, signals, lambda level: "edge" if level else "inner", None),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _without_wild_wells(log: Array, unit: Array) -> Array:
    """Return the signals, none farther from its unit's mean than `FARTHEST` robust standard deviations of all."""
    mean = pd.Series(log).groupby(unit).transform("mean").to_numpy()
    most = FARTHEST * MAD_TO_SD * np.median(np.abs(log - mean))
    return np.clip(log, mean - most, mean + most) if most > 0 else log


def _shuffle(log: Array, unit: Array, rng: np.random.Generator, shuffles: int) -> Array:
    """Return (1 + shuffles, n): the signals, then the signals shuffled within their units."""
    keys = unit + rng.random((shuffles, len(log)))
    home = np.argsort(unit, kind="stable")
    shuffled = np.empty((shuffles, len(log)))
    shuffled[:, home] = log[np.argsort(keys, axis=1)]
    return np.concatenate([log[None], shuffled])


def _effect(
    name: str, factor: Array, unit: Array, signals: Array, say: Callable[[int], str], other: Array | None
) -> dict[str, object]:
    """Return one row of the table; `other` is swept out too, where the effect is not to hold it.

    The first of `signals` are those read, which give the size; the others, with and without shuffling, the p-value.
    """
    row: dict[str, object] = dict.fromkeys(COLUMNS, "") | {"effect": name, "size_percent": np.nan, "p_value": np.nan}
    row["smallest_p"] = np.nan
    spans = pd.Series(factor).groupby(unit).transform("nunique").to_numpy() > 1 if len(unit) else np.zeros(0, bool)
    row["n_wells"] = int(spans.sum())
    if spans.sum() < FEWEST_WELLS:
        return row | {"note": f"fewer than {FEWEST_WELLS} wells have a replicate in another place: not assessable"}
    # a unit that lies in one level tells nothing of it, and its wells, all alike, would draw the level's median to 0
    factor, unit, signals = factor[spans], unit[spans], signals[:, spans]
    other = None if other is None else other[spans]
    levels, counts = np.unique(factor, return_counts=True)
    (effects,) = polished_effects(signals[:1], factor, unit, other)
    scatter = (polished_effects(signals[1:], factor, unit, other, np.mean) ** 2) @ counts
    high, low = int(effects.argmax()), int(effects.argmin())
    smallest_p = _smallest_p(factor, unit)
    as_far_out = float(np.mean(scatter >= scatter[0] * (1 - 1e-12)))  # of some shuffles: by chance below the smallest
    return row | {
        "size_percent": float(100 * np.expm1(effects[high] - effects[low])),
        "p_value": max(as_far_out, smallest_p),
        "smallest_p": smallest_p,
        "largest": f"{say(int(levels[high]))} {100 * np.expm1(effects[high]):+.1f} %, "
        f"{say(int(levels[low]))} {100 * np.expm1(effects[low]):+.1f} %",
    }


def _smallest_p(factor: Array, unit: Array) -> float:
    """Return the p-value of signals that differ between levels in every unit alike: one arrangement of all there are.

    Of pairs that lie in two levels, those with all signs turned round are as far out: seven pairs have 2 of 128.
    """
    shared = pd.crosstab(unit, factor).to_numpy()
    log_ways = gammaln(shared.sum(axis=1) + 1).sum() - gammaln(shared + 1).sum()
    turned = 2 if shared.shape[1] == 2 and (shared == 1).all() else 1
    return float(turned * np.exp(-log_ways))


def polished_effects(
    signals: Array, factor: Array, unit: Array, other: Array | None = None, middle: Callable[..., Array] = np.median
) -> Array:
    """Return the effects (sets, levels of `factor`) of a polish by medians or means; units and `other` are swept out.

    Parameters
    ----------
    signals : (sets, n) array
        Logarithms of signals; each set is polished by itself.
    factor, unit, other : (n,) int arrays
    """
    residual = signals - signals.mean(axis=1, keepdims=True)
    effects = np.zeros((len(signals), len(np.unique(factor))))
    for _ in range(SWEEPS):
        residual = _sweep(residual, unit, np.mean)[0]
        residual, moved = _sweep(residual, factor, middle)
        effects += moved
        if other is not None:
            residual = _sweep(residual, other, middle)[0]
    return effects - middle(effects, axis=1, keepdims=True)


def _sweep(residual: Array, factor: Array, middle: Callable[..., Array]) -> tuple[Array, Array]:
    """Return the residuals without the middles of each level, and those middles (sets, levels)."""
    levels, place = np.unique(factor, return_inverse=True)
    if middle is np.mean:
        member = (place == np.arange(len(levels))[:, None]).astype(float)
        middles = residual @ (member / member.sum(axis=1, keepdims=True)).T
    else:
        middles = np.stack([middle(residual[:, place == k], axis=1) for k in range(len(levels))], axis=1)
    return residual - middles[:, place], middles
