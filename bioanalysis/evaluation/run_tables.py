"""The tables of one run as they are written: one row per worklist row, one row per reportable value, the curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bioanalysis.calibration.standards import Drop, StandardCurve
from bioanalysis.evaluation.run_flags import of_rows
from bioanalysis.flags import join_words
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
    "recovery_source", "recovery_shared_uncertainty", "recovery_shared_by", "lot",
    "lloq_in_force", "uloq_in_force", "place", "status", "reason", "flags", "line",
]  # fmt: skip


def measurement_table(run: Run, part: AnalyteEvaluation) -> pd.DataFrame:
    """Return measurements.tsv of one analyte: every worklist row with its numbers, status and reason."""
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
    words = unit_of(part.units.value_words)
    rows["flags"] = [join_words(*three) for three in zip(rows.peak_flags, rows.injection_flags, words, strict=True)]
    return rows[MEASUREMENTS]


def _calibrator_status(rows: pd.DataFrame, part: AnalyteEvaluation) -> pd.DataFrame:
    """Fill used, dropped or excluded, with the reason of a drop, for calibrators and anchors that have a number.

    An anchor in the fit is `measured`: only a calibrator is judged, and so kept in use.
    """
    left_out = pd.concat([curve.points.left_out for curve in part.curves]).reindex(rows.index, fill_value="")
    has_word = (left_out != "") | (rows.excluded != "") | (rows.status != "no_value")
    standards = rows.assign(left_out=left_out)[rows.sample_type.isin(["calibrator", "anchor"]) & has_word]
    drops = {drop.unit: drop for curve in part.curves for drop in curve.drops}
    problem = next((curve.problem for curve in part.curves if curve.problem), "not in the fit")
    words = [_word_of_standard(row, drops.get(row.unit), problem) for row in standards.itertuples()]
    found = pd.DataFrame(words, columns=["status", "reason"], index=standards.index, dtype=str)
    rows.loc[found.index, ["status", "reason"]] = found
    anchors = (rows.sample_type == "anchor") & (rows.status == "used")
    return rows.assign(status=rows.status.mask(anchors, "measured"))  # in the fit and never judged


def _word_of_standard(row: Any, drop: Drop | None, problem: str) -> tuple[str, str]:
    if row.excluded:
        return "excluded", row.excluded
    if row.left_out:
        return "dropped", row.left_out
    if drop is not None and not math.isfinite(drop.bias_percent):
        return "dropped", "reads beyond the asymptotes of the curve"
    if drop is not None:
        bias, limit = drop.bias_percent, drop.limit_percent
        return "dropped", f"back-calculated {bias:+.1f} % from nominal, limit ±{limit:g} %"
    return ("used", "") if row.used_in_fit else ("no_value", problem)


def reportable_table(run: Run, part: AnalyteEvaluation) -> pd.DataFrame:
    """Return reportable.tsv of one analyte: one row per injection, or per set of replicate wells."""
    units = part.units.assign(
        run_id=run.run_id,
        position=[";".join(positions) for positions in of_rows(part, "position")],
        flags=part.units.value_words,
    )
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
