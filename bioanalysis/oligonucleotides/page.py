"""What `bioanalysis mass` prints."""

from __future__ import annotations

from bioanalysis.errors import BatchError, Fault
from bioanalysis.oligonucleotides.formulas import ATOMIC_WEIGHTS
from bioanalysis.oligonucleotides.isobars import isobars
from bioanalysis.oligonucleotides.masses import oligonucleotide_mass
from bioanalysis.oligonucleotides.notation import Oligonucleotide, read_sequence
from bioanalysis.words import count_of

CHARGES = range(6, 13)


def mass_page(sequence: str, window_th: float) -> str:
    """Return formula, masses, charge states and isobaric metabolites as lines; BatchError for a faulty sequence."""
    try:
        chain = read_sequence(sequence)
    except ValueError as error:
        raise BatchError([Fault("sequence", str(error), "nucleotides as `bioanalysis mass --help` shows")]) from error
    charges = range(min(CHARGES.start, len(chain) - 1) or 1, min(CHARGES.stop, len(chain)))
    found = oligonucleotide_mass(chain, charges=charges)
    return "\n".join(
        [
            f"{count_of(len(chain), 'nucleotide')}, free acid {found.formula}",
            f"average mass        {found.average_da:.2f} g/mol ({ATOMIC_WEIGHTS})",
            f"monoisotopic mass   {found.monoisotopic_da:.3f} Da",
            f"sodium salt         {found.sodium_salt_da:.2f} g/mol",
            "",
            "charge   average m/z",
            *(f"{charge:5d}-   {mz:11.2f}" for charge, mz in found.mz.items()),
            "",
            *_isobar_lines(chain, charges, window_th),
        ]
    )


def _isobar_lines(chain: Oligonucleotide, charges: range, window_th: float) -> list[str]:
    table = isobars(chain, charges=charges, window_th=window_th)
    if table.empty:
        return [f"no shortened metabolite lies within {window_th:g} Th of these ions"]
    return [
        f"shortened metabolites within {window_th:g} Th:",
        *(
            f"{row.charge:5d}-   {row.mz:.2f} and the {row.metabolite_charge}- ion of the {row.metabolite}, "
            f"{row.metabolite_mz:.2f} ({row.difference_th:+.2f} Th)"
            for row in table.itertuples()
        ),
    ]
