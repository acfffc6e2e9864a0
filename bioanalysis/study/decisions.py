"""Decisions of people: that each names something in the study, completely, and was taken after the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.study.manifest_checks import TIME_ZONES, instant
from bioanalysis.study.reading import Rows
from bioanalysis.study.run import Run
from bioanalysis.study.schema import ACTIONS
from bioanalysis.study.worklist import normal_position
from bioanalysis.text_files import did_you_mean, listed

NEEDED: dict[str, tuple[str, ...]] = {
    "integrate": ("run_id", "position", "left_min", "right_min"),
    "exclude": ("run_id",),
    "report_run": ("run_id", "sample_id"),
    "report_result": ("sample_id",),
    "accept_flag": (),
}
TARGETS = ("run_id", "position", "sample_id", "extraction_id", "analyte")
ROW_TARGETS = ("position", "sample_id", "extraction_id")


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


def _settled(row: Mapping[str, str], run: Run | None) -> tuple[str, str, str]:
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
        Runs by name.
    all_run_ids : frozenset
        Names of all runs, also of those that are faulty.
    samples : frozenset
        Samples of the manifest.
    extractions : frozenset
        Extractions of all worklists.
    """

    runs: Mapping[str, Run]
    all_run_ids: frozenset[str]
    samples: frozenset[str]
    extractions: frozenset[str]

    @classmethod
    def of(cls, runs: Sequence[Run], all_run_ids: Sequence[str], samples: Sequence[str]) -> StudyNames:
        """Return the names of a study."""
        extractions = frozenset(name for run in runs for name in run.worklist["extraction_id"].tolist())
        return cls({run.run_id: run for run in runs}, frozenset(all_run_ids), frozenset(samples), extractions)


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


Said = tuple[str, str, str]


def _form(row: Mapping[str, object]) -> list[Said]:
    action, code = str(row["action"]), row["reason_code"]
    if action not in ACTIONS:
        return []
    said = [
        (name, "empty", f"a value: '{action}' needs it")
        for name in NEEDED[action]
        if row[name] == "" or (isinstance(row[name], float) and np.isnan(row[name]))  # type: ignore[arg-type]
    ]
    if code and code not in ACTIONS[action]:
        said.append(("reason_code", f"'{code}'", f"a code of '{action}': {listed(ACTIONS[action])}"))
    if not any(row[name] for name in TARGETS):
        said.append(("action", f"'{action}' of nothing", f"a name in one of {listed(TARGETS)}"))
    if action == "exclude" and not any(row[name] for name in ROW_TARGETS):
        said.append(("position", "empty", "a position, sample_id or extraction_id to exclude"))
    if action == "report_result" and not row["run_id"] and not row["extraction_id"]:
        said.append(("extraction_id", "empty", "an extraction_id or run_id: which result is reported"))
    if action == "integrate" and row["left_min"] >= row["right_min"]:  # type: ignore[operator]
        said.append(("right_min", f"'{row['right_min']:g}'", f"a time after left_min ({row['left_min']:g})"))
    return said


def _names(row: Mapping[str, str], names: StudyNames) -> list[Said]:
    said: list[Said] = []
    known = {"run_id": names.all_run_ids, "sample_id": names.samples, "extraction_id": names.extractions}
    tables = {"run_id": "config/runs.tsv", "sample_id": "config/samples.tsv", "extraction_id": "a worklist"}
    whole = len(names.runs) == len(names.all_run_ids)
    for column, words in known.items():
        labels = _labels(names) if column == "sample_id" else frozenset[str]()
        if column == "extraction_id" and not whole:
            continue
        if row[column] and row[column] not in words and row[column] not in labels:
            said.append(
                (column, f"'{row[column]}'", f"a {column} of {tables[column]}{did_you_mean(row[column], words)}")
            )
    analytes = _analytes(names.runs.values())
    if row["analyte"] and not row["run_id"] and whole and row["analyte"] not in analytes:
        hint = did_you_mean(row["analyte"], analytes)
        said.append(("analyte", f"'{row['analyte']}'", f"an analyte or internal standard of a method{hint}"))
    return said


def _labels(names: StudyNames) -> frozenset[str]:
    """Free labels of QCs and calibrators can be named too."""
    return frozenset(label for run in names.runs.values() for label in run.worklist["sample_id"].tolist())


def _analytes(runs: object) -> list[str]:
    words: dict[str, None] = {}
    for run in runs:  # type: ignore[attr-defined]
        words.update(dict.fromkeys(run.method.analyte_names))
        for transition in run.method.transitions:
            words.update(dict.fromkeys([transition.name, transition.internal_standard or transition.analyte]))
    return list(words)


def _in_run(row: Mapping[str, object], run: Run) -> list[Said]:
    """What the decision names must stand together in one row of the run's worklist."""
    said: list[Said] = []
    where = f"of the worklist of {run.run_id}"
    here = np.ones(len(run.worklist), dtype=bool)
    for column in ("plate", "position", "sample_id", "extraction_id", "dilution_factor"):
        value = row[column]
        if value == "" or value != value:
            continue
        here &= (run.worklist[column] == value).to_numpy()
        if not here.any():
            shown = f"{value:g}" if isinstance(value, float) else value
            return [(column, f"'{shown}'", f"a {column} {where}, in a row that also has the other values named")]
    if row["position"] and here.sum() > 1:
        said.append(("plate", "empty", f"a plate {where}: several have a well {row['position']}"))
    analytes = _analytes([run])
    if row["analyte"] and row["analyte"] not in analytes:
        hint = did_you_mean(str(row["analyte"]), analytes)
        said.append(
            ("analyte", f"'{row['analyte']}'", f"an analyte or internal standard of {run.method.method_id}{hint}")
        )
    if row["action"] == "integrate" and run.platform != "lcms":
        said.append(("action", "'integrate'", "an LC-MS/MS run: a plate has no peaks"))
    return said


def _time(row: Mapping[str, str], run: Run) -> list[Said]:
    if not row["decided_at"] or not run.run_date or instant(row["decided_at"]) + TIME_ZONES >= instant(run.run_date):
        return []
    return [("decided_at", f"'{row['decided_at']}'", f"a time not before the run ({run.run_date})")]
