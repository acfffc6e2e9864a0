"""All runs side by side: verdicts and their impact, calibration, QCs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from bioanalysis.moles import GRAMS, UNIT
from bioanalysis.report.figures import Figure
from bioanalysis.report.first_screen import Verdict, impact, run_verdicts
from bioanalysis.report.plots import Axis, Mark, scatter
from bioanalysis.report.sections import Cell, run_address, section, shown
from bioanalysis.report.study_tables import OfRun, Stacked
from bioanalysis.study import Study

CONTROLS = ("qc", "dilution_qc")
OF_CONTROLS = ("plate", "position", "level", "tissue", "analyte", "bias_percent", "status")
CURVES = ["run_id", "plate", "analyte", "model and weighting", "parameters", "range in force", "standards used",
          "dropped", "bias of standards used (%)"]  # fmt: skip
PER_RUN = 60
Deviation = tuple[str, str, str, str]  # where, what, why, impact


class AllRuns:
    """What a report of the study says of its runs, gathered run by run: no table of a run is kept.

    Parameters
    ----------
    withheld : DataFrame
        Rows of tissue_concentrations.tsv that are not reported: run_id, plate, sample_id, analyte, status.
    repeats : DataFrame
        repeats.tsv of the study.
    """

    def __init__(self, withheld: pd.DataFrame, repeats: pd.DataFrame) -> None:
        self._withheld, self._repeats = withheld, repeats
        self._curves: list[tuple[object, ...]] = []
        self._controls = Stacked("run_id", "method_id", *OF_CONTROLS)
        self.verdicts: list[Verdict] = []

    def add(self, run: OfRun) -> None:
        """Take in what one run left."""
        self.verdicts += run_verdicts(run, self._withheld, self._repeats)
        self._curves += _curves(run)
        rows = run.measurements[run.measurements.sample_type.isin(CONTROLS)]
        self._controls.add(rows, run_id=run.run_id, method_id=run.method_id)

    @property
    def curves(self) -> pd.DataFrame:
        """A row per curve: run, plate, analyte, model, parameters, range, standards used and dropped, bias."""
        return pd.DataFrame(self._curves, columns=CURVES)

    @property
    def controls(self) -> pd.DataFrame:
        """A row per QC of every run."""
        return self._controls.table()


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


def deviations_section(study: Study, verdicts: Sequence[Verdict], lost: Iterable[Deviation]) -> dict[str, Any]:
    """Return failed runs, rows not acquired and samples not there: what did not go as planned (RPT-16)."""
    text = "Causes and investigations are the laboratory's to write; manual integrations stand under Decisions."
    return section("Deviations and their impact", deviations(study, verdicts, lost), text=text)


def not_acquired(run_id: str, worklist: pd.DataFrame) -> list[Deviation]:
    """Return where, what, why and impact of the rows of a worklist that were not acquired."""
    return [
        (f"{run_id}, {row.position}", "not acquired", f"{row.sample_type} {row.sample_id}: {row.not_acquired_reason}",
         "")
        for row in worklist[worklist.not_acquired_reason != ""].itertuples()
    ]  # fmt: skip


def deviations(study: Study, verdicts: Sequence[Verdict], lost: Iterable[Deviation]) -> pd.DataFrame:
    """Return where, what, why and impact of what did not go as planned; `lost`: as `not_acquired` returns them."""
    rows = [(verdict.name, "run failed", verdict.why, impact(verdict)) for verdict in verdicts if not verdict.accepted]
    rows += lost
    missing = study.samples[study.samples.not_available_reason != ""]
    rows += [(row.sample_id, "sample not available", row.not_available_reason, "") for row in missing.itertuples()]
    return pd.DataFrame(rows, columns=["where", "what", "why", "impact"])


def calibration_section(curves: pd.DataFrame) -> dict[str, Any]:
    """Return the curve of every run: model, parameters, range in force, standards used and dropped (RPT-02)."""
    return section("Calibration of all runs", curves, source="results/runs/<run>/curve.json")


def _curves(run: OfRun) -> list[tuple[object, ...]]:
    return [
        (Cell(run.run_id, run_address(run.run_id, "Calibration")), curve["plate"], curve["analyte"],
         f"{curve['model']}, {curve['weighting']}", _parameters(curve), _range(curve), *_standards(curve))
        for curve in run.curves
    ]  # fmt: skip


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


def quality_figures(controls: pd.DataFrame) -> Iterator[Figure]:
    """Yield, per method and analyte, the bias of every QC over the runs in order (RPT-03, RPT-12)."""
    for key, here in controls.groupby(["method_id", "analyte"], sort=False):
        yield _quality_figure(here, *map(str, key))


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
