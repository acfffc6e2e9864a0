"""Formula, masses and charge states of an oligonucleotide."""

from __future__ import annotations

from dataclasses import dataclass

from bioanalysis.oligonucleotides.formulas import PROTON_DA, elements, masses_da, write_formula
from bioanalysis.oligonucleotides.notation import Oligonucleotide, read_sequence


@dataclass(frozen=True)
class OligonucleotideMass:
    """What a sequence weighs, as free acid.

    Attributes
    ----------
    formula : str
        In Hill's order.
    average_da, monoisotopic_da : float
        Molar mass in g/mol and mass of the all-lightest isotopologue in Da.
    sodium_salt_da : float
        Average mass with every linkage as sodium salt, in g/mol.
    mz : dict
        Average m/z by number of negative charges.
    """

    formula: str
    average_da: float
    monoisotopic_da: float
    sodium_salt_da: float
    mz: dict[int, float]


def oligonucleotide_mass(sequence: str | Oligonucleotide, *, charges: range = range(3, 16)) -> OligonucleotideMass:
    """Return formula, masses (Da) and the m/z of [M-zH]z- for each charge.

    Parameters
    ----------
    sequence : str or Oligonucleotide
        In the notation of `bioanalysis.oligonucleotides.notation`, or the name of a shipped example (``mipomersen``).

    Raises
    ------
    ValueError
        Where the sequence is not understood.
    """
    chain = read_sequence(sequence) if isinstance(sequence, str) else sequence
    average, monoisotopic = masses_da(chain.atoms)
    acidic = sum(bool(nucleotide.linkage) for nucleotide in chain.nucleotides)
    sodium_for_proton = elements()["Na"][0] - elements()["H"][0]
    mz = {charge: charge_state_mz(average, charge) for charge in charges}
    return OligonucleotideMass(
        write_formula(chain.atoms), average, monoisotopic, average + acidic * sodium_for_proton, mz
    )


def charge_state_mz(mass_da: float, charge: int) -> float:
    """Return the m/z in Th of the ion that has lost `charge` protons."""
    return mass_da / charge - PROTON_DA
