"""A study folder read, checked and cross-checked as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.method import Method
from bioanalysis.study import schema
from bioanalysis.study.config import StudyConfig
from bioanalysis.study.decisions import StudyNames, decision_faults, settled
from bioanalysis.study.entries import entry_faults, people_faults
from bioanalysis.study.manifest_checks import (
    homogenate_faults,
    method_faults,
    of_known_subjects,
    pool_faults,
    sample_faults,
    send_faults,
    subject_faults,
)
from bioanalysis.study.nominals import in_ng_ml, nominal_faults
from bioanalysis.study.notes import notes_on
from bioanalysis.study.raw_files import RawFiles
from bioanalysis.study.reading import CONFIG, MethodFiles, Rows, StudyFolder
from bioanalysis.study.run import Run
from bioanalysis.study.run_checks import misnamed_worklist, read_twice, run_faults, stray_worklists
from bioanalysis.study.validated import Validated
from bioanalysis.study.validation_checks import VALIDATION, experiment_faults, unit_faults
from bioanalysis.study.worklist import resolve
from bioanalysis.study.worklist_checks import (
    Manifest,
    correction_faults,
    extraction_faults,
    preparation_faults,
    worklist_faults,
)
from bioanalysis.yaml_with_lines import Document


@dataclass(frozen=True, eq=False)
class Study:
    """Everything a study folder says, in order and without contradictions.

    Attributes
    ----------
    folder : Path
        The study folder.
    config : StudyConfig
        Settings of the study.
    methods : dict
        Methods by `method_id`.
    subjects, samples, decisions : DataFrame
        All columns of the data contract, typed, and `line`.
    runs : tuple of Run
        In the order of the run table.
    pools, dosing, clinical_chemistry, materials : DataFrame or None
        None where the study has no such table.
    validations : dict
        The validation that a method points at, by `method_id`.
    run_lines : dict
        Line of each run in the run table, by `run_id`.
    """

    folder: Path
    config: StudyConfig
    methods: dict[str, Method]
    subjects: pd.DataFrame
    samples: pd.DataFrame
    runs: tuple[Run, ...]
    decisions: pd.DataFrame
    pools: pd.DataFrame | None = None
    dosing: pd.DataFrame | None = None
    clinical_chemistry: pd.DataFrame | None = None
    materials: pd.DataFrame | None = None
    validations: dict[str, Validated] = field(default_factory=dict)
    run_lines: dict[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is no fault and yet worth knowing."""
        return notes_on(self)

    @classmethod
    def load(cls, folder: Path | str) -> Study:
        """Return the study in `folder`.

        Raises
        ------
        BatchError
            With every fault of the tables, the methods and the existence of raw files.
        """
        study, faults = _read(StudyFolder(Path(folder)))
        if study is None or faults:
            raise BatchError(_told_once(faults))
        return study


@dataclass(frozen=True)
class StudyTables:
    """The tables of a study but its worklists, as read; `side` by name, None where it has no such table."""

    subjects: Rows
    samples: Rows
    runs: Rows
    decisions: Rows
    side: dict[str, Rows | None]


YES = ("true", "yes", "on")  # what the settings take for true
SIDE_TABLES = {
    "pools": schema.POOLS,
    "dosing": schema.DOSING,
    "clinical_chemistry": schema.CLINICAL_CHEMISTRY,
    "materials": schema.MATERIALS,
}


def _read(folder: StudyFolder) -> tuple[Study | None, list[Fault]]:
    if not (folder.path / CONFIG).exists():
        expected = f"a study folder with {CONFIG} (`bioanalysis init` makes one)"
        return None, [Fault(CONFIG, "missing", expected)]
    if own := RawFiles.of(folder.path, ()).link_faults(CONFIG):
        return None, own  # it cannot allow its own way out
    config, document = folder.config()
    raw = RawFiles.of(folder.path, _words(document, "allowed_roots") or ())
    if leaving := [*raw.link_faults("config"), *raw.dead_links("config"), *raw.odd_names("config")]:
        return None, [*folder.faults, *leaving]  # what they lead to is not read
    methods = folder.methods()
    kind = config.study.kind if config is not None else _kind(document)
    tables = read_tables(folder, kind)
    tissues = _words(document, "tissues")
    folder.faults += _table_faults(folder, tables, methods, document, tissues)
    folder.faults += unit_faults(methods, kind)
    manifest = Manifest.of(tables.samples, tissues)
    rows = tables.runs.frame.to_dict("records")
    read = [found for row in rows if (found := _run(folder, row, tables, methods, manifest, raw, kind))]
    folder.faults += extraction_faults([worklist for _, worklist in read], manifest)
    folder.faults += read_twice([run for run, _ in read], tables.runs)
    folder.faults += homogenate_faults(tables.samples, _conventions(read, methods, tables.samples), _fluids(document))
    runs = [run for run, _ in read]
    decisions = settled(tables.decisions, runs)
    if len(decisions):  # of a large study all that they may name is many names
        names = StudyNames.of(runs, tables.runs.cells("run_id").tolist(), tables.samples.cells("sample_id").tolist())
        folder.faults += decision_faults(replace(tables.decisions, frame=decisions), names)
    if config is None or folder.faults:
        return None, folder.faults
    side: dict[str, Any] = {name: None if rows is None else rows.frame for name, rows in tables.side.items()}
    study = Study(
        folder.path,
        config,
        methods.methods,
        tables.subjects.frame,
        tables.samples.frame,
        tuple(run.with_decisions(decisions) for run in runs),
        decisions,
        validations=methods.validations,
        run_lines=dict(zip(tables.runs.cells("run_id").tolist(), tables.runs.cells("line").tolist(), strict=True)),
        **side,
    )
    return study, []


