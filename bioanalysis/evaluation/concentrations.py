"""Tissue concentrations of the study: one row per sample, analyte and method, a value or a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bioanalysis.evaluation.choice import Choice, choose
from bioanalysis.flags import join_words
from bioanalysis.method import Method
from bioanalysis.recovery.estimates import Scatter
from bioanalysis.recovery.run import AppliedFactor
from bioanalysis.recovery.study import RecoveryBook
from bioanalysis.study import Study
from bioanalysis.tissue import tissue_concentration
from bioanalysis.tissue.concentration import homogenate_factor_ml_per_g
from bioanalysis.words import NEEDS_DECISION, NOT_ANALYSED, NOT_REPORTED, QUANTIFIED

COLUMNS = [
    "sample_id", "subject_id", "group", "tissue", "piece", "homogenate", "collection_day", "analyte", "method_id",
    "run_id", "position", "homogenate_ng_ml", "homogenate_factor_ml_per_g", "recovery_factor", "uncorrected_ug_g",
    "tissue_ug_g", "tissue_ug_g_low", "tissue_ug_g_high", "relative_uncertainty", "lloq_ug_g", "uloq_ug_g", "value",
    "unit", "status", "reason", "flags", "chosen", "basis", "sex", "treatment", "dilution_factor",
    "curve_uncertainty", "reading_uncertainty", "extraction_uncertainty", "recovery_uncertainty",
    "handling_uncertainty", "degrees_of_freedom", "curve_degrees_of_freedom", "recovery_degrees_of_freedom",
    "recovery_source",
]  # fmt: skip
NUMBERS = [
    "homogenate_ng_ml", "uncorrected_ug_g", "tissue_ug_g", "tissue_ug_g_low", "tissue_ug_g_high",
    "relative_uncertainty", "value", "curve_uncertainty", "reading_uncertainty", "extraction_uncertainty",
    "recovery_uncertainty", "handling_uncertainty", "degrees_of_freedom",
]  # fmt: skip


@dataclass(frozen=True)
class MethodContext:
    """What a method's runs gave together: recovery factors and the scatter of a single extraction, per analyte."""

    method: Method
    recovery: RecoveryBook
    scatter: Mapping[str, Scatter]


