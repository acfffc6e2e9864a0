"""Runs of one study or of a folder of studies, in order of date, with the tables each of them left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.method import Method
from bioanalysis.moles import NG_ML, NMOL_L, as_counted, keys_counted
from bioanalysis.study.reading import StudyFolder
from bioanalysis.study.schema import MATERIALS, RUNS, SAMPLES
from bioanalysis.tables import read_results

NEEDED: dict[str, tuple[str, ...]] = {
    "measurements": (
        "plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
        "dilution_factor", "extraction_id", "analyte_area", "internal_standard_area", "response",
        "back_calculated_ng_ml", "homogenate_ng_ml", "recovery_factor", "bias_percent", "status",
    ),
    "recovery": ("tissue", "kind", "level", "factor", "n", "analyte"),
    "peaks": ("position", "transition", "retention_time_min", "signal_to_noise", "area"),
    "acceptance": ("rule_id", "plate", "analyte", "verdict", "observed"),
}  # fmt: skip
OPTIONAL = {"positions": ("plate", "analyte", "effect", "size_percent", "p_value", "largest", "n_wells", "note")}
NUMERIC = (
    "nominal_ng_ml", "dilution_factor", "analyte_area", "internal_standard_area", "response", "back_calculated_ng_ml",
    "homogenate_ng_ml", "recovery_factor", "bias_percent", "factor", "n", "retention_time_min", "signal_to_noise",
    "area", "size_percent", "p_value", "n_wells",
)  # fmt: skip
LOT = "_lot"
MATRIX = "matrix"


@dataclass(frozen=True, eq=False)
class RunResults:
    """One run of `runs.tsv` with what it left in `results/runs/<run_id>`.

    Attributes
    ----------
    results : Path
        Folder of its results.
    missing : str
        Which results are not there, in words; '' where the run can be charted.
    lots : dict
        Lot of each critical reagent or column, by name.
    tables : dict
        `measurements`, `recovery`, `acceptance`; for LC-MS/MS `peaks`; `positions` where the run has it.
    curves : list
        Content of `curve.json`.
    """

    study: str
    run_id: str
    run_date: str
    instrument: str
    method: Method
    lots: dict[str, str]
    samples: pd.DataFrame
    results: Path
    missing: str = ""
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    curves: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The run as it is named over several studies."""
        return f"{self.study}:{self.run_id}"

    @property
    def order(self) -> tuple[pd.Timestamp, str, str]:
        """Place among the runs: by date, ties by run id, then by study."""
        return (pd.to_datetime(self.run_date, format="ISO8601", utc=True), self.run_id, self.study)


def read_runs(folder: Path) -> list[RunResults]:
    """Return all runs below `folder` in order of date; a run without results is among them, with the reason.

    Parameters
    ----------
    folder : Path
        A study folder, or a folder of study folders.

    Raises
    ------
    BatchError
        Where there is no study, settings or tables cannot be read, two studies share their id, or a result table is
        not what it must be.
    """
    faults: list[Fault] = []
    runs: list[RunResults] = []
    named: dict[str, str] = {}
    for path in study_folders(folder):
        label = "" if path == folder else f"{path.name}/"
        study, found, wrong = _read_study(path, label)
        faults += wrong
        if study and study in named:
            expected = f"each study once; the same as in {named[study]}"
            faults.append(Fault(f"{label}config/config.yaml", f"study id '{study}'", expected, column="study.id"))
        named[study] = f"{label}config/config.yaml"
        runs += found
    if not runs and not faults:
        faults = [Fault(f"{folder}", "no run", "a study with at least one row in config/runs.tsv")]
    if faults:
        raise BatchError(faults)
    return sorted(runs, key=lambda run: run.order)


def study_folders(folder: Path) -> list[Path]:
    """Return `folder` where it is a study, else the studies in it, by name; BatchError where there are none."""
    if (folder / "config").is_dir():
        return [folder]
    found = sorted(path for path in folder.iterdir() if (path / "config").is_dir()) if folder.is_dir() else []
    if not found:
        raise BatchError([Fault(str(folder), "no study", "a study folder, or a folder that holds study folders")])
    return found


