"""The grid form: 8x12 or 16x24 values under column numbers, beside row letters; a line above may name the plate."""

from __future__ import annotations

import math
import re

from bioanalysis.instruments.plates.cells import Found
from bioanalysis.instruments.plates.document import Document, Sheet
from bioanalysis.instruments.plates.matrix import Matrix, matrices, shape_faults

NAME = "grid"
WAVELENGTH = re.compile(r"(.*?)[\s,;:(@]*\b(\d{3,4}(?:\.\d+)?)\s*nm\)?", re.IGNORECASE)


def claims(document: Document) -> bool:
    """Tell whether there is a matrix of column numbers and row letters."""
    return any(matrix.letters for sheet in document.sheets for matrix in matrices(sheet.rows))


def read(document: Document) -> Found:
    """Return what the grids of a file hold, each a plate (or one wavelength of it)."""
    found = Found()
    unnamed = 0
    for sheet in document.sheets:
        after = 0
        for matrix in matrices(sheet.rows):
            plate, wavelength_nm = _label(document, sheet, matrix, after, found)
            if not plate:
                unnamed += 1
                plate = str(unnamed)
            _read_grid(document, matrix, plate, wavelength_nm, found)
            after = matrix.last_line
        found.unread += _unread(sheet, after + 1, len(sheet.rows) + 1)
    return found


def _label(document: Document, sheet: Sheet, matrix: Matrix, after: int, found: Found) -> tuple[str, float]:
    """Return plate and wavelength (NaN where unnamed): from the last line above the grid, its corner, or the sheet."""
    above = [line for line in range(after + 1, matrix.line) if any(sheet.rows[line - 1])]
    text = matrix.corner if re.match(r"plate\b|.*\d\s*nm\b", matrix.corner, re.IGNORECASE) else ""
    if above:
        found.unread += _unread(sheet, after + 1, above[-1])
        text = " ".join(cell for cell in sheet.rows[above[-1] - 1] if cell)
    elif not text and sum(bool(matrices(other.rows)) for other in document.sheets) > 1:
        text = sheet.name
    text = re.sub(r"^plate(\s*[:=]\s*|\s+id\s*[:=]?\s*)", "", text, flags=re.IGNORECASE)
    named = WAVELENGTH.fullmatch(text)
    return (named[1].strip(), float(named[2])) if named else (text, math.nan)


def _unread(sheet: Sheet, first: int, end: int) -> list[str]:
    where = f"sheet '{sheet.name}', " if sheet.name else ""
    return [
        f"{where}line {line}: {' '.join(cell for cell in sheet.rows[line - 1] if cell)[:60]}"
        for line in range(first, end)
        if any(sheet.rows[line - 1])
    ]


def _read_grid(document: Document, matrix: Matrix, plate: str, wavelength_nm: float, found: Found) -> None:
    faults = shape_faults(document, matrix)
    for row in matrix.rows:
        if not row.letter:
            faults.append(document.fault("a line of values without row letter", "a letter A, B, C ...", row.line))
        if any(row.tail):
            text = f"'{next(cell for cell in row.tail if cell)}' stands beyond column {matrix.columns}"
            faults.append(document.fault(text, "no more values than column numbers", row.line))
    found.faults += faults
    found.cells += matrix.cells(plate, wavelength_nm)