def tissue_concentrations(
    study: Study, reportable: pd.DataFrame, contexts: Mapping[str, MethodContext]
) -> tuple[pd.DataFrame, dict[tuple[str, str, str], Choice]]:
    """Return tissue_concentrations.tsv and the choice behind each of its rows.

    Parameters
    ----------
    reportable : DataFrame
        reportable.tsv of all runs with method_id, in the order of runs.tsv.
    contexts : mapping
        By method_id.
    """
    choices = _choices(study, reportable, contexts)
    rows = [_row(study, contexts, key, choice) for key, choice in choices.items()]
    measured = {key[0] for key in choices}
    manifest = study.samples.set_index("sample_id", drop=False)
    rows += [_not_analysed(sample) for _, sample in manifest.iterrows() if sample.sample_id not in measured]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table = _with_subjects(table, study)
    order = {sample_id: number for number, sample_id in enumerate(study.samples.sample_id)}
    table = table.sort_values("sample_id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)
    table.loc[table.status != QUANTIFIED, NUMBERS] = np.nan
    return table, choices


def _choices(
    study: Study, reportable: pd.DataFrame, contexts: Mapping[str, MethodContext]
) -> dict[tuple[str, str, str], Choice]:
    unknowns = reportable[reportable.sample_type == "unknown"]
    decisions = study.decisions[study.decisions.action.isin(["report_run", "report_result"])]
    choices = {}
    for (sample, analyte, method_id), candidates in unknowns.groupby(["sample_id", "analyte", "method_id"], sort=False):
        concerning = decisions[
            decisions.sample_id.isin(["", sample])
            & decisions.analyte.isin(["", analyte])
            & decisions.run_id.isin(["", *candidates.run_id])
        ]
        choices[sample, analyte, method_id] = choose(candidates, concerning, contexts[method_id].method)
    return choices


def _row(
    study: Study, contexts: Mapping[str, MethodContext], key: tuple[str, str, str], choice: Choice
) -> dict[str, object]:
    """Return one row; numbers that must be empty are emptied by the caller."""
    sample_id, analyte, method_id = key
    sample = study.samples[study.samples.sample_id == sample_id].iloc[0]
    context, result = contexts[method_id], choice.result
    factor, words, problem = _factor(context, result, analyte)
    status, reason = choice.status, choice.reason
    if status == QUANTIFIED and factor is None:
        status, reason = NOT_REPORTED, problem
    row = {
        **_sample_columns(sample),
        "analyte": analyte,
        "method_id": method_id,
        "run_id": result.run_id if status != NEEDS_DECISION else "",
        "position": str(result.position),
        "status": status,
        "reason": reason,
        "flags": join_words(choice.flags, words),
        "chosen": choice.note,
        "basis": context.method.concentration_basis,
        "dilution_factor": result.dilution_factor,
        "unit": "ug/g",
    }
    if status == NOT_ANALYSED:
        return row | {"homogenate_factor_ml_per_g": _factor_ml_per_g(study, sample)}
    return row | _numbers(study, sample, context, result, factor, analyte)


def _factor(context: MethodContext, result: pd.Series, analyte: str) -> tuple[AppliedFactor | None, str, str]:
    """Return the factor a result is divided by (None without), the flag words it brings, and why there is none."""
    if not result.correction_applies:
        return AppliedFactor(1.0, 0.0, np.inf, "none applied"), "", ""
    if context.method.recovery.source != "study":
        if not np.isfinite(result.recovery_factor):
            return None, "", f"no recovery factor for {result.tissue} in {result.run_id} or the method"
        factor = AppliedFactor(
            result.recovery_factor,
            result.recovery_relative_uncertainty,
            result.recovery_degrees_of_freedom,
            result.recovery_source,
        )
        words = "" if np.isfinite(factor.relative_uncertainty) else "recovery_not_estimable"
        return factor, words, ""
    return context.recovery.factor(analyte, result.tissue, result.run_id)


def _numbers(
    study: Study,
    sample: pd.Series,
    context: MethodContext,
    result: pd.Series,
    factor: AppliedFactor | None,
    analyte: str,
) -> dict[str, object]:
    """Return value, interval and budget of one result (science: concentration in tissue, and its uncertainty)."""
    density = float(study.config.tissues[sample.tissue].density_g_ml or np.nan)
    uncertainty = context.method.uncertainty
    scatter = context.scatter[analyte]
    extraction = np.sqrt(scatter.variance_log / result.n_extractions) if np.isfinite(scatter.variance_log) else 0.0
    dilution = uncertainty.pipette_percent_per_step / 100 * np.sqrt(result.dilution_steps)
    applied = factor or AppliedFactor(np.nan, np.nan, np.nan, "")
    found = tissue_concentration(
        np.array([result.homogenate_ng_ml], float),
        tissue_mass_mg=sample.tissue_mass_mg,
        buffer_volume_ul=sample.buffer_volume_ul,
        density_g_ml=density,
        recovery_factor=applied.factor,
        curve_uncertainty=_known(np.hypot(result.curve_uncertainty, result.reading_uncertainty)),
        curve_df=result.curve_degrees_of_freedom,
        extraction_uncertainty=extraction,
        extraction_df=scatter.degrees_of_freedom,
        recovery_uncertainty=_known(applied.relative_uncertainty),
        recovery_df=applied.degrees_of_freedom,
        dilution_uncertainty=dilution,
        balance_mg=uncertainty.balance_mg,
        buffer_percent=uncertainty.buffer_percent,
    ).iloc[0]
    per_gram = found.homogenate_factor_ml_per_g
    scale = result.dilution_factor / applied.factor * per_gram / 1000
    parts = [result.curve_uncertainty, result.reading_uncertainty, extraction, _known(applied.relative_uncertainty)]
    handling = np.sqrt(max(0.0, found.relative_uncertainty**2 - float(np.nansum(np.square(parts)))))
    return {
        **found.to_dict(),
        "homogenate_ng_ml": result.homogenate_ng_ml,
        "recovery_factor": applied.factor,
        "lloq_ug_g": result.lloq_in_force * scale,
        "uloq_ug_g": result.uloq_in_force * scale,
        "value": found.tissue_ug_g,
        "curve_uncertainty": result.curve_uncertainty,
        "reading_uncertainty": result.reading_uncertainty,
        "extraction_uncertainty": extraction,
        "recovery_uncertainty": applied.relative_uncertainty,
        "handling_uncertainty": handling,
        "curve_degrees_of_freedom": result.curve_degrees_of_freedom,
        "recovery_degrees_of_freedom": applied.degrees_of_freedom
        if np.isfinite(applied.degrees_of_freedom)
        else np.nan,
        "recovery_source": applied.source,
    }


def _known(uncertainty: float) -> float:
    """Return an uncertainty, 0 where it is not estimable (the value then carries a flag that says so)."""
    return float(uncertainty) if np.isfinite(uncertainty) else 0.0


def _sample_columns(sample: pd.Series) -> dict[str, object]:
    names = ("sample_id", "subject_id", "tissue", "piece", "homogenate", "collection_day")
    return {name: sample[name] for name in names}


def _factor_ml_per_g(study: Study, sample: pd.Series) -> float:
    if not sample.tissue_mass_mg > 0 or not sample.buffer_volume_ul >= 0:
        return np.nan
    density = float(study.config.tissues[sample.tissue].density_g_ml or np.nan)
    return float(homogenate_factor_ml_per_g(sample.tissue_mass_mg, sample.buffer_volume_ul, density))


def _not_analysed(sample: pd.Series) -> dict[str, object]:
    reason = sample.not_available_reason or "in no worklist"
    return {**_sample_columns(sample), "analyte": "", "method_id": "", "unit": "ug/g"} | {
        "run_id": "", "position": "", "status": NOT_ANALYSED, "reason": reason, "flags": "", "chosen": "",
        "basis": "", "recovery_source": "",
    }  # fmt: skip


def _with_subjects(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    subjects = study.subjects.set_index("subject_id")
    for column in ("group", "sex", "treatment"):
        table[column] = table.subject_id.map(subjects[column]).fillna("")
    return table
