"""Tecan Magellan worksheets: a table of wells with a column per measurement, and the measurements described below."""

from __future__ import annotations

import math
import re

from bioanalysis.instruments.plates.cells import Cell, Found, number, well_name
from bioanalysis.instruments.plates.document import Document, Sheet
from bioanalysis.words import count_of

NAME = "magellan"
WELLS = "Well positions"
READING = re.compile(r"Raw data.*|Label\s*\d+.*", re.IGNORECASE)
WAVELENGTH = re.compile(r"Measurement wavelength:\s*([\d.,]+)\s*nm", re.IGNORECASE)
DESCRIPTION = re.compile(
    r"Date.*|.*\.(mth|wsp)|[\d.,]+\s*nm|Unknown user|[A-Z][\w -]*|Measurement \d+:|.+:.*", re.IGNORECASE
)


def claims(document: Document) -> bool:
    """Tell whether a sheet begins with a column of well positions and ends with a description of the measurement."""
    return any(_is_magellan(sheet) for sheet in document.sheets)


def _is_magellan(sheet: Sheet) -> bool:
    described = any(row and row[0].startswith("Measurement mode:") for row in sheet.rows)
    return described and bool(sheet.rows) and WELLS in sheet.rows[0]


def read(document: Document) -> Found:
    """Return the readings of every sheet that is a Magellan worksheet."""
    found = Found()
    for sheet in document.sheets:
        if _is_magellan(sheet):
            _read_sheet(document, sheet, found)
        elif any(any(row) for row in sheet.rows):
            found.unread.append(f"sheet '{sheet.name}'")
    return found


def _read_sheet(document: Document, sheet: Sheet, found: Found) -> None:
    names = sheet.rows[0]
    position = names.index(WELLS)
    readings = [index for index, name in enumerate(names) if READING.fullmatch(name)]
    wavelengths = [number(match[1]) for row in sheet.rows if row and (match := WAVELENGTH.match(row[0]))]
    if len(wavelengths) != len(readings):
        text = f"{count_of(len(readings), 'column')} of readings and {len(wavelengths)} wavelengths"
        found.faults.append(document.fault(text, "a measurement wavelength for each column", 1))
        wavelengths = [math.nan] * len(readings)
    others = [name for index, name in enumerate(names) if name and index not in (position, *readings)]
    found.unread += [f"column '{name}' (line 1)" for name in others]
    for line, row in enumerate(sheet.rows[1:], start=2):
        if well_name(row[position]):
            for index, wavelength_nm in zip(readings, wavelengths, strict=True):
                found.cells.append(Cell("1", row[position], row[index], line, wavelength_nm, "", names[index]))
        elif row[position] and (position or not DESCRIPTION.fullmatch(row[0])):
            found.unread.append(f"line {line}: {row[position][:60]}")
