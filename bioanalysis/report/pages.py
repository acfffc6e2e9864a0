"""The page of a run and the page of the study: verdict first, then figures and tables."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from bioanalysis.calibration import curve_from_dict
from bioanalysis.limits import EDITION, EXPLORATORY, Limits, limits_for
from bioanalysis.report.decided import DECISIONS, decided_within_run
from bioanalysis.report.distribution_sections import distribution_parts
from bioanalysis.report.injections import by_hand, carry_over_figures, standard_figures
from bioanalysis.report.plots import Axis, Mark, plain, scatter
from bioanalysis.report.review import chromatogram_review
from bioanalysis.report.study_stage import study_stage_parts, study_stage_verdicts
from bioanalysis.report.variability_sections import is_factor, variability_parts
from bioanalysis.results import read_table
from bioanalysis.study import Run, Study
from bioanalysis.tables import write_whole


def write_run_report(folder: Path, run_id: str, path: Path) -> None:
    """Write results/runs/<run_id>/report.html from the tables of the run."""
    results = folder / "results" / "runs" / run_id
    run = Run.from_json((folder / "work" / run_id / "run.json").read_text(encoding="utf-8"))
    names = ("measurements", "acceptance", "recovery", "flags", "decisions")
    tables = {name: read_table(results / f"{name}.tsv") for name in names}
    acceptance, measurements = tables["acceptance"], tables["measurements"]
    curves = json.loads((results / "curve.json").read_text(encoding="utf-8"))
    limits = limits_for(run.method)
    inner = float(limits["CAL-LBA-02" if "CAL-LBA-02" in limits else "CAL-CC-02"].number)
    sections = [
        _section("Calibration", figures=[figure for curve in curves for figure in _curve_figures(curve, inner)]),
        _section("Quality controls", measurements[measurements.sample_type.isin(["qc", "dilution_qc"])], QC),
        _section("Every rule and its numbers", acceptance, RULES),
        _section("Recovery", tables["recovery"], RECOVERY),
        _section("Flags", tables["flags"], FLAGS),
        _section("Decisions: the run with and without each", tables["decisions"], DECISIONS),
        _section("Measurements", measurements, MEASUREMENTS),
    ]
    if run.platform == "lcms":
        sections[4:4] = injection_sections(results, limits)
        sections.append(_section(*by_hand(read_table(results / "peaks.tsv")), BY_HAND))
        sections.append(_section("Chromatograms", figures=_chromatograms(folder, run, results)))
    else:
        notes = read_table(folder / "work" / run_id / "wells_notes.tsv")
        sections.append(_section("Position effects", read_table(results / "positions.tsv"), None))
        sections.append(_section("What the reader noticed of the exports", notes, None))
    sections.insert(-1, _section("Several dilutions of a sample", read_table(results / "dilutions.tsv"), None))
    subtitle = f"method {run.method.method_id} version {run.method.version}, {run.run_date}, {run.analyst}"
    verdicts = [*_run_verdicts(run_id, acceptance), *_wider_than_guideline(run_id, acceptance, tables["flags"])]
    verdicts += decided_within_run(run_id, tables["flags"])
    _write(path, f"Run {run_id}", subtitle, verdicts, sections)


def write_study_report(folder: Path, path: Path) -> None:
    """Write results/study/report.html from the tables of the study."""
    study = Study.load(folder)
    results = folder / "results" / "study"
    names = (
        "tissue_concentrations", "tissue_summary", "biodistribution", "recovery", "flags",
        "reconciliation", "response_variance", "sequences", "decisions",
    )  # fmt: skip
    tables = {name: read_table(results / f"{name}.tsv") for name in names}
    verdicts = []
    for run in study.runs:
        acceptance = read_table(folder / "results" / "runs" / run.run_id / "acceptance.tsv")
        verdicts += _run_verdicts(run.run_id, acceptance)
        flags = read_table(folder / "results" / "runs" / run.run_id / "flags.tsv")
        verdicts += [*_wider_than_guideline(run.run_id, acceptance, flags), *decided_within_run(run.run_id, flags)]
    concentrations = tables["tissue_concentrations"]
    counts = ", ".join(f"{number} {status}" for status, number in concentrations.status.value_counts().items())
    open_flags = int((tables["flags"].state == "open").sum())
    verdicts.append(
        {
            "kind": "",
            "text": f"Results: {counts}. Open flags: {open_flags}. Method status: {study.config.study.status}.",
        }
    )
    verdicts += study_stage_verdicts(results)
    figures = [_tissue_figure(here, str(tissue)) for tissue, here in concentrations.groupby("tissue", sort=False)]
    sections = [
        _section("Tissue concentrations", concentrations, TISSUE, figures=figures),
        *[_section(*part) for part in study_stage_parts(results)],
        _section("Summary by group", tables["tissue_summary"], None),
        _section("Biodistribution", tables["biodistribution"], None),
        *[_section(*part) for part in distribution_parts(study, results)],
        *[_section(*part) for part in variability_parts(results)],
        _section("Response variance of plate assays", tables["response_variance"], None),
        _section("Recovery", tables["recovery"][is_factor(tables["recovery"])], RECOVERY),
        _section("Flags", tables["flags"], FLAGS),
        _section("Decisions: each sample with and without", tables["decisions"], None),
        _section("Sequences of several runs", tables["sequences"], SEQUENCES),
        _section("Reconciliation of every input row", tables["reconciliation"], None),
    ]
    title = f"{study.config.study.id}: {study.config.study.title}"
    _write(path, title, f"test article {study.config.study.test_article}", verdicts, sections)


# fmt: off
QC = ["plate", "position", "sample_type", "level", "tissue", "nominal_ng_ml", "bias_percent", "status", "reason",
      "recovery_factor"]
RULES = ["rule_id", "verdict", "subject", "limit", "observed", "plate", "batch", "tissue", "analyte", "judged",
         "source", "standing"]
RECOVERY = ["tissue", "batch", "kind", "level", "factor", "relative_uncertainty", "degrees_of_freedom", "low", "high",
            "n", "note", "sign_off", "source", "rows"]
FLAGS = ["flag", "state", "run_id", "plate", "position", "sample_id", "tissue", "observed", "limit", "meaning",
         "check_first"]
BY_HAND = ["position", "transition", "automatic_area", "area", "change_percent", "left_min", "right_min", "flags",
           "reason_code", "reason", "author", "decided_at"]
SEQUENCES = ["sequence_id", "runs", "rule_id", "analyte", "verdict", "limit", "observed", "position", "source"]
STANDARD = ["position", "sample_type", "sample_id", "level", "tissue", "analyte", "internal_standard_area",
            "percent_of_mean", "flag"]
CARRIED = ["position", "sample_type", "sample_id", "tissue", "analyte", "previous_position", "carry_over_percent",
           "impact_percent", "limit_percent", "flag"]
MEASUREMENTS = ["plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "status",
                "nominal_ng_ml", "back_calculated_ng_ml", "bias_percent", "dilution_factor", "response", "reason",
                "flags"]
TISSUE = ["sample_id", "group", "tissue", "method_id", "status", "value", "tissue_ug_g_low", "tissue_ug_g_high", "unit",
          "reason", "uncorrected_ug_g", "recovery_factor", "lloq_ug_g", "run_id", "subject_id", "piece",
          "collection_day", "analyte", "chosen", "flags"]
# fmt: on


def _run_verdicts(run_id: str, acceptance: pd.DataFrame) -> list[dict[str, str]]:
    rows = acceptance[acceptance.rule_id == "RUN"]
    return [
        {
            "kind": row.verdict,
            "text": f"{run_id}{f' plate {row.plate}' if row.plate else ''}, {row.analyte}: "
            f"{'ACCEPTED' if row.verdict == 'pass' else 'FAILED'} ({row.observed}; profile {row.limit})",
        }
        for row in rows.itertuples()
    ]


def _wider_than_guideline(run_id: str, acceptance: pd.DataFrame, flags: pd.DataFrame) -> list[dict[str, str]]:
    """Return what lets pass more than the guideline does, for the first screen."""
    wider = acceptance[acceptance.wider_than_source].drop_duplicates("rule_id")
    texts = [f"{row.rule_id}: {row.judged} {row.limit} ({row.source})" for row in wider.itertuples()]
    texts += ["the zero standard takes part in the fit"] * bool((flags["flag"] == "zero_in_fit").any())
    texts += ["exploratory profile: nothing is withheld"] * bool((acceptance.limit == EXPLORATORY).any())
    return [{"kind": "fail", "text": f"{run_id}: WIDER THAN ICH M10: {text}"} for text in texts]


def injection_sections(results: Path, limits: Limits) -> list[dict[str, Any]]:
    """Return the sections on internal standard and carry-over: a figure of every injection, a row for each flagged."""
    standard, carried = (read_table(results / f"{name}.tsv") for name in ("internal_standard", "carry_over"))
    return [
        _section(title, table[table["flag"] != ""], columns, figures)
        for title, table, columns, figures in (
            ("Internal standard by injection", standard, STANDARD, standard_figures(standard, limits)),
            ("Carry-over by injection", carried, CARRIED, carry_over_figures(carried)),
        )
    ]


def _section(
    title: str, table: pd.DataFrame | None = None, columns: list[str] | None = None, figures: list[str] | None = None
) -> dict[str, Any]:
    section: dict[str, Any] = {"title": title, "text": "", "figures": figures or [], "columns": [], "rows": []}
    if table is not None:
        names = [name for name in (columns or table.columns) if name in table]
        rows = [[_shown(cell) for cell in row] for row in table[names].itertuples(index=False)]
        section |= {"columns": names, "rows": rows, "text": "" if len(table) else "none"}
    return section


def _shown(cell: Any) -> str:
    """Return a cell with three significant digits where it is a measured number."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return str(cell)
    if math.isnan(number):
        return ""
    is_measured = isinstance(cell, float) or "." in str(cell)
    return plain(number) if is_measured else str(cell)


