"""MSD Methodical Mind text files: per plate some fields, a matrix under `=====Data=====`, and camera diagnostics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bioanalysis.instruments.plates.cells import Found
from bioanalysis.instruments.plates.document import Document
from bioanalysis.instruments.plates.matrix import PLATE_FORMATS, matrices, shape_faults

NAME = "methodical_mind"
SECTION = re.compile(r"=+([A-Za-z][A-Za-z /]*)=+")
# literal backslash and t: some versions write the escape instead of the tab
FIELD = re.compile(r"([^:]+?)\s*:(?:\\t|\s)*(.*)")
DIAGNOSTICS = {"Processing", "Statistics", "Camera Status", "Waveform/Current"}
Rows = Sequence[Sequence[str]]


def claims(document: Document) -> bool:
    """Tell whether there are the first field of a plate and its data section."""
    first = [row[0] for row in document.rows if row]
    return any(re.match(r"Stack ID\s*:", cell) for cell in first) and any(_section(cell) == "Data" for cell in first)


def read(document: Document) -> Found:
    """Return the electrochemiluminescence of every well of every plate."""
    found = Found()
    rows = document.rows
    starts = [index for index, row in enumerate(rows) if row and re.match(r"Stack ID\s*:", row[0])]
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        _read_plate(document, rows[start:end], start + 1, found)
    return found


def _section(cell: str) -> str:
    match = SECTION.fullmatch(cell)
    return match[1].strip() if match else ""


def _read_plate(document: Document, rows: Rows, first_line: int, found: Found) -> None:
    titles = [index for index, row in enumerate(rows) if row and _section(row[0])] or [len(rows)]
    told = [FIELD.fullmatch(" ".join(row).strip()) for row in rows[: titles[0]]]
    fields = {match[1]: match[2] for match in told if match}
    plate = fields.get("Barcode1", "").strip("<> ") or fields.get("Plate #", "") or "1"
    if fields.get("Spots Per Well", "1") != "1":
        text = f"{fields['Spots Per Well']} spots per well of plate {plate}"
        found.faults.append(document.fault(text, "one spot per well", first_line))
    data = 0
    for start, end in zip(titles, [*titles[1:], len(rows)], strict=True):
        title = _section(rows[start][0]) if start < len(rows) else ""
        if title == "Data":
            data += 1
            for matrix in matrices(rows[start + 1 : end], first_line + start + 1):
                found.faults += shape_faults(document, matrix, _shapes(fields))
                found.cells += matrix.cells(plate)
        elif title and title not in DIAGNOSTICS:
            found.unread.append(f"line {first_line + start}: section '{title}'")
    if not data:
        found.faults.append(document.fault(f"plate {plate} has no data", "a section =====Data=====", first_line))


def _shapes(fields: Mapping[str, str]) -> list[tuple[int, int]]:
    """Return the shape the file tells of its plate."""
    high, wide, wells = (fields.get(name, "") for name in ("Wells Per Col", "Wells Per Row", "Type"))
    if high.isdecimal() and wide.isdecimal():
        return [(int(high), int(wide))]
    shape = PLATE_FORMATS.get(int(wells)) if wells.isdecimal() else None
    return [shape] if shape else list(PLATE_FORMATS.values())
