"""Prepared concentrations in whatever unit the worklist has them, as the one unit of a method: ng/mL.

A method under ``gravimetric`` counts ng per g of homogenate, one under ``tissue_equivalent`` ng per g of tissue: for
these the columns named ng/mL hold ng/g throughout.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.method import Analyte, Method
from bioanalysis.study.reading import Rows

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
    if any(molar_mass(analyte, method) is None for analyte in method.analytes):
        expected = f"{NG_ML}, or the molar mass of each analyte in method {method.method_id}"
        faults += rows.faults(given[NMOL_L], NMOL_L, expected)
    twice = np.sum(list(given.values()), axis=0) > 1
    for name in list(given)[1:]:
        faults += rows.faults(twice & given[name], name, "the prepared concentration in one unit only")
    return faults


def molar_mass(analyte: Analyte, method: Method) -> float | None:
    """Return the molar mass in g/mol on the basis the method counts in."""
    salt = method.concentration_basis == "sodium_salt"
    return analyte.salt_molar_mass_g_mol if salt else analyte.molar_mass_g_mol


def in_ng_ml(frame: pd.DataFrame, method: Method) -> pd.DataFrame:
    """Return the worklist with every prepared concentration in `nominal_ng_ml` (or ``nominal_ng_ml[<analyte>]``)."""
    frame = frame.copy()
    for name, factor in PER_GRAM.items():
        frame[NG_ML] = frame[NG_ML].fillna(frame[name] * factor)
    molar = frame[NMOL_L]
    if molar.isna().all():
        return frame
    for analyte in method.analytes:
        own = f"{NG_ML}[{analyte.name}]"
        mass = molar_mass(analyte, method)
        converted = molar * (np.nan if mass is None else mass / 1000)
        frame[own] = frame[own].fillna(converted) if own in frame else converted
        frame[NG_ML] = frame[NG_ML].fillna(converted)
    return frame
