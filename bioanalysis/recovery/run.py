"""Recovery factors of one run, from its own recovery rows, on the response the curve uses.

C is spiked before extraction, B into blank extract, A into solvent; ratios C/B (extraction recovery), C/A (process
efficiency, and the internal-standard-normalised form against neat calibrators), found/nominal of C (apparent).
Matuszewski et al., Anal Chem 75 (2003) 3019, doi:10.1021/ac020361s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from bioanalysis.limits import Limits
from bioanalysis.method import Method

COLUMNS = ["tissue", "batch", "kind", "level", "factor", "relative_uncertainty", "degrees_of_freedom", "n", "source"]
EVIDENCE = ["low", "high", "rows"]
ALL_LEVELS = "all"


@dataclass(frozen=True)
class LogMeans:
    """Logarithms of the mean of one set per level, with the squared CV pooled over the levels."""

    mean: pd.Series
    count: pd.Series
    variance: float
    degrees_of_freedom: int


def run_recovery(units: pd.DataFrame, method: Method, batch: str) -> pd.DataFrame:
    """Return the recovery factors of one run and analyte, per tissue: each level, and all levels together.

    Parameters
    ----------
    units : DataFrame
        Units of the run: sample_type, tissue, level, nominal_ng_ml, dilution_factor, mean_response, reading_ng_ml.
        Only the ``recovery_pre``, ``recovery_post`` and ``neat`` ones are read.

    Returns
    -------
    DataFrame
        tissue, batch, kind, level, factor (fraction), relative_uncertainty (one standard deviation),
        degrees_of_freedom, n (recovery rows behind it), source, note, low and high (95 %), rows (positions spiked
        before extraction, a slash, those they are held against), used, sign_off (why a person must sign for it).
    """
    pre = units[(units.sample_type == "recovery_pre") & units.mean_response.notna()]
    rows = []
    for tissue, here in pre.groupby("tissue", sort=True):
        own = method.of_tissue(str(tissue))
        mode = own.extraction.recovery_correction
        reference = reference_set(units, str(tissue), mode, own)
        found = _tissue_rows(here, reference, mode if mode != "none" else "extraction_recovery", own)
        rows += [row | _evidence(row, here, reference) for row in found]
        rows[-1]["note"] = "; ".join(filter(None, [_missing_levels(here, reference), _several_batches(here)]))
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "note", *EVIDENCE])
    frame = frame.assign(batch=batch, source=f"recovery rows of {batch}", note=frame.note.fillna(""))
    return frame.assign(used=frame.factor.notna(), sign_off="")


def reference_set(units: pd.DataFrame, tissue: str, mode: str, method: Method) -> pd.DataFrame | None:
    """Return the units that recovery_pre is held against; None where that is the nominal value."""
    if mode == "apparent":
        return None
    neat = mode == "process_efficiency" or (mode == "is_normalised" and method.extraction.calibrator_matrix == "neat")
    if neat:
        return units[(units.sample_type == "neat") & units.mean_response.notna()]
    return units[(units.sample_type == "recovery_post") & (units.tissue == tissue) & units.mean_response.notna()]


def _evidence(row: dict, pre: pd.DataFrame, reference: pd.DataFrame | None) -> dict:
    """Return the interval of a factor and the positions it came from."""
    low, high = factor_interval(row["factor"], row["relative_uncertainty"], row["degrees_of_freedom"])
    shared = set(pre.level) if reference is None else set(pre.level) & set(reference.level)
    levels = shared if row["level"] == ALL_LEVELS else {row["level"]}
    sides = [side[side.level.isin(levels)] for side in (pre, reference) if side is not None]
    return {"low": low, "high": high, "rows": said_rows(*sides)}


def factor_interval(factor: float, relative: float, degrees: float, level: float = 0.95) -> tuple[float, float]:
    """Return the multiplicative interval of a factor, NaN where its uncertainty is not estimable."""
    if not np.isfinite([factor, relative]).all() or np.isnan(degrees):
        return np.nan, np.nan
    spread = float(np.exp(stdtrit(degrees, (1 + level) / 2) * relative)) if relative else 1.0
    return factor / spread, factor * spread


def said_rows(*sides: pd.DataFrame) -> str:
    """Return the positions of the rows behind a factor, the sides of the fraction parted by a slash."""
    return " / ".join(";".join(side.position.astype(str)) for side in sides)


def found_signal(units: pd.DataFrame, mode: str, method: Method) -> pd.Series:
    """Return what recovery is computed on: the response, or for ELISA and apparent recovery the value read off."""
    if mode == "apparent":
        return units.reading_ng_ml * units.dilution_factor / units.nominal_ng_ml
    if method.platform == "elisa":
        return units.reading_ng_ml * units.dilution_factor
    return units.mean_response * units.dilution_factor


def log_means(units: pd.DataFrame, mode: str, method: Method) -> LogMeans:
    """Return per-level logarithms of the mean signal and the squared CV within levels, pooled over them."""
    signal = found_signal(units, mode, method)
    signal = signal.where(signal > 0).dropna()
    by_level = signal.groupby(units.level.reindex(signal.index))
    freedom = int((by_level.size() - 1).sum())
    squares = float(((signal / by_level.transform("mean") - 1) ** 2).sum())
    return LogMeans(np.log(by_level.mean()), by_level.size(), squares / freedom if freedom else np.nan, freedom)


def _tissue_rows(pre: pd.DataFrame, reference: pd.DataFrame | None, mode: str, method: Method) -> list[dict]:
    numerator = log_means(pre, mode, method)
    denominator = None if reference is None else log_means(reference, mode, method)
    levels = list(numerator.mean.index)
    if denominator is not None:
        levels = [level for level in levels if level in denominator.mean.index]
    tissue = str(pre.tissue.iloc[0])
    rows = [_factor_row(tissue, mode, level, [level], numerator, denominator) for level in levels]
    return [*rows, _factor_row(tissue, mode, ALL_LEVELS, levels, numerator, denominator)]


def _factor_row(
    tissue: str, mode: str, name: str, levels: list[str], numerator: LogMeans, denominator: LogMeans | None
) -> dict:
    """Return the ratio of means C/B (or C/nominal), its geometric mean over `levels`, with first-order uncertainty."""
    row: dict = {"tissue": tissue, "kind": mode, "level": name, "n": int(numerator.count.reindex(levels).sum())}
    if not levels:
        return {**row, "factor": np.nan, "relative_uncertainty": np.nan, "degrees_of_freedom": np.nan}
    sets = [numerator] if denominator is None else [numerator, denominator]
    log_factor = (numerator.mean - (0 if denominator is None else denominator.mean)).reindex(levels).mean()
    parts = [(s.variance * (1 / s.count.reindex(levels)).sum() / len(levels) ** 2, s.degrees_of_freedom) for s in sets]
    variance = sum(part for part, _ in parts)
    return {
        **row,
        "factor": float(np.exp(log_factor)),
        "relative_uncertainty": float(np.sqrt(variance)),
        "degrees_of_freedom": welch_satterthwaite(parts),
    }


def single_recoveries(units: pd.DataFrame, tissue: str, method: Method) -> pd.Series:
    """Return the recovery of each row of a tissue spiked before extraction, against the mean of its own level.

    Rows of a level without counterpart, or without a signal above zero, are left out.
    """
    mode = method.extraction.recovery_correction
    mode = mode if mode != "none" else "extraction_recovery"
    spiked = units[(units.sample_type == "recovery_pre") & (units.tissue == tissue) & units.mean_response.notna()]
    signal = found_signal(spiked, mode, method)
    logs = np.log(signal.where(signal > 0))
    reference = reference_set(units, tissue, mode, method)
    if reference is not None:
        logs = logs - spiked.level.map(log_means(reference, mode, method).mean).astype(float)
    return np.exp(logs.dropna())


def welch_satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Return the effective degrees of freedom of a sum of independent variances (variance, degrees of freedom)."""
    total = sum(variance for variance, _ in parts)
    weights = sum(variance**2 / freedom for variance, freedom in parts if freedom > 0)
    return float(total**2 / weights) if weights > 0 else np.nan


