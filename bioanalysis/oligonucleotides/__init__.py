"""Oligonucleotides: a sequence in, formula, masses, charge states and isobaric metabolites out."""

from bioanalysis.oligonucleotides.isobars import isobars
from bioanalysis.oligonucleotides.masses import OligonucleotideMass, charge_state_mz, oligonucleotide_mass
from bioanalysis.oligonucleotides.notation import Oligonucleotide, read_sequence

__all__ = [
    "Oligonucleotide",
    "OligonucleotideMass",
    "charge_state_mz",
    "isobars",
    "oligonucleotide_mass",
    "read_sequence",
]
