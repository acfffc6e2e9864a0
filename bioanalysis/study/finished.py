"""A study opened for the reports of its results: checked before its runs were computed, and not as a whole again.

A study of a thousand runs takes some 200 MB with all worklists; a report asks little of them, one run at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bioanalysis.errors import BatchError
from bioanalysis.method import Method
from bioanalysis.study import schema
from bioanalysis.study.decisions import settled
from bioanalysis.study.load import SIDE_TABLES, Study
from bioanalysis.study.reading import StudyFolder
from bioanalysis.study.run import Run
from bioanalysis.study.worklist import resolve

OF_SAMPLES = ["sample_id", "collected_at", "received_at", "not_available_reason"]
OF_WORKLIST = ["line", "position", "plate", "sample_type", "sample_id", "not_acquired_reason"]
NOTHING = pd.DataFrame()  # without columns: who asks for more than was read is told so


class FinishedRun(Run):
    """A run whose worklist (the columns `OF_WORKLIST`) is read again each time it is asked for."""

    def __init__(self, row: dict[str, str], method: Method, read: Callable[[], pd.DataFrame]) -> None:
        own = {name: row[name] for name in ("run_id", "run_date", "analyst", "instrument", "raw_path", "sequence_id",
               "reinjection_of", "extraction_date")}  # fmt: skip
        batch = row["extraction_batch"] or row["run_id"]
        for name, value in (own | {"extraction_batch": batch, "method": method, "decisions": NOTHING}).items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_read", read)

    @property
    def worklist(self) -> pd.DataFrame:  # type: ignore[override]
        return self._read()  # type: ignore[attr-defined,no-any-return]


def open_finished(folder: Path) -> Study:
    """Return what reports ask of a study: settings, methods, runs, decisions, side tables, `OF_SAMPLES` of samples.

    Raises
    ------
    BatchError
        Where a table or setting cannot be read.
    """
    here = StudyFolder(folder)
    config, _ = here.config()
    methods = here.methods()
    samples = here.table("config/samples", schema.SAMPLES, optional=True).frame[OF_SAMPLES]
    decisions = here.table("config/decisions", schema.DECISIONS, optional=True)
    side = {name: here.table(f"config/{name}", declared, optional=True) for name, declared in SIDE_TABLES.items()}
    rows = here.table("config/runs", schema.RUNS).frame.to_dict("records")
    if config is None or here.faults:
        raise BatchError(here.faults)
    runs = tuple(_run(folder, row, methods.methods[row["method_id"]]) for row in rows)
    present = {name: table.frame for name, table in side.items() if table.present}
    return Study(folder, config, methods.methods, NOTHING, samples, runs, settled(decisions, runs), **present)


def _run(folder: Path, row: dict[str, str], method: Method) -> FinishedRun:
    def read() -> pd.DataFrame:
        here = StudyFolder(folder)
        worklist = here.table(f"config/worklists/{row['run_id']}", schema.WORKLIST).frame
        if here.faults:
            raise BatchError(here.faults)
        return resolve(worklist, row, method, {})[OF_WORKLIST]  # tissues, which the manifest knows, are left out

    return FinishedRun(row, method, read)
