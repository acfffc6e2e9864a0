"""One analytical run: everything read against one curve."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from bioanalysis.method import Method


@dataclass(frozen=True, eq=False)
class Run:
    """One run with its method, its worklist and the decisions that name it.

    Attributes
    ----------
    worklist : DataFrame
        One row per injection or well in the order of the file, all defaults filled in.
    decisions : DataFrame
        Rows of `decisions.tsv` that name this run.
    extraction_date : str
        ISO 8601; empty where it is not known.
    """

    run_id: str
    method: Method
    run_date: str
    analyst: str
    instrument: str
    raw_path: str
    extraction_batch: str
    sequence_id: str
    reinjection_of: str
    worklist: pd.DataFrame
    decisions: pd.DataFrame
    extraction_date: str = ""
    reviewed_by: str = ""

    @classmethod
    def of_row(cls, row: Mapping[str, str], method: Method, worklist: pd.DataFrame, decisions: pd.DataFrame) -> Run:
        """Return the run that stands in `row` of the run table; an extraction batch without a name has the run's."""
        same = ("run_id", "run_date", "analyst", "instrument", "raw_path", "sequence_id", "reinjection_of",
                "extraction_date", "reviewed_by")  # fmt: skip
        batch = row["extraction_batch"] or row["run_id"]
        about = {name: row[name] for name in same}
        return cls(**about, method=method, extraction_batch=batch, worklist=worklist, decisions=decisions)

    def with_decisions(self, decisions: pd.DataFrame) -> Run:
        """Return the run with those of the study's decisions that name it."""
        return replace(self, decisions=decisions[decisions["run_id"] == self.run_id].reset_index(drop=True))

    @property
    def platform(self) -> str:
        """``lcms`` or ``elisa``."""
        return self.method.platform

    def to_json(self) -> str:
        """Return the run as canonical JSON: the same run gives the same bytes."""
        content = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Return the run written by `to_json`."""
        content = json.loads(text)
        content["method"] = Method.model_validate(content["method"])
        for name in ("worklist", "decisions"):
            content[name] = _frame(content[name])
        return cls(**content)


def _plain(value: Any) -> Any:
    if isinstance(value, Method):
        return value.model_dump(mode="json")
    if isinstance(value, pd.DataFrame):
        return [[name, str(value[name].dtype), _values(value[name])] for name in value]
    return value


def _values(column: pd.Series) -> list[Any]:
    if column.dtype.kind == "f":
        return [None if math.isnan(value) else value for value in column.tolist()]
    return column.tolist()


def _frame(columns: list[tuple[str, str, list[Any]]]) -> pd.DataFrame:
    frame = {name: pd.Series(values, dtype=dtype) for name, dtype, values in columns}
    return pd.DataFrame(frame)
