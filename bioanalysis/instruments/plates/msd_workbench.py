"""MSD Discovery Workbench tables (csv, xlsx): one row per well and spot, under a line that names the plate."""

from __future__ import annotations

import re

from bioanalysis.instruments.plates.cells import Cell, Found, LayoutCell, well_name
from bioanalysis.instruments.plates.document import Document, Sheet

NAME = "msd_workbench"
NEEDED = ("Sample", "Assay", "Well", "Spot", "Signal")
READ = {*NEEDED, "Concentration", "Dilution"}


def claims(document: Document) -> bool:
    """Tell whether a sheet holds a Workbench table."""
    return any(_headers(sheet) for sheet in document.sheets)


def read(document: Document) -> Found:
    """Return the signal of every spot; the assay is the channel."""
    found = Found()
    for sheet in document.sheets:
        headers = _headers(sheet)
        for start, end in zip(headers, [*headers[1:], len(sheet.rows)], strict=False):
            _read_table(document, sheet, start, end, found)
        if not headers and any(any(row) for row in sheet.rows):
            found.unread.append(f"sheet '{sheet.name}'")
    if len({cell.channel for cell in found.cells}) > 1:
        found.notes.append("several assays in one well: nominal concentrations of the export are not compared")
        found.layout = [LayoutCell(cell.plate, cell.well, cell.name, cell.kind) for cell in found.layout]
    found.layout = list(dict.fromkeys(found.layout))
    return found


def _headers(sheet: Sheet) -> list[int]:
    """Return the indices of the lines of column names."""
    return [index for index, row in enumerate(sheet.rows) if set(NEEDED) <= set(row)]


def _read_table(document: Document, sheet: Sheet, start: int, end: int, found: Found) -> None:
    names = sheet.rows[start]
    plate = re.sub(r"^Plate_", "", sheet.rows[start - 1][0]) if start and sheet.rows[start - 1] else ""
    calculated = [name for name in names if name and name not in READ and not name.startswith("Unnamed")]
    found.notes.append(f"line {start + 1}: calculated by the software and not used: {', '.join(calculated)}")
    for line, row in enumerate(sheet.rows[start + 1 : end], start=start + 2):
        fields = dict(zip(names, row, strict=False))
        if not any(row) or (len(row) == 1 or not any(row[1:])):
            if any(row) and not row[0].startswith("Plate_"):
                found.unread.append(f"line {line}: {row[0][:60]}")
        elif not all(name in fields for name in NEEDED):
            found.faults.append(document.fault("the line ends before its signal", "a complete line", line))
        else:
            _read_row(plate, fields, line, found)


def _read_row(plate: str, fields: dict[str, str], line: int, found: Found) -> None:
    found.cells.append(
        Cell(plate or "1", fields["Well"], fields["Signal"], line, channel=fields["Assay"], column="Signal")
    )
    well, nominal = well_name(fields["Well"]), fields.get("Concentration", "")
    if well:
        found.layout.append(LayoutCell(plate or "1", well, fields["Sample"], _kind(fields["Sample"], nominal), nominal))


def _kind(sample: str, nominal: str) -> str:
    """Return what Workbench's own names say: S001 with a concentration is a standard, U001 without is an unknown."""
    if re.fullmatch(r"S\d+", sample) and nominal:
        return "standard"
    return "unknown" if re.fullmatch(r"U\d+", sample) and not nominal else ""
