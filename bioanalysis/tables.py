"""A table is a promise: its columns declared once, its faults listed all at once."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.columns import CONTROL, DECIMAL_COMMA, Column, NotThis, Value, text
from bioanalysis.errors import Fault
from bioanalysis.sheets import Sheet
from bioanalysis.text_files import nearest, quoted, written_whole
from bioanalysis.text_files import write_whole as write_whole

AS_WRITTEN: dict[str, Any] = {"sep": "\t", "dtype": "str", "keep_default_na": False, "na_filter": False}
ROWS_AT_ONCE = 5000  # of a file read for some of its columns: all cells of them are in memory while they are read
AT_ONCE = 1000  # rows written at a time
NEARLY = 0.85  # likeness from which an unknown column is taken for a misspelt one: tissue_mass_g, not reviewed_at


@dataclass(frozen=True)
class Table:
    """A declared table.

    Parameters
    ----------
    title : str
        What the table is called in messages and templates.
    columns : tuple of Column
        Known columns, in the order in which they are written.
    key : tuple of str
        Columns that together name a row; no two rows may share them.
    families : tuple of Column
        Columns of which there may be one per analyte, ``name[<analyte>]``.
    covariates : bool
        Whether further columns are welcome whatever their names.
    """

    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    families: tuple[Column, ...] = ()
    covariates: bool = False
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))

    def check(self, sheet: Sheet) -> tuple[pd.DataFrame, list[Fault]]:
        """Return the typed table and every fault in it.

        The frame has all declared columns, then further ones as text, and `line`. A faulty cell is left missing, so
        that the rest of its row can still be checked against other tables.
        """
        faults = self._header_faults(sheet)
        known = {column.name: column for column in (*self.columns, *self._family_of(sheet.header))}
        further = {name: text(name, "") for name in sheet.header if name not in known}
        columns: dict[str, pd.Series] = {}
        for name, column in {**known, **further}.items():
            columns[name] = _read(column, sheet, faults)
        frame = pd.DataFrame({"line": pd.Series(sheet.lines, dtype="int64"), **columns})
        faults += _mixed_decimal_signs(sheet, [name for name, column in known.items() if column.numeric])
        return frame, faults + self._repeated(frame, sheet.file)

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        return self.check(Sheet("", self.names, 1, [], []))[0]

    def misnamed(self, header: Sequence[str]) -> dict[str, str]:
        """Return, for each unknown column that is nearly a missing one, which it was most likely meant to be.

        Where further columns are welcome only a column that must be there is missed.
        """
        missing = [c.name for c in self.columns if c.name not in header and (c.required or not self.covariates)]
        unknown = [name for name in header if name not in self.names and "[" not in name]
        near = {name: nearest(name, missing, NEARLY) for name in unknown}
        return {name: meant for name, meant in near.items() if meant}

    def _family_of(self, header: Sequence[str]) -> list[Column]:
        return [
            replace(family, name=name)
            for family in self.families
            for name in header
            if name.startswith(f"{family.name}[") and name.endswith("]") and name[len(family.name) + 1 : -1]
        ]

    def _header_faults(self, sheet: Sheet) -> list[Fault]:
        faults = [
            Fault(sheet.file, "no such column", f"a column with the {column.meaning}", sheet.header_line, column.name)
            for column in self.columns
            if column.required and column.name not in {*sheet.header, *self.misnamed(sheet.header).values()}
        ]
        family = {column.name for column in self._family_of(sheet.header)}
        for name in sheet.header:
            if name not in self.names and name not in family and (found := self._unwelcome(name, sheet.header)):
                faults.append(Fault(sheet.file, *found, sheet.header_line, name))
        return faults

    def _unwelcome(self, name: str, header: Sequence[str]) -> tuple[str, str] | None:
        """Say what is wrong with the unknown column `name`: most likely it was meant to be a known one."""
        lowered = name.lower()
        if lowered == "line":
            return "a name kept for the number of the line", "another name"
        if [other.lower() for other in header].count(lowered) > 1:
            return "a column twice, but for capitals", "each column once"
        if meant := self.misnamed(header).get(name):
            return f"unknown column (did you mean '{meant}'?)", "a known column, or a name unlike any of them"
        if self.covariates:
            return None
        of_analyte = "[" in lowered and lowered.split("[")[0].strip() in self.names
        for family in self.families:
            if lowered.startswith(family.name) or (of_analyte and family is self.families[0]):
                return "unknown column", f"{family.name}[<analyte>]"
        return None

    def _repeated(self, frame: pd.DataFrame, file: str) -> list[Fault]:
        if not self.key or len(frame) < 2:
            return []
        keys = frame[list(self.key)]
        whole = ~(keys.isna() | (keys == "")).any(axis=1)
        twice = whole & keys.duplicated()
        if not twice.any():
            return []
        first = frame.loc[whole].groupby(list(self.key))["line"].min()
        faults = []
        for row in frame.loc[twice, ["line", *self.key]].itertuples(index=False):
            name = row[1] if len(self.key) == 1 else tuple(row[1:])
            said = " ".join(_said(part) for part in row[1:])
            faults.append(
                Fault(file, f"repeats '{said}' of line {first[name]}", "each once", row[0], ", ".join(self.key))
            )
        return faults


def _read(column: Column, sheet: Sheet, faults: list[Fault]) -> pd.Series:
    """Return the values of one column, reading each distinct cell once; add its faults to `faults`."""
    dtype = "float64" if column.numeric else "str"
    if column.name not in sheet.header:
        return pd.Series([column.empty] * len(sheet.lines), dtype=dtype)
    place = sheet.header.index(column.name)
    cells = [row[place] for row in sheet.rows]
    known: dict[str, Value] = {}
    wrong: dict[str, str] = {"": f"the {column.meaning}"} if column.required else {}
    for cell in dict.fromkeys(cells):
        try:
            known[cell] = column.read(_point(cell, column, sheet)) if cell else column.empty
        except NotThis as error:
            wrong[cell] = str(error)
    if wrong:
        faults += [
            Fault(sheet.file, quoted(cell), wrong[cell], line, column.name)
            for line, cell in zip(sheet.lines, cells, strict=True)
            if cell in wrong
        ]
    values = [known.get(cell, column.empty) for cell in cells]
    return pd.Series(values, dtype=dtype) if column.numeric else held_once(values)


def _mixed_decimal_signs(sheet: Sheet, names: Iterable[str]) -> list[Fault]:
    """Where a comma is the decimal sign, 1.234 may be a thousand: refuse to guess."""
    if not sheet.decimal_comma:
        return []
    cells = [
        (line, name, row[place])
        for name in names
        if name in sheet.header and (place := sheet.header.index(name)) >= 0
        for line, row in zip(sheet.lines, sheet.rows, strict=True)
    ]
    if not any(DECIMAL_COMMA.fullmatch(cell) for _, _, cell in cells):
        return []
    expected = "a comma as in the other numbers of this file"
    return [
        Fault(sheet.file, f"'{cell}' with a point", expected, line, name) for line, name, cell in cells if "." in cell
    ]


def _point(cell: str, column: Column, sheet: Sheet) -> str:
    if column.numeric and sheet.decimal_comma and DECIMAL_COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    return cell


def _said(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` as tab-separated text that reads back to the same values, in one step or not at all.

    Floats with as many digits as they need, missing values empty, true and false as words, tabs and line breaks
    inside text as spaces.
    """
    write_stretches([frame], path)


