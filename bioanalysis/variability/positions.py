"""Position effects on a plate: do rows, columns or edges read differently?

Replicate wells hold the same, so that what differs between them is position or noise. The logarithms of the signals
are polished: unit means, row medians and column medians are swept out in turn until nothing moves. What replicates
never compare (rows, where they lie side by side) cannot be assessed and is said to be so. The p-value comes from
shuffling the signals among the wells of each unit, which is exact where wells are exchangeable.

References
----------
Tukey, Exploratory Data Analysis (1977), chapter 11 (median polish); Brideau et al., J. Biomol. Screen. 8 (2003) 634.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from bioanalysis.calibration.least_squares import Array
from bioanalysis.limits.statistics import statistical_limits

COLUMNS = ["effect", "size_percent", "p_value", "largest", "n_wells", "note"]
SWEEPS = 8
FEWEST_WELLS = int(statistical_limits()["fewest_wells"])
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
        tell something) and note (why there is no number).
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
    shuffled = _shuffle(log, unit, rng, shuffles) if len(log) >= FEWEST_WELLS else log[None]
    rows = [
        _effect("rows", row, unit, shuffled, lambda level: f"row {LETTERS[level]}", column),
        _effect("columns", column, unit, shuffled, lambda level: f"column {level}", row),
        _effect("edge", edge.astype(int), unit, shuffled, lambda level: "edge" if level else "inner", None),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


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
    """Return one row of the table; `other` is swept out too, where the effect is not to hold it."""
    row: dict[str, object] = dict.fromkeys(COLUMNS, "") | {"effect": name, "size_percent": np.nan, "p_value": np.nan}
    levels = np.unique(factor)
    spans = pd.Series(factor).groupby(unit).transform("nunique").to_numpy() > 1 if len(unit) else np.zeros(0, bool)
    row["n_wells"] = int(spans.sum())
    if spans.sum() < FEWEST_WELLS:
        return row | {"note": f"fewer than {FEWEST_WELLS} wells have a replicate in another place: not assessable"}
    effects = polished_effects(signals, factor, unit, other)
    counts = np.array([(factor == level).sum() for level in levels])
    scatter = (effects**2) @ counts
    high, low = int(effects[0].argmax()), int(effects[0].argmin())
    return row | {
        "size_percent": float(100 * np.expm1(effects[0, high] - effects[0, low])),
        "p_value": float(np.mean(scatter >= scatter[0] * (1 - 1e-12))),
        "largest": f"{say(int(levels[high]))} {100 * np.expm1(effects[0, high]):+.1f} %, "
        f"{say(int(levels[low]))} {100 * np.expm1(effects[0, low]):+.1f} %",
    }


def polished_effects(signals: Array, factor: Array, unit: Array, other: Array | None = None) -> Array:
    """Return the effects (sets, levels of `factor`) of a median polish with units (and `other`) swept out.

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
        residual, moved = _sweep(residual, factor, np.median)
        effects += moved
        if other is not None:
            residual = _sweep(residual, other, np.median)[0]
    return effects - np.median(effects, axis=1, keepdims=True)


def _sweep(residual: Array, factor: Array, middle: Callable[..., Array]) -> tuple[Array, Array]:
    """Return the residuals without the middles of each level, and those middles (sets, levels)."""
    levels, place = np.unique(factor, return_inverse=True)
    if middle is np.mean:
        member = (place == np.arange(len(levels))[:, None]).astype(float)
        middles = residual @ (member / member.sum(axis=1, keepdims=True)).T
    else:
        middles = np.stack([middle(residual[:, place == k], axis=1) for k in range(len(levels))], axis=1)
    return residual - middles[:, place], middles
