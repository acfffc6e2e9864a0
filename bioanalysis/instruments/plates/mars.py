"""BMG Labtech MARS csv: some lines on the run, then a matrix per reading, titled `Raw Data (450)`."""

from __future__ import annotations

import math
import re

from bioanalysis.instruments.plates.cells import Found
from bioanalysis.instruments.plates.document import Document
from bioanalysis.instruments.plates.matrix import PLATE_FORMATS, heading, matrices, shape_faults

NAME = "mars"
RAW = re.compile(r"Raw Data\s*(?:\((.*)\))?", re.IGNORECASE)
RUN = re.compile(r"(User|Path|Test run no\.|Test name|Date|Time|ID\d):.*")
MODE = re.compile(r"absorbance|luminescence|fluorescence|endpoint", re.IGNORECASE)


def claims(document: Document) -> bool:
    """Tell whether the first line names user and path, and a line raw data."""
    first = document.rows[0]
    is_run = first[:1] and first[0].startswith("User:") and any(cell.startswith("Path:") for cell in first)
    return bool(is_run) and any(row and RAW.match(row[0]) for row in document.rows)


def read(document: Document) -> Found:
    """Return the raw readings; matrices of calculated values are listed as unread."""
    found = Found()
    rows = document.rows
    identifiers = [cell.partition(":")[2].strip() for row in rows[:10] for cell in row if cell.startswith("ID1:")]
    plate = next((label for label in identifiers if label), "1")
    understood = set()
    after = 0
    for matrix in matrices(rows):
        title_line = heading(rows, matrix.line, after)
        title = rows[title_line - 1][0] if title_line else ""
        raw = RAW.fullmatch(title)
        if raw:
            found.faults += shape_faults(document, matrix, list(PLATE_FORMATS.values()))
            found.cells += matrix.cells(plate, _wavelength(raw[1] or ""))
        else:
            found.unread.append(f"line {matrix.line}: values under '{title}'")
        after = matrix.last_line
        understood |= {title_line, *range(matrix.line, after + 1)}
    found.unread += [
        f"line {line}: {' '.join(row)[:60]}"
        for line, row in enumerate(rows, start=1)
        if line not in understood and any(cell and not RUN.match(cell) and not MODE.match(cell) for cell in row)
    ]
    return found


def _wavelength(text: str) -> float:
    """Return the wavelength of `450`, `450 1` (the second number counts the readings) or `450-10`; else NaN."""
    match = re.match(r"\s*(\d{3,4})\b", text)
    return float(match[1]) if match else math.nan