def _missing_levels(pre: pd.DataFrame, reference: pd.DataFrame | None) -> str:
    if reference is None:
        return ""
    missing = sorted(set(pre.level) - set(reference.level))
    return f"no counterpart for level {', '.join(missing)}: left out" if missing else ""


def _several_batches(pre: pd.DataFrame) -> str:
    """Return why rows of several extraction batches of a run give one factor."""
    batches = list(dict.fromkeys(pre.batch)) if "batch" in pre else []
    if len(batches) < 2:
        return ""
    return (
        f"rows of batches {', '.join(map(str, batches))} together: recovery is declared per run; the scatter between "
        "them is in the uncertainty only as far as it lies within levels"
    )


def guard_note(factor: float, relative_uncertainty: float, limits: Limits) -> str:
    """Return why a factor needs sign-off, or ''."""
    low, high = (float(number) for number in limits["RCV-05"].numbers)
    notes = []
    if not low <= factor <= high:
        notes.append(f"recovery {factor:.3g} outside {low:g} to {high:g}")
    if 100 * relative_uncertainty > limits["RCV-08"].number:
        notes.append(f"relative uncertainty {100 * relative_uncertainty:.3g} % above {limits['RCV-08'].printed_limit}")
    return "; ".join(notes)


@dataclass(frozen=True)
class AppliedFactor:
    """The recovery factor one sample is divided by."""

    factor: float
    relative_uncertainty: float
    degrees_of_freedom: float
    source: str

    def as_columns(self) -> dict[str, object]:
        return {f"recovery_{name}" if name != "factor" else "recovery_factor": v for name, v in asdict(self).items()}


UNCORRECTED = AppliedFactor(1.0, 0.0, np.inf, "none applied")


def correction_applies(extracted: bool, tissue: str, calibrator_tissue: str, method: Method) -> bool:
    """Return whether a row lost analyte that the calibrators did not, and the method corrects for it."""
    extraction = method.of_tissue(tissue).extraction
    if extraction.recovery_correction == "none" or not extracted:
        return False
    return not (extraction.calibrators_extracted and tissue == calibrator_tissue)


def factor_of_tissue(tissue: str, recovery: pd.DataFrame, method: Method) -> AppliedFactor | None:
    """Return the factor a run can give by itself: of the validation, or of its own recovery rows; None without."""
    fixed = method.recovery.factors.get(tissue)
    if method.recovery.source == "validation":
        if fixed is None:
            return None
        freedom = fixed.degrees_of_freedom or np.inf
        return AppliedFactor(fixed.factor, fixed.relative_uncertainty, freedom, f"validation: {fixed.source}")
    own = recovery[(recovery.tissue == tissue) & (recovery.level == ALL_LEVELS) & recovery.factor.notna()]
    if own.empty:
        return None
    row = own.iloc[0]
    return AppliedFactor(row.factor, row.relative_uncertainty, row.degrees_of_freedom, row.source)
