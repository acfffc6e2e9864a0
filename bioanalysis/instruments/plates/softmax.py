"""SoftMax Pro text exports: plate blocks (PlateFormat, TimeFormat; raw, reduced or both) and group tables.

Layout of the file as seen in exports of version 1.3: `##BLOCKS= n`, then n blocks `Plate:`, `Group:` or `Note:`, each
closed by `~End`. A plate block holds raw readings per wavelength, then (after a blank line) the reduced values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bioanalysis.instruments.plates.cells import Cell, Found, number
from bioanalysis.instruments.plates.document import Document
from bioanalysis.instruments.plates.matrix import LETTERS, PLATE_FORMATS
from bioanalysis.instruments.plates.softmax_groups import read_group
from bioanalysis.words import count_of

NAME = "softmax"
REDUCED = "reduced"
START = re.compile(r"##BLOCKS\s*=\s*(\d+)")
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Block:
    """One block of the export: its rows, the line of the first, and whether `~End` closed it."""

    line: int
    rows: Rows
    closed: bool

    @property
    def kind(self) -> str:
        """`Plate`, `Group`, `Note` or whatever else stands before the colon."""
        return self.rows[0][0].partition(":")[0].strip()


@dataclass(frozen=True)
class PlateHeader:
    """What the first line of a plate block says."""

    name: str
    layout: str
    data_type: str
    wavelengths_nm: tuple[float, ...]
    wells: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return PLATE_FORMATS[self.wells]


def claims(document: Document) -> bool:
    """Tell whether the file begins as a SoftMax Pro export does."""
    return bool(START.fullmatch(_first_cell(document)))


def _first_cell(document: Document) -> str:
    return next((row[0] for row in document.rows if any(row)), "")


def read(document: Document) -> Found:
    """Return plates and group tables of a SoftMax Pro export."""
    found = Found()
    blocks = _blocks(document.rows, found)
    start = START.fullmatch(_first_cell(document))
    declared = int(start[1]) if start else 0
    if len(blocks) != declared or not all(block.closed for block in blocks):
        text = f"{sum(block.closed for block in blocks)} complete blocks where the first line announces {declared}"
        found.faults.append(document.fault(text, "the whole export (is the file cut short?)", 1))
    plates = []
    for block in blocks:
        if block.kind == "Plate":
            plates += _read_plate(document, block, found)
    for block in blocks:
        if block.kind == "Group":
            read_group(block.rows, block.line, plates, found)
        elif block.kind not in ("Plate", "Note"):
            found.unread.append(f"line {block.line}: block '{block.rows[0][0]}'")
    if not plates and not found.faults:
        found.faults.append(document.fault("no plate block", "at least one block that begins with 'Plate:'"))
    return found


def _blocks(rows: Rows, found: Found) -> list[Block]:
    """Return the blocks between the first line and the last `~End`; stray lines are listed as unread."""
    blocks: list[Block] = []
    start: int | None = None
    for index, row in enumerate(rows):
        first = row[0] if row else ""
        if START.fullmatch(first) or (start is None and not any(row)):
            continue
        if start is None and re.match(r"[A-Za-z ]+:", first) and not first.startswith("Original Filename"):
            start = index
        elif start is None and not first.startswith("Original Filename"):
            found.unread.append(f"line {index + 1}: {' '.join(row)[:60]}")
        elif first == "~End" and start is not None:
            blocks.append(Block(start + 1, rows[start:index], closed=True))
            start = None
    if start is not None:
        blocks.append(Block(start + 1, rows[start:], closed=False))
    return blocks


def _read_plate(document: Document, block: Block, found: Found) -> list[str]:
    """Add the readings of a plate block; return its name in a list, or nothing where it cannot be read."""
    header = _plate_header(document, block, found)
    if header is None:
        return []
    for part in _parts(header, block):
        by_well = header.layout == "TimeFormat"
        expected = len(part.wavelengths_nm) if by_well else header.shape[0]
        if len(part.rows) != expected:
            text = f"{count_of(len(part.rows), 'line')} of values under line {part.line} of plate {header.name}"
            found.faults.append(document.fault(text, f"{expected} (is the file cut short?)", part.line))
        found.cells += _wells_side_by_side(header, part) if by_well else _plate_rows(header, part)
    return [header.name]


def _plate_header(document: Document, block: Block, found: Found) -> PlateHeader | None:
    row = [*block.rows[0], *[""] * 32]
    shift = 1 if row[5] == "Fluorescence" else 0
    wells = int(row[18 + shift]) if row[18 + shift].isdecimal() else 0
    header = PlateHeader(
        name=row[1],
        layout=row[3],
        data_type=row[6 + shift],
        wavelengths_nm=tuple(number(text) for text in row[15 + shift].split()) or (math.nan,),
        wells=wells,
    )
    sizes = ", ".join(map(str, PLATE_FORMATS))
    wrong = [
        (row[3] not in ("PlateFormat", "TimeFormat"), f"export format '{row[3]}'", "PlateFormat or TimeFormat"),
        (row[4] != "Endpoint", f"a reading of type '{row[4]}'", "Endpoint"),
        (row[8 + shift] not in ("", "1"), f"{row[8 + shift]} readings in time", "one"),
        (header.data_type not in ("Raw", "Reduced"), f"data type '{header.data_type}'", "Raw or Reduced"),
        (wells not in PLATE_FORMATS, f"a plate of '{row[18 + shift]}' wells", f"one of {sizes}"),
    ]
    faults = [document.fault(text, expected, block.line) for is_wrong, text, expected in wrong if is_wrong]
    found.faults += faults
    return None if faults else header


@dataclass(frozen=True)
class Part:
    """Readings of one kind under one line of column or well names; `wavelengths_nm` and `channel` say which."""

    line: int
    names: Sequence[str]
    wavelengths_nm: tuple[float, ...]
    channel: str
    rows: list[tuple[int, Sequence[str]]] = field(default_factory=list)


def _parts(header: PlateHeader, block: Block) -> list[Part]:
    """Return the raw and the reduced part of a plate block."""
    parts: list[Part] = []
    for line, row in enumerate(block.rows[1:], start=block.line + 1):
        if len(row) > 2 and row[2] in ("1", "A1"):
            reduced = bool(parts) or header.data_type == "Reduced"
            wavelengths = (math.nan,) if reduced else header.wavelengths_nm
            parts.append(Part(line, row, wavelengths, REDUCED if reduced else ""))
        elif parts and len(row) > 2:
            parts[-1].rows.append((line, row))
    return parts or [Part(block.line, (), header.wavelengths_nm, "")]


def _plate_rows(header: PlateHeader, part: Part) -> list[Cell]:
    """PlateFormat: a line per plate row; the wavelengths stand side by side with an empty column between them."""
    wide = header.shape[1]
    return [
        Cell(header.name, f"{letter}{column}", text, line, wavelength_nm, part.channel, f"column {column}")
        for letter, (line, row) in zip(LETTERS, part.rows, strict=False)
        for place, wavelength_nm in enumerate(part.wavelengths_nm)
        for column, text in enumerate(_padded(row, 2 + place * (wide + 1), wide), start=1)
    ]


def _wells_side_by_side(header: PlateHeader, part: Part) -> list[Cell]:
    """TimeFormat: a line per wavelength, the wells side by side under their names."""
    names = _padded(part.names, 2, header.wells)
    return [
        Cell(header.name, name, text, line, wavelength_nm, part.channel, f"well {name}")
        for wavelength_nm, (line, row) in zip(part.wavelengths_nm, part.rows, strict=False)
        for name, text in zip(names, _padded(row, 2, header.wells), strict=True)
    ]


def _padded(row: Sequence[str], start: int, count: int) -> list[str]:
    """Return `count` cells from `start`; cells that an editor stripped from the end of the line are empty."""
    return [*row[start : start + count], *[""] * count][:count]
