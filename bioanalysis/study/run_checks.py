"""The run table held against methods and worklists."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from bioanalysis.errors import Fault
from bioanalysis.sheets import ENDINGS
from bioanalysis.study.reading import Rows
from bioanalysis.study.run import Run
from bioanalysis.text_files import did_you_mean, listed, nearest, quoted
from bioanalysis.words import STUDY_SAMPLES

# what lies beside the runs in work/ and logs/, and what the records call the study
TAKEN = frozenset(
    ("admit.log", "admitted", "digests.json", "dry_run.log", "export_study.log", "export_validation.log",
     "judge_study.log", "judge_validation.log", "plan.json", "refused", "report_study.log", "report_validation.log",
     "run.guard", "run.held", "run.lock", "seen.json", "seen_readings.json", "settled.json", "slurm", "slurm_run_id",
     "snakemake.log", "study", "study.json")
)  # fmt: skip


def run_faults(runs: Rows, method_ids: Collection[str]) -> list[Fault]:
    """Every run has a known method, and a reinjection a known original."""
    names, methods, originals = runs.cells("run_id"), runs.cells("method_id"), runs.cells("reinjection_of")
    known = listed(method_ids) or "none of its files could be read"
    faults = runs.faults(
        [bool(name) and name not in method_ids for name in methods],
        "method_id",
        lambda i: f"a method_id of config/methods: {known}{did_you_mean(methods[i], method_ids)}",
    )
    others = set(names)
    faults += runs.faults(
        [bool(other) and (other not in others or other == name) for name, other in zip(names, originals, strict=True)],
        "reinjection_of",
        lambda i: "the run_id of another run" + ("" if originals[i] in others else did_you_mean(originals[i], others)),
    )
    days = zip(runs.cells("extraction_date"), runs.cells("run_date"), strict=True)
    late = [bool(extracted and run) and extracted > run[:10] for extracted, run in days]
    faults += runs.faults(late, "extraction_date", "a day not after run_date")
    return faults + _names_alike(runs) + _names_taken(runs)


def _names_alike(runs: Rows) -> list[Fault]:
    """Names that differ in capitals only would share a folder on some computers."""
    names = runs.cells("run_id")
    first: dict[str, str] = {}
    alike = [bool(name) and first.setdefault(name.lower(), name) != name for name in names]
    return runs.faults(alike, "run_id", "a name that differs from the others in more than capitals")


def _names_taken(runs: Rows) -> list[Fault]:
    """A run has folders of its own name, beside files and folders of the workflow."""
    taken = [name.lower() in TAKEN for name in runs.cells("run_id")]
    return runs.faults(taken, "run_id", "another name: a file, a folder or the study itself goes by this one")


def read_twice(found: Iterable[Run], runs: Rows) -> list[Fault]:
    """One injection or well of a study sample is of one run of its method."""
    first: dict[tuple[str, ...], str] = {}
    faults = []
    lines = dict(zip(runs.cells("run_id"), runs.cells("line"), strict=True))
    for run, places in _with_neighbours(list(found)):
        taken = [other for place in places if (other := first.setdefault(place, run.run_id)) != run.run_id]
        if taken:
            readings = "injections" if run.method.platform == "lcms" else "wells"
            expected = f"raw data of its own: {len(taken)} of its {readings} of samples are those of run {taken[0]}"
            faults.append(Fault(runs.file, quoted(run.raw_path), expected, int(lines[run.run_id]), "raw_path"))
    return faults


def _with_neighbours(found: list[Run]) -> Iterator[tuple[Run, list[tuple[str, ...]]]]:
    """Yield the runs that share a folder of raw data with another, and their readings; those of all are many."""
    folders = [{posixpath.dirname(place[1]) for place in _readings(run)} for run in found]
    runs_in = Counter(folder for places in folders for folder in places)
    for run, places in zip(found, folders, strict=True):
        if any(runs_in[folder] > 1 for folder in places):
            yield run, list(_readings(run))


def _readings(run: Run) -> Iterator[tuple[str, ...]]:
    """Yield what the study samples of a run are read from: method, file, and of an export plate and well."""
    rows = run.worklist["sample_type"].isin(STUDY_SAMPLES) & (run.worklist["not_acquired_reason"] == "")
    files, plates, positions = (run.worklist.loc[rows, name].tolist() for name in ("file", "plate", "position"))
    on_plate = run.method.platform != "lcms"
    for file, plate, position in zip(files, plates, positions, strict=True):
        well = (str(plate), str(position)) if on_plate else ()
        yield (run.method.method_id, posixpath.normpath(posixpath.join(run.raw_path, str(file))), *well)


def stray_worklists(folder: Path, runs: Rows) -> list[Fault]:
    """A worklist of no run was forgotten in the run table, or its name is misspelt."""
    known = set(runs.cells("run_id"))
    paths = sorted((folder / "config/worklists").glob("*"))
    strays = [path for path in paths if path.suffix in ENDINGS and path.stem not in known and path.name[0] not in ".~"]
    if not runs.complete:
        return []
    return [
        Fault(
            f"config/worklists/{path.name}",
            "the worklist of no run",
            f"a row with run_id '{path.stem}' in {runs.file}{did_you_mean(path.stem, known)}",
        )
        for path in strays
    ]


def misnamed_worklist(folder: Path, run_id: str) -> str:
    """Return a hint at the file that was probably meant for `run_id`, or an empty text."""
    paths = (folder / "config/worklists").glob("*")
    near = nearest(run_id, {path.stem for path in paths})
    return f" ('{near}' is there)" if near and near != run_id else ""
