"""Cells of a table as they stand in its file: tab, comma or semicolon separated text, or a spreadsheet."""

from __future__ import annotations

import csv
import datetime
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.stored_cells import StoredCells, stored_cells
from bioanalysis.text_files import MEGABYTE, decode, listed, own_table, read_bytes
from bioanalysis.words import count_of

ENDINGS = (".tsv", ".csv", ".xlsx")
LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n])|[^\r\n]+")  # with its end; a stream of text would take four bytes a sign
_NO_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OSError, ValueError)


@cache
def entry_limits() -> dict[str, int]:
    """Return how large tables and archives may be, and how far days and years of tables may reach."""
    return {row["name"]: int(row["value"]) for row in own_table("bioanalysis.limits", "entries.tsv")}


@dataclass(frozen=True)
class Sheet:
    """Header and rows of one table, every cell as text without spaces around it.

    Parameters
    ----------
    file : str
        Path relative to the study folder.
    header : tuple of str
        Column names.
    header_line : int
        Line of the header.
    rows : list of list of str
        As many cells each as the header.
    lines : list of int
        Line of each row in the file (row number in a spreadsheet).
    separator : str
        Separator of the cells; empty for a spreadsheet.
    """

    file: str
    header: tuple[str, ...]
    header_line: int
    rows: list[list[str]]
    lines: list[int]
    separator: str = "\t"

    @property
    def decimal_comma(self) -> bool:
        """Whether a comma may be the decimal sign here."""
        return self.separator == ";"


def find_sheet(folder: Path, stem: str) -> Path | None:
    """Return the one file `stem`.tsv, .csv or .xlsx of `folder`, None where there is none; two are refused."""
    found = [path for ending in ENDINGS if (path := folder / f"{stem}{ending}").exists()]
    if len(found) > 1:
        names = listed(path.name for path in found)
        raise BatchError(
            [Fault(str(Path(stem).parent / found[0].name), f"stands beside others: {names}", "one of them")]
        )
    return found[0] if found else None


def read_sheet(path: Path, file: str) -> Sheet:
    """Return the cells of the table at `path`, known to the user as `file`.

    Blank lines are skipped, but lines keep their numbers.

    Raises
    ------
    BatchError
        If the file cannot be read, has no header, a header twice, or a row with more cells than the header.
    """
    content = read_bytes(path, file, entry_limits()["largest_megabytes"])
    if path.suffix.lower() == ".xlsx":
        separator, stored = "", iter(spreadsheet_rows(content, file))
    else:
        text = decode(content, file)
        separator = _separator(text)
        stored = _text_rows(text, separator, file)
    known: dict[str, str] = {}  # a tissue or a day stands in thousands of rows: it is kept once
    stripped = ((line, [known.setdefault(word, word) for word in map(str.strip, row)]) for line, row in stored)
    rows = [(line, row) for line, row in stripped if any(row)]
    if not rows:
        raise BatchError([Fault(file, "empty", "a header line with column names")])
    return _sheet(file, separator, rows)


def _sheet(file: str, separator: str, rows: list[tuple[int, list[str]]]) -> Sheet:
    (header_line, header), body = rows[0], rows[1:]
    while not header[-1]:
        header = header[:-1]
    width, most = len(header), entry_limits()["most_columns"]
    if width > most:
        raise BatchError([Fault(file, count_of(width, "column"), f"at most {most}", header_line)])
    faults = _header_faults(file, header_line, header)
    for line, row in body:
        if any(row[width:]):
            faults.append(Fault(file, count_of(len(row), "cell"), f"at most {width}, as in the header", line))
    if faults:
        raise BatchError(faults)
    cells = [row if len(row) == width else row[:width] + [""] * (width - len(row)) for _, row in body]
    return Sheet(file, tuple(header), header_line, cells, [line for line, _ in body], separator)


def _header_faults(file: str, line: int, header: list[str]) -> list[Fault]:
    faults = [
        Fault(file, f"column {number} has no name", "a name in each cell of the header", line)
        for number, name in enumerate(header, start=1)
        if not name
    ]
    twice = dict.fromkeys(name for name in header if name and header.count(name) > 1)
    return faults + [Fault(file, "a column twice", "each column once", line, name) for name in twice]


def _separator(text: str) -> str:
    """The header decides: a tab if it holds one, else a semicolon, else a comma."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return next((sign for sign in "\t;," if sign in header), "\t")


def _text_rows(text: str, separator: str, file: str) -> Iterator[tuple[int, list[str]]]:
    longest, most = entry_limits()["longest_cell"], entry_limits()["most_cells"]
    csv.field_size_limit(longest)
    reader = csv.reader((found[0] for found in LINE.finditer(text)), delimiter=separator, strict=True)
    line, cells = 1, 0
    try:
        for row in reader:
            if any(row):  # a spreadsheet writes a million lines of empty cells where a column was formatted
                cells += len(row)
                if cells > most:
                    raise BatchError([Fault(file, f"more than {most} cells", f"at most {most}", line)])
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        expected = f"quote marks in pairs, doubled inside a cell, and no cell above {longest} characters"
        raise BatchError([Fault(file, f"cells that cannot be told apart ({error})", expected, line)]) from error


def spreadsheet_rows(content: bytes, file: str) -> list[tuple[int, list[str]]]:
    """Return the rows of a workbook with one sheet, each with its number, every cell as text.

    Raises
    ------
    BatchError
        If it is no workbook, has several sheets, or holds cells without a value of their own (`#N/A`, formulas that
        were never calculated), which the reader would take for empty.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        faults = _cells_that_would_be_lost(content, file)
        if faults:
            raise BatchError(faults)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        if len(workbook.sheet_names) != 1:
            found = f"{count_of(len(workbook.sheet_names), 'sheet')} ({listed(workbook.sheet_names)})"
            raise BatchError([Fault(file, found, "exactly one sheet")])
        rows = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, *_NO_ZIP) as error:
        expected = "a workbook (.xlsx) as a spreadsheet program saves it"
        raise BatchError([Fault(file, f"cannot be read as a workbook ({error})", expected)]) from error
    return [(line, [_cell_text(cell) for cell in row]) for line, row in enumerate(rows, start=1)]


def _cells_that_would_be_lost(content: bytes, file: str) -> list[Fault]:
    """Look at the parts as stored: the reader makes empty cells of errors, and gigabytes of one stray cell."""
    faults: list[Fault] = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        most = entry_limits()["unpacked_megabytes"]
        if sum(member.file_size for member in archive.infolist()) > most * MEGABYTE:
            return [Fault(file, "very large once unpacked", f"at most {most} MB")]
        for _, cells in stored_cells(archive):
            faults += _stored_faults(cells, file)
    return faults


def _stored_faults(cells: StoredCells, file: str) -> list[Fault]:
    lost = [("an error such as #N/A", cells.errors), ("a formula without a stored result", cells.formulas_alone)]
    faults = [
        Fault(file, found, "a value", row, f"column {column}") for found, places in lost for column, row in places
    ]
    most = entry_limits()["most_cells"]
    if cells.rows * cells.columns > most:
        found = f"cells as far as row {cells.rows} and column {cells.columns}"
        faults.append(Fault(file, found, "a sheet without stray cells far below or to the right"))
    if cells.strings > most:
        faults.append(Fault(file, f"{cells.strings} shared strings announced", f"at most {most}"))
    return faults


def _cell_text(cell: object) -> str:
    """Write a typed cell as a person would have typed it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat()
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return str(cell)
