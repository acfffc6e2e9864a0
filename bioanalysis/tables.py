"""A table is a promise: its columns declared once, its faults listed all at once."""

from __future__ import annotations

import csv
import datetime
import io
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.sheets import Sheet
from bioanalysis.text_files import did_you_mean, listed

Value = str | float


class NotThis(ValueError):
    """A cell that is not what its column promises; the text says what was expected."""


@dataclass(frozen=True)
class Column:
    """One column: its name, what it means, and how a cell of it is read.

    Parameters
    ----------
    name, meaning : str
        The name carries the unit (``tissue_mass_mg``).
    read : callable
        Cell text -> value; raises `NotThis`.
    numeric : bool
        Whether values are float64 (missing: NaN) rather than text (missing: "").
    required : bool
        Whether the column must be there and filled in every row.
    default : str or float, optional
        What an empty cell or a missing column stands for.
    """

    name: str
    meaning: str
    read: Callable[[str], Value]
    numeric: bool = False
    required: bool = False
    default: Value | None = None

    @property
    def empty(self) -> Value:
        """Value of an empty cell."""
        if self.default is not None:
            return self.default
        return math.nan if self.numeric else ""


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def text(name: str, meaning: str, *, required: bool = False, default: str | None = None) -> Column:
    """Return a column of free text; line breaks and tabs inside a cell become spaces."""
    return Column(name, meaning, _free_text, required=required, default=default)


def identifier(name: str, meaning: str, *, required: bool = False, default: str | None = None) -> Column:
    """Return a column of names: any text without control characters."""
    return Column(name, meaning, _identifier, required=required, default=default)