def _curve_figures(curve: dict[str, Any], limit: float) -> list[str]:
    """Return the curve with its points, and the bias of each standard between the limits for inner levels."""
    plate = f"plate {curve['plate']} " if curve["plate"] else ""
    label = f"{curve['analyte']} {plate}{curve['model']} {curve['weighting']}"
    if curve["estimator"] is None:
        return [f"<p>{jinja2.utils.markupsafe.escape(label + ': ' + curve['problem'])}</p>"]
    points = [p for p in curve["points"] if p["response"] is not None]
    estimator = curve_from_dict(curve["estimator"])
    nominal = [p["nominal_ng_ml"] for p in points if p["nominal_ng_ml"]]
    grid = np.geomspace(min(nominal), max(nominal), 60)
    line = list(zip(grid.tolist(), np.asarray(estimator.predict(grid), float).tolist(), strict=True))
    marks = [
        Mark(p["nominal_ng_ml"], p["response"], _kind(p), f"{p['level']} {p['nominal_ng_ml']:g} ng/mL") for p in points
    ]
    bias = [
        Mark(p["nominal_ng_ml"], p["bias_percent"], _kind(p), f"{p['level']} {p['bias_percent']:+.1f} %")
        for p in points
        if p["bias_percent"] is not None
    ]
    nominal_axis = Axis(f"nominal ng/mL ({label})", log=True)
    return [
        scatter(marks, nominal_axis, Axis("response", log=True), line=line),
        scatter(bias, nominal_axis, Axis("bias %"), guides=(-limit, 0.0, limit)),
    ]


