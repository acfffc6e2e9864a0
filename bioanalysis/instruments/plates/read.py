"""Reading a plate file: open it, recognise its format, make wells of it, refuse what is wrong with all its faults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.plates import (
    envision,
    gen5,
    grid,
    kaleido,
    magellan,
    mars,
    methodical_mind,
    msd_workbench,
    skanit,
    softmax,
    tidy,
)
from bioanalysis.instruments.plates.cells import wells_table
from bioanalysis.instruments.plates.document import Document, open_document
from bioanalysis.instruments.plates.reading import REDUCED, PlateReading
from bioanalysis.instruments.plates.size import size_faults
from bioanalysis.text_files import quoted

VENDORS: tuple[ModuleType, ...] = (
    softmax,
    gen5,
    msd_workbench,
    methodical_mind,
    magellan,
    mars,
    envision,
    kaleido,
    skanit,
)
PLAIN: tuple[ModuleType, ...] = (tidy, grid)
READERS: Mapping[str, ModuleType] = {module.NAME: module for module in (*PLAIN, *VENDORS)}


def read_plates(
    path: Path,
    *,
    reader: str = "auto",
    wavelength_nm: float | None = None,
    reference_wavelength_nm: float | None = None,
    wells: int | None = None,
    name: str,
) -> PlateReading:
    """Return every well of a plate-reader export, with its signal or the word that stood instead of a number.

    Parameters
    ----------
    path : Path
        The file.
    reader : str, default="auto"
        Name of a format (see `READERS`), or `auto` to recognise it.
    wavelength_nm, reference_wavelength_nm : float, optional
        Wavelengths the method needs; a file that tells wavelengths and lacks one of them is refused.
    wells : {96, 384}, optional
        Size of the plates, where the method states it; a list of wells alone cannot tell.
    name : str
        The file as the user knows it, for messages.

    Raises
    ------
    BatchError
        With everything that must be put right: no plate file or an unknown format, a plate of the wrong size, an
        export cut short, two values for one well, text that is no number and no known word.
    """
    document = open_document(Path(path), name)
    module = _module(document, reader)
    found = module.read(document)
    readings, layout = wells_table(document, found)
    if not found.faults and readings.empty:
        found.faults.append(document.fault("no readings", "at least one plate of readings"))
    if not found.faults:
        found.faults += _missing_wavelengths(document, readings, (wavelength_nm, reference_wavelength_nm))
        found.faults += size_faults(document, found, readings, wells)
    if found.faults:
        raise BatchError(found.faults)
    return PlateReading(readings, layout, tuple(found.unread), module.NAME, tuple(found.notes), name)


def recognised(document: Document) -> list[str]:
    """Return the names of the formats that claim a file; the plain forms stand back where a vendor's is recognised."""
    vendors = [module.NAME for module in VENDORS if module.claims(document)]
    return vendors or [module.NAME for module in PLAIN if module.claims(document)]


def _module(document: Document, reader: str) -> ModuleType:
    known = ", ".join(READERS)
    names = recognised(document)
    if reader == "auto" and len(names) == 1:
        return READERS[names[0]]
    if reader == "auto":
        found = f"it looks like {' and like '.join(names)}" if names else "it is no plate file of a known format"
        raise BatchError([document.fault(found, f"one of {known}; or name the format with plate.reader")])
    if reader not in READERS:
        raise BatchError([document.fault(f"plate.reader is {quoted(reader)}", f"auto, or one of {known}")])
    if reader not in names:
        looks = f"; it looks like {' or '.join(names)}" if names else ""
        raise BatchError([document.fault(f"it is no file of format {reader}{looks}", f"a {reader} file, or auto")])
    return READERS[reader]


def _missing_wavelengths(document: Document, wells: pd.DataFrame, wanted: tuple[float | None, ...]) -> list[Fault]:
    told = sorted({value for value in wells["wavelength_nm"] if not math.isnan(value)})
    if not told or (wells["channel"] == REDUCED).all():
        return []
    return [
        document.fault(f"readings at {', '.join(f'{value:g}' for value in told)} nm", f"readings at {value:g} nm too")
        for value in wanted
        if value is not None and not any(abs(value - one) <= 0.5 for one in told)
    ]
