"""What changed between two forms of a table or of a settings file, cell by cell."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bioanalysis.errors import BatchError
from bioanalysis.records.places import CONCENTRATIONS
from bioanalysis.sheets import ENDINGS, Sheet, read_sheet
from bioanalysis.yaml_with_lines import Content, read_yaml

KEYS = {
    "subjects": ("subject_id",),
    "samples": ("sample_id",),
    "runs": ("run_id",),
    "decisions": ("decision_id",),
    "signers": ("signer",),
    "worklists": ("plate", "position"),
    "tissue_concentrations": ("sample_id", "analyte", "method_id"),
}
VALUES = (
    "status",
    "value",
    "unit",
    "tissue_ug_g_low",
    "tissue_ug_g_high",
    "recovery_factor",
    "run_id",
    "reason",
    "flags",
)
COLUMNS = ("file", "object", "column", "before", "after")


class Change(NamedTuple):
    """One cell that is not what it was; `column` is `row` where the whole row came or went."""

    file: str
    object: str
    column: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.column == "row":
            return f"{self.file}, {self.object}: {'removed' if self.before else 'added'}"
        return f"{self.file}, {self.object}: {self.column} {self.before or 'empty'} -> {self.after or 'empty'}"


def changes_between(file: str, before: bytes | None, after: bytes | None) -> list[Change]:
    """Return what changed in a table or settings file; empty where either cannot be read or has no known form."""
    if before is None or after is None:
        return []
    try:
        old, new = _cells(file, before), _cells(file, after)
    except (BatchError, csv.Error):
        return []
    return list(_compared(file, old, new))


def text_of(changes: Iterable[Change]) -> bytes:
    """Return changes as a table."""
    content = io.StringIO()
    writer = csv.writer(content, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([" ".join(cell.split()) for cell in change] for change in changes)
    return content.getvalue().encode("utf-8", "surrogateescape")


def read_changes(content: bytes) -> list[Change]:
    """Return the changes of a table written by `text_of`."""
    rows = csv.reader(io.StringIO(content.decode("utf-8", "replace")), delimiter="\t")
    return [Change(*row) for row in rows if len(row) == len(COLUMNS) and tuple(row) != COLUMNS]


def _cells(file: str, content: bytes) -> dict[str, dict[str, str]]:
    """Return cells by object and column: rows of a table by their key, settings by their place."""
    if file == CONCENTRATIONS:
        return _values(content)
    suffix = Path(file).suffix.lower()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"content{suffix}"
        path.write_bytes(content)
        if suffix in ENDINGS:
            return _rows(file, read_sheet(path, file))
        if suffix in (".yaml", ".yml"):
            return {place: {"value": value} for place, value in _settings(read_yaml(path, file).content, "")}
    return {}


def _values(content: bytes) -> dict[str, dict[str, str]]:
    """Return `VALUES` of each result; our own table may have millions of cells, and most columns are not asked for."""
    keys = KEYS[Path(CONCENTRATIONS).stem]
    known: dict[str, str] = {}  # a unit or a run stands in thousands of rows: it is kept once
    rows: dict[str, dict[str, str]] = {}
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8", "replace", newline="")
    for row in csv.DictReader(lines, delimiter="\t"):
        cells = {column: row.get(column) or "" for column in VALUES if column not in keys}
        rows[" ".join(filter(None, map(row.get, keys)))] = {
            column: known.setdefault(cell, cell) for column, cell in cells.items()
        }
    return rows


def _rows(file: str, sheet: Sheet) -> dict[str, dict[str, str]]:
    parent = Path(file).parent.name
    keys = KEYS.get(parent if parent == "worklists" else Path(file).stem, ())
    rows: dict[str, dict[str, str]] = {}
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        row = dict(zip(sheet.header, cells, strict=True))
        name = " ".join(row[key] for key in keys if row.get(key)) or f"line {line}"
        rows[name] = {column: row.get(column, "") for column in sheet.header if column not in keys}
    return rows


def _settings(content: Content, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _settings(value, f"{place}.{key}" if place else key)
    elif isinstance(content, list):
        for number, value in enumerate(content, start=1):
            name = value.get("name") if isinstance(value, dict) else None
            yield from _settings(value, f"{place}[{name if isinstance(name, str) else number}]")
    else:
        yield place, content or ""


def _compared(file: str, old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield Change(file, name, "row", _row_text(old[name]), "")
        elif name not in old:
            yield Change(file, name, "row", "", _row_text(new[name]))
        else:
            for column in dict.fromkeys([*old[name], *new[name]]):
                before, after = old[name].get(column, ""), new[name].get(column, "")
                if before != after:
                    yield Change(file, name, column, before, after)


def _row_text(row: dict[str, str]) -> str:
    return "; ".join(f"{column} {value}" for column, value in row.items() if value) or "empty"
