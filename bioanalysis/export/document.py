"""What the report for signature says: verdicts, tables in words, figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.export.parts import controls_table, decisions_table, flags_table, methods_table, runs_table, section
from bioanalysis.export.study_parts import tables_of_records, tables_of_runs
from bioanalysis.report.all_runs import quality_figures
from bioanalysis.report.first_screen import counted, impact, run_verdicts
from bioanalysis.report.said import in_words, said
from bioanalysis.report.sections import shown
from bioanalysis.report.study_stage import study_stage_verdicts
from bioanalysis.report.study_tables import OfRun, located, read_of_run, read_or_empty, read_study_tables
from bioanalysis.report.tissue_figures import tissue_figures
from bioanalysis.study import Study
from bioanalysis.tables import read_results
from bioanalysis.words import NEEDS_DECISION

RESULT = {
    "sample_id": "sample", "subject_id": "animal", "group": "group", "collection_day": "day", "tissue": "tissue",
    "analyte": "analyte", "method_id": "method", "shown": "concentration", "interval": "95 % interval", "unit": "unit",
    "lloq": "LLOQ", "recovery_factor": "recovery", "words": "status and reason",
}  # fmt: skip
SUMMARY = {
    "group": "group", "tissue": "tissue", "collection_day": "day", "sex": "sex", "analyte": "analyte",
    "method_id": "method", "n": "n", "n_quantified": "quantified", "n_blq": "BLQ", "mean": "mean",
    "mean_low": "mean, low", "mean_high": "mean, high", "sd": "SD", "cv_percent": "CV %",
    "geometric_mean": "geom. mean", "unit": "unit", "note": "note",
}  # fmt: skip


def verdicts(study: Study, results: Path) -> list[tuple[str, str]]:
    """Return the verdicts in words, worst news first: runs, samples, flags, decisions, incurred reanalysis, limits."""
    of_runs, tables = _of_runs(study, results), read_study_tables(results / "study")
    concentrations, flags = located(tables["tissue_concentrations"], of_runs), tables["flags"]
    judged = run_verdicts(of_runs, concentrations, tables["repeats"])
    failed = [("fail", f"FAILED: {one.name}. {one.why}. {impact(one)}.") for one in judged if not one.accepted]
    accepted = [one.name for one in judged if one.accepted]
    wider = sorted(set(flags.observed[flags["flag"] == "wider_than_guideline"]))
    still_open = flags[flags.state == "open"]["flag"]
    undecided = int((concentrations.status == NEEDS_DECISION).sum())
    return [
        *failed,
        *(("fail", f"WIDER THAN ICH M10: {text}") for text in wider),
        *[("pass", "Accepted: " + "; ".join(accepted) + ".")] * bool(accepted),
        ("", f"Results (one per sample, analyte and method): {counted(concentrations.status) or 'none'}."),
        ("", f"Open flags: {len(still_open)}{f' ({counted(still_open)})' * bool(len(still_open))}."),
        ("fail" if undecided else "", f"Results to be decided: {undecided}."),
        *((one["kind"], one["text"] + ".") for one in study_stage_verdicts(results / "study")),
    ]


def _of_runs(study: Study, results: Path) -> list[OfRun]:
    return [read_of_run(results / "runs" / run.run_id, run.run_id, run.method.method_id) for run in study.runs]


def sections(study: Study, results: Path) -> Iterator[dict[str, Any]]:
    """Yield the tables of the report, each with its units and footnotes."""
    of_runs, tables = _of_runs(study, results), read_study_tables(results / "study")
    judged = run_verdicts(of_runs, located(tables["tissue_concentrations"], of_runs), tables["repeats"])
    yield _samples(read_results(results / "study/tissue_concentrations.tsv"))
    yield runs_table(study)
    yield methods_table(study)
    yield _results(read_results(results / "study/tissue_concentrations.tsv"))
    yield _summary(read_results(results / "study/tissue_summary.tsv"))
    yield from tables_of_runs(of_runs, tables, read_or_empty(results / "study/incurred.tsv"))
    yield controls_table(study, results)
    yield from tables_of_records(study, judged)
    yield flags_table(read_results(results / "study/flags.tsv"))
    yield decisions_table(study)


def _samples(table: pd.DataFrame) -> dict[str, Any]:
    """Samples planned, analysed and reported, by group, tissue and day."""
    keys = ["group", "tissue", "collection_day"]
    by_sample = table.groupby([*keys, "sample_id"], sort=False).status.agg(set).reset_index()
    rows = [
        (*map(str, key), str(len(here)), str(sum(words != {"not_analysed"} for words in here.status)),
         str(sum(bool(words & {"quantified", "BLQ"}) for words in here.status)))
        for key, here in by_sample.groupby(keys, sort=False)
    ]  # fmt: skip
    return section("Samples", ["group", "tissue", "day", "planned", "analysed", "reported"], rows,
                   footnotes=["Reported: with a value or BLQ by at least one method."])  # fmt: skip


def _results(table: pd.DataFrame) -> dict[str, Any]:
    table = table.assign(
        shown=[shown(value) if status == "quantified" else said(status)
               for value, status in zip(table.value, table.status, strict=True)],
        interval=[f"{shown(low)} to {shown(high)}" if low else ""
                  for low, high in zip(table.value_low, table.value_high, strict=True)],
        lloq=table.lloq.map(shown), recovery_factor=table.recovery_factor.map(shown),
        words=table.reason.map(in_words),
    )  # fmt: skip
    rows = table[list(RESULT)].itertuples(index=False)
    footnotes = [
        "Concentrations in the unit named, corrected by the recovery shown (1: none applied); intervals hold curve, "
        "reading, extraction, recovery, dilution and weighing. LLOQ is this sample's own. Three significant digits.",
    ]
    return section("Concentrations", list(RESULT.values()), [tuple(row) for row in rows], footnotes=footnotes,
                   wide=["status and reason"], landscape=True, size=7)  # fmt: skip


def _summary(table: pd.DataFrame) -> dict[str, Any]:
    names = {name: title for name, title in SUMMARY.items() if name in table}
    rows = [tuple(shown(cell) for cell in row) for row in table[list(names)].itertuples(index=False)]
    note = "The animal is the unit; BLQ is counted and never a number. Low and high: 95 % interval of the mean."
    return section("Summary by group", list(names.values()), rows, footnotes=[note], wide=["note"], landscape=True,
                   size=7)  # fmt: skip


def figures(study: Study, results: Path) -> list[dict[str, str]]:
    """Return the figures of the page that carry the result: concentrations, and the QCs over the runs."""
    concentrations = read_study_tables(results / "study")["tissue_concentrations"]
    shown_here = [*tissue_figures(concentrations), *quality_figures(_of_runs(study, results))]
    return [{"svg": figure.alone, "caption": figure.caption} for figure in shown_here]
