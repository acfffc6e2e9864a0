"""What recovery rows are held against, and the ratio one extraction batch gives by its own rows.

C is spiked before extraction, B into blank extract, A into solvent; ratios C/B (extraction recovery), C/A (process
efficiency, and the internal-standard-normalised form against neat calibrators), found/nominal of C (apparent).
Matuszewski et al., Anal Chem 75 (2003) 3019, doi:10.1021/ac020361s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.method import Method
from bioanalysis.variability.combined_degrees import combined_degrees
from bioanalysis.words import STUDY_SAMPLES

PRE, POST, NEAT = "recovery_pre", "recovery_post", "neat"
ALL_LEVELS = "all"
FEWEST_LOTS = 2  # a ratio of one lot is no pair: its rows are replicates


@dataclass(frozen=True)
class LogMeans:
    """Logarithms of the mean of one set per level, with the squared CV pooled over the levels."""

    mean: pd.Series
    count: pd.Series
    variance: float
    degrees_of_freedom: int


@dataclass(frozen=True)
class Sets:
    """The recovery rows of one tissue and extraction batch.

    Attributes
    ----------
    pre : DataFrame
        Units spiked before extraction, with a response.
    reference : DataFrame or None
        What they are held against: extracts spiked afterwards or solutions; None where it is the nominal value.
    reference_of : str
        Label of the batch whose rows `reference` are; '' for rows that serve all batches of the run.
    mode : str
        Declared correction (``none`` reads as extraction recovery).
    """

    pre: pd.DataFrame
    reference: pd.DataFrame | None
    reference_of: str
    mode: str

    def signals(self, method: Method) -> list[pd.DataFrame]:
        """Return the one or two sets with `signal`, rows without a signal above zero left out."""
        sides = [side for side in (self.pre, self.reference) if side is not None]
        sides = [side.assign(signal=found_signal(side, self.mode, method)) for side in sides]
        return [side[side.signal > 0] for side in sides]


def recovery_sets(units: pd.DataFrame, tissue: str, batch: str | None, method: Method) -> Sets:
    """Return the recovery rows of a tissue in one extraction batch (None: in all of them) of a run.

    Extracts spiked afterwards are the batch's own where it has any. Otherwise those of the run's other batches stand
    in, since they lost nothing in extraction; neat solutions always serve the whole run.

    Parameters
    ----------
    units : DataFrame
        Units of the run: sample_type, tissue, batch, level, nominal_ng_ml, dilution_factor, mean_response,
        reading_ng_ml, and lot where it is known.
    """
    own = method.of_tissue(tissue)
    mode = own.extraction.recovery_correction
    mode = mode if mode != "none" else "extraction_recovery"
    known = units[units.mean_response.notna()]
    pre = known[(known.sample_type == PRE) & (known.tissue == tissue)]
    pre = pre if batch is None else pre[pre.batch == batch]
    if mode == "apparent":
        return Sets(pre, None, "", mode)
    if mode == "process_efficiency" or (mode == "is_normalised" and own.extraction.calibrator_matrix == "neat"):
        return Sets(pre, known[known.sample_type == NEAT], "", mode)
    post = known[(known.sample_type == POST) & (known.tissue == tissue)]
    if batch is None or not (post.batch == batch).any():
        return Sets(pre, post, "", mode)
    return Sets(pre, post[post.batch == batch], batch, mode)


def extraction_batches(units: pd.DataFrame) -> list[str]:
    """Return the labels of the extraction batches of a run: of study samples and of rows spiked before extraction."""
    extracted = units.sample_type.isin([*STUDY_SAMPLES, PRE])
    return list(dict.fromkeys(units.batch[extracted]))


def found_signal(units: pd.DataFrame, mode: str, method: Method) -> pd.Series:
    """Return what recovery is computed on: the response, or for ELISA and apparent recovery the value read off."""
    if mode == "apparent":
        return units.reading_ng_ml * units.dilution_factor / units.nominal_ng_ml
    if method.platform == "elisa":
        return units.reading_ng_ml * units.dilution_factor
    return units.mean_response * units.dilution_factor


def own_factors(sets: Sets, method: Method) -> list[dict[str, Any]]:
    """Return what one batch's own rows say: a row of recovery.tsv for each level, then one for all levels together.

    Returns
    -------
    list of dict
        kind, level, factor, relative_uncertainty, degrees_of_freedom, n (rows spiked before extraction),
        reference_uncertainty (the part of what they are held against, where it is known apart), note, rows.

    Notes
    -----
    Ratio of means per level, and their geometric mean over the levels; (u/RE)^2 = CV_C^2/n_C + CV_B^2/n_B, the CVs
    pooled over the levels. Where lots pair the sets, the geometric mean of the ratios lot by lot: what a lot's matrix
    does to both of its rows cancels, and the scatter between lots is the uncertainty.
    """
    sides = sets.signals(method)
    shared = at_common_levels(sides)
    levels = sorted(set(shared[0].level))
    ratios = lot_ratios(shared) if levels else None
    rows = _unpaired(shared, levels) if ratios is None else _paired(ratios, levels)
    for row in rows:
        of_level = shared if row["level"] == ALL_LEVELS else [s[s.level == row["level"]] for s in shared]
        of_level = of_level if ratios is None else [_of_pairs(side, ratios) for side in of_level]
        row |= {"kind": sets.mode, "n": len(of_level[0]), "rows": said_rows(*of_level)}
    single = (
        "single rows at each level: no uncertainty" if levels and np.isnan(rows[-1]["relative_uncertainty"]) else ""
    )
    rows[-1]["note"] = "; ".join(filter(None, [_missing(sets, sides), _about_lots(shared, ratios), single]))
    return rows


def at_common_levels(sides: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the sides without the rows of levels that one of them lacks."""
    levels = set.intersection(*(set(side.level) for side in sides))
    return [side[side.level.isin(levels)] for side in sides]


