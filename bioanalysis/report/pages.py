"""The page of a run and the page of the study: verdict first, then figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.evaluation.acquisition import acquisition_note
from bioanalysis.limits import EDITION, Limits, limits_for
from bioanalysis.report.account import (
    controls_section as control_animals_section,
)
from bioanalysis.report.account import (
    materials_section,
    methods_section,
    primary_section,
    provenance_section,
    samples_section,
)
from bioanalysis.report.all_runs import calibration_section, deviations_section, quality_figures, runs_section
from bioanalysis.report.concentrations_section import concentrations_section
from bioanalysis.report.decided import DECISIONS, decided_within_run, wider_than_guideline
from bioanalysis.report.distribution_sections import distribution_parts
from bioanalysis.report.first_screen import cards, to_do
from bioanalysis.report.flag_effects import flag_effects
from bioanalysis.report.handling import by_hand_section, storage_section
from bioanalysis.report.injections import by_hand, carry_over_figures, standard_figures
from bioanalysis.report.links import Ways
from bioanalysis.report.page import write_page
from bioanalysis.report.review import chromatogram_review
from bioanalysis.report.run_sections import (
    controls_section,
    curve_figures,
    measurements_section,
    rule_sections,
)
from bioanalysis.report.runs_of_study import RunsOfStudy
from bioanalysis.report.said import said
from bioanalysis.report.sections import section
from bioanalysis.report.study_stage import Part, study_stage_parts, study_stage_verdicts
from bioanalysis.report.study_tables import read_concentrations, read_or_empty
from bioanalysis.report.tracking import entries_section, preparation_section, tracking_section
from bioanalysis.report.variability_sections import is_factor, variability_parts
from bioanalysis.results import read_curves, read_table, write_result
from bioanalysis.study import Run, Study
from bioanalysis.study.entries import MEASURED
from bioanalysis.study.finished import open_finished

_section = section


def write_run_report(folder: Path, run_id: str, path: Path) -> None:
    """Write results/runs/<run_id>/report.html from the tables of the run."""
    results = folder / "results" / "runs" / run_id
    run = Run.from_json((folder / "work" / run_id / "run.json").read_text(encoding="utf-8"))
    names = ("measurements", "acceptance", "recovery", "flags", "decisions", "dilutions", "positions")
    tables = {name: read_or_empty(results / f"{name}.tsv") for name in names}
    acceptance, measurements = tables["acceptance"], tables["measurements"]
    curves = read_curves(results / "curve.json")
    limits = limits_for(run.method)
    inner = float(limits["CAL-LBA-02" if "CAL-LBA-02" in limits else "CAL-CC-02"].number)
    is_lcms = run.platform == "lcms"
    sections = [
        *rule_sections(acceptance)[:2],
        section("Calibration", figures=[figure for curve in curves for figure in curve_figures(curve, inner)]),
        controls_section(measurements, is_lcms, float(limits["QC-04" if "QC-04" in limits else "QC-03"].number)),
        *rule_sections(acceptance)[2:],
        section("Recovery", tables["recovery"], RECOVERY, source="recovery.tsv"),
        *(injection_sections(results, limits) if is_lcms else []),
        section("Flags", tables["flags"], FLAGS, source="flags.tsv"),
        section("Decisions: the run with and without each", tables["decisions"], DECISIONS, source="decisions.tsv"),
        section("Several dilutions of a sample", tables["dilutions"], source="dilutions.tsv"),
        measurements_section(measurements, is_lcms),
    ]
    if is_lcms:
        title, table = by_hand(read_table(results / "peaks.tsv"))
        sections.append(section(title, table, BY_HAND, source="peaks.tsv"))
        acquired = read_table(folder / "work" / run_id / "acquisitions.tsv")
        sections.append(section("Time of acquisition", text=acquisition_note(acquired)))
        sections.append(section("Chromatograms", figures=_chromatograms(folder, run, results)))
    else:
        notes = read_or_empty(folder / "work" / run_id / "wells_notes.tsv")
        sections.append(section("Position effects", tables["positions"], source="positions.tsv"))
        sections.append(section("What the reader noticed of the exports", notes))
    subtitle = f"method {run.method.method_id} version {run.method.version}, {run.run_date}, {run.analyst}"
    verdicts = [*_run_verdicts(run_id, acceptance), *wider_than_guideline(run_id, acceptance, tables["flags"])]
    verdicts += decided_within_run(run_id, tables["flags"])
    write_page(path, f"Run {run_id}", subtitle, verdicts, sections, back=OF_STUDY)


def write_study_report(folder: Path, path: Path) -> None:
    """Write results/study/report.html from the tables of the study, and flag_effects.tsv beside it.

    Runs are read one at a time, and tables when their section is written.
    """
    study = open_finished(folder, OF_SUBJECTS, OF_SAMPLES, OF_WORKLISTS)
    results = folder / "results" / "study"
    concentrations = read_concentrations(results)
    flags = read_or_empty(results / "flags.tsv")
    runs = RunsOfStudy.read(study, folder / "results" / "runs", concentrations, read_or_empty(results / "repeats.tsv"))
    effects = flag_effects(concentrations, flags)
    write_result(effects, path.parent / "flag_effects.tsv")
    ways = Ways(frozenset(run.run_id for run in study.runs), frozenset(concentrations.sample_id), runs.rows)
    sections = chain(
        _sections_of_values(study, results, concentrations, flags, ways),
        _sections_of_runs(study, results, runs, ways),
        _sections_of_records(study, results, runs, flags, effects, ways),
    )
    settings, verdicts = study.config.study, runs.verdicts
    shown_first = cards(verdicts, concentrations, flags, runs.wider, said(settings.status), EDITION)
    lines = [*runs.decided, *study_stage_verdicts(results)]
    write_page(path, f"{settings.id}: {settings.title}", f"test article {settings.test_article}", lines, sections,
               shown_first, to_do(verdicts, concentrations, flags))  # fmt: skip


def _sections_of_values(
    study: Study, results: Path, concentrations: pd.DataFrame, flags: pd.DataFrame, ways: Ways
) -> Iterator[dict[str, Any]]:
    table = partial(_table_section, results, ways)
    yield concentrations_section(concentrations, flags, ways.rows)
    yield table("Summary by group", "tissue_summary", text=SUMMARY_TEXT)
    yield samples_section(study, concentrations)
    yield tracking_section(study, concentrations)
    yield entries_section(study)
    yield primary_section(concentrations)
    yield control_animals_section(concentrations)
    yield table("Biodistribution", "biodistribution")
    yield from _parts(partial(distribution_parts, study), results, ways)
    yield from _parts(variability_parts, results, ways)
    recovery = read_or_empty(results / "recovery.tsv")
    yield section("Recovery", recovery[is_factor(recovery)], RECOVERY, source="recovery.tsv", linked=ways.linked)


def _sections_of_runs(study: Study, results: Path, runs: RunsOfStudy, ways: Ways) -> Iterator[dict[str, Any]]:
    table = partial(_table_section, results, None)
    yield runs_section(study, runs.verdicts)
    yield calibration_section(runs.curves)
    yield section("QCs over the runs", figures=quality_figures(runs.controls))
    yield from _parts(partial(study_stage_parts, runs.held), results, ways)
    yield storage_section(read_or_empty(results / "storage.tsv"))
    yield table("Response variance of plate assays", "response_variance")
    yield table("Sequences of several runs", "sequences", SEQUENCES)


def _sections_of_records(
    study: Study, results: Path, runs: RunsOfStudy, flags: pd.DataFrame, effects: pd.DataFrame, ways: Ways
) -> Iterator[dict[str, Any]]:
    yield section("Flags", flags, FLAGS, source="flags.tsv", filters=["flag", "state", "run_id", "tissue"],
                  linked=ways.linked)  # fmt: skip
    yield _effects_section(effects, ways)
    yield _table_section(results, ways, "Decisions: each sample with and without", "decisions")
    yield by_hand_section(study)
    yield deviations_section(study, runs.verdicts, runs.lost)
    yield methods_section(study)
    yield materials_section(study)
    yield preparation_section(runs.prepared)
    yield _table_section(results, None, "Reconciliation of every input row", "reconciliation", folded=True)
    yield provenance_section(study)


def _table_section(
    results: Path, ways: Ways | None, title: str, name: str, columns: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    """Return the section that shows a table of results/study, with ways into the page and the runs where given."""
    linked = ways.linked if ways else None
    return section(title, read_or_empty(results / f"{name}.tsv"), columns, source=f"{name}.tsv", linked=linked, **more)


def _parts(parts: Callable[[Path], Iterable[Part]], results: Path, ways: Ways) -> Iterator[dict[str, Any]]:
    """Yield the sections of one topic; a table that is not there is said in their place."""
    try:
        for title, table, names, figures in parts(results):
            yield section(title, table, names, figures, linked=ways.linked)
    except FileNotFoundError as missing:
        name = Path(str(missing.filename)).name
        yield section(f"Not shown: {name}", text=f"{name} is not among the results.")


def _effects_section(effects: pd.DataFrame, ways: Ways) -> dict[str, Any]:
    text = (
        "Mean of the quantified animals of the group with all values, and without those the flag concerns; the largest "
        "change first. A flag of a run, a calibrator or a QC concerns every value of its run, plate and tissue."
    )
    words = effects.select_dtypes(exclude="number").columns
    effects = effects.assign(**effects[words].fillna(""))  # a flag on a sample without a value concerns no group
    size = pd.to_numeric(effects.change_percent).abs()
    ordered = effects.loc[size.sort_values(ascending=False, kind="stable", na_position="last").index]
    return section("Effect of each open flag on the means of groups", ordered, text=text, source="flag_effects.tsv",
                   filters=["flag", "run_id", "tissue", "group"], linked=ways.linked)  # fmt: skip


# fmt: off
RECOVERY = ["tissue", "batch", "kind", "level", "factor", "relative_uncertainty", "degrees_of_freedom", "low", "high",
            "n", "note", "sign_off", "source", "rows"]
FLAGS = ["flag", "meaning", "state", "decision_id", "run_id", "plate", "position", "sample_id", "tissue", "observed",
         "limit", "source", "check_first"]
BY_HAND = ["position", "transition", "automatic_area", "area", "change_percent", "left_min", "right_min", "flags",
           "reason_code", "reason", "author", "decided_at"]
SEQUENCES = ["sequence_id", "runs", "rule_id", "analyte", "verdict", "limit", "observed", "position", "source"]
OF_STUDY = "../../study/report.html"  # the report of the study, as seen from that of a run
OF_SUBJECTS = ("subject_id", "group", "treatment", "dose_mg_per_kg")
OF_SAMPLES = ("storage_c", "freeze_thaw_cycles", "comment", "tissue", *MEASURED, "entry", "entered_by", "checked_by")
OF_WORKLISTS = ("tissue", "lot", "stock", "prepared_on")
SUMMARY_TEXT = "The animal is the unit; BLQ is counted and never a number. Each group leads to its values."
STANDARD = ["position", "sample_type", "sample_id", "level", "tissue", "analyte", "internal_standard_area",
            "percent_of_mean", "flag"]
CARRIED = ["position", "sample_type", "sample_id", "tissue", "analyte", "previous_position", "carry_over_percent",
           "impact_percent", "limit_percent", "flag"]
# fmt: on


def _run_verdicts(run_id: str, acceptance: pd.DataFrame) -> list[dict[str, str]]:
    rows = acceptance[acceptance.rule_id == RUN]
    return [
        {
            "kind": row.verdict,
            "text": f"{run_id}{f' plate {row.plate}' if row.plate else ''}, {row.analyte}: "
            f"{'ACCEPTED' if row.verdict == 'pass' else 'FAILED'} ({row.observed}; profile {said(row.limit)})",
        }
        for row in rows.itertuples()
    ]


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


def _chromatograms(folder: Path, run: Run, results: Path) -> list[str]:
    return [chromatogram_review(folder, run, results)]
