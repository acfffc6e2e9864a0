"""Chain-shortened metabolites that a quadrupole cannot tell from their parent."""

from __future__ import annotations

import pandas as pd

from bioanalysis.oligonucleotides.masses import charge_state_mz, oligonucleotide_mass
from bioanalysis.oligonucleotides.notation import Oligonucleotide

COLUMNS = ["charge", "mz", "metabolite", "length", "metabolite_charge", "metabolite_mz", "difference_th"]


def isobars(
    parent: Oligonucleotide, *, charges: range = range(6, 13), window_th: float = 0.7, shortest: int = 4
) -> pd.DataFrame:
    """Return every metabolite ion within `window_th` of an ion of the parent.

    Parameters
    ----------
    charges : range
        Charge states of the parent; those of a metabolite run from 1 to its number of linkages.
    window_th : float
        Half-width in Th of what the first quadrupole lets pass.
    shortest : int
        Metabolites down to this length are looked at, shortened at the 3' or the 5' end.

    Returns
    -------
    DataFrame
        charge, mz (parent); metabolite ("3' 12-mer": what is left where the 5' end was eaten), length,
        metabolite_charge, metabolite_mz, difference_th; by charge and distance.
    """
    average = oligonucleotide_mass(parent).average_da
    own = {charge: charge_state_mz(average, charge) for charge in charges}
    rows = [
        (charge, mz, name, length, other, other_mz, other_mz - mz)
        for name, length, mass in _metabolites(parent, shortest)
        for other in range(1, length)
        for other_mz in [charge_state_mz(mass, other)]
        for charge, mz in own.items()
        if abs(other_mz - mz) <= window_th
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    nearest = table.assign(distance=table.difference_th.abs()).sort_values(["charge", "distance", "metabolite"])
    return nearest[COLUMNS].reset_index(drop=True)


def _metabolites(parent: Oligonucleotide, shortest: int) -> list[tuple[str, int, float]]:
    return [
        (f"{kept} {length}-mer", length, oligonucleotide_mass(parent.shortened(length, lost)).average_da)
        for kept, lost in (("5'", "3'"), ("3'", "5'"))
        for length in range(len(parent) - 1, shortest - 1, -1)
    ]
