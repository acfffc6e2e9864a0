"""Group tables of a SoftMax Pro export: what its owner said is in the wells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bioanalysis.instruments.plates.cells import Found, LayoutCell, well_name

KINDS = (
    ("standard", re.compile(r"st(an)?d(ard)?s?\b|st(an)?dards?|calib", re.IGNORECASE)),
    ("control", re.compile(r"controls?|\bqcs?\b|quality", re.IGNORECASE)),
    ("blank", re.compile(r"blanks?", re.IGNORECASE)),
    ("unknown", re.compile(r"unknowns?|samples?", re.IGNORECASE)),
)
DESCRIPTORS = ("!SampleDescriptor", "!Concentration")
Rows = Sequence[Sequence[str]]


def read_group(rows: Rows, line: int, plates: Sequence[str], found: Found) -> None:
    """Add the wells of one group table to the layout.

    Parameters
    ----------
    rows : sequence of rows
        The block; the first row holds its title, the second the column names.
    line : int
        Line of the first row.
    plates : sequence of str
        Names of the plates of the export: a table that names none belongs to the only one.
    found : Found
        Receives the layout, or a line that says why the table was not read.
    """
    title = rows[0][0].partition(":")[2].strip()
    names = list(rows[1]) if len(rows) > 1 else []
    well = next((names.index(name) for name in ("Wells", "Well") if name in names), None)
    plate = names.index("WellPlateName") if "WellPlateName" in names else None
    if well is None or (plate is None and len(plates) != 1):
        found.unread.append(f"line {line}: group '{title}' does not tell the wells or plates of its samples")
        return
    kind = next((kind for kind, pattern in KINDS if pattern.search(title)), "")
    nominal = _nominal_column(rows, names) if kind == "standard" else None
    sample = value = ""
    for row in _table(rows):
        sample = row[0] or sample
        value = (row[nominal] if nominal is not None else "") or ("" if row[0] else value)
        if well_name(row[well]):
            found.layout.append(
                LayoutCell(row[plate] if plate is not None else plates[0], row[well], sample, kind, value)
            )


def _table(rows: Rows) -> list[list[str]]:
    """Return the rows of the table (up to the first blank line), each as long as the header."""
    table = []
    for row in rows[2:]:
        if not any(row):
            break
        table.append([*row, *[""] * len(rows[1])])
    return table


def _nominal_column(rows: Rows, names: Sequence[str]) -> int | None:
    """Return the column whose formula is the sample's descriptor; its name in the header may end in a unit."""
    described = [row[1] for row in rows if len(row) > 2 and row[2] in DESCRIPTORS]
    return next((i for i, name in enumerate(names) for start in described if name.startswith(start)), None)
