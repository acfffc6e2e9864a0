"""Recovery over the runs of a study: the table of all factors, pooled factors, and the scatter of one extraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.limits import Limits
from bioanalysis.method import Method
from bioanalysis.recovery.estimates import Scatter, extraction_scatter, shrink_recovery
from bioanalysis.recovery.run import ALL_LEVELS, EVIDENCE, AppliedFactor, factor_interval, found_signal, guard_note

POOLED = "study"
FEW_BATCHES = 4


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


def recovery_book(run_tables: pd.DataFrame, method: Method, limits: Limits) -> RecoveryBook:
    """Return the recovery table of one method over its accepted runs.

    Parameters
    ----------
    run_tables : DataFrame
        recovery.tsv of the accepted runs, with analyte.
    """
    parts = [run_tables]
    if method.recovery.source == "validation":
        parts.append(_validation_rows(method))
    if method.recovery.source == "study" and len(run_tables):
        pooled = run_tables[(run_tables.level == ALL_LEVELS) & run_tables.used]
        parts += [_pooled_rows(group, method, limits) for _, group in pooled.groupby(["analyte", "tissue"])]
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


def _validation_rows(method: Method) -> pd.DataFrame:
    rows = [
        {
            "tissue": tissue, "batch": "validation", "kind": method.of_tissue(tissue).extraction.recovery_correction,
            "level": ALL_LEVELS, "factor": fixed.factor, "relative_uncertainty": fixed.relative_uncertainty,
            "degrees_of_freedom": fixed.degrees_of_freedom if fixed.degrees_of_freedom else np.nan, "n": np.nan,
            "source": f"validation: {fixed.source}", "note": "fixed by the method", "analyte": analyte,
            "used": True, "sign_off": "",
        }
        for analyte in method.analyte_names
        for tissue, fixed in method.recovery.factors.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _pooled_rows(batches: pd.DataFrame, method: Method, limits: Limits) -> pd.DataFrame:
    """Pool one tissue over batches: with few batches one factor for all, else each batch drawn towards the mean."""
    logs = np.log(batches.factor.to_numpy(float))
    n, first = len(logs), batches.iloc[0]
    row = {"tissue": first.tissue, "kind": first.kind, "level": ALL_LEVELS, "n": int(batches.n.sum())}
    row |= {"analyte": first.analyte, "batch": POOLED}
    within = float(np.sqrt(np.mean(batches.relative_uncertainty.to_numpy(float) ** 2) / n))
    if n == 1:
        between = method.uncertainty.between_batch_cv
        spread = np.nan if between is None else float(np.hypot(within, between))
        freedom, note = float(first.degrees_of_freedom), "one batch: scatter between batches from the method"
        note = note if between is not None else "one batch: scatter between batches is not estimable"
        pooled = {**row, "factor": float(np.exp(logs[0]))}
    else:
        spread, freedom = float(logs.std(ddof=1) / np.sqrt(n)), float(n - 1)
        note = f"mean of {n} batches, uncertainty from their scatter"
        pooled = {**row, "factor": float(np.exp(logs.mean()))}
    pooled |= {
        "relative_uncertainty": spread, "degrees_of_freedom": freedom, "source": f"{n} batches of the study",
        "note": note, "used": True, "sign_off": guard_note(pooled["factor"], spread, limits),
    }  # fmt: skip
    return pd.DataFrame([pooled, *(_shrunken(batches, pooled) if n >= FEW_BATCHES else [])])


def _shrunken(batches: pd.DataFrame, pooled: dict) -> list[dict]:
    """Return each batch's own factor, drawn towards the study's mean by REML (no pooling against a boundary of 0)."""
    shrunk = shrink_recovery(batches.batch.to_numpy(), batches.factor.to_numpy(float))
    return [
        {**pooled, "batch": f"{POOLED}:{batch}", "factor": float(factor), "note": "drawn towards the mean (REML)"}
        for batch, factor in shrunk.factors.items()
    ]


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
