"""Whether the wells of each plate fit one plate: of 96 wells, or of 384."""

from __future__ import annotations

import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.instruments.plates.cells import Found, well_name
from bioanalysis.instruments.plates.document import Document

STRAY = 0.05  # fewer wells than this share beyond A1 to H12 are slips of the pen, no 384-well plate
MOST_NAMED = 5


def size_faults(document: Document, found: Found, readings: pd.DataFrame, wells: int | None) -> list[Fault]:
    """Return a fault for each plate with wells beyond its size.

    Parameters
    ----------
    found : Found
        The cells of the file, for their lines.
    readings : DataFrame
        Columns plate, well.
    wells : {96, 384} or None
        Size that the method states. Without it, a plate with a few wells beyond A1 to H12 among many inside is taken
        for one of 96 wells.
    """
    faults = []
    for plate, names in readings.groupby("plate", sort=False)["well"]:
        beyond = list(dict.fromkeys(name for name in names if not fits_96(name)))
        stray = len(beyond) <= STRAY * names.nunique()
        if beyond and wells != 384 and (wells == 96 or stray):
            named = ", ".join(beyond[:MOST_NAMED]) + (" ..." if len(beyond) > MOST_NAMED else "")
            text = f"plate {plate} holds {named}, beyond a plate of 96 wells"
            expected = "A1 to H12" + ("" if wells else ", or plate.wells: 384 in the method")
            faults.append(document.fault(text, expected, _line(found, str(plate), beyond[0])))
    return faults


def fits_96(well: str) -> bool:
    """Tell whether a well such as `B7` lies on a 96-well plate."""
    return well[0] <= "H" and int(well[1:]) <= 12


def _line(found: Found, plate: str, well: str) -> int | None:
    return next((cell.line for cell in found.cells if cell.plate == plate and well_name(cell.well) == well), None)
