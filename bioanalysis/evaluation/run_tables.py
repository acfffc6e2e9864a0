"""The tables of one run as they are written: one row per worklist row, one row per reportable value, the curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bioanalysis.calibration.standards import StandardCurve
from bioanalysis.evaluation.run_flags import STUDY_SAMPLES, value_words
from bioanalysis.flags import join_words
from bioanalysis.limits import limits_for
from bioanalysis.study import Run

if TYPE_CHECKING:
    from bioanalysis.evaluation.run import AnalyteEvaluation

MEASUREMENTS = [
    "run_id", "plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
    "dilution_factor", "extraction_id", "batch", "analyte_area", "internal_standard_area", "response",
    "curve_reading_ng_ml", "back_calculated_ng_ml", "homogenate_ng_ml", "recovery_factor", "corrected_ng_ml",
    "bias_percent", "used_in_fit", "status", "reason", "flags", "line",
]  # fmt: skip

REPORTABLE = [
    "run_id", "plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
    "dilution_factor", "dilution_steps", "extraction_id", "batch", "repeat_reason", "n_readings", "mean_response",
    "reading_ng_ml", "cv_percent", "curve_uncertainty", "reading_uncertainty", "curve_degrees_of_freedom",
    "correction_applies", "recovery_factor", "recovery_relative_uncertainty", "recovery_degrees_of_freedom",
    "recovery_source", "lloq_in_force", "uloq_in_force", "place", "status", "reason", "flags", "line",
]  # fmt: skip


def measurement_table(run: Run, part: AnalyteEvaluation) -> pd.DataFrame:
    """Return measurements.tsv of one analyte: every worklist row with its numbers, status and reason."""
    limits = limits_for(run.method)
    rows = part.rows.assign(run_id=run.run_id)
    unit_of = rows.unit.map
    for column in ("recovery_factor", "corrected_ng_ml", "bias_percent", "status", "reason", "sample_type"):
        rows[column] = unit_of(part.units[column])
    low, high = unit_of(part.units.lloq_in_force), unit_of(part.units.uloq_in_force)
    inside = (rows.curve_reading_ng_ml >= low) & (rows.curve_reading_ng_ml <= high)
    rows["back_calculated_ng_ml"] = rows.curve_reading_ng_ml.where(inside)
    rows["homogenate_ng_ml"] = rows.back_calculated_ng_ml * rows.dilution_factor
    controls = rows.sample_type.isin(["qc", "dilution_qc"])
    rows["corrected_ng_ml"] = rows.corrected_ng_ml.where(controls & unit_of(part.units.correction_applies))
    applied = unit_of(part.units.correction_applies).astype(bool)
    rows["recovery_factor"] = rows.recovery_factor.where(applied)
    rows = _calibrator_status(rows, part)
    words = {unit.Index: unit for unit in part.units.itertuples()}
    samples = {
        name: value_words(part.units.loc[name], run, part, limits)
        for name in words
        if words[name].sample_type in STUDY_SAMPLES
    }
    rows["flags"] = [
        join_words(flags, samples.get(unit, "")) for flags, unit in zip(rows.peak_flags, rows.unit, strict=True)
    ]
    return rows[MEASUREMENTS]


def _calibrator_status(rows: pd.DataFrame, part: AnalyteEvaluation) -> pd.DataFrame:
    """Fill used, dropped or excluded, with the reason of a drop, for calibrators and anchors that have a number."""
    dropped = {unit: drop for curve in part.curves for unit, drop in ((drop.unit, drop) for drop in curve.drops)}
    left_out = pd.concat([curve.points.left_out for curve in part.curves])
    for index, row in rows[rows.sample_type.isin(["calibrator", "anchor"])].iterrows():
        if left_out.get(index, ""):
            rows.loc[index, ["status", "reason"]] = ["dropped", left_out[index]]
        elif row.excluded:
            rows.loc[index, ["status", "reason"]] = ["excluded", row.excluded]
        elif row.status == "no_value":
            continue
        elif row.unit in dropped:
            drop = dropped[row.unit]
            reason = f"back-calculated {drop.bias_percent:+.1f} % from nominal, limit ±{drop.limit_percent:g} %"
            if not math.isfinite(drop.bias_percent):
                reason = "reads beyond the asymptotes of the curve"
            rows.loc[index, ["status", "reason"]] = ["dropped", reason]
        elif row.used_in_fit:
            rows.loc[index, ["status", "reason"]] = ["used", ""]
        else:
            problem = next((curve.problem for curve in part.curves if curve.problem), "not in the fit")
            rows.loc[index, ["status", "reason"]] = ["no_value", problem]
    return rows


def reportable_table(run: Run, part: AnalyteEvaluation) -> pd.DataFrame:
    """Return reportable.tsv of one analyte: one row per injection, or per set of replicate wells."""
    limits = limits_for(run.method)
    units = part.units.assign(run_id=run.run_id)
    units["position"] = [";".join(part.rows.loc[list(rows), "position"]) for rows in units.rows]
    units["flags"] = [
        value_words(unit, run, part, limits) if unit.sample_type in STUDY_SAMPLES else ""
        for _, unit in units.iterrows()
    ]
    return units[REPORTABLE]


def curve_document(curves: tuple[StandardCurve, ...]) -> list[dict[str, Any]]:
    """Return curve.json: each curve with its parameters, covariance, points used and dropped, limits in force."""
    return [_curve(curve) for curve in curves]


def _curve(curve: StandardCurve) -> dict[str, Any]:
    points = curve.points.assign(
        dropped=curve.points.unit.isin([drop.unit for drop in curve.drops]),
        back_calculated_ng_ml=curve.points.unit.map(curve.standards.back_calculated_ng_ml),
        bias_percent=curve.points.unit.map(curve.standards.bias_percent),
    )
    return {
        "analyte": curve.analyte,
        "plate": curve.plate,
        "model": curve.model,
        "weighting": curve.weighting,
        "problem": curve.problem,
        "estimator": curve.estimator.to_dict() if curve.estimator is not None else None,
        "lloq_ng_ml": curve.lloq_ng_ml,
        "uloq_ng_ml": curve.uloq_ng_ml,
        "points": [_plain(row) for row in points.to_dict("records")],
        "dropped": [
            _plain(
                {
                    "unit": drop.unit, "nominal_ng_ml": drop.nominal_ng_ml, "bias_percent": drop.bias_percent,
                    "limit_percent": drop.limit_percent, "before": drop.before, "after": drop.after,
                }
            )
            for drop in curve.drops
        ],
    }  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row that JSON can hold: numpy numbers as Python's, a number that is none as null."""
    plain: dict[str, Any] = {}
    for key, value in row.items():
        value = value.item() if isinstance(value, np.generic) else value
        plain[key] = None if isinstance(value, float) and not math.isfinite(value) else value
    return plain
