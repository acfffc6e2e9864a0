"""Thermo SkanIt workbooks: a sheet per step with, for each plate, a matrix of values and one of sample names."""

from __future__ import annotations

import math
import re

from bioanalysis.instruments.plates.cells import Found, LayoutCell
from bioanalysis.instruments.plates.document import Document, Sheet
from bioanalysis.instruments.plates.matrix import PLATE_FORMATS, Matrix, heading, matrices, shape_faults

NAME = "skanit"
FIRST = "Measurement results"
READINGS = {"Abs", "RLU", "RFU"}
SAMPLE = "Sample"
WAVELENGTH = re.compile(r"Wavelength:\s*(\d+)\s*nm")
KINDS = {"Std": "standard", "Un": "unknown", "Blank": "blank", "Ctrl": "control"}
DESCRIBING = {"General information", "Session information", "Instrument information", "Protocol parameters", "Run log"}


def claims(document: Document) -> bool:
    """Tell whether a sheet begins as the result of a SkanIt step."""
    return any(_is_result(sheet) for sheet in document.sheets)


def _is_result(sheet: Sheet) -> bool:
    return bool(sheet.rows) and sheet.rows[0][:1] == (FIRST,) and bool(matrices(sheet.rows))


def read(document: Document) -> Found:
    """Return the readings of every measuring step; calculated steps are listed as unread."""
    found = Found()
    for sheet in document.sheets:
        if _is_result(sheet):
            _read_sheet(document, sheet, found)
        elif sheet.name not in DESCRIBING and any(any(row) for row in sheet.rows):
            found.unread.append(f"sheet '{sheet.name}'")
    found.layout = list(dict.fromkeys(found.layout))
    return found


def _read_sheet(document: Document, sheet: Sheet, found: Found) -> None:
    after, plate, wavelength_nm = 0, "1", math.nan
    for matrix in matrices(sheet.rows):
        above = heading(sheet.rows, matrix.line, after)
        wavelength_nm = _last_wavelength(sheet, after, matrix.line, wavelength_nm)
        if matrix.corner == SAMPLE:
            _read_samples(matrix, plate, found)
        elif matrix.corner in READINGS and above:
            plate = sheet.rows[above - 1][0]
            found.faults += shape_faults(document, matrix, list(PLATE_FORMATS.values()))
            found.cells += matrix.cells(plate, wavelength_nm)
        else:
            plate = sheet.rows[above - 1][0] if above else plate
            found.unread.append(f"sheet '{sheet.name}', line {matrix.line}: calculated values '{matrix.corner}'")
        after = matrix.last_line


def _last_wavelength(sheet: Sheet, after: int, before: int, known: float) -> float:
    """Return the wavelength told between two lines, else the one told before; 0 nm stands for none (luminescence)."""
    told = [WAVELENGTH.fullmatch(row[0]) for row in sheet.rows[after:before] if row]
    numbers = [float(match[1]) or math.nan for match in told if match]
    return numbers[-1] if numbers else known


def _read_samples(matrix: Matrix, plate: str, found: Found) -> None:
    for cell in matrix.cells(plate):
        if cell.text:
            prefix = re.match(r"[A-Za-z]*", cell.text)
            found.layout.append(LayoutCell(plate, cell.well, cell.text, KINDS.get(prefix[0] if prefix else "", "")))
