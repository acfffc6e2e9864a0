"""A method's masses held against the sequence of its analyte."""

from __future__ import annotations

from dataclasses import dataclass

from bioanalysis.oligonucleotides.isobars import isobars
from bioanalysis.oligonucleotides.masses import oligonucleotide_mass
from bioanalysis.oligonucleotides.notation import read_sequence

MOLAR_MASS_TOLERANCE = 5e-4  # tables of atomic weights differ by 5e-6, one methyl group of a 20-mer by 2e-3


@dataclass(frozen=True)
class ChargeState:
    """The charge state of a sequence that lies nearest to a transition."""

    charge: int
    mz: float
    within: bool


def molar_mass_difference(sequence: str, molar_mass_g_mol: float, *, salt: bool = False) -> float | None:
    """Return the mass of the sequence in g/mol where `molar_mass_g_mol` contradicts it, None where they agree."""
    found = oligonucleotide_mass(sequence)
    mass = found.sodium_salt_da if salt else found.average_da
    return mass if abs(molar_mass_g_mol / mass - 1) > MOLAR_MASS_TOLERANCE else None


def nearest_charge_state(sequence: str, q1_mz: float, tolerance_th: float) -> ChargeState:
    """Return the charge state whose average m/z is nearest to `q1_mz`, and whether it lies within the tolerance.

    Either the average or the monoisotopic mass may have been chosen for the method.
    """
    found = oligonucleotide_mass(sequence, charges=range(1, len(read_sequence(sequence))))
    charge = min(found.mz, key=lambda z: abs(found.mz[z] - q1_mz))
    lowest = found.mz[charge] - (found.average_da - found.monoisotopic_da) / charge
    return ChargeState(charge, found.mz[charge], lowest - tolerance_th <= q1_mz <= found.mz[charge] + tolerance_th)


def colliding_metabolites(sequence: str, charge: int, window_th: float) -> list[str]:
    """Return the chain-shortened metabolites that pass the first quadrupole beside this charge state, in words."""
    table = isobars(read_sequence(sequence), charges=range(charge, charge + 1), window_th=window_th)
    return [f"{row.metabolite} ({row.metabolite_charge}-, {row.metabolite_mz:.2f})" for row in table.itertuples()]