def _kind(document: Document | None) -> str:
    """Return the kind of a study whose settings are faulty."""
    return str(document.value(("study", "kind")) or "study") if document is not None else "study"


def read_tables(folder: StudyFolder, kind: str) -> StudyTables:
    """Return the tables; a validation has no animals, and samples only where it wants them."""
    side: dict[str, Rows | None] = {}
    for name, declared in SIDE_TABLES.items():
        rows = folder.table(f"config/{name}", declared, optional=True)
        side[name] = rows if rows.present else None
    return StudyTables(
        folder.table("config/subjects", schema.SUBJECTS, optional=kind == VALIDATION),
        folder.table("config/samples", schema.SAMPLES, optional=kind == VALIDATION),
        folder.table("config/runs", schema.RUNS),
        folder.table("config/decisions", schema.DECISIONS, optional=True),
        side,
    )


def _table_faults(
    folder: StudyFolder, tables: StudyTables, methods: MethodFiles, document: Document | None, tissues: list[str] | None
) -> list[Fault]:
    """Return the faults of all tables but the worklists."""
    pools = tables.side["pools"]
    faults = [*subject_faults(tables.subjects), *sample_faults(tables.samples, tables.subjects, pools, tissues)]
    faults += [*entry_faults(tables.samples), *people_faults(tables.runs)]
    faults += pool_faults(pools, tables.subjects) if pools is not None else []
    faults += [*method_faults(methods, tissues), *send_faults(document, methods)]
    faults += [*run_faults(tables.runs, list(methods.documents)), *stray_worklists(folder.path, tables.runs)]
    for name in ("dosing", "clinical_chemistry"):
        rows = tables.side[name]
        faults += of_known_subjects(rows, tables.subjects) if rows is not None else []
    return faults


def _conventions(read: list[tuple[Run, Rows]], methods: MethodFiles, samples: Rows) -> dict[str, tuple[str, ...]]:
    """Return how the methods of each sample count its homogenate; of all methods where it is in no worklist."""
    every = tuple(dict.fromkeys(method.homogenate for method in methods.methods.values()))
    found: dict[str, tuple[str, ...]] = {}
    for run, worklist in read:
        for name in set(worklist.cells("sample_id")):
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), run.method.homogenate)))
    alone = every if len(every) == 1 else ()
    return {name: found.get(name, alone) for name in samples.cells("sample_id")}


def _fluids(document: Document | None) -> list[str]:
    """Return the tissues that are fluids, even where other settings of the file are faulty."""
    names = _words(document, "tissues") or []
    said = {name: document.value(("tissues", name, "fluid")) for name in names} if document is not None else {}
    return [name for name, fluid in said.items() if str(fluid).lower() in YES]


def _run(
    folder: StudyFolder,
    row: dict[str, str],
    tables: StudyTables,
    methods: MethodFiles,
    manifest: Manifest,
    raw: RawFiles,
    kind: str,
) -> tuple[Run, Rows] | None:
    """Return one run and its resolved worklist, None (and faults) where its name, method or worklist is of no use."""
    if not row["run_id"]:
        return None
    name = row["run_id"]
    worklist = folder.table(
        f"config/worklists/{name}", schema.WORKLIST, hint=lambda: misnamed_worklist(folder.path, name)
    )
    method, platform = methods.methods.get(row["method_id"]), methods.platforms.get(row["method_id"])
    if method is not None:
        folder.faults += nominal_faults(worklist, method)
        worklist = replace(worklist, frame=in_ng_ml(worklist.frame, method))
    folder.faults += worklist_faults(worklist, platform, method, manifest)
    folder.faults += preparation_faults(worklist, row["run_date"])
    folder.faults += experiment_faults(worklist, kind)
    folder.faults += raw.faults(row, tables.runs.file, worklist, platform)
    if method is None:
        return None
    resolved = replace(worklist, frame=resolve(worklist.frame, row, method, manifest.tissue_of))
    folder.faults += correction_faults(resolved, method)
    return Run.of_row(row, method, resolved.frame, tables.decisions.frame.iloc[:0]), resolved


def _words(document: Document | None, key: str) -> list[str] | None:
    """Return the words under `key` even where other settings of the file are faulty."""
    content = document.value((key,)) if document is not None else None
    return [word for word in content if isinstance(word, str)] if isinstance(content, (dict, list)) else None


def _told_once(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults without repetitions; a cell that is wrong is not said to be empty as well."""
    wrong = {(f.file, f.line, f.column) for f in faults if f.found != "empty"}
    return list(dict.fromkeys(f for f in faults if f.found != "empty" or (f.file, f.line, f.column) not in wrong))
