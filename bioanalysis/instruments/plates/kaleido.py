"""PerkinElmer Kaleido csv: results per measurement and plate as a matrix, then the measurement and its plate."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bioanalysis.instruments.plates.cells import Found, number
from bioanalysis.instruments.plates.document import Document
from bioanalysis.instruments.plates.matrix import PLATE_FORMATS, heading, matrices, shape_faults, unknown_titles

NAME = "kaleido"
RESULTS = re.compile(r"Results for\s+(.+)")
BARCODE = re.compile(r"Barcode:\s*(.*)")
UNDEFINED = {"", "-"}
KNOWN = re.compile(
    r"Results for\s|Measurement Basic Information|Plate Type|Operations:|Measurements:|Meas$|Comments:|Analysis Result|"
    r"Analysis:|Exported with Kaleido"
)
Rows = Sequence[Sequence[str]]


def claims(document: Document) -> bool:
    """Tell whether there are results, and a barcode with the repeat of its plate as Kaleido writes them."""
    repeats = any(row and BARCODE.fullmatch(row[0]) and "PlateRepeat:" in " ".join(row) for row in document.rows)
    return repeats and any(row and RESULTS.fullmatch(row[0]) for row in document.rows)


def read(document: Document) -> Found:
    """Return the readings of every measurement; a matrix that is no result is listed as unread unless it is empty."""
    found = Found()
    rows = document.rows
    if not any(row and row[0].startswith("Exported with Kaleido") for row in rows):
        expected = "a last line 'Exported with Kaleido ...' (is the file cut short?)"
        found.faults.append(document.fault("an export without its end", expected, len(rows)))
    after = 0
    for matrix in matrices(rows):
        barcode_line = heading(rows, matrix.line, after)
        barcode = BARCODE.fullmatch(rows[barcode_line - 1][0]) if barcode_line else None
        title_line = heading(rows, barcode_line, after) if barcode_line else 0
        results = RESULTS.fullmatch(rows[title_line - 1][0]) if title_line else None
        if barcode and results:
            found.faults += shape_faults(document, matrix, list(PLATE_FORMATS.values()))
            found.cells += matrix.cells(barcode[1].strip() or "1", _wavelength(rows, results[1]))
        elif any(text not in UNDEFINED for row in matrix.rows for text in row.values):
            found.unread.append(f"line {matrix.line}: matrix under '{' '.join(rows[barcode_line - 1]).strip()}'")
        after = matrix.last_line
    found.unread += unknown_titles(rows, KNOWN)
    return found


def _wavelength(rows: Rows, technology: str) -> float:
    """Return the excitation wavelength in the paragraph of the measurement `technology`; NaN where there is none."""
    inside = False
    for row in rows:
        if row and row[0] == "Tech":
            inside = technology in row[1:]
        elif inside and row and row[0] == "Excitation wavelength [nm]":
            return number(next((cell for cell in row[1:] if cell), ""))
    return math.nan
