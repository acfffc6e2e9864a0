"""What the report for signature says: verdicts, tables in words, figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.export.columns_of_sheets import rows_of
from bioanalysis.export.parts import (
    columns_of,
    controls_table,
    decisions_table,
    flags_table,
    methods_table,
    runs_table,
    section,
)
from bioanalysis.export.study_parts import tables_of_records, tables_of_runs
from bioanalysis.report.all_runs import AllRuns, quality_figures
from bioanalysis.report.first_screen import counted, impact
from bioanalysis.report.said import in_words, said
from bioanalysis.report.sections import shown
from bioanalysis.report.study_stage import study_stage_verdicts
from bioanalysis.report.study_tables import read_of_run
from bioanalysis.report.tissue_figures import tissue_figures
from bioanalysis.study import Study
from bioanalysis.tables import read_results
from bioanalysis.words import NEEDS_DECISION, NOT_ANALYSED, NOT_REPORTED

RESULT = {
    "sample_id": "sample", "subject_id": "animal", "group": "group", "collection_day": "day", "tissue": "tissue",
    "analyte": "analyte", "method_id": "method", "shown": "concentration", "interval": "95 % interval", "unit": "unit",
    "lloq": "LLOQ", "recovery_factor": "recovery", "words": "status and reason",
}  # fmt: skip
RESULT_NOTE = (
    "Concentrations in the unit named, corrected by the recovery shown (1: none applied); intervals hold curve, "
    "reading, extraction, recovery, dilution and weighing. LLOQ is this sample's own. Three significant digits."
)
SUMMARY = {
    "group": "group", "tissue": "tissue", "collection_day": "day", "sex": "sex", "analyte": "analyte",
    "method_id": "method", "n": "n", "n_quantified": "quantified", "n_blq": "BLQ", "mean": "mean",
    "mean_low": "mean, low", "mean_high": "mean, high", "sd": "SD", "cv_percent": "CV %",
    "geometric_mean": "geom. mean", "unit": "unit", "note": "note",
}  # fmt: skip

NUMBERS_DRAWN = ("value", "value_low", "value_high", "lloq", "uloq")
OF_FIGURES = ("sample_id", "group", "tissue", "collection_day", "analyte", "method_id", "unit", "status",
              *NUMBERS_DRAWN)  # fmt: skip
OF_REPEATS = ("initial_run_id", "analyte", "sample_id", "accepted_run_id", "accepted_status")


class StudyDocument:
    """The report of the study whose results lie in `results`; runs are read one at a time, and once."""

    def __init__(self, study: Study, results: Path) -> None:
        self.study, self.results, self.here = study, results, results / "study"

    @cached_property
    def runs(self) -> AllRuns:
        """What the report says of all runs."""
        withheld = self._concentrations("run_id", "plate", "sample_id", "analyte", "status")
        repeats = columns_of(self.here / "repeats.tsv", *OF_REPEATS)
        runs = AllRuns(withheld[withheld.status == NOT_REPORTED], repeats)
        for run in self.study.runs:
            runs.add(read_of_run(self.results / "runs" / run.run_id, run.run_id, run.method.method_id))
        return runs

    def _concentrations(self, *names: str) -> pd.DataFrame:
        return columns_of(self.here / "tissue_concentrations.tsv", *names)

    def verdicts(self) -> list[tuple[str, str]]:
        """Return the verdicts in words, worst news first: runs, samples, flags, decisions, reanalysis, limits."""
        judged, status = self.runs.verdicts, self._concentrations("status").status
        flags = columns_of(self.here / "flags.tsv", "flag", "observed", "state")
        failed = [("fail", f"FAILED: {one.name}. {one.why}. {impact(one)}.") for one in judged if not one.accepted]
        accepted = [one.name for one in judged if one.accepted]
        wider = sorted(set(flags.observed[flags["flag"] == "wider_than_guideline"]))
        still_open = flags[flags.state == "open"]["flag"]
        undecided = int((status == NEEDS_DECISION).sum())
        return [
            *failed,
            *(("fail", f"WIDER THAN ICH M10: {text}") for text in wider),
            *[("pass", "Accepted: " + "; ".join(accepted) + ".")] * bool(accepted),
            ("", f"Results (one per sample, analyte and method): {counted(status) or 'none'}."),
            ("", f"Open flags: {len(still_open)}{f' ({counted(still_open)})' * bool(len(still_open))}."),
            ("fail" if undecided else "", f"Results to be decided: {undecided}."),
            *((one["kind"], one["text"] + ".") for one in study_stage_verdicts(self.here)),
        ]

    def sections(self) -> Iterator[dict[str, Any]]:
        """Yield the tables of the report, each with its units and footnotes."""
        yield _samples(self._concentrations("group", "tissue", "collection_day", "sample_id", "status"))
        yield runs_table(self.study)
        yield methods_table(self.study)
        yield section("Concentrations", list(RESULT.values()), _Results(self.here / "tissue_concentrations.tsv"),
                      footnotes=[RESULT_NOTE], wide=["status and reason"], landscape=True, size=7)  # fmt: skip
        yield _summary(read_results(self.here / "tissue_summary.tsv"))
        yield from tables_of_runs(self.runs.curves, self.here)
        yield controls_table(self.study, self.results)
        yield from tables_of_records(self.study, self.runs.verdicts)
        yield flags_table(columns_of(self.here / "flags.tsv", "flag", "run_id", "tissue", "meaning", "state"))
        yield decisions_table(self.study)

    def figures(self) -> Iterator[dict[str, str]]:
        """Yield the figures of the page that carry the result: concentrations, and the QCs over the runs."""
        concentrations = self._concentrations(*OF_FIGURES)
        numbers = {name: pd.to_numeric(concentrations[name], errors="coerce") for name in NUMBERS_DRAWN}
        for figure in chain(tissue_figures(concentrations.assign(**numbers)), quality_figures(self.runs.controls)):
            yield {"svg": figure.alone, "caption": figure.caption}


def _samples(table: pd.DataFrame) -> dict[str, Any]:
    """Samples planned, analysed and reported, by group, tissue and day."""
    keys = ["group", "tissue", "collection_day"]
    said_of = table.assign(analysed=table.status != NOT_ANALYSED, reported=table.status.isin(["quantified", "BLQ"]))
    by_sample = said_of.groupby([*keys, "sample_id"], sort=False)[["analysed", "reported"]].any().assign(planned=1)
    counts = by_sample.groupby(level=keys, sort=False)[["planned", "analysed", "reported"]].sum()
    rows = [tuple(map(str, row)) for row in counts.reset_index().itertuples(index=False)]
    return section("Samples", ["group", "tissue", "day", "planned", "analysed", "reported"], rows,
                   footnotes=["Reported: with a value or BLQ by at least one method."])  # fmt: skip


@dataclass(frozen=True)
class _Results:
    """The results as the report shows them, one row after another, read anew each time."""

    path: Path

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return (_result(row) for row in rows_of(self.path))


def _result(row: dict[str, str]) -> tuple[str, ...]:
    made = row | {
        "shown": shown(row["value"]) if row["status"] == "quantified" else said(row["status"]),
        "interval": f"{shown(row['value_low'])} to {shown(row['value_high'])}" if row["value_low"] else "",
        "lloq": shown(row["lloq"]), "recovery_factor": shown(row["recovery_factor"]), "words": in_words(row["reason"]),
    }  # fmt: skip
    return tuple(made[name] for name in RESULT)


def _summary(table: pd.DataFrame) -> dict[str, Any]:
    names = {name: title for name, title in SUMMARY.items() if name in table}
    rows = [tuple(shown(cell) for cell in row) for row in table[list(names)].itertuples(index=False)]
    note = "The animal is the unit; BLQ is counted and never a number. Low and high: 95 % interval of the mean."
    return section("Summary by group", list(names.values()), rows, footnotes=[note], wide=["note"], landscape=True,
                   size=7)  # fmt: skip