def file_word(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of identifiers that become names of files."""
    return Column(name, meaning, _file_word, required=required)


def one_of(name: str, meaning: str, *words: str, required: bool = False) -> Column:
    """Return a column that knows a closed list of words."""

    def read(cell: str) -> str:
        if cell not in words:
            raise NotThis(f"one of {listed(words, most=20)}{did_you_mean(cell, words)}")
        return cell

    return Column(name, meaning, read, required=required)


def boolean(name: str, meaning: str) -> Column:
    """Return a column of true and false, kept as these words (an empty cell says neither)."""
    return Column(name, meaning, _boolean)


def number(name: str, meaning: str, *, required: bool = False, default: float | None = None) -> Column:
    """Return a column of finite numbers."""
    return _numbers(name, meaning, lambda value: True, "a number", required, default)


def positive(name: str, meaning: str, *, required: bool = False, default: float | None = None) -> Column:
    """Return a column of numbers greater than 0."""
    return _numbers(name, meaning, lambda value: value > 0, "a number greater than 0", required, default)


def nonnegative(name: str, meaning: str, *, required: bool = False, default: float | None = None) -> Column:
    """Return a column of numbers not below 0."""
    return _numbers(name, meaning, lambda value: value >= 0, "a number of at least 0", required, default)


def integer(
    name: str, meaning: str, *, least: int | None = None, required: bool = False, default: float | None = None
) -> Column:
    """Return a column of whole numbers, not below `least` where that is given."""
    expected = "a whole number" + ("" if least is None else f" of at least {least}")
    fits = lambda value: value.is_integer() and (least is None or value >= least)  # noqa: E731
    return _numbers(name, meaning, fits, expected, required, default)


def study_day(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of study days: whole numbers without 0."""
    expected = "a whole number, not 0 (the first dose is day 1, the day before it -1)"
    return _numbers(name, meaning, lambda value: value.is_integer() and value != 0, expected, required, None)


def date(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of calendar days, kept as ISO 8601 text."""
    return Column(name, meaning, _iso(_DAY, "a date such as 2026-03-31"), required=required)


def moment(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of ISO 8601 dates or times, kept as text."""
    return Column(name, meaning, _iso(_MOMENT, "a time such as 2026-03-31T14:05:00Z, or a date"), required=required)


def _free_text(cell: str) -> str:
    return _identifier(re.sub(r"[\t\r\n]+", " ", cell))


def _identifier(cell: str) -> str:
    if _CONTROL.search(cell):
        raise NotThis("a text without control characters")
    return cell


def _file_word(cell: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", cell, re.ASCII):
        raise NotThis("letters, digits, '.', '_' and '-', not beginning with '.' or '-' (it names files)")
    return cell


def _boolean(cell: str) -> str:
    if cell.lower() not in ("true", "false"):
        raise NotThis("true or false")
    return cell.lower()


def _iso(pattern: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def read(cell: str) -> str:
        try:
            if not pattern.fullmatch(cell):
                raise ValueError
            datetime.datetime.fromisoformat(cell)
        except ValueError:
            raise NotThis(expected) from None
        return cell.replace(" ", "T")

    return read


def _numbers(
    name: str, meaning: str, fits: Callable[[float], bool], expected: str, required: bool, default: float | None
) -> Column:
    def read(cell: str) -> float:
        if not _NUMBER.fullmatch(cell):
            hint = "; a point is the decimal sign here" if _DECIMAL_COMMA.fullmatch(cell) else ""
            raise NotThis(expected + hint)
        value = float(cell)
        if math.isinf(value) or not fits(value):
            raise NotThis(expected)
        return value

    return Column(name, meaning, read, numeric=True, required=required, default=default)


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
    family : Column, optional
        Column of which there may be one per analyte, ``name[<analyte>]``.
    later : tuple of str
        Columns of later work: refused as soon as a cell is filled.
    covariates : bool
        Whether further columns are welcome whatever their names.
    """

    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    family: Column | None = None
    later: tuple[str, ...] = ()
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
        cells = dict(
            zip(sheet.header, zip(*sheet.rows, strict=True) if sheet.rows else [()] * len(sheet.header), strict=True)
        )
        columns: dict[str, pd.Series] = {"line": pd.Series(sheet.lines, dtype="int64")}
        for column in (*self.columns, *self._family_of(sheet.header)):
            columns[column.name] = self._read(column, cells.get(column.name), sheet, faults)
        for name in sheet.header:
            if name not in columns:
                columns[name] = self._read(text(name, ""), cells[name], sheet, faults)
        frame = pd.DataFrame(columns)
        return frame, faults + self._repeated(frame, sheet.file)

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        return self.check(Sheet("", self.names, 1, [], []))[0]

    def _family_of(self, header: Sequence[str]) -> list[Column]:
        if self.family is None:
            return []
        names = [name for name in header if name.startswith(f"{self.family.name}[") and name.endswith("]")]
        return [Column(name, self.family.meaning, self.family.read, self.family.numeric) for name in names]

    def _header_faults(self, sheet: Sheet) -> list[Fault]:
        missing = [column for column in self.columns if column.name not in sheet.header]
        unknown = [name for name in sheet.header if name not in self.names]
        family = {column.name for column in self._family_of(sheet.header)}
        hints = {} if self.covariates else {name: did_you_mean(name, [c.name for c in missing]) for name in unknown}
        faults = [
            Fault(sheet.file, "no such column", f"a column with {column.meaning}", sheet.header_line, column.name)
            for column in missing
            if column.required
        ]
        for name in unknown:
            if name.split("[")[0] in self.later:
                faults += self._later_faults(name, sheet)
            elif hints.get(name) and name not in family:
                faults.append(
                    Fault(sheet.file, f"unknown column{hints[name]}", "a known name", sheet.header_line, name)
                )
        return faults

    def _later_faults(self, name: str, sheet: Sheet) -> list[Fault]:
        place = sheet.header.index(name)
        filled = [line for line, row in zip(sheet.lines, sheet.rows, strict=True) if row[place]]
        return [Fault(sheet.file, "not supported yet", "no such column", filled[0], name)] if filled else []

    def _read(self, column: Column, cells: Sequence[str] | None, sheet: Sheet, faults: list[Fault]) -> pd.Series:
        dtype = "float64" if column.numeric else "str"
        if cells is None:
            return pd.Series([column.empty] * len(sheet.lines), dtype=dtype)
        known: dict[str, Value] = {}
        wrong: dict[str, str] = {"": "a value: " + column.meaning} if column.required else {}
        for cell in dict.fromkeys(cells):
            try:
                known[cell] = column.read(_point(cell, column, sheet)) if cell else column.empty
            except NotThis as error:
                wrong[cell] = str(error)
        if wrong:
            faults += [
                Fault(sheet.file, f"'{cell}'" if cell else "empty", wrong[cell], line, column.name)
                for line, cell in zip(sheet.lines, cells, strict=True)
                if cell in wrong
            ]
        return pd.Series([known.get(cell, column.empty) for cell in cells], dtype=dtype)

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


def _point(cell: str, column: Column, sheet: Sheet) -> str:
    if column.numeric and sheet.decimal_comma and _DECIMAL_COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    return cell


def _said(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` as tab-separated text that reads back to the same values, in one step or not at all.

    Floats with as many digits as they need, missing values empty, true and false as words, tabs and line breaks
    inside text as spaces.
    """
    columns = [_written(frame.iloc[:, place]) for place in range(frame.shape[1])]
    content = io.StringIO()
    writer = csv.writer(content, delimiter="\t", lineterminator="\n")
    writer.writerow([_one_line(str(name)) for name in frame.columns])
    writer.writerows(zip(*columns, strict=True))
    write_whole(path, content.getvalue().encode("utf-8"))


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader finds the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _written(values: pd.Series) -> list[str]:
    return [_cell(value) for value in values.astype(object).tolist()]


def _cell(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return "" if math.isnan(value) else repr(float(value))
    return _one_line(str(value))


def _one_line(value: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", value) if re.search(r"[\t\r\n]", value) else value


def read_results(path: Path, numeric: Iterable[str] = ()) -> pd.DataFrame:
    """Return a table of ours: the columns named in `numeric` as float64 (empty: NaN), all others as text."""
    frame = pd.read_csv(path, sep="\t", dtype="str", keep_default_na=False, na_filter=False, encoding="utf-8")
    for name in numeric:
        if name in frame:
            frame[name] = frame[name].replace("", "nan").astype("float64")
    return frame
