"""The tables of a study and of its runs, as its report needs them; a table that is not there is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.report.sections import row_anchor, run_address
from bioanalysis.results import read_curves, read_table

NUMBERS = ("value", "value_low", "value_high", "lloq", "uloq", "recovery_factor")
READ = (
    "tissue_concentrations", "tissue_summary", "variance_components", "biodistribution", "recovery", "flags",
    "reconciliation", "response_variance", "sequences", "decisions", "repeats", "quality_controls",
    "storage",
)  # fmt: skip
COLUMNS = {
    "flags": ("flag", "run_id", "plate", "position", "sample_id", "tissue", "analyte", "observed", "state", "meaning",
              "check_first"),
    "repeats": ("method_id", "analyte", "sample_id", "initial_run_id", "initial_status", "accepted_run_id",
                "accepted_status", "reason_code"),
    "measurements": ("plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
                     "bias_percent", "status", "reason", "line"),
    "acceptance": ("rule_id", "plate", "analyte", "verdict", "judged", "limit", "observed", "source", "standing",
                   "method_id", "wider_than_source"),
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


def read_or_empty(path: Path) -> pd.DataFrame:
    """Return a result table, or one without rows where there is none."""
    columns = list(COLUMNS.get(path.stem, ()))
    if not path.is_file():
        return pd.DataFrame(columns=columns, dtype="str")
    table = read_table(path)
    return table.assign(**{name: "" for name in columns if name not in table})


def read_of_run(results: Path, run_id: str, method_id: str) -> OfRun:
    """Return the tables of the run whose results lie in `results`."""
    path = results / "curve.json"
    curves = read_curves(path) if path.is_file() else []
    named = {name: read_or_empty(results / f"{name}.tsv") for name in ("acceptance", "flags", "measurements")}
    return OfRun(run_id, method_id, curves=curves, **named)


def read_study_tables(results: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of results/study by name, values and limits of concentrations as numbers."""
    tables = {name: read_or_empty(results / f"{name}.tsv") for name in READ}
    table = tables["tissue_concentrations"]
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in NUMBERS if name in table}
    tables["tissue_concentrations"] = table.assign(**numbers)
    return tables


def located(concentrations: pd.DataFrame, runs: Sequence[OfRun]) -> pd.DataFrame:
    """Return the concentrations with `address`: the first of the rows of its run that a value came from."""
    rows = [
        ((run.run_id, row.plate, row.sample_id, str(row.position), row.analyte), row.line)
        for run in runs
        for row in run.measurements.itertuples()
    ]
    found = dict(reversed(rows))
    keys = [
        (_first(row.run_id), _first(row.plate), row.sample_id, _first(row.position), row.analyte)
        for row in concentrations.itertuples()
    ]
    addresses = [run_address(key[0], row_anchor(found[key], key[-1])) if key in found else "" for key in keys]
    return concentrations.assign(address=addresses)


def _first(words: object) -> str:
    return str(words).split(";")[0]
