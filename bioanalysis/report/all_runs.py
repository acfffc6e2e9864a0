"""All runs side by side: verdicts and their impact, calibration, QCs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bioanalysis.moles import GRAMS, UNIT
from bioanalysis.report.figures import Figure
from bioanalysis.report.first_screen import Verdict, impact
from bioanalysis.report.plots import Axis, Mark, scatter
from bioanalysis.report.sections import Cell, run_address, section, shown
from bioanalysis.report.study_tables import OfRun
from bioanalysis.study import Study

CONTROLS = ("qc", "dilution_qc")
PER_RUN = 60


def runs_section(study: Study, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the table of all runs with their verdicts (RPT-01)."""
    known = {run.run_id: run for run in study.runs}
    rows = []
    for verdict in verdicts:
        run = known[verdict.run_id]
        rows.append(
            (Cell(run.run_id, run_address(run.run_id)), verdict.plate, verdict.analyte, run.method.method_id,
             run.run_date, run.analyst, run.instrument or "not given", "accepted" if verdict.accepted else "FAILED",
             verdict.why, "" if verdict.accepted else impact(verdict), run.reinjection_of)
        )  # fmt: skip
    columns = ["run_id", "plate", "analyte", "method_id", "date", "analyst", "instrument", "verdict", "why", "impact",
               "reinjection_of"]  # fmt: skip
    return section("All runs", pd.DataFrame(rows, columns=columns), source="results/runs/<run>/acceptance.tsv")


def deviations_section(study: Study, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return failed runs, rows not acquired and samples not there: what did not go as planned (RPT-16)."""
    text = "Causes and investigations are the laboratory's to write; manual integrations stand under Decisions."
    return section("Deviations and their impact", deviations(study, verdicts), text=text)


def deviations(study: Study, verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return where, what, why and impact of what did not go as planned."""
    rows = [(verdict.name, "run failed", verdict.why, impact(verdict)) for verdict in verdicts if not verdict.accepted]
    for run in study.runs:
        lost = run.worklist[run.worklist.not_acquired_reason != ""]
        rows += [
            (f"{run.run_id}, {row.position}", "not acquired", f"{row.sample_type} {row.sample_id}: "
             f"{row.not_acquired_reason}", "") for row in lost.itertuples()
        ]  # fmt: skip
    missing = study.samples[study.samples.not_available_reason != ""]
    rows += [(row.sample_id, "sample not available", row.not_available_reason, "") for row in missing.itertuples()]
    return pd.DataFrame(rows, columns=["where", "what", "why", "impact"])


def calibration_section(runs: Sequence[OfRun]) -> dict[str, Any]:
    """Return the curve of every run: model, parameters, range in force, standards used and dropped (RPT-02)."""
    return section("Calibration of all runs", curves(runs), source="results/runs/<run>/curve.json")


def curves(runs: Sequence[OfRun]) -> pd.DataFrame:
    """Return one row per curve: run, plate, analyte, model, parameters, range, standards used and dropped, bias."""
    rows = [
        (Cell(run.run_id, run_address(run.run_id, "Calibration")), curve["plate"], curve["analyte"],
         f"{curve['model']}, {curve['weighting']}", _parameters(curve), _range(curve), *_standards(curve))
        for run in runs
        for curve in run.curves
    ]  # fmt: skip
    columns = ["run_id", "plate", "analyte", "model and weighting", "parameters", "range in force",
               "standards used", "dropped", "bias of standards used (%)"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _parameters(curve: dict[str, Any]) -> str:
    if curve["estimator"] is None:
        return str(curve["problem"])
    return ", ".join(f"{name} {value:.4g}" for name, value in curve["estimator"]["parameters"].items())


def _range(curve: dict[str, Any]) -> str:
    if curve.get("lloq_ng_ml") is None or curve.get("uloq_ng_ml") is None:
        return "none"
    return f"{shown(float(curve['lloq_ng_ml']))} to {shown(float(curve['uloq_ng_ml']))} {curve.get(UNIT, GRAMS)}"


def _standards(curve: dict[str, Any]) -> tuple[int, str, str]:
    used = [point for point in curve["points"] if point["used"]]
    dropped = [f"{point['level']} ({point['position']})" for point in curve["points"] if point["dropped"]]
    bias = [point["bias_percent"] for point in used if point["bias_percent"] is not None and point["kind"] != "anchor"]
    return len(used), "; ".join(dropped), f"{min(bias):+.1f} to {max(bias):+.1f}" if bias else ""


def quality_figures(runs: Sequence[OfRun]) -> list[Figure]:
    """Return, per method and analyte, the bias of every QC over the runs in order (RPT-03, RPT-12)."""
    table = pd.concat([_controls(run) for run in runs]) if runs else pd.DataFrame()
    if table.empty:
        return []
    grouped = table.groupby(["method_id", "analyte"], sort=False)
    return [_quality_figure(here, *map(str, key)) for key, here in grouped]


def _controls(run: OfRun) -> pd.DataFrame:
    rows = run.measurements
    return rows[rows.sample_type.isin(CONTROLS)].assign(run_id=run.run_id, method_id=run.method_id)


def _quality_figure(here: pd.DataFrame, method_id: str, analyte: str) -> Figure:
    names = [f"{run}{f' {plate}' if plate else ''}" for run, plate in zip(here.run_id, here.plate, strict=True)]
    places = {name: float(number) for number, name in enumerate(dict.fromkeys(names), start=1)}
    levels = list(dict.fromkeys(here.level))
    bias = pd.to_numeric(here.bias_percent, errors="coerce")
    marks = [
        Mark(places[name] + 0.6 * ((levels.index(row.level) + 0.5) / len(levels) - 0.5), found,
             "fail" if row.status == "fail" else "m0",
             f"{name} {row.position} {row.level} {row.tissue}: {found:+.1f} %",
             shape="square" if row.status == "fail" else "circle")
        for name, row, found in zip(names, here.itertuples(), bias, strict=True)
    ]  # fmt: skip
    outside = here.status.eq("fail").groupby(names).sum()
    notes = {name: f"{outside[name]} outside" for name in places}
    axis = Axis("run and plate; levels from left to right: " + ", ".join(levels), ticks=places,
                include=[0.5, len(places) + 0.5])  # fmt: skip
    width = max(440, min(PER_RUN * len(places) + 80, 1400))
    drawn = scatter(marks, axis, Axis("bias, %"), guides=(0.0,), notes=notes, width=width)
    missing = int(bias.isna().sum())
    words = f"{method_id}, {analyte}: bias of every QC; filled circles inside, hollow squares outside their limit"
    words += f"; {missing} without a value not drawn." if missing else "."
    return Figure(drawn, words, {"method": method_id, "analyte": analyte}, "results/runs/<run>/measurements.tsv")