def _read_study(path: Path, label: str) -> tuple[str, list[RunResults], list[Fault]]:
    """Return the id of a study, its runs, and all that is wrong with what was read."""
    reader = StudyFolder(path)
    config, _ = reader.config()
    methods = reader.methods()
    runs = reader.table("config/runs", RUNS)
    validation = config is not None and config.study.kind == "validation"
    samples = reader.table("config/samples", SAMPLES, optional=validation).frame
    materials = reader.table("config/materials", MATERIALS, optional=True).frame
    reader.faults += runs.faults(
        [name != "" and name not in methods.documents for name in runs.cells("method_id")],
        "method_id",
        "the method_id of a file in config/methods",
    )
    faults = [_labelled(fault, label) for fault in reader.faults]
    if config is None or faults:
        return "", [], faults
    found = []
    for row in runs.frame.to_dict("records"):
        run = RunResults(
            config.study.id, row["run_id"], row["run_date"], row["instrument"], methods.methods[row["method_id"]],
            _lots(row, materials), samples, path / "results" / "runs" / row["run_id"],
        )  # fmt: skip
        try:
            found.append(_with_results(run, label))
        except BatchError as error:
            faults += error.faults
    return config.study.id, found, faults


def _labelled(fault: Fault, label: str) -> Fault:
    return Fault(f"{label}{fault.file}", fault.found, fault.expected, fault.line, fault.column)


def _lots(row: dict[str, Any], materials: pd.DataFrame) -> dict[str, str]:
    """Return the lots of a run: columns of `runs.tsv` that end in ``_lot``, else the one lot the study lists.

    Of a material with several lots in `materials.tsv` it is not known which one a run used: only a column of
    `runs.tsv` can say.
    """
    listed = materials[materials.kind.str.lower() != MATRIX]
    single = {
        str(name): here.lot.iloc[0] for name, here in listed.groupby("material", sort=True) if here.lot.nunique() == 1
    }
    own = {name.removesuffix(LOT): str(value) for name, value in row.items() if name.endswith(LOT) and value}
    return dict(sorted((single | own).items()))


def _with_results(run: RunResults, label: str) -> RunResults:
    """Return the run with its tables, or with the reason why it has none."""
    folder = run.results
    needed = [name for name in NEEDED if name != "peaks" or run.method.platform == "lcms"]
    files = [*(f"{name}.tsv" for name in needed), "curve.json"]
    absent = [name for name in files if not (folder / name).is_file()]
    if absent:
        return replace(run, missing="no results" if len(absent) == len(files) else f"no {', '.join(absent)}")
    place = f"{label}results/runs/{run.run_id}"
    read = {name: NEEDED[name] for name in needed}
    read |= {name: columns for name, columns in OPTIONAL.items() if (folder / f"{name}.tsv").is_file()}
    tables = {name: _table(folder / f"{name}.tsv", f"{place}/{name}.tsv", columns) for name, columns in read.items()}
    return replace(run, tables=tables, curves=_curves(folder / "curve.json", f"{place}/curve.json"))


def _table(path: Path, file: str, columns: Iterable[str]) -> pd.DataFrame:
    """Return a result table; BatchError where it lacks a column or a number is none."""
    try:
        frame = read_results(path)
    except (ValueError, OSError) as error:
        raise BatchError([Fault(file, f"cannot be read ({error})", "a result table of this software")]) from error
    faults = [Fault(file, "no such column", "a column of this table", 1, name) for name in columns if name not in frame]
    for name in (*NUMERIC, *(name.replace(NG_ML, NMOL_L) for name in NUMERIC if NG_ML in name)):
        if name in frame:
            numbers = pd.to_numeric(frame[name].replace("", "nan"), errors="coerce")
            wrong = numbers.isna() & (frame[name] != "")
            faults += [
                Fault(file, f"'{frame[name].iloc[i]}'", "a number", i + 2, name) for i in wrong.to_numpy().nonzero()[0]
            ]
            frame[name] = numbers.astype("float64")
    if faults:
        raise BatchError(faults)
    return as_counted(frame)


def _curves(path: Path, file: str) -> list[dict[str, Any]]:
    try:
        curves = json.loads(path.read_text(encoding="utf-8"))
        if all(
            {"analyte", "plate", "estimator"} <= set(curve) and _is_estimator(curve["estimator"]) for curve in curves
        ):
            return keys_counted(curves)
    except (ValueError, TypeError, OSError):
        pass
    raise BatchError([Fault(file, "not the curves of a run", "the curve.json this software wrote")])


def _is_estimator(written: Any) -> bool:
    return written is None or {"model", "parameters"} <= set(written)


def unlisted_results(folder: Path, runs: Iterable[RunResults]) -> list[tuple[str, str]]:
    """Return (study folder, run) for each folder of results whose run stands in no `runs.tsv`."""
    listed = {run.results for run in runs}
    return [
        ("" if study == folder else study.name, path.name)
        for study in study_folders(folder)
        for path in sorted((study / "results" / "runs").glob("*/"))
        if path not in listed and not path.name.startswith(".")
    ]
