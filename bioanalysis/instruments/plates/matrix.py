"""Plates drawn as a matrix: column numbers above, row letters at the left."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bioanalysis.errors import Fault
from bioanalysis.instruments.plates.cells import PLATE_SHAPES, Cell
from bioanalysis.instruments.plates.document import Document

LETTERS = "ABCDEFGHIJKLMNOP"
FEWEST_COLUMNS = 3
PLATE_FORMATS = {6: (2, 3), 12: (3, 4), 24: (4, 6), 48: (6, 8), 96: (8, 12), 384: (16, 24)}


@dataclass(frozen=True)
class MatrixRow:
    """One row of a matrix: its letter (empty on a continuation line), its values, and what follows them."""

    line: int
    letter: str
    values: tuple[str, ...]
    tail: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """A plate drawn in a file; `corner` is what stands above the row letters."""

    line: int
    corner: str
    columns: int
    rows: tuple[MatrixRow, ...]

    @property
    def letters(self) -> tuple[str, ...]:
        """Row letters in the order of the file, continuation lines left out."""
        return tuple(row.letter for row in self.rows if row.letter)

    @property
    def last_line(self) -> int:
        """Last line that belongs to the matrix."""
        return self.rows[-1].line if self.rows else self.line

    def cells(self, plate: str, wavelength_nm: float = math.nan, channel: str = "") -> list[Cell]:
        """Return the readings of the lettered rows."""
        return [
            Cell(plate, f"{row.letter}{column}", text, row.line, wavelength_nm, channel, f"column {column}")
            for row in self.rows
            if row.letter
            for column, text in enumerate(row.values, start=1)
        ]


def matrices(rows: Sequence[Sequence[str]], first_line: int = 1) -> list[Matrix]:
    """Return every matrix in `rows`, whatever its size; its first line is `first_line`."""
    found, index = [], 0
    while index < len(rows):
        columns = header_columns(rows[index])
        if columns:
            body = _body(rows, index, columns, first_line)
            found.append(Matrix(index + first_line, rows[index][0], columns, body))
            index += len(body)
        index += 1
    return found


def header_columns(row: Sequence[str]) -> int:
    """Return how many columns a line of column numbers (corner, 1, 2, 3, ...) names; 0 where it is no such line."""
    filled = list(row[1:])
    while filled and not filled[-1]:
        filled.pop()
    numbers = [int(cell) if cell.isdecimal() else 0 for cell in filled]
    is_header = len(numbers) >= FEWEST_COLUMNS and numbers == list(range(1, len(numbers) + 1))
    return len(numbers) if is_header and not is_row_letter(row[0]) else 0


def _body(rows: Sequence[Sequence[str]], header: int, columns: int, first_line: int) -> tuple[MatrixRow, ...]:
    body = []
    for index in range(header + 1, len(rows)):
        row = rows[index]
        if not any(row) or header_columns(row) or not (row[0] == "" or is_row_letter(row[0])):
            break
        body.append(
            MatrixRow(index + first_line, row[0].upper(), tuple(row[1 : columns + 1]), tuple(row[columns + 1 :]))
        )
    return tuple(body)


def heading(rows: Sequence[Sequence[str]], line: int, after: int = 0) -> int:
    """Return the last line above `line` (and below `after`) that is not blank; 0 where there is none."""
    return next((above for above in range(line - 1, after, -1) if any(rows[above - 1])), 0)


def titles(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the lines that look like the title of a part: one cell, alone, below a blank line or first."""
    return [
        line
        for line, row in enumerate(rows, start=1)
        if row and row[0] and not any(row[1:]) and (line == 1 or not any(rows[line - 2]))
    ]


def unknown_titles(rows: Sequence[Sequence[str]], known: re.Pattern[str]) -> list[str]:
    """Return the titles that do not begin with something known, with their lines."""
    return [
        f"line {line}: part '{rows[line - 1][0][:60]}'" for line in titles(rows) if not known.match(rows[line - 1][0])
    ]


def is_row_letter(text: str) -> bool:
    """Tell whether `text` may name a row of a plate (also one too far down, which is then a fault)."""
    return len(text) <= 2 and text.isascii() and text.isalpha() and (len(text) == 1 or text[0].upper() == "A")


def shape_faults(document: Document, matrix: Matrix, shapes: Sequence[tuple[int, int]] = PLATE_SHAPES) -> list[Fault]:
    """Return what keeps a matrix from being a whole plate of one of `shapes` (rows, columns)."""
    letters = "".join(matrix.letters)
    rows = len(matrix.letters)
    sizes = " or ".join(f"{high} rows by {wide} columns" for high, wide in shapes)
    faults = []
    if (rows, matrix.columns) not in shapes:
        text = f"a grid of {rows} rows ({letters or 'none'}) by {matrix.columns} columns"
        faults.append(document.fault(text, f"a whole plate of {sizes} (is the file cut short?)", matrix.line))
    elif letters != LETTERS[:rows]:
        text = f"row letters {letters}"
        faults.append(document.fault(text, f"{LETTERS[:rows]}, in this order", matrix.line))
    for row in matrix.rows:
        if len(row.values) < matrix.columns:
            text = f"row {row.letter} holds {len(row.values)} of {matrix.columns} values"
            faults.append(document.fault(text, "a value, a word or an empty cell for each column", row.line))
    return faults
