"""Flags of the study as a whole, and those a decision has accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.concentrations import MethodContext
from bioanalysis.flags import flag
from bioanalysis.recovery.study import POOLED
from bioanalysis.study import Study
from bioanalysis.study.entries import by_hand
from bioanalysis.study.validated import differences
from bioanalysis.words import ALQ, NEEDS_DECISION, NOT_REPORTED, QUANTIFIED


def study_flags(
    study: Study,
    concentrations: pd.DataFrame,
    contexts: Mapping[str, MethodContext],
    ratios: pd.DataFrame,
) -> list[dict[str, object]]:
    """Return the flags raised by the study's tables."""
    rows = [_sample_flag(row) for row in concentrations.itertuples()]
    rows += [
        flag("rank_broken", sample_id="", tissue=row.numerator, analyte=row.analyte, source="BIO-01",
             observed=f"{row.subject_id or f'{row.group}, day {row.collection_day:g}'}: "
                      f"{row.numerator}/{row.denominator} {row.ratio:.3g} ({row.low:.3g} to {row.high:.3g})",
             limit=row.expected)
        for row in ratios.itertuples()
        if "rank_broken" in row.flag.split(";")
    ]  # fmt: skip
    for context in contexts.values():
        rows += [
            flag("extraction_scatter_not_estimable", analyte=analyte, source=context.method.method_id)
            for analyte, scatter in context.scatter.items()
            if not np.isfinite(scatter.variance_log)
        ]
        rows += factor_flags(context)
    rows += [
        flag("no_density_source", tissue=name, observed="no source given")
        for name, tissue in study.config.tissues.items()
        if not tissue.fluid and not tissue.source
    ]
    rows += [
        flag("outside_validation", observed=f"{name}: {used}", limit=shown, source=validated.file)
        for name, validated in study.validations.items()
        for used, shown in differences(study.methods[name], validated)
    ]
    return [row for row in (*rows, *_entry_flags(study), *_method_flags(study)) if row]


def factor_flags(context: MethodContext) -> list[dict[str, object]]:
    """Return a flag for each tissue and reason for which factors pooled over the study need sign-off."""
    table = context.recovery.table
    pooled = table[table.batch.astype(str).str.startswith(f"{POOLED}:") & (table.sign_off != "")]
    return [
        flag("recovery_needs_sign_off", tissue=tissue, analyte=analyte, source="RCV-05, RCV-08",
             observed=f"{context.method.method_id}, {', '.join(rows.extraction_batch)}: {note}")
        for (tissue, analyte, note), rows in pooled.groupby(["tissue", "analyte", "sign_off"], sort=False)
    ]  # fmt: skip


def _method_flags(study: Study) -> list[dict[str, object]]:
    """Return a flag for each run measured before the day from which its version of the method may be used."""
    dates = [(run, run.run_date[:10], run.method.effective_date or "") for run in study.runs]
    return [
        flag("method_not_effective", run_id=run.run_id, source=f"{run.method.method_id}: effective_date",
             observed=f"measured on {day}", limit=f"version {run.method.version} from {effective}")
        for run, day, effective in dates
        if day < effective
    ]  # fmt: skip


def _entry_flags(study: Study) -> list[dict[str, object]]:
    """Return a flag for each sample with a mass or volume entered by hand that nobody else checked."""
    rows = by_hand(study.samples)
    return [
        flag("entry_not_checked", sample_id=row.sample_id, tissue=row.tissue, source="samples.tsv: checked_by",
             observed=f"entered by {row.entered_by or 'somebody not named'}")
        for row in rows[~rows.checked].itertuples()
    ]  # fmt: skip


def _sample_flag(row: Any) -> dict[str, object]:
    """Return the one flag a row of the concentration table asks for, or nothing."""
    where = {"run_id": row.run_id, "sample_id": row.sample_id, "tissue": row.tissue, "analyte": row.analyte}
    if row.status == QUANTIFIED and row.treatment == "vehicle":
        return flag("control_quantified", observed=f"{row.value:.4g} {row.unit}", source="BIO-04", **where)
    if row.status == NEEDS_DECISION:
        return flag("needs_decision", observed=row.reason, source="ICH M10 3.3.4", **where)
    if row.status in (NOT_REPORTED, ALQ):
        return flag("repeat_missing", observed=row.reason, source="ICH M10 3.3.4", **where)
    if "reportable_chosen" in str(row.flags).split(";"):
        return flag("reportable_chosen", observed=row.chosen, source="ICH M10 3.3.4", **where)
    return {}


def accept(flags: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the flags with those marked that an `accept_flag` decision names by run, position, sample or analyte."""
    flags = flags.copy()
    for decision in decisions[decisions.action == "accept_flag"].itertuples():
        named = pd.Series(True, index=flags.index)
        for column in ("run_id", "position", "plate", "sample_id", "analyte"):
            if wanted := getattr(decision, column, ""):
                named &= flags[column].astype(str) == str(wanted)
        flags.loc[named & (flags.state == "open"), ["state", "decision_id"]] = ["accepted", decision.decision_id]
    return flags
