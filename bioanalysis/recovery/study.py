"""Recovery over the runs of a study: the table of all factors, pooled factors, and the scatter of one extraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.limits import Limits
from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.method import Method
from bioanalysis.recovery.estimates import Scatter, extraction_scatter, shrink_recovery
from bioanalysis.recovery.run import (
    ALL_LEVELS,
    EVIDENCE,
    AppliedFactor,
    factor_interval,
    found_signal,
    guard_note,
    single_recoveries,
    welch_satterthwaite,
)

POOLED = "study"
FEW_BATCHES = int(statistical_limits()["few_batches"])


@dataclass(frozen=True)
class RecoveryBook:
    """All recovery factors of one method: those of its runs, and those pooled over them."""

    table: pd.DataFrame
    method: Method

    def factor(self, analyte: str, tissue: str, run_id: str) -> tuple[AppliedFactor | None, str, str]:
        """Return the pooled factor for a sample (None without), its flag words, and why there is none."""
        table = self.table
        here = table[(table.analyte == analyte) & (table.tissue == tissue) & (table.level == ALL_LEVELS)]
        rows = here[here.batch == f"{POOLED}:{run_id}"]
        rows = rows if len(rows) else here[here.batch == POOLED]
        if rows.empty:
            return None, "", f"no recovery factor for {tissue} in the study"
        row = rows.iloc[0]
        words = "recovery_needs_sign_off;" if row.sign_off else ""
        words += "provisional" if np.isfinite(row.relative_uncertainty) else "provisional;recovery_not_estimable"
        return AppliedFactor(row.factor, row.relative_uncertainty, row.degrees_of_freedom, row.source), words, ""


def recovery_book(run_tables: pd.DataFrame, method: Method, limits: Limits, reportable: pd.DataFrame) -> RecoveryBook:
    """Return the recovery table of one method over its accepted runs.

    Parameters
    ----------
    run_tables : DataFrame
        recovery.tsv of the accepted runs, with analyte.
    reportable : DataFrame
        reportable.tsv of the accepted runs: the single recoveries behind the factors of many batches.
    """
    parts = [run_tables]
    if method.recovery.source == "validation":
        parts.append(_validation_rows(method, limits))
    if method.recovery.source == "study" and len(run_tables):
        pooled = run_tables[(run_tables.level == ALL_LEVELS) & run_tables.used]
        for (analyte, tissue), group in pooled.groupby(["analyte", "tissue"]):
            rows = reportable[(reportable.analyte == analyte) & reportable.run_id.isin(group.batch)]
            many = len(group) >= FEW_BATCHES
            singles = _single_recoveries(rows, str(tissue), method) if many else pd.Series(dtype=float)
            parts.append(_pooled_rows(group, method, limits, singles))
    table = pd.concat(parts, ignore_index=True)
    missing = [name for name in EVIDENCE if name not in table]
    table = table.assign(**dict.fromkeys(missing, np.nan), rows=table.rows.fillna("") if "rows" in table else "")
    bounds = [
        factor_interval(float(row.factor), float(row.relative_uncertainty), _freedom(row)) for row in table.itertuples()
    ]
    return RecoveryBook(table.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds]), method)


def _freedom(row: Any) -> float:
    """Return the degrees of freedom of a factor; those of a validation that states none are taken as infinite."""
    unstated = row.batch == "validation" and not np.isfinite(row.degrees_of_freedom)
    return np.inf if unstated else float(row.degrees_of_freedom)


def _validation_rows(method: Method, limits: Limits) -> pd.DataFrame:
    rows = [
        {
            "tissue": tissue, "batch": "validation", "kind": method.of_tissue(tissue).extraction.recovery_correction,
            "level": ALL_LEVELS, "factor": fixed.factor, "relative_uncertainty": fixed.relative_uncertainty,
            "degrees_of_freedom": fixed.degrees_of_freedom if fixed.degrees_of_freedom else np.nan, "n": np.nan,
            "source": f"validation: {fixed.source}", "note": "fixed by the method", "analyte": analyte,
            "used": True, "sign_off": guard_note(fixed.factor, fixed.relative_uncertainty, limits),
        }
        for analyte in method.analyte_names
        for tissue, fixed in method.recovery.factors.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _pooled_rows(batches: pd.DataFrame, method: Method, limits: Limits, singles: pd.Series) -> pd.DataFrame:
    """Pool one tissue over batches: with few batches one factor for all, else each batch drawn towards the mean.

    `singles` are the recoveries of single rows, indexed by batch.
    """
    first, n = batches.iloc[0], len(batches)
    row = {"tissue": first.tissue, "kind": first.kind, "level": ALL_LEVELS, "n": int(batches.n.sum())}
    row |= {"analyte": first.analyte, "source": f"{n} batch{'es' if n > 1 else ''} of the study", "used": True}
    found = _shrunken(batches, singles) if n >= FEW_BATCHES else [_one_factor(batches, method)]
    rows = [{**row, **each, "sign_off": guard_note(each["factor"], each["relative_uncertainty"], limits)}
            for each in found]  # fmt: skip
    return pd.DataFrame(rows)


def _one_factor(batches: pd.DataFrame, method: Method) -> dict[str, Any]:
    """Return the factor of all batches where there are few, its uncertainty from the scatter of their means."""
    logs, n = np.log(batches.factor.to_numpy(float)), len(batches)
    if n > 1:
        spread, freedom = float(logs.std(ddof=1) / np.sqrt(n)), float(n - 1)
        note = f"mean of {n} batches, uncertainty from their scatter"
    else:
        first, between = batches.iloc[0], method.uncertainty.between_batch_cv
        spread = np.nan if between is None else float(np.hypot(first.relative_uncertainty, between))
        freedom = float(first.degrees_of_freedom)
        note = "one batch: scatter between batches " + ("is not estimable" if between is None else "from the method")
    return _factor(POOLED, float(logs.mean()), spread, freedom, note)


def _factor(batch: str, log_factor: float, spread: float, freedom: float, note: str) -> dict[str, Any]:
    numbers = {"factor": float(np.exp(log_factor)), "relative_uncertainty": spread, "degrees_of_freedom": freedom}
    return {"batch": batch, **numbers, "note": note}


def _shrunken(batches: pd.DataFrame, singles: pd.Series) -> list[dict[str, Any]]:
    """Return the mean over batches (for one without recovery rows), and each batch's own factor drawn towards it.

    The mean has the variance tau^2 + u^2(mean). A batch's own, with lambda = tau^2 / (tau^2 + s^2/n), has
    lambda v + (1 - lambda)^2 u^2(mean), v being the variance of one batch's factor, pooled over the batches: it holds
    the scatter of what the rows are held against as well.
    """
    shrunk = shrink_recovery(singles.index.to_numpy(), singles.to_numpy(float))
    known, few = shrunk.mean_log_uncertainty**2, float(len(batches) - 1)
    note = f"mean of {len(batches)} batches (REML), for a batch without recovery rows"
    rows = [_factor(POOLED, shrunk.mean_log, shrunk.new_batch_sd_log, few, note)]
    own, freedom = float((batches.relative_uncertainty**2).mean()), float(batches.degrees_of_freedom.sum())
    counts = singles.groupby(level=0).size()
    for batch, factor in shrunk.factors.items():
        if np.isnan(shrunk.between_variance):
            spread, degrees, said = shrunk.new_batch_sd_log, few, shrunk.note
        else:
            within = shrunk.within_variance / counts[batch]
            pull = shrunk.between_variance / (shrunk.between_variance + within) if shrunk.between_variance else 0.0
            parts = [(pull * own, freedom), ((1 - pull) ** 2 * known, few)]
            spread, degrees = float(np.sqrt(sum(part for part, _ in parts))), welch_satterthwaite(parts)
            said = f"drawn towards the mean (REML, lambda {pull:.3g})"
        rows.append(_factor(f"{POOLED}:{batch}", float(np.log(factor)), spread, degrees, said))
    return rows


def _single_recoveries(reportable: pd.DataFrame, tissue: str, method: Method) -> pd.Series:
    """Return the recovery of each row spiked before extraction, by batch (a run), in the order of runs."""
    own = method.of_tissue(tissue)
    parts = {run_id: single_recoveries(here, tissue, own) for run_id, here in reportable.groupby("run_id", sort=False)}
    return pd.Series(
        np.concatenate([part.to_numpy(float) for part in parts.values()]),
        index=np.repeat(list(parts), [len(part) for part in parts.values()]),
    )


def _signal(rows: pd.DataFrame, method: Method) -> pd.Series:
    """Return what recovery is computed on, by the correction each tissue has."""
    parts = [
        found_signal(here, method.of_tissue(str(tissue)).extraction.recovery_correction, method)
        for tissue, here in rows.groupby("tissue", sort=False)
    ]
    return pd.concat(parts).reindex(rows.index) if parts else pd.Series(dtype=float)


def single_extraction(reportable: pd.DataFrame, method: Method) -> Scatter:
    """Return the log variance that one extraction adds, pooled over tissues, levels and accepted runs.

    Parameters
    ----------
    reportable : DataFrame
        reportable.tsv of the accepted runs of one method and analyte.

    Notes
    -----
    Within-cell log scatter of ``recovery_pre`` less that of ``recovery_post`` (cells: run, tissue, level); without
    ``recovery_post`` less the variance of a reading.
    """
    cells = {}
    for kind in ("recovery_pre", "recovery_post"):
        rows = reportable[(reportable.sample_type == kind) & reportable.mean_response.notna()]
        rows = rows[rows.reading_ng_ml > 0]
        signal = _signal(rows, method)
        groups = signal.groupby([rows.run_id, rows.tissue, rows.level])
        cells[kind] = [group.to_numpy(float) for _, group in groups]
        if kind == "recovery_pre":
            reading = float((rows.reading_uncertainty**2).mean()) if len(rows) else 0.0
    return extraction_scatter(
        cells["recovery_pre"],
        cells["recovery_post"] or None,
        reading if np.isfinite(reading) else 0.0,
        cv_floor=method.uncertainty.extraction_cv_floor,
    )
