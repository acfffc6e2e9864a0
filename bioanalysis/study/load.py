"""A study folder read, checked and cross-checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.method import Method, method_of
from bioanalysis.settings import settings_of
from bioanalysis.sheets import find_sheet, read_sheet
from bioanalysis.study import schema
from bioanalysis.study.config import StudyConfig
from bioanalysis.study.run import Run
from bioanalysis.study.worklist import resolve
from bioanalysis.tables import Table
from bioanalysis.yaml_with_lines import read_yaml


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
    dosing, clinical_chemistry, materials : DataFrame or None
        None where the study has no such table.
    notes : tuple of str
        What is no fault and yet worth knowing.
    """

    folder: Path
    config: StudyConfig
    methods: dict[str, Method]
    subjects: pd.DataFrame
    samples: pd.DataFrame
    runs: tuple[Run, ...]
    decisions: pd.DataFrame
    dosing: pd.DataFrame | None = None
    clinical_chemistry: pd.DataFrame | None = None
    materials: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Study:
        """Return the study in `folder`.

        Raises
        ------
        BatchError
            With every fault of the tables, the methods and the existence of raw files.
        """
        return _load(Path(folder))


def _load(folder: Path) -> Study:
    faults: list[Fault] = []
    document = read_yaml(folder / "config/config.yaml", "config/config.yaml")
    config, found = settings_of(StudyConfig, document)
    faults += found
    methods: dict[str, Method] = {}
    for path in sorted((folder / "config/methods").glob("*.yaml")):
        method, found = method_of(read_yaml(path, f"config/methods/{path.name}"))
        faults += found
        if method is not None:
            methods[method.method_id] = method
    subjects = _table(folder, "config/subjects", schema.SUBJECTS, faults)
    samples = _table(folder, "config/samples", schema.SAMPLES, faults)
    listed = _table(folder, "config/runs", schema.RUNS, faults)
    decisions = _table(folder, "config/decisions", schema.DECISIONS, faults, optional=True)
    tissue_of = dict(zip(samples["sample_id"], samples["tissue"], strict=True))
    runs = []
    for row in listed.to_dict("records"):
        worklist = _table(folder, f"config/worklists/{row['run_id']}", schema.WORKLIST, faults)
        if row["method_id"] not in methods:
            faults.append(
                Fault("config/runs.tsv", f"'{row['method_id']}'", "a known method_id", row["line"], "method_id")
            )
            continue
        method = methods[row["method_id"]]
        runs.append(
            Run(
                row["run_id"], method, row["run_date"], row["analyst"], row["instrument"], row["raw_path"],
                row["extraction_batch"] or row["run_id"], "", row["reinjection_of"],
                resolve(worklist, row, method, tissue_of),
                decisions[decisions["run_id"] == row["run_id"]].reset_index(drop=True),
            )
        )  # fmt: skip
    if faults or config is None:
        raise BatchError(faults)
    return Study(folder, config, methods, subjects, samples, tuple(runs), decisions)


def _table(folder: Path, stem: str, table: Table, faults: list[Fault], optional: bool = False) -> pd.DataFrame:
    path = find_sheet(folder, stem)
    if path is None:
        if not optional:
            faults.append(Fault(f"{stem}.tsv", "missing", "a table"))
        return table.empty()
    frame, found = table.check(read_sheet(path, str(path.relative_to(folder))))
    faults += found
    return frame
