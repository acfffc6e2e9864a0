"""Matuszewski's sets on the areas themselves: recovery, matrix factor, process efficiency, and against concentration.

These are diagnostics beside the factor that is applied: they say where a loss comes from, and nothing is divided by
them. Matuszewski, Constanzer & Chavez-Eng, Anal Chem 75 (2003) 3019, doi:10.1021/ac020361s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtr

from bioanalysis.method import Method
from bioanalysis.recovery.estimates import Recovery, extraction_recovery, pooled_log_variance
from bioanalysis.recovery.run import COLUMNS, EVIDENCE, factor_interval
from bioanalysis.recovery.sets import (
    FEWEST_LOTS,
    NEAT,
    POST,
    PRE,
    at_common_levels,
    degrees_of,
    extraction_batches,
    recovery_sets,
    said_rows,
)
from bioanalysis.words import count_of

POOLED_LEVELS = "pooled"
PER_TENFOLD = "change_per_tenfold"
RATIOS = (("recovery", PRE, POST), ("matrix_factor", POST, NEAT), ("process_efficiency", PRE, NEAT))
DIAGNOSTICS = [*COLUMNS, "note", *EVIDENCE, "used", "sign_off"]


class Dependence(NamedTuple):
    """Slope of ln recovery on ln concentration; NaN where `note` says why."""

    slope: float
    uncertainty: float
    degrees_of_freedom: float
    p_value: float
    note: str


READ = [
    "position", "sample_type", "tissue", "batch", "level", "lot", "nominal_ng_ml", "dilution_factor", "analyte_area",
    "internal_standard_area",
]  # fmt: skip


def recovery_diagnostics(rows: pd.DataFrame, units: pd.DataFrame, method: Method, run_id: str) -> pd.DataFrame:
    """Return what recovery.tsv says of a run beside its factors: how they depend on concentration, ratios of areas."""
    kept = rows[rows.excluded == ""]
    parts = [dependence_of_factor(units[units.excluded == ""], method, run_id), area_diagnostics(kept, run_id)]
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def area_diagnostics(rows: pd.DataFrame, run_id: str) -> pd.DataFrame:
    """Return the Matuszewski ratios of one run and analyte on areas, per tissue, extraction batch and level.

    Parameters
    ----------
    rows : DataFrame
        Worklist rows with position, sample_type, tissue, batch, level, lot, nominal_ng_ml, dilution_factor,
        analyte_area and internal_standard_area. Only rows spiked before extraction, after it, and neat ones are read;
        areas that are missing or zero are left out.

    Returns
    -------
    DataFrame
        Rows of recovery.tsv, `used` False. `kind` is ``area_`` (the analyte), ``internal_standard_`` or
        ``is_normalised_`` (their quotient), then ``recovery`` (before / after extraction), ``matrix_factor``
        (after / neat) or ``process_efficiency`` (before / neat): ratios of means, and ``..._paired`` the geometric
        mean of the ratios lot by lot where lots pair the sets. Level ``pooled`` is the geometric mean over levels.
    """
    sets = rows.loc[rows.sample_type.isin([PRE, POST, NEAT]) & rows.analyte_area.gt(0), READ]
    found: list[dict] = []
    extracted = sets[sets.sample_type != NEAT]
    several = len(set(extraction_batches(rows)) | set(extracted.batch)) > 1
    for (tissue, batch), here in extracted.groupby(["tissue", "batch"], sort=True):
        whole = pd.concat([here, sets[sets.sample_type == NEAT]])
        name = f"{run_id}:{batch}" if several else run_id
        about = {"tissue": tissue, "batch": name, "source": f"areas of {run_id}"}
        found += [about | row for row in _of_tissue(whole)]
    frame = pd.DataFrame(found, columns=DIAGNOSTICS[:-2])
    return frame.assign(used=False, sign_off="")


def _of_tissue(sets: pd.DataFrame) -> list[dict]:
    standard = sets.internal_standard_area.where(sets.internal_standard_area > 0)
    signals = {
        "area": sets.analyte_area * sets.dilution_factor,
        "internal_standard": standard,
        "is_normalised": sets.analyte_area * sets.dilution_factor / standard,
    }
    found: list[dict] = []
    for prefix, signal in signals.items():
        known = sets.assign(signal=signal)[signal.notna()]
        for name, above, below in RATIOS:
            upper, lower = known[known.sample_type == above], known[known.sample_type == below]
            found += _ratio_rows(f"{prefix}_{name}", upper, lower)
    return found


def _ratio_rows(kind: str, upper: pd.DataFrame, lower: pd.DataFrame) -> list[dict]:
    """Return the ratio per level and over the levels, and lot by lot where lots pair the sets."""
    levels = [level for level in dict.fromkeys(upper.level) if (lower.level == level).any()]
    pairs = [(upper[upper.level == level], lower[lower.level == level]) for level in levels]
    rows: list[dict] = []
    for design, ratio in (("", _unpaired), ("_paired", _paired)):
        each = [
            (level, above, below, found)
            for level, (above, below) in zip(levels, pairs, strict=True)
            if (found := ratio(above, below)) is not None
        ]
        named = kind + design
        rows += [_row(named, level, above, below, result) for level, above, below, result in each]
        if each:
            rows.append(_over_levels(named, each))
    return rows


def _unpaired(above: pd.DataFrame, below: pd.DataFrame) -> Recovery:
    return extraction_recovery(above.signal, below.signal)


def _paired(above: pd.DataFrame, below: pd.DataFrame) -> Recovery | None:
    """Return the recovery lot by lot (replicates of a lot by their geometric mean); None where fewer than two pair."""
    if not (above.lot != "").any() or not (below.lot != "").any():
        return None
    means = [np.log(side.signal[side.lot != ""]).groupby(side.lot).mean() for side in (above, below)]
    lots = means[0].index.intersection(means[1].index)
    if len(lots) < FEWEST_LOTS:
        return None
    return extraction_recovery(*(np.exp(mean.loc[lots]) for mean in means), paired=True)


def _row(kind: str, level: str, above: pd.DataFrame, below: pd.DataFrame, found: Recovery) -> dict:
    scatter = _between_lots(below.signal.mean(), above) if kind.endswith("matrix_factor") else ""
    return {
        "kind": kind, "level": level, "factor": found.recovery, "relative_uncertainty": found.relative_uncertainty,
        "degrees_of_freedom": found.degrees_of_freedom, "n": len(above), "low": found.low, "high": found.high,
        "note": "; ".join(filter(None, [found.note, scatter])), "rows": said_rows(above, below),
    }  # fmt: skip


def _between_lots(neat: float, after: pd.DataFrame) -> str:
    """Return the CV of the matrix factor between lots, in words."""
    factors = (after.signal / neat).groupby(after.lot).mean()
    if "" in factors.index or len(factors) < 2:
        return ""
    return f"CV between {count_of(len(factors), 'lot')} {100 * factors.std(ddof=1) / factors.mean():.1f} %"


def _over_levels(kind: str, each: list[tuple]) -> dict:
    """Return the geometric mean over levels, each with its own uncertainty."""
    results = [result for *_, result in each]
    parts = [(r.relative_uncertainty**2 / len(each) ** 2, r.degrees_of_freedom) for r in results]
    factor = float(np.exp(np.mean(np.log([r.recovery for r in results]))))
    relative = float(np.sqrt(math.fsum(part for part, _ in parts)))
    freedom = degrees_of(parts)
    low, high = factor_interval(factor, relative, freedom)
    return {
        "kind": kind, "level": POOLED_LEVELS, "factor": factor, "relative_uncertainty": relative,
        "degrees_of_freedom": freedom, "n": sum(len(above) for _, above, _, _ in each), "low": low, "high": high,
        "note": f"geometric mean of {count_of(len(each), 'level')}",
        "rows": said_rows(*(pd.concat([one[k] for one in each]) for k in (1, 2))),
    }  # fmt: skip


def concentration_dependence(
    nominal: Sequence[float], pre: Iterable[Sequence[float]], post: Iterable[Sequence[float]] | None
) -> Dependence:
    """Return how recovery changes with concentration.

    Parameters
    ----------
    nominal : sequence of float (n_levels,)
        Concentration of each level.
    pre, post : iterable of array_like, one per level
        Signals before and after extraction (None: `pre` are recoveries already).

    Notes
    -----
    Weighted least squares of ln recovery per level on ln concentration, the weights from the log scatter within
    levels, pooled over the levels of each set, which also gives the degrees of freedom.
    """
    above = [np.asarray(one, float) for one in pre]
    below = None if post is None else [np.asarray(one, float) for one in post]
    x = np.log(np.asarray(nominal, float))
    if len(set(np.round(x, 9))) < 2:
        return Dependence(np.nan, np.nan, np.nan, np.nan, "one level: no dependence on concentration can be seen")
    sets = [side for side in (above, below) if side is not None]
    scatter = [pooled_log_variance(side) for side in sets]
    if any(degrees == 0 for _, degrees in scatter):
        return Dependence(np.nan, np.nan, np.nan, np.nan, "single values in each level: no scatter to hold a slope to")
    means = [np.array([np.log(one).mean() for one in side]) for side in sets]
    y = means[0] if below is None else means[0] - means[1]
    parts = [v * np.array([1 / len(one) for one in side]) for (v, _), side in zip(scatter, sets, strict=True)]
    variance = np.sum(parts, axis=0)
    if not np.all(variance > 0):
        return Dependence(np.nan, np.nan, np.nan, np.nan, "replicates agree exactly: check rounding or copied values")
    weight = 1 / variance
    off = x - weight @ x / weight.sum()
    slope, uncertainty = float(weight @ (off * y) / (weight @ off**2)), float((weight @ off**2) ** -0.5)
    pull = (weight * off / (weight @ off**2)) ** 2
    freedom = degrees_of([(float(pull @ part), d) for part, (_, d) in zip(parts, scatter, strict=True)])
    return Dependence(slope, uncertainty, freedom, float(2 * stdtr(freedom, -abs(slope / uncertainty))), "")


def dependence_of_factor(units: pd.DataFrame, method: Method, run_id: str) -> pd.DataFrame:
    """Return, per tissue and batch, by how much the factor changes when the concentration grows tenfold.

    Parameters
    ----------
    units : DataFrame
        As for `run_recovery`.
    """
    pre = units[(units.sample_type == PRE) & units.mean_response.notna()]
    several = len(extraction_batches(units)) > 1
    found = []
    for tissue, batch in pre[["tissue", "batch"]].drop_duplicates().sort_values("tissue", kind="stable").to_numpy():
        sets = recovery_sets(units, str(tissue), str(batch) if several else None, method)
        row = _change_per_tenfold(sets.signals(method.of_tissue(str(tissue))))
        name = f"{run_id}:{batch}" if several else run_id
        about = {"tissue": tissue, "batch": name, "source": f"recovery rows of {name}"}
        found.append(row | about | {"kind": f"{sets.mode}_{PER_TENFOLD}"})
    return pd.DataFrame(found, columns=DIAGNOSTICS[:-2]).assign(used=False, sign_off="")


def _change_per_tenfold(sides: list[pd.DataFrame]) -> dict:
    """Return the row of one tissue; `sides` spiked before extraction, and what that is held against, if anything."""
    sides = at_common_levels(sides)
    levels = list(dict.fromkeys(sides[0].level))
    split = [[side.signal[side.level == level].to_numpy(float) for level in levels] for side in sides]
    nominal = [sides[0].nominal_ng_ml[sides[0].level == level].mean() for level in levels]
    found = concentration_dependence(nominal, split[0], split[1] if len(split) > 1 else None)
    factor, relative = float(np.exp(np.log(10) * found.slope)), float(np.log(10) * found.uncertainty)
    low, high = factor_interval(factor, relative, found.degrees_of_freedom)
    words = found.note or (
        f"slope of ln recovery on ln concentration {found.slope:+.4f} (standard uncertainty {found.uncertainty:.4f}, "
        f"p {found.p_value:.3g}) over {count_of(len(levels), 'level')}"
    )
    return {
        "level": POOLED_LEVELS, "factor": factor, "relative_uncertainty": relative,
        "degrees_of_freedom": found.degrees_of_freedom, "n": len(sides[0]), "low": low, "high": high, "note": words,
        "rows": said_rows(*sides),
    }  # fmt: skip
