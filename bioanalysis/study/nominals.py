"""Prepared concentrations in whatever unit the worklist has them, as the one unit of a method: ng/mL.

A method under ``gravimetric`` counts ng per g of homogenate, one under ``tissue_equivalent`` ng per g of tissue: for
these the columns named ng/mL hold ng/g throughout.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.method import Method
from bioanalysis.study.reading import Rows
from bioanalysis.text_files import listed

NG_ML, NMOL_L = "nominal_ng_ml", "nominal_nmol_l"
PER_GRAM = {"nominal_ng_g": 1.0, "nominal_ug_g": 1000.0}
COUNTED_PER_GRAM = ("gravimetric", "tissue_equivalent")


def nominal_faults(rows: Rows, method: Method) -> list[Fault]:
    """Return faults of cells whose unit the method does not count in, and of rows that give two units."""
    given = {name: ~np.isnan(rows.cells(name)) for name in (NG_ML, NMOL_L, *PER_GRAM)}
    faults = []
    if method.homogenate not in COUNTED_PER_GRAM:
        for name in PER_GRAM:
            expected = f"{NG_ML}: method {method.method_id} counts by volume (homogenate: {method.homogenate})"
            faults += rows.faults(given[name], name, expected)
    if method.counts_moles:
        expected = f"{NMOL_L}: method {method.method_id} counts nmol/L and names no molar mass"
        for name in (NG_ML, *(name for name in rows.frame if name.startswith(f"{NG_ML}["))):
            faults += rows.faults(~np.isnan(rows.cells(name)), name, expected)
    elif any(method.molar_mass(name) is None for name in method.analyte_names):
        also = f"the molar mass of each analyte (or concentration_unit: nmol_l) in method {method.method_id}"
        for name in (NMOL_L, *(name for name in rows.frame if name.startswith(f"{NMOL_L}["))):
            faults += rows.faults(~np.isnan(rows.cells(name)), name, f"{NG_ML}, or {also}")
    of_one = [name for name in rows.frame if name.startswith(f"{NMOL_L}[")]
    strange = [name for name in of_one if name[len(NMOL_L) + 1 : -1] not in method.analyte_names]
    faults += [
        Fault(rows.file, f"no analyte of method {method.method_id}", listed(method.analyte_names), 1, name)
        for name in strange
    ]
    twice = np.sum(list(given.values()), axis=0) > 1
    for name in list(given)[1:]:
        faults += rows.faults(twice & given[name], name, "the prepared concentration in one unit only")
    return faults


def in_ng_ml(frame: pd.DataFrame, method: Method) -> pd.DataFrame:
    """Return the worklist with every prepared concentration in `nominal_ng_ml` (or ``nominal_ng_ml[<analyte>]``).

    For a method that counts in nmol/L without molar mass these columns hold nmol/L.
    """
    frame = frame.copy()
    for name, factor in PER_GRAM.items():
        frame[NG_ML] = frame[NG_ML].fillna(frame[name] * factor)
    of_one = {name: f"{NMOL_L}[{name}]" for name in method.analyte_names if f"{NMOL_L}[{name}]" in frame}
    if frame[NMOL_L].isna().all() and not of_one:
        return frame
    for name in method.analyte_names:
        own, mass = f"{NG_ML}[{name}]", method.molar_mass(name)
        factor = 1.0 if method.counts_moles else np.nan if mass is None else mass / 1000
        molar = frame[of_one[name]].fillna(frame[NMOL_L]) if name in of_one else frame[NMOL_L]
        frame[own] = frame[own].fillna(molar * factor) if own in frame else molar * factor
        frame[NG_ML] = frame[NG_ML].fillna(molar * factor)
    return frame
