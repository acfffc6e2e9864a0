"""Gen5 text exports: one report per plate, with procedure, layout and matrices of readings and of calculated values.

In a matrix each well row has a line per read or calculation, named at its end: `450 read:450` (a read and its
wavelength), `660` (an unnamed read), `Blank 450 read:450` or `[Concentration]` (calculated by the software, not read
here).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bioanalysis.instruments.plates.cells import Cell, Found, LayoutCell
from bioanalysis.instruments.plates.document import Document
from bioanalysis.instruments.plates.matrix import PLATE_FORMATS, Matrix, MatrixRow, matrices, shape_faults, titles

NAME = "gen5"
START = "Software Version"
KINDS = {"STD": "standard", "SPL": "unknown", "BLK": "blank", "CTL": "control"}
WELL_ID, CONCENTRATION = "Well ID", "Conc/Dil"
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """Lines under a title; `line` is that of the title."""

    line: int
    title: str
    rows: Rows


def claims(document: Document) -> bool:
    """Tell whether the file has the first lines of a Gen5 report."""
    first = {row[0] for row in document.rows[:60] if row}
    return START in first and "Plate Number" in first and bool(first & {"Procedure Details", "Protocol File Path:"})


def read(document: Document) -> Found:
    """Return readings and layout of every plate of a Gen5 export."""
    found = Found()
    rows = document.rows
    starts = [index for index, row in enumerate(rows) if row and row[0] == START]
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        _read_plate(document, rows[start:end], start + 1, found)
    return found


def _read_plate(document: Document, rows: Rows, first_line: int, found: Found) -> None:
    plate = next((row[1] for row in rows if row and row[0] == "Plate Number" and len(row) > 1), "")
    sections = _sections(rows, first_line)
    procedure = next((section.rows for section in sections if section.title == "Procedure Details"), ())
    for line, row in enumerate(procedure):
        if re.search(r"\b(kinetic|spectrum|area scan)\b", " ".join(row), re.IGNORECASE):
            text = f"plate {plate} was read as '{' '.join(row).strip()}'"
            found.faults.append(document.fault(text, "an endpoint reading", first_line + line))
    shapes = _shapes(procedure)
    for section in sections:
        drawn = matrices(section.rows, section.line + 1)
        if not drawn and section.title != "Procedure Details" and not section.title.endswith("Fitting Results"):
            found.unread.append(f"line {section.line}: part '{section.title}'")
        for matrix in drawn:
            found.faults += shape_faults(document, matrix, shapes)
            _read_matrix(document, matrix, plate, _read_names(procedure), found)


def _sections(rows: Rows, first_line: int) -> list[Section]:
    """Return the parts of a report: each title stands alone in its line, between a blank line and its content."""
    starts = [line - 1 for line in titles(rows) if line > 1 and not rows[line - 1][0].endswith(":")]
    ends = [*starts[1:], len(rows)]
    return [
        Section(first_line + start, rows[start][0], rows[start + 1 : end])
        for start, end in zip(starts, ends, strict=False)
    ]


def _shapes(procedure: Rows) -> list[tuple[int, int]]:
    """Return the shape of the plate type that the procedure names, or all known ones."""
    plate_type = next((row[1] for row in procedure if row and row[0] == "Plate Type" and len(row) > 1), "")
    wells = re.match(r"(\d+)[\s-]*well", plate_type, re.IGNORECASE)
    shape = PLATE_FORMATS.get(int(wells[1])) if wells else None
    return [shape] if shape else list(PLATE_FORMATS.values())


def _read_names(procedure: Rows) -> list[str]:
    """Return the names of the reads of a procedure; an unnamed read stands with its kind (Absorbance Endpoint)."""
    return [row[1] for row in procedure if len(row) > 1 and row[0] == "Read" and row[1]]


def _read_matrix(document: Document, matrix: Matrix, plate: str, reads: Sequence[str], found: Found) -> None:
    """Add the lines of a matrix to readings or layout; lines that hold neither are listed as unread."""
    lines: dict[str, list[tuple[str, MatrixRow]]] = defaultdict(list)
    letter = ""
    for row in matrix.rows:
        letter = row.letter or letter
        label = next((cell for cell in row.tail if cell), "")
        lines[label].append((letter, row))
    if WELL_ID in lines:
        _read_layout(plate, lines, found)
    letters = {row.letter for row in matrix.rows if row.letter}
    for label, rows in lines.items():
        if is_reading(label, reads):
            if len(rows) < len(letters):  # as where the last label of a file is cut, be it to another number
                text = f"plate {plate} has values '{label}' in {len(rows)} of its {len(letters)} rows"
                found.faults.append(
                    document.fault(text, "one line in every row (is the file cut short?)", rows[-1][1].line)
                )
            channel = _channel(label, lines)
            found.cells += [_cell(plate, label, channel, *place) for rows_of in rows for place in _places(*rows_of)]
        elif label not in (WELL_ID, CONCENTRATION):
            line = rows[0][1].line
            found.unread.append(f"line {line}: values '{label}' of plate {plate} (not a read of the procedure)")


def is_reading(label: str, reads: Sequence[str]) -> bool:
    """Tell whether the lines named `label` hold what was read rather than what was calculated from it."""
    named = any(label == read or re.fullmatch(re.escape(read) + r":[\w\s,/]+", label) for read in reads)
    return named or bool(re.fullmatch(r"\d{3,4}(,\d{3,4})?|Lum", label))


def _wavelength(label: str) -> float:
    """Return the wavelength at the end of a label (emission, where excitation and emission are given)."""
    match = re.search(r"(?:^|[:,])\s*(\d{3,4})$", label)
    return float(match[1]) if match else math.nan


def _channel(label: str, labels: Iterable[str]) -> str:
    """Return the name of the read where another read of the matrix has the same wavelength, else nothing."""
    name, colon, wavelength = label.rpartition(":")
    same = [other for other in labels if colon and other.endswith(f":{wavelength}") and not other.startswith("Blank ")]
    return name if len(same) > 1 else ""


def _places(letter: str, row: MatrixRow) -> list[tuple[str, str, int, int]]:
    return [(f"{letter}{column}", text, row.line, column) for column, text in enumerate(row.values, start=1)]


def _cell(plate: str, label: str, channel: str, well: str, text: str, line: int, column: int) -> Cell:
    return Cell(plate, well, text, line, _wavelength(label), channel, f"column {column}")


def _read_layout(plate: str, lines: dict[str, list[tuple[str, MatrixRow]]], found: Found) -> None:
    values = {well: text for letter, row in lines.get(CONCENTRATION, []) for well, text, *_ in _places(letter, row)}
    for letter, row in lines[WELL_ID]:
        for well, name, *_ in _places(letter, row):
            kind = KINDS.get(name[:3].upper(), "")
            if name:
                nominal = values.get(well, "") if kind == "standard" else ""
                found.layout.append(LayoutCell(plate, well, name, kind, nominal))
