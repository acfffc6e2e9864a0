"""Decisions of people: that each names something in the study, completely, and was taken after the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.persons import is_nobody
from bioanalysis.study.manifest_checks import TIME_ZONES, instant
from bioanalysis.study.reading import Rows, shown
from bioanalysis.study.run import Run
from bioanalysis.study.schema import ACTIONS
from bioanalysis.study.worklist import normal_position
from bioanalysis.text_files import did_you_mean, listed, other_capitals

NEEDED: dict[str, tuple[str, ...]] = {
    "integrate": ("run_id", "position", "left_min", "right_min"),
    "exclude": ("run_id",),
    "report_run": ("run_id",),  # without a sample: every sample of the run that has other results
    "report_result": ("sample_id",),
    "accept_flag": (),
}
TARGETS = ("run_id", "position", "sample_id", "extraction_id", "analyte")
ROW_TARGETS = ("position", "sample_id", "extraction_id")
Said = tuple[str, str, str]
Row = Mapping[str, Any]


def settled(decisions: Rows, runs: Sequence[Run]) -> pd.DataFrame:
    """Return the decisions with positions written as in the worklists, and what can only be one thing filled in.

    That is the plate of a run with one plate, and the analyte of an integration in a method with one analyte.
    """
    frame = decisions.frame.copy()
    by_name = {run.run_id: run for run in runs}
    rows = [_settled(row, by_name.get(row["run_id"])) for row in frame.to_dict("records")]
    for place, name in enumerate(("position", "plate", "analyte")):
        frame[name] = pd.Series([row[place] for row in rows], dtype="str")
    return frame


def _settled(row: Row, run: Run | None) -> tuple[str, str, str]:
    position, plate, analyte = row["position"], row["plate"], row["analyte"]
    if run is not None:
        position = normal_position(position, run.platform) or position
        plates = set(run.worklist["plate"])
        plate = plates.pop() if position and not plate and len(plates) == 1 else plate
        if row["action"] == "integrate" and not analyte and len(run.method.analytes) == 1:
            analyte = run.method.analytes[0].name
    return position, plate, analyte


@dataclass(frozen=True)
class StudyNames:
    """Everything a decision may name.

    Parameters
    ----------
    runs : mapping
        Runs by name, as far as they are free of faults.
    run_ids : frozenset
        Names of all runs.
    samples : frozenset
        Samples of the manifest, and the free labels of the worklists.
    extractions : frozenset
        Extractions of all worklists.
    """

    runs: Mapping[str, Run]
    run_ids: frozenset[str]
    samples: frozenset[str]
    extractions: frozenset[str]

    @classmethod
    def of(cls, runs: Sequence[Run], run_ids: Iterable[str], samples: Iterable[str]) -> StudyNames:
        """Return the names of a study."""
        labels = {name for run in runs for name in run.worklist["sample_id"].tolist()}
        extractions = {name for run in runs for name in run.worklist["extraction_id"].tolist()}
        named = {run.run_id: run for run in runs}
        return cls(named, frozenset(run_ids), frozenset(samples) | labels, frozenset(extractions))

    @property
    def whole(self) -> bool:
        """Whether every run could be read."""
        return len(self.runs) == len(self.run_ids)


def decision_faults(decisions: Rows, names: StudyNames) -> list[Fault]:
    """Return what is wrong with the settled decisions."""
    faults: list[Fault] = []
    for row in decisions.frame.to_dict("records"):
        said = [*_form(row), *_names(row, names)]
        run = names.runs.get(row["run_id"])
        if run is not None:
            said += [*_in_run(row, run), *_time(row, run)]
        faults += [Fault(decisions.file, found, expected, int(row["line"]), column) for column, found, expected in said]
    return faults


def _form(row: Row) -> list[Said]:
    """Is the decision complete, and its code one of its action?"""
    action, code = row["action"], row["reason_code"]
    if action not in ACTIONS:
        return []
    said = [(name, "empty", f"a value: '{action}' needs it") for name in NEEDED[action] if not shown(row[name])]
    if code and code not in ACTIONS[action]:
        said.append(("reason_code", f"'{code}'", f"a code of '{action}': {listed(ACTIONS[action])}"))
    if row["author"] and is_nobody(row["author"]):
        said.append(("author", f"'{row['author']}'", "the name of who decided"))
    if row["reason"] and not any(sign.isalnum() for sign in row["reason"]):
        said.append(("reason", f"'{row['reason']}'", "the reason in words"))
    if not any(row[name] for name in TARGETS):
        said.append(("action", f"'{action}' of nothing", f"a name in one of {listed(TARGETS)}"))
    if action == "exclude" and not any(row[name] for name in ROW_TARGETS):
        said.append(("position", "empty", "a position, sample_id or extraction_id to exclude"))
    if action == "report_result" and not row["run_id"] and not row["extraction_id"]:
        said.append(("extraction_id", "empty", "an extraction_id or run_id: which result is reported"))
    if action == "integrate" and row["left_min"] >= row["right_min"]:
        said.append(("right_min", f"'{row['right_min']:g}'", f"a time after left_min ({row['left_min']:g})"))
    return said


def _names(row: Row, names: StudyNames) -> list[Said]:
    """Do the run, sample, extraction and analyte it names exist at all?"""
    known = {"run_id": (names.run_ids, "config/runs.tsv"), "sample_id": (names.samples, "config/samples.tsv")}
    if names.whole:
        known["extraction_id"] = (names.extractions, "a worklist")
    said = [
        (column, f"'{row[column]}'", f"{_one(column)} of {where}{other_capitals(words)(row[column])}")
        for column, (words, where) in known.items()
        if row[column] and row[column] not in words
    ]
    if row["analyte"] and not row["run_id"] and names.whole:
        said += _analyte(row["analyte"], list(names.runs.values()), "a method")
    return said


def _one(column: str) -> str:
    return f"{'an' if column.startswith('extraction') else 'a'} {column}"


def _analyte(name: str, runs: Sequence[Run], where: str) -> list[Said]:
    words: dict[str, None] = {}
    for run in runs:
        words.update(dict.fromkeys(run.method.analyte_names))
        for transition in run.method.transitions:
            words.update({transition.name: None, str(transition.internal_standard or transition.analyte): None})
    if name in words:
        return []
    return [
        ("analyte", f"'{name}'", f"an analyte, internal standard or transition of {where}{did_you_mean(name, words)}")
    ]


def _in_run(row: Row, run: Run) -> list[Said]:
    """What the decision names must stand together in one row of the run's worklist."""
    where = f"of the worklist of {run.run_id}"
    here = np.ones(len(run.worklist), dtype=bool)
    for column in ("plate", "position", "sample_id", "extraction_id", "dilution_factor"):
        if not shown(row[column]):
            continue
        here &= (run.worklist[column] == row[column]).to_numpy()
        if not here.any():
            expected = f"{_one(column)} {where}, in a row that also has the other values named"
            return [(column, f"'{shown(row[column])}'", expected)]
    said: list[Said] = []
    if row["position"] and here.sum() > 1:
        said.append(("plate", "empty", f"a plate {where}: several have a well {row['position']}"))
    if row["analyte"]:
        said += _analyte(row["analyte"], [run], run.method.method_id)
    if row["action"] == "integrate" and run.platform != "lcms":
        said.append(("action", "'integrate'", "an LC-MS/MS run: a plate has no peaks"))
    return said


def _time(row: Row, run: Run) -> list[Said]:
    if not row["decided_at"] or not run.run_date or instant(row["decided_at"]) + TIME_ZONES >= instant(run.run_date):
        return []
    return [("decided_at", f"'{row['decided_at']}'", f"a time not before the run ({run.run_date})")]
