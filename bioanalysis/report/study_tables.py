"""The tables of a study and of its runs, as its report needs them; a table that is not there is empty."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.report.sections import row_anchor, run_address
from bioanalysis.results import read_curves, read_table

NUMBERS = ("value", "value_low", "value_high", "lloq", "uloq", "recovery_factor")
OPTIONAL = ("basis", "recovery_source", "sex", "treatment")  # of tissue_concentrations, asked for where they are
ROWS = ("plate", "sample_id", "position", "analyte", "line")
COLUMNS = {
    "flags": ("flag", "run_id", "plate", "position", "sample_id", "tissue", "analyte", "observed", "state", "meaning",
              "check_first"),
    "repeats": ("method_id", "analyte", "sample_id", "initial_run_id", "initial_status", "accepted_run_id",
                "accepted_status", "reason_code"),
    "measurements": ("plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
                     "bias_percent", "status", "reason", "line"),
    "acceptance": ("rule_id", "plate", "tissue", "analyte", "subject", "verdict", "judged", "limit", "observed",
                   "source", "standing", "method_id", "wider_than_source"),
    "incurred": ("method_id", "analyte", "sample_id", "mean_ng_ml", "difference_percent", "limit_percent",
                 "within_limit"),
    "storage": ("method_id", "sample_id", "tissue", "days", "proven_days", "storage_c", "proven_temperature_c",
                "freeze_thaw_cycles", "proven_freeze_thaw_cycles", "verdict"),
    "recovery": ("tissue", "kind"),
    "quality_controls": ("method_id", "analyte", "level", "tissue"),
    "tissue_concentrations": ("sample_id", "subject_id", "group", "tissue", "collection_day", "analyte", "method_id",
                              "run_id", "plate", "position", "value", "value_low", "value_high", "lloq", "uloq",
                              "recovery_factor", "unit", "status", "reason", "flags"),
}  # fmt: skip


@dataclass(frozen=True)
class OfRun:
    """What the report of the study needs of one run."""

    run_id: str
    method_id: str
    acceptance: pd.DataFrame
    flags: pd.DataFrame
    measurements: pd.DataFrame
    curves: list[dict[str, Any]]


class Stacked:
    """Rows of many tables of which some columns are kept, laid below one another; equal words are one object."""

    def __init__(self, *names: str) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in names}

    def add(self, table: pd.DataFrame, **same: str) -> None:
        """Add the rows of a table; `same` are words that all of them share."""
        for name, values in self.columns.items():
            values += [same[name]] * len(table) if name in same else table[name].tolist()

    def add_row(self, row: Mapping[str, Any]) -> None:
        """Add a row; what it lacks is missing."""
        for name, values in self.columns.items():
            values.append(row.get(name, math.nan))

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self.columns)


def read_or_empty(path: Path, only: Iterable[str] | None = None) -> pd.DataFrame:
    """Return a result table, or of it the columns named in `only`; one without rows where there is none."""
    columns = list(COLUMNS.get(path.stem, ()))
    if not path.is_file():
        return pd.DataFrame(columns=columns, dtype="str")
    table = read_table(path, only)
    return table.assign(**{name: "" for name in columns if name not in table})


def require(results: Path, names: Iterable[str]) -> None:
    """Raise FileNotFoundError for the first of the result tables that is not there."""
    for path in (results / f"{name}.tsv" for name in names):
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def read_of_run(results: Path, run_id: str, method_id: str) -> OfRun:
    """Return the tables of the run whose results lie in `results`, the columns that reports of the study ask for."""
    path = results / "curve.json"
    curves = read_curves(path) if path.is_file() else []
    names = ("acceptance", "flags", "measurements")
    named = {name: read_or_empty(results / f"{name}.tsv", COLUMNS[name]) for name in names}
    return OfRun(run_id, method_id, curves=curves, **named)


def read_concentrations(results: Path) -> pd.DataFrame:
    """Return what the report shows of tissue_concentrations.tsv, values and limits as numbers."""
    only = [*COLUMNS["tissue_concentrations"], *OPTIONAL]
    table = read_or_empty(results / "tissue_concentrations.tsv", only)
    return table.assign(**{name: pd.to_numeric(table[name], errors="coerce") for name in NUMBERS})


def located(concentrations: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return concentrations with `address`: the first of the rows of its run that a value came from.

    `rows`: run_id and `ROWS` of the measurements of all runs.
    """
    keys = [
        (_first(row.run_id), _first(row.plate), row.sample_id, _first(row.position), row.analyte)
        for row in concentrations.itertuples()
    ]
    here = rows[rows.run_id.isin({run for run, *_ in keys})]
    found = {
        (row.run_id, row.plate, row.sample_id, str(row.position), row.analyte): row.line
        for row in here[::-1].itertuples()
    }
    addresses = [run_address(key[0], row_anchor(found[key], key[-1])) if key in found else "" for key in keys]
    return concentrations.assign(address=addresses)


def _first(words: object) -> str:
    return str(words).split(";")[0]
