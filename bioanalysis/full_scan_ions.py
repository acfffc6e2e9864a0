"""Which ions of a substance are summed from high-resolution full scans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioanalysis.yaml_with_lines import Place

PROTON_DA = 1.00727646688
ISOTOPE_DA = 1.0029  # mean distance of the isotopic peaks of an oligonucleotide; off by less than 1 ppm at 7 kDa


def ions_mz(stated: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the m/z (Th) of each charge state and isotope of a transition's neutral mass, charge by charge.

    Parameters
    ----------
    stated : mapping
        neutral_mass_da (monoisotopic), charges, isotopes (0: monoisotopic; default that alone), polarity (default
        negative).
    """
    sign = 1 if stated.get("polarity") == "positive" else -1
    return tuple(
        (float(stated["neutral_mass_da"]) + isotope * ISOTOPE_DA + sign * int(charge) * PROTON_DA) / int(charge)
        for charge in stated["charges"]
        for isotope in stated.get("isotopes") or (0,)
    )


def full_scan_contradictions(stated: Mapping[str, Any]) -> list[tuple[Place, str, str]]:
    """Return (place, found, expected) of what keeps a full-scan transition from having ions."""
    found: list[tuple[Place, str, str]] = []
    mass, charges, isotopes = stated.get("neutral_mass_da"), stated.get("charges"), stated.get("isotopes", (0,))
    if not (isinstance(mass, (int, float)) and mass > 0):
        found.append((("neutral_mass_da",), f"'{mass or 'none'}'", "the monoisotopic mass of the neutral substance"))
    if not _whole_numbers(charges, 1):
        found.append((("charges",), f"'{charges or 'none'}'", "a list of charges such as [8, 9, 10]"))
    if not _whole_numbers(isotopes, 0):
        found.append((("isotopes",), f"'{isotopes}'", "a list of isotopes such as [0, 1, 2, 3]"))
    return found


def _whole_numbers(values: Any, least: int) -> bool:
    return (
        isinstance(values, (list, tuple))
        and len(values) > 0
        and all(isinstance(value, int) and value >= least for value in values)
    )
