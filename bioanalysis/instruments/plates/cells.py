"""From cells found in a file to wells with a signal or the word that stood instead of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.instruments.plates.document import Document
from bioanalysis.text_files import quoted

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
COMMA_NUMBER = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
MASKED_NUMBER = re.compile(r"\*\s*[-+\d.,eE]+\s*\*")
WELL = re.compile(r"([A-P])0*([1-9]\d?)", re.ASCII)
# what readers write where they have no number; compared without regard to capitals
WORDS = frozenset(
    (
        "ovrflw",
        "overflow",
        "over",
        "ovf",
        "overrange",
        "over range",
        "#sat",
        "sat",
        "saturated",
        "range?",
        "out of range",
        "low",
        "#low",
        "high",
        "#high",
        "masked",
        "excluded",
        "rejected",
        "flagged",
        "missed",
        "not read",
        "no read",
        "noread",
        "not measured",
        "no data",
        "no value",
        "nocalc",
        "invalid",
        "err",
        "error",
        "nan",
        "n/a",
        "na",
        "#n/a",
        "empty",
    )
)
WORD_SHAPES = re.compile(r"\?+|\*+|-+|[<>]\s*[+-]?[\d.,]+([eE][+-]?\d+)?")
PLATE_SHAPES = ((8, 12), (16, 24))
MOST_FAULTS = 200
WELL_COLUMNS = ("plate", "well", "wavelength_nm", "channel", "signal", "word")
LAYOUT_COLUMNS = ("plate", "well", "name", "kind", "nominal")


@dataclass(frozen=True)
class Cell:
    """One reading as it stands in the file, with the place where it stands."""

    plate: str
    well: str
    text: str
    line: int
    wavelength_nm: float = math.nan
    channel: str = ""
    column: str | None = None


@dataclass(frozen=True)
class LayoutCell:
    """What the file itself says is in a well; `nominal` as text."""

    plate: str
    well: str
    name: str
    kind: str
    nominal: str = ""


@dataclass
class Found:
    """What a reader found in a file, before numbers are made of it."""

    cells: list[Cell] = field(default_factory=list)
    layout: list[LayoutCell] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def well_name(text: str) -> str | None:
    """Return `A1` for `A1`, `A01` or `a1`; None where it is no well of a 96- or 384-well plate."""
    match = WELL.fullmatch(text.strip().upper())
    return f"{match[1]}{int(match[2])}" if match and int(match[2]) <= 24 else None


def is_word(text: str) -> bool:
    """Tell whether `text` is something a reader writes where it has no number."""
    return text.casefold() in WORDS or bool(WORD_SHAPES.fullmatch(text) or MASKED_NUMBER.fullmatch(text))


def comma_is_decimal(texts: Iterable[str], delimiter: str) -> bool | None:
    """Tell whether the numbers are written with a decimal comma; None where thousands and decimals look alike.

    Shown by a comma that cannot part thousands (`0,401`, `1,5`) in a file whose cells are not parted by commas
    and in which no number has a decimal point.
    """
    commas = [text for text in texts if COMMA_NUMBER.fullmatch(text) or THOUSANDS.fullmatch(text)]
    if not commas or delimiter == ",":
        return False
    return True if any(not THOUSANDS.fullmatch(text) for text in commas) else None


def number(text: str, decimal_comma: bool = False) -> float:
    """Return the number `text` stands for; NaN where it is none (no infinities, no thousands)."""
    if decimal_comma and COMMA_NUMBER.fullmatch(text):
        text = text.replace(",", ".")
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else math.nan


def wells_table(document: Document, found: Found) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the wells and the layout of a file as tables; what is wrong is added to `found.faults`."""
    decimal_comma = _decimal_comma(document, found)
    rows = [_well_row(document, cell, decimal_comma, found.faults) for cell in found.cells]
    _find_repeats(document, found)
    _limit_faults(document, found)
    wells = pd.DataFrame([row for row in rows if row], columns=list(WELL_COLUMNS))
    wells = wells.astype({"wavelength_nm": float, "signal": float})
    return wells, _layout_table(found.layout, decimal_comma)


def _decimal_comma(document: Document, found: Found) -> bool:
    texts = [cell.text for cell in found.cells]
    decimal_comma = comma_is_decimal(texts, document.delimiter)
    commas = [cell for cell in found.cells if COMMA_NUMBER.fullmatch(cell.text)]
    points = [cell for cell in found.cells if "." in cell.text and NUMBER.fullmatch(cell.text)]
    if decimal_comma is None or (decimal_comma and points):
        first = commas[0] if commas else next(cell for cell in found.cells if THOUSANDS.fullmatch(cell.text))
        expected = "one decimal sign throughout and no sign for thousands"
        found.faults.append(document.fault(f"the number is {quoted(first.text)}", expected, first.line, first.column))
        return bool(decimal_comma)
    return decimal_comma


def _well_row(document: Document, cell: Cell, decimal_comma: bool, faults: list[Fault]) -> tuple | None:
    well = well_name(cell.well)
    if well is None:
        expected = "a well such as B7, of a 96- or 384-well plate (A1 to H12, or A1 to P24)"
        faults.append(document.fault(f"well is {quoted(cell.well)}", expected, cell.line, cell.column))
        return None
    signal = number(cell.text, decimal_comma)
    word = "" if not math.isnan(signal) else cell.text or "empty"
    if MASKED_NUMBER.fullmatch(word):
        word = f"Masked {word}"
    elif word and not is_word(word) and not COMMA_NUMBER.fullmatch(word):
        expected = "a number, or a word such as OVRFLW, Range?, Masked, ????? or an empty cell"
        faults.append(document.fault(f"well {well} holds {quoted(cell.text)}", expected, cell.line, cell.column))
    return cell.plate, well, cell.wavelength_nm, cell.channel, signal, word


def _find_repeats(document: Document, found: Found) -> None:
    """Add a fault for every second value of a well."""
    first: dict[tuple, Cell] = {}
    for cell in found.cells:
        key = (cell.plate, well_name(cell.well) or cell.well, repr(cell.wavelength_nm), cell.channel)
        if key in first:
            text = f"well {key[1]} of plate {cell.plate} has a second value (the first: line {first[key].line})"
            found.faults.append(document.fault(text, "one value for each well", cell.line, cell.column))
        first.setdefault(key, cell)


def _limit_faults(document: Document, found: Found) -> None:
    more = len(found.faults) - MOST_FAULTS
    if more > 0:
        found.faults[MOST_FAULTS:] = [document.fault(f"{more} more faults", "these to be put right first")]


def _layout_table(layout: Sequence[LayoutCell], decimal_comma: bool) -> pd.DataFrame:
    rows = [
        (cell.plate, well_name(cell.well), cell.name, cell.kind, number(cell.nominal, decimal_comma))
        for cell in layout
        if well_name(cell.well)
    ]
    return pd.DataFrame(rows, columns=list(LAYOUT_COLUMNS)).astype({"nominal": float})