def write_stretches(frames: Iterable[pd.DataFrame], path: Path) -> None:
    """Write the stretches of a table, one or more, as `write_table` does the whole; each is asked for in its turn."""
    with written_whole(path) as part, part.open("wb") as stream:
        for number, frame in enumerate(frames):
            if number == 0:
                stream.write(_lines([[_one_line(str(name)) for name in frame.columns]]))
            stream.writelines(_blocks(frame))


def _blocks(frame: pd.DataFrame) -> Iterator[bytes]:
    """Yield the rows, `AT_ONCE` of them at a time: as text a table is many times as large."""
    for start in range(0, len(frame), AT_ONCE):
        block = frame.iloc[start : start + AT_ONCE]
        columns = [_written(block.iloc[:, place]) for place in range(block.shape[1])]
        yield _lines(zip(*columns, strict=True))


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    content = io.StringIO()
    csv.writer(content, delimiter="\t", lineterminator="\n").writerows(rows)
    return content.getvalue().encode("utf-8")


def _written(values: pd.Series) -> list[str]:
    return [_cell(value, values.name) for value in values.astype(object).tolist()]


def _cell(value: object, column: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        if math.isinf(value):
            raise ValueError(f"{column} is infinite: a number without a value must be missing, with its reason")
        return "" if math.isnan(value) else repr(float(value))
    return _one_line(str(value))


def _one_line(value: str) -> str:
    return CONTROL.sub(" ", value) if CONTROL.search(value) else value


def read_results(path: Path, numeric: Iterable[str] = (), only: Iterable[str] | None = None) -> pd.DataFrame:
    """Return a table of ours: the columns named in `numeric` as float64 (empty: NaN), all others as text.

    `only`: the columns to read; what the table lacks of them is left out. All where not given.
    """
    return _together(read_stretches(path, numeric, only))


def read_stretches(
    path: Path, numeric: Iterable[str] = (), only: Iterable[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table of ours as `read_results` returns them, `ROWS_AT_ONCE` of them at a time."""
    return (_typed(rows, numeric) for rows in _stretches(path, only))


def read_columns_of(path: Path, names: Iterable[str]) -> pd.DataFrame:
    """Return those columns of a table of ours that are named, as text; what it lacks is left out."""
    return _together(_stretches(path, names))


def _stretches(path: Path, only: Iterable[str] | None) -> Iterator[pd.DataFrame]:
    wanted = None if only is None else set(only).__contains__
    with pd.read_csv(path, usecols=wanted, chunksize=ROWS_AT_ONCE, **AS_WRITTEN) as stretches:
        yield from stretches


def _typed(rows: pd.DataFrame, numeric: Iterable[str]) -> pd.DataFrame:
    numbers = {name: rows[name].replace("", "nan").astype("float64") for name in numeric if name in rows}
    words = {name: held_once(rows[name]).set_axis(rows.index) for name in rows if name not in numbers}
    return rows.assign(**numbers, **words)


def _together(stretches: Iterable[pd.DataFrame]) -> pd.DataFrame:
    first, *others = stretches
    return pd.concat([first, *others]) if others else first


def held_once(words: Iterable[Any]) -> pd.Series:
    """Return a column of text in which equal words, of whatever table, are one object: a study repeats few words."""
    return pd.Series(map(intern, words), dtype="str")
