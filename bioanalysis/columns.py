"""Columns of a table: what a cell may say, and what it then means."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from bioanalysis.sheets import entry_limits
from bioanalysis.text_files import CONTROL, INVISIBLE, did_you_mean, listed

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


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NO_FOLDER = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?|.*\.", re.IGNORECASE)  # names of devices
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
    fits = lambda value: value.is_integer() and (least is None or value >= least)
    return _numbers(name, meaning, fits, expected, required, default)


def study_day(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of study days: whole numbers without 0, no farther out than `entries.tsv` says."""
    expected = "a whole number, not 0 (the first dose is day 1, the day before it -1)"
    whole = _numbers(name, meaning, lambda value: value.is_integer() and value != 0, expected, required, None)

    def read(cell: str) -> Value:
        day, most = float(whole.read(cell)), entry_limits()["farthest_day"]
        if abs(day) > most:
            raise NotThis(f"a study day from {-most} to {most}")
        return day

    return replace(whole, read=read)


def date(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of calendar days, kept as ISO 8601 text."""
    return Column(name, meaning, _iso(_DAY, "a date such as 2026-03-31"), required=required)


def moment(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of ISO 8601 dates or times, kept as text."""
    return Column(name, meaning, _iso(_MOMENT, "a time such as 2026-03-31T14:05:00Z, or a date"), required=required)


def _free_text(cell: str) -> str:
    return _plain(re.sub(r"[\t\r\n]+", " ", cell))


def _identifier(cell: str) -> str:
    if INVISIBLE.search(cell):
        raise NotThis("a name without invisible characters: two that look the same would be two")
    return _plain(cell)


def _plain(cell: str) -> str:
    if CONTROL.search(cell):
        raise NotThis("a text without control characters")
    return cell


def _file_word(cell: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", cell, re.ASCII):
        raise NotThis("letters, digits, '.', '_' and '-', not beginning with '.' or '-' (it names files)")
    if _NO_FOLDER.fullmatch(cell):
        raise NotThis("another name: on Windows no folder is called so, and the archive could not be unpacked there")
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
            year = datetime.datetime.fromisoformat(cell).year
            if not entry_limits()["earliest_year"] <= year <= entry_limits()["latest_year"]:
                raise ValueError
        except ValueError:
            raise NotThis(expected) from None
        return cell.replace(" ", "T")

    return read


def _numbers(
    name: str, meaning: str, fits: Callable[[float], bool], expected: str, required: bool, default: float | None
) -> Column:
    def read(cell: str) -> float:
        if not _NUMBER.fullmatch(cell):
            hint = "; a point is the decimal sign here" if DECIMAL_COMMA.fullmatch(cell) else ""
            raise NotThis(expected + hint)
        value = float(cell)
        if math.isinf(value) or not fits(value):
            raise NotThis(expected)
        return value

    return Column(name, meaning, read, numeric=True, required=required, default=default)
