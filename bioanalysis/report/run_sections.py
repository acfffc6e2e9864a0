"""Sections of a run's report: rules by what needs eyes, curves, QCs, measurements that can be linked to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.moles import GRAMS, UNIT
from bioanalysis.report.figures import Figure
from bioanalysis.report.plots import Axis, Mark, scatter
from bioanalysis.report.sections import Cell, escape, injection_anchor, row_anchor, section

# fmt: off
RULES = ["rule_id", "verdict", "subject", "limit", "observed", "plate", "batch", "tissue", "analyte", "judged",
         "source", "standing"]
PASSES = ["rule_id", "judged", "limit", "passes", "source", "standing"]
QC = ["position", "plate", "sample_type", "level", "tissue", "nominal_ng_ml", "bias_percent", "status", "reason",
      "recovery_factor"]
MEASUREMENTS = ["position", "plate", "sample_type", "sample_id", "level", "tissue", "analyte", "status",
                "nominal_ng_ml", "back_calculated_ng_ml", "bias_percent", "dilution_factor", "response", "reason",
                "flags"]
FILTERS = ["sample_type", "tissue", "plate", "analyte", "status", "flags"]
# fmt: on
CONTROLS = ("qc", "dilution_qc")


def rule_sections(acceptance: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rules: those not met, those that could not be judged, then passes counted and the whole list folded.

    Parameters
    ----------
    acceptance : DataFrame
        acceptance.tsv of the run.
    """
    rules = acceptance[acceptance.rule_id != RUN]
    counts = rules.verdict.value_counts()
    text = ", ".join(f"{number} {verdict.replace('_', ' ')}" for verdict, number in counts.items())
    passed = rules[rules.verdict == "pass"]
    keys = ["rule_id", "judged", "limit", "source", "standing"]
    counted = passed.groupby(keys, sort=False).size().rename("passes").reset_index()
    return [
        section("Rules not met", rules[rules.verdict == "fail"], RULES, text=f"All rules: {text}."),
        section("Rules that could not be judged", rules[rules.verdict == "not_assessable"], RULES),
        section("Rules met", counted, PASSES, folded=True),
        section("Every rule and its numbers", acceptance, RULES, source="acceptance.tsv", folded=True),
    ]


def measurements_section(measurements: pd.DataFrame, has_chromatograms: bool) -> dict[str, Any]:
    """Return every measurement with an anchor; its position leads to its chromatograms where there are some."""
    anchors = [row_anchor(row.line, row.analyte) for row in measurements.itertuples()]
    table = _linked(measurements, has_chromatograms)
    return section("Measurements", table, MEASUREMENTS, source="measurements.tsv", filters=FILTERS, anchors=anchors)


def controls_section(measurements: pd.DataFrame, has_chromatograms: bool, limit: float) -> dict[str, Any]:
    """Return the QCs of a run: bias of each in order between the limits (percent), and the table."""
    table = measurements[measurements.sample_type.isin(CONTROLS)]
    return section("Quality controls", _linked(table, has_chromatograms), QC, _control_figures(table, limit),
                   source="measurements.tsv")  # fmt: skip


def _linked(table: pd.DataFrame, has_chromatograms: bool) -> pd.DataFrame:
    if not has_chromatograms:
        return table
    return table.assign(position=[Cell(str(place), f"#{injection_anchor(place)}") for place in table.position])


def _control_figures(table: pd.DataFrame, limit: float) -> list[Figure]:
    groups = table.groupby(["analyte", "plate"], sort=False)
    return [_control_figure(here, limit, *map(str, key)) for key, here in groups]


def _control_figure(here: pd.DataFrame, limit: float, analyte: str, plate: str) -> Figure:
    levels = list(dict.fromkeys(here.level))
    places = {str(level): float(number) for number, level in enumerate(levels, start=1)}
    size = here.level.map(here.level.value_counts())
    offsets = 0.3 * (2 * (here.groupby("level").cumcount() + 1) / (size + 1) - 1)
    marks = [
        Mark(places[row.level] + offset, row.bias_percent, "fail" if row.status == "fail" else "m0",
             f"{row.position} {row.level} {row.tissue}: {row.bias_percent:+.1f} %",
             shape="square" if row.status == "fail" else "circle")
        for row, offset in zip(here.itertuples(), offsets, strict=True)
    ]  # fmt: skip
    notes = {str(level): f"{int((here.status[here.level == level] == 'fail').sum())} outside" for level in levels}
    axis = Axis("level", ticks=places, include=[0.5, len(levels) + 0.5])
    drawn = scatter(marks, axis, Axis("bias, %"), guides=(-limit, 0.0, limit), notes=notes)
    missing = int(here.bias_percent.isna().sum())
    words = f"QCs of {analyte}{f', plate {plate}' if plate else ''}: filled circles inside, hollow squares outside"
    words += f"; dashed: ±{limit:g} %"
    words += f"; {missing} without a value not drawn." if missing else "."
    return Figure(drawn, words, {"analyte": analyte, "plate": plate}, "measurements.tsv")


def curve_figures(curve: dict[str, Any], limit: float) -> list[Figure | str]:
    """Return the curve with its points, and the bias of each standard between the limits for inner levels.

    Parameters
    ----------
    curve : dict
        One entry of curve.json.
    limit : float
        Limit of the bias in percent.
    """
    plate = f", plate {curve['plate']}" if curve["plate"] else ""
    label = f"{curve['analyte']}{plate}: {curve['model']}, weighting {curve['weighting']}"
    if curve["estimator"] is None:
        return [f"<p>{escape(label + ': ' + curve['problem'])}</p>"]
    points = [point for point in curve["points"] if point["response"] is not None]
    unit = curve.get(UNIT, GRAMS)
    axis = Axis(f"nominal, {unit}", log=True)
    marks = [_point(point, point["response"], f"{point['nominal_ng_ml']:g} {unit}") for point in points]
    bias = [
        _point(point, point["bias_percent"], f"{point['bias_percent']:+.1f} %")
        for point in points
        if point["bias_percent"] is not None
    ]
    words = f"{label}. Filled circles in the fit, hollow squares dropped or excluded"
    about = {"analyte": curve["analyte"], "plate": curve["plate"]}
    fitted = scatter(marks, axis, Axis("response", log=True), line=_line(curve, points))
    errors = scatter(bias, axis, Axis("bias, %"), guides=(-limit, 0.0, limit))
    limits = f"{words}; dashed: ±{limit:g} %, the limit of inner levels."
    return [
        Figure(fitted, f"{words}.", about | {"shows": "curve"}, "curve.json"),
        Figure(errors, limits, about | {"shows": "bias"}, "curve.json"),
    ]


def _line(curve: dict[str, Any], points: list[dict[str, Any]]) -> list[tuple[float, float]]:
    nominal = [point["nominal_ng_ml"] for point in points if point["nominal_ng_ml"]]
    if not nominal:
        return []
    grid = np.geomspace(min(nominal), max(nominal), 60)
    from bioanalysis.calibration import curve_from_dict  # a page of the study draws no curve and starts without

    responses = np.asarray(curve_from_dict(curve["estimator"]).predict(grid), float)
    return list(zip(grid.tolist(), responses.tolist(), strict=True))


def _point(point: dict[str, Any], y: float, words: str) -> Mark:
    is_out = bool(point["dropped"] or point["excluded"])
    shape = "square" if is_out else "circle"
    tip = f"{point['level']} ({point['position']}) {words}"
    return Mark(point["nominal_ng_ml"], y, "dropped" if is_out else "used", tip, shape=shape)
