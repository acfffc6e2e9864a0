"""Raw data of one run: every file opened, every transition and well matched, before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bioanalysis.instruments.mzml import read_lcms_run
from bioanalysis.instruments.plates import match_wells, read_plates
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.study import Run


@dataclass(frozen=True)
class RunWells:
    """The signal of every worklist row of an ELISA run, and what the reader noticed."""

    wells: pd.DataFrame
    notes: tuple[str, ...]


def read_traces_of(run: Run, folder: Path) -> RunTraces:
    """Return all traces of an LC-MS/MS run; BatchError with the faults of all its files."""
    rows = run.worklist[run.worklist.not_acquired_reason == ""]
    raw = Path(run.raw_path)
    files = [(row.position, row.file, (raw / row.file).as_posix()) for row in rows.itertuples()]
    return read_lcms_run(folder / raw, files, run.method.transitions, run.method.mz_tolerance)


def read_wells_of(run: Run, folder: Path) -> RunWells:
    """Return the wells of an ELISA run in the order of its worklist; BatchError with all faults."""
    plate = run.method.plate
    reading = read_plates(folder / run.raw_path, reader=plate.reader, name=run.raw_path)
    worklist_name = f"config/worklists/{run.run_id}.tsv"
    wells = match_wells(reading, run.worklist, run.raw_path, worklist_name)
    notes = [f"read as {reading.reader}", *reading.notes, *(f"not understood: {part}" for part in reading.unread)]
    notes += [*wells.attrs.get("warnings", ()), *wells.attrs.get("notes", ())]
    return RunWells(wells.set_axis(run.worklist.index)[["signal", "word"]], tuple(notes))
