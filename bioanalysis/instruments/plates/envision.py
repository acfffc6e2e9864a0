"""PerkinElmer EnVision csv: per plate and label a line on the plate and a matrix, then protocol, labels and filters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bioanalysis.instruments.plates.cells import Found
from bioanalysis.instruments.plates.document import Document
from bioanalysis.instruments.plates.matrix import PLATE_FORMATS, heading, matrices, shape_faults, unknown_titles

NAME = "envision"
RESULTS = re.compile(r"Results for (.+?)(?:\(\d+\))? - channel (\d+).*")
UNDEFINED = {"", "-"}
KNOWN = re.compile(
    r"(Plate|Background|Basic assay|Protocol) information|Results for |Plate type:|Platemap:|- - Undefined|"
    r"(Auto export parameters|Operations|Labels|Filters|Mirror modules|Instrument):|Coordinates of corners:|"
    r"[\d.]+ mm x-|Exported with EnVision"
)
NO_CALCULATIONS = "No calculations."
Rows = Sequence[Sequence[str]]


def claims(document: Document) -> bool:
    """Tell whether there are plate information and results as EnVision heads them."""
    first = [row[0] for row in document.rows if row]
    return "Plate information" in first and any(RESULTS.fullmatch(cell) for cell in first)


def read(document: Document) -> Found:
    """Return the readings of every plate and label; a second channel of a label is kept apart."""
    found = Found()
    rows = document.rows
    after = 0
    for matrix in matrices(rows):
        title_line = heading(rows, matrix.line, after)
        title = rows[title_line - 1][0] if title_line else ""
        results = RESULTS.fullmatch(title)
        if results:
            found.faults += shape_faults(document, matrix, list(PLATE_FORMATS.values()))
            channel = "" if results[2] == "1" else f"channel {results[2]}"
            found.cells += matrix.cells(_plate(rows, after, title_line), _wavelength(rows, results[1]), channel)
        elif any(text not in UNDEFINED for row in matrix.rows for text in row.values):
            found.unread.append(f"line {matrix.line}: matrix under '{title}'")
        after = matrix.last_line
    without = [row for row in rows if row[:1] == (NO_CALCULATIONS,)]
    known = re.compile(f"{KNOWN.pattern}|Calculations:") if without else KNOWN
    found.unread += unknown_titles(rows, known)
    return found


def _plate(rows: Rows, after: int, before: int) -> str:
    """Return the plate number: below `Plate information` stand the names of its columns and then their values."""
    starts = [line for line in range(after + 1, before) if rows[line - 1] and rows[line - 1][0] == "Plate information"]
    values = rows[starts[-1] + 1] if starts and starts[-1] + 1 < before else ()
    return values[0] if values and values[0] else "1"


def _wavelength(rows: Rows, label: str) -> float:
    """Return the central wavelength of the excitation filter of a label, NaN where the file does not tell it."""
    used = _below(rows, label, "Exc. filter")
    described = re.search(r"CWL\s*=\s*([\d.]+)\s*nm", _below(rows, used, "Description")) if used else None
    return float(described[1]) if described else math.nan


def _below(rows: Rows, title: str, name: str) -> str:
    """Return the value of the line `name` in the paragraph that begins with `title`."""
    for index, row in enumerate(rows):
        if row and row[0] == title:
            for below in rows[index + 1 :]:
                if not any(below):
                    break
                if below[0] == name:
                    return next((cell for cell in below[1:] if cell), "")
    return ""