def _kind(point: dict[str, Any]) -> str:
    return "dropped" if point["dropped"] else "used"


def _tissue_figure(rows: pd.DataFrame, tissue: str) -> str:
    """Return every quantified value by group, a column of marks per method; what is not drawn is counted in words."""
    groups = {str(group): float(number) for number, group in enumerate(dict.fromkeys(rows.group), start=1)}
    methods = [method for method in dict.fromkeys(rows.method_id) if method]
    step = 0.3 / max(len(methods), 1)
    marks = [
        Mark(
            groups[row.group] + step * (methods.index(row.method_id) - (len(methods) - 1) / 2),
            row.value,
            f"m{methods.index(row.method_id)}",
            f"{row.sample_id}, {row.method_id}: {plain(row.value)} {row.unit}",
        )
        for row in rows[rows.value.notna()].itertuples()
    ]
    others = rows.status[rows.status != "quantified"].value_counts()
    not_drawn = ", ".join(f"{number} {status}" for status, number in others.items())
    x_axis = Axis(tissue, ticks=groups, include=[0.5, len(groups) + 0.5])
    figure = scatter(marks, x_axis, Axis(str(rows.unit.iloc[0]), log=True))
    words = f"{tissue}: {' (filled), '.join(methods)}{' (open)' if len(methods) > 1 else ''}"
    words += f"; not drawn: {not_drawn}" if not_drawn else ""
    return f"<figure>{figure}<figcaption>{jinja2.utils.markupsafe.escape(words)}</figcaption></figure>"


def _chromatograms(folder: Path, run: Run, results: Path) -> list[str]:
    return [chromatogram_review(folder, run, results)]


def _write(
    path: Path, title: str, subtitle: str, verdicts: list[dict[str, str]], sections: list[dict[str, Any]]
) -> None:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True)
    template = environment.from_string((files("bioanalysis.report") / "page.html").read_text(encoding="utf-8"))
    page = template.render(title=title, subtitle=subtitle, verdicts=verdicts, sections=sections, edition=EDITION)
    write_whole(path, page.encode("utf-8"))