def lot_ratios(sides: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
    """Return the log ratio of each level and lot, replicates of a lot by their geometric mean; None without pairs.

    Lots pair where every row on both sides names one, and at least two stand on both sides at each level.

    Parameters
    ----------
    sides : sequence of DataFrame
        The rows before extraction and those they are held against: level, lot, signal.

    Returns
    -------
    DataFrame or None
        level, lot, log.
    """
    if len(sides) < 2 or any("lot" not in side or (side.lot == "").any() for side in sides):
        return None
    means = [np.log(side.signal).groupby([side.level, side.lot]).mean() for side in sides]
    ratios = (means[0] - means[1]).dropna().rename("log").rename_axis(["level", "lot"]).reset_index()
    lots = ratios.groupby("level").lot.nunique().reindex(sides[0].level.unique(), fill_value=0)
    return ratios if (lots >= FEWEST_LOTS).all() else None


def _of_pairs(side: pd.DataFrame, ratios: pd.DataFrame) -> pd.DataFrame:
    pairs = set(zip(ratios.level, ratios.lot, strict=True))
    return side[[key in pairs for key in zip(side.level, side.lot, strict=True)]]


def _paired(ratios: pd.DataFrame, levels: list[str]) -> list[dict[str, Any]]:
    rows = [_of_lots(ratios[ratios.level == level], level) for level in levels]
    return [*rows, _of_lots(ratios, ALL_LEVELS)]


def _of_lots(ratios: pd.DataFrame, name: str) -> dict[str, Any]:
    """Return the geometric mean over levels of the means over lots; the lot is the unit.

    A lot runs through all levels, so its deviations are added up before they are squared: with every lot at every
    level this is s^2/n of the lots' own means over the levels.
    """
    within = ratios.groupby("level").log
    off = (ratios.log - within.transform("mean")) / within.transform("size") / ratios.level.nunique()
    of_lot = off.groupby(ratios.lot).sum()
    n = len(of_lot)
    square = float((of_lot**2).sum()) * n / (n - 1)
    return {
        "level": name, "factor": float(np.exp(within.mean().mean())), "relative_uncertainty": float(np.sqrt(square)),
        "degrees_of_freedom": float(n - 1), "reference_uncertainty": 0.0,
    }  # fmt: skip


def _unpaired(sides: Sequence[pd.DataFrame], levels: list[str]) -> list[dict[str, Any]]:
    means = [_log_means(side) for side in sides]
    return [_ratio(means, [level], level) for level in levels] + [_ratio(means, levels, ALL_LEVELS)]


def _log_means(side: pd.DataFrame) -> LogMeans:
    """Return per-level logarithms of the mean signal and the squared CV within levels, pooled over them."""
    by_level = side.signal.groupby(side.level)
    freedom = int((by_level.size() - 1).sum())
    squares = float(((side.signal / by_level.transform("mean") - 1) ** 2).sum())
    return LogMeans(np.log(by_level.mean()), by_level.size(), squares / freedom if freedom else np.nan, freedom)


def _ratio(means: Sequence[LogMeans], levels: list[str], name: str) -> dict[str, Any]:
    """Return the ratio of means C/B (or C/nominal), its geometric mean over `levels`, with first-order uncertainty."""
    if not levels:
        lost = ("factor", "relative_uncertainty", "degrees_of_freedom", "reference_uncertainty")
        return {"level": name, **dict.fromkeys(lost, np.nan)}
    logs = [one.mean.reindex(levels) for one in means]
    log_factor = (logs[0] - (logs[1] if len(logs) > 1 else 0.0)).mean()
    parts = [(m.variance * (1 / m.count.reindex(levels)).sum() / len(levels) ** 2, m.degrees_of_freedom) for m in means]
    return {
        "level": name,
        "factor": float(np.exp(log_factor)),
        "relative_uncertainty": float(np.sqrt(math.fsum(part for part, _ in parts))),
        "degrees_of_freedom": degrees_of(parts),
        "reference_uncertainty": float(np.sqrt(parts[1][0])) if len(parts) > 1 else 0.0,
    }


def single_recoveries(units: pd.DataFrame, tissue: str, batch: str | None, method: Method) -> pd.Series:
    """Return the single recoveries behind the factor of one batch (None: of the run), each an estimate of it.

    Each row spiked before extraction against the mean of its own level; where lots pair the sets, each lot's mean
    ratio over the levels, since the rows of a lot are no independent ones. Rows of a level without counterpart, or
    without a signal above zero, are left out.
    """
    own = method.of_tissue(tissue)
    sides = at_common_levels(recovery_sets(units, tissue, batch, own).signals(own))
    ratios = lot_ratios(sides) if len(sides[0]) else None
    if ratios is not None:
        return np.exp(ratios.groupby("lot", sort=False).log.mean())
    logs = np.log(sides[0].signal)
    if len(sides) > 1:
        logs = logs - sides[0].level.map(_log_means(sides[1]).mean).astype(float)
    return np.exp(logs)


def said_rows(*sides: pd.DataFrame) -> str:
    """Return the positions of the rows behind a factor, the sides of the fraction parted by a slash."""
    return " / ".join(";".join(side.position.astype(str)) for side in sides)


def degrees_of(parts: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of variances; NaN where all rows agree: their scatter is not known."""
    total, degrees = combined_degrees(parts)
    return degrees if total > 0 else np.nan


def _missing(sets: Sets, sides: Sequence[pd.DataFrame]) -> str:
    if len(sides) < 2:
        return ""
    missing = sorted(set(sets.pre.level) - set(sides[1].level))
    said = [f"no counterpart for level {', '.join(missing)}: left out" if missing else ""]
    if sets.mode != "process_efficiency" and sets.reference_of == "" and (sides[1].sample_type == POST).any():
        said.append("held against extracts of the run's other batches" if _foreign(sides) else "")
    return "; ".join(filter(None, said))


def _foreign(sides: Sequence[pd.DataFrame]) -> bool:
    return "batch" in sides[1] and not set(sides[0].batch) & set(sides[1].batch)


def _about_lots(sides: Sequence[pd.DataFrame], ratios: pd.DataFrame | None) -> str:
    """Return how lots paired the sets, which of them have no counterpart, or that lots named do not pair."""
    if len(sides) < 2 or any("lot" not in side for side in sides):
        return ""
    named = [set(side.lot) - {""} for side in sides]
    if ratios is None:
        return "lots do not pair the rows: ratio of means" if all(len(lots) >= FEWEST_LOTS for lots in named) else ""
    alone = sorted((named[0] | named[1]) - set(ratios.lot))
    said = f"geometric mean of the ratios of {ratios.lot.nunique()} lots"
    return said + (f"; lot {', '.join(alone)} without counterpart: left out" if alone else "")
