"""A study whose runs are computed, opened for what follows them: it was checked before, and is not as a whole again.

A study of a thousand runs takes some 300 MB with all worklists and the checks of their rows. Its judgement asks for
some columns of them, a report for little, one run at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.errors import BatchError
from bioanalysis.method import Method
from bioanalysis.study import schema
from bioanalysis.study.decisions import settled
from bioanalysis.study.load import Study, read_tables
from bioanalysis.study.nominals import in_ng_ml
from bioanalysis.study.reading import StudyFolder
from bioanalysis.study.run import Run
from bioanalysis.study.worklist import resolve

OF_SAMPLES = ["sample_id", "collected_at", "received_at", "not_available_reason"]
OF_WORKLIST = ["line", "position", "plate", "sample_type", "sample_id", "not_acquired_reason"]
NOTHING = pd.DataFrame()  # without columns: who asks for more than was read is told so
Row = dict[str, Any]


class FinishedRun(Run):
    """A run whose worklist (some of its columns) is read again each time it is asked for."""

    def __init__(self, folder: Path, row: Row, method: Method, columns: Sequence[str]) -> None:
        run = Run.of_row(row, method, NOTHING, NOTHING)
        for name in [field.name for field in fields(Run) if field.name != "worklist"]:
            object.__setattr__(self, name, getattr(run, name))
        object.__setattr__(self, "_source", (folder, row, list(columns)))

    @property
    def worklist(self) -> pd.DataFrame:  # type: ignore[override]
        folder, row, columns = self._source  # type: ignore[attr-defined]
        return _worklist(folder, row, self.method, {})[columns]  # tissues of samples are left to the manifest


def open_finished(
    folder: Path, subjects: Sequence[str] = (), samples: Sequence[str] = (), worklists: Sequence[str] = ()
) -> Study:
    """Return what reports ask of a study: settings, methods, runs, decisions and side tables.

    Parameters
    ----------
    subjects, samples, worklists : sequence of str
        Columns of animals, of samples beside `OF_SAMPLES`, and of worklists beside `OF_WORKLIST`.

    Raises
    ------
    BatchError
        Where a table or setting cannot be read.
    """
    about = _Opened(folder)
    runs = tuple(FinishedRun(folder, row, method, [*OF_WORKLIST, *worklists]) for row, method in about.runs)
    tables = {"samples": about.samples[[*OF_SAMPLES, *samples]], "subjects": about.subjects[list(subjects)]}
    return about.study(runs, settled(about.decisions, runs), **tables)


def open_measured(folder: Path, worklists: Collection[str]) -> Study:
    """Return the study with these columns of its worklists; runs that decisions name have theirs whole.

    Raises
    ------
    BatchError
        Where a table or setting cannot be read.
    """
    about = _Opened(folder)
    tissue_of = dict(zip(about.samples.sample_id, about.samples.tissue, strict=True))
    decided = set(about.decisions.frame.run_id)
    runs = []
    for row, method in about.runs:
        worklist = _worklist(folder, row, method, tissue_of)
        asked = [name for name in worklist if name in worklists or row["run_id"] in decided]
        runs.append(Run.of_row(row, method, worklist[asked], NOTHING))
    decisions = settled(about.decisions, runs)
    none = decisions.iloc[:0].reset_index(drop=True)  # one for all: without rows it takes as much as a worklist
    held = tuple(
        run.with_decisions(decisions) if run.run_id in decided else replace(run, decisions=none) for run in runs
    )
    return about.study(held, decisions, samples=about.samples, subjects=about.subjects)


def _worklist(folder: Path, row: Row, method: Method, tissue_of: Mapping[str, str]) -> pd.DataFrame:
    """Return the worklist of a run with all defaults filled in."""
    here = StudyFolder(folder)
    worklist = here.table(f"config/worklists/{row['run_id']}", schema.WORKLIST).frame
    if here.faults:
        raise BatchError(here.faults)
    return resolve(in_ng_ml(worklist, method), row, method, tissue_of)


class _Opened:
    """Everything of a study but its worklists; `runs`: each row of the run table with its method.

    Raises
    ------
    BatchError
        Where a table or setting cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        here = StudyFolder(folder)
        config, _ = here.config()
        methods = here.methods()
        tables = read_tables(here, config.study.kind if config is not None else "")
        if here.faults:
            raise BatchError(here.faults)
        self.samples, self.subjects, self.decisions = tables.samples.frame, tables.subjects.frame, tables.decisions
        rows = tables.runs.frame.to_dict("records")
        self.runs = [(row, methods.methods[row["method_id"]]) for row in rows]
        self._rest: dict[str, Any] = {name: table.frame for name, table in tables.side.items() if table is not None} | {
            "folder": folder, "config": config, "methods": methods.methods, "validations": methods.validations,
            "run_lines": {row["run_id"]: row["line"] for row in rows},
        }  # fmt: skip

    def study(self, runs: tuple[Run, ...], decisions: pd.DataFrame, **tables: pd.DataFrame) -> Study:
        """Return the study of these runs, decisions, `samples` and `subjects`."""
        return Study(runs=runs, decisions=decisions, **tables, **self._rest)
