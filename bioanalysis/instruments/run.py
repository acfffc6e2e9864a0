"""Raw data of one run: every file opened, every transition and well matched, before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.mzml import read_lcms_run
from bioanalysis.instruments.plates import match_wells, read_plates
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.study import Run


@dataclass(frozen=True)
class RunWells:
    """The signals of an ELISA run, and what the reader noticed.

    Attributes
    ----------
    wells : DataFrame
        One row per analyte and worklist row, analyte by analyte in the order of the worklist: analyte, signal (NaN
        where there is none), word (what stood instead, or ``SATURATED`` beside a number).
    """

    wells: pd.DataFrame
    notes: tuple[str, ...]


def read_traces_of(run: Run, folder: Path) -> RunTraces:
    """Return all traces of an LC-MS/MS run; BatchError with the faults of all its files."""
    rows = run.worklist[run.worklist.not_acquired_reason == ""]
    raw = Path(run.raw_path)
    files = [(row.position, row.file, (raw / row.file).as_posix()) for row in rows.itertuples()]
    return read_lcms_run(folder / raw, files, run.method.transitions, run.method.mz_tolerance)


def read_wells_of(run: Run, folder: Path) -> RunWells:
    """Return the wells of an ELISA run; BatchError with the faults of all its exports."""
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    faults: list[Fault] = []
    for name, rows in _exports(run):
        try:
            wells, noticed = _read_export(run, folder, name, rows)
        except BatchError as error:
            faults += error.faults
        else:
            parts.append(wells)
            notes += noticed
    if faults:
        raise BatchError(faults)
    wells = pd.concat(parts)
    whole = pd.concat([wells[wells.analyte == analyte].loc[run.worklist.index] for analyte in run.method.analyte_names])
    return RunWells(whole.reset_index(drop=True), tuple(dict.fromkeys(notes)))


def _exports(run: Run) -> list[tuple[str, pd.DataFrame]]:
    """Return each export of the run with the worklist rows it holds: one file, or the files that the rows name."""
    worklist = run.worklist
    named = worklist.file[(worklist.file != "") & (worklist.not_acquired_reason == "")]
    if named.empty or set(named) == {Path(run.raw_path).name}:
        return [(run.raw_path, worklist)]
    files = worklist.file.where(worklist.file.isin(named), named.iloc[0])
    return [(f"{run.raw_path}/{name}", worklist[files == name]) for name in dict.fromkeys(named)]


def _read_export(run: Run, folder: Path, name: str, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the wells of one export, once per analyte, and what its reader noticed."""
    plate = run.method.plate
    wavelengths = {
        "wavelength_nm": plate.wavelength_nm,
        "reference_wavelength_nm": plate.reference_wavelength_nm,
    }
    reading = read_plates(folder / name, reader=plate.reader, name=name, wells=plate.wells, **wavelengths)
    notes = [f"read as {reading.reader}", *reading.notes, *(f"not understood: {part}" for part in reading.unread)]
    parts = []
    for analyte in run.method.analyte_names:
        channel = run.method.channel(analyte)
        worklist_name = f"config/worklists/{run.run_id}.tsv"
        saturation = plate.saturation_signal
        matched = match_wells(
            reading, rows, name, worklist_name, channel=channel, saturation_signal=saturation, **wavelengths
        )
        notes += [*matched.attrs.get("warnings", ()), *matched.attrs.get("notes", ())]
        wells = matched.set_axis(rows.index)[["signal", "word"]]
        parts.append(wells.assign(analyte=analyte))
    return pd.concat(parts), [f"{name}: {note}" for note in dict.fromkeys(notes)]
