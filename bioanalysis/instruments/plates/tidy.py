"""The tidy form: one row per well, columns `well` and `signal`, optionally `plate` and `wavelength_nm`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bioanalysis.instruments.plates.cells import Cell, Found, number
from bioanalysis.instruments.plates.document import Document, Sheet
from bioanalysis.words import count_of

NAME = "tidy"
COLUMNS = ("plate", "well", "signal", "wavelength_nm")


def claims(document: Document) -> bool:
    """Tell whether a sheet begins with a header line that names `well` and `signal`."""
    return any(_header(sheet) is not None for sheet in document.sheets)


def read(document: Document) -> Found:
    """Return what the tidy tables of a file hold."""
    found = Found()
    for sheet in document.sheets:
        header = _header(sheet)
        if header is not None:
            _read_sheet(document, sheet, header, found)
        elif any(any(row) for row in sheet.rows):
            found.unread.append(f"sheet '{sheet.name}' (no header line with well and signal)")
    return found


def _header(sheet: Sheet) -> int | None:
    """Return the index of the header line, which must be the first that is not blank."""
    index = next((i for i, row in enumerate(sheet.rows) if any(row)), None)
    if index is None or not {"well", "signal"} <= {cell.lower() for cell in sheet.rows[index]}:
        return None
    return index


def _read_sheet(document: Document, sheet: Sheet, header: int, found: Found) -> None:
    names = [cell.lower() for cell in sheet.rows[header]]
    found.unread += [f"column '{name}' (line {header + 1})" for name in names if name and name not in COLUMNS]
    for name in COLUMNS:
        if names.count(name) > 1:
            found.faults.append(document.fault(f"two columns '{name}'", "one", header + 1))
    for line, row in enumerate(sheet.rows[header + 1 :], start=header + 2):
        if any(row):
            found.cells.append(_cell(document, names, row, line, found))


def _cell(document: Document, names: Sequence[str], row: Sequence[str], line: int, found: Found) -> Cell:
    fields = dict(zip(names, row, strict=False))
    if len(row) < len(names) and "signal" not in fields:
        found.faults.append(document.fault("the line ends before its signal", "a complete line", line))
    if any(row[len(names) :]):
        text = f"{count_of(len(row), 'cell')} under {len(names)} column names"
        found.faults.append(document.fault(text, "as many cells as names", line))
    return Cell(
        plate=fields.get("plate", "") or "1",
        well=fields.get("well", ""),
        text=fields.get("signal", ""),
        line=line,
        wavelength_nm=_wavelength(document, fields.get("wavelength_nm", ""), line, found),
        column="signal",
    )


def _wavelength(document: Document, text: str, line: int, found: Found) -> float:
    value = number(text, decimal_comma=document.delimiter != ",")
    if text and not value > 0:
        fault = document.fault(f"wavelength_nm is '{text}'", "a number of nanometres or nothing", line, "wavelength_nm")
        found.faults.append(fault)
        return math.nan
    return value
