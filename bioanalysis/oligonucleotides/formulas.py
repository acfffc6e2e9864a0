"""Elemental formulas as counters, and their masses."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache

from bioanalysis.text_files import own_table

ATOMIC_WEIGHTS = "IUPAC 2007 standard atomic weights; isotope masses AME 2012"
PROTON_DA = 1.007276467
_PART = re.compile(r"([A-Z][a-z]?)(\d*)")
HILL_FIRST = ("C", "H")


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the room's own tables."""
    return own_table("bioanalysis.oligonucleotides", name)


@cache
def elements() -> dict[str, tuple[float, float]]:
    """Return average and monoisotopic mass in Da by element symbol."""
    return {row["element"]: (float(row["average"]), float(row["monoisotopic"])) for row in read_table("elements.tsv")}


def read_formula(text: str) -> Counter[str]:
    """Return the atoms of a formula such as ``C5H5N5``; ValueError where it is none or has an unknown element."""
    parts = _PART.findall(text)
    if not parts or "".join(symbol + number for symbol, number in parts) != text:
        raise ValueError(f"{text!r} is no elemental formula such as C8H15NO6")
    unknown = sorted({symbol for symbol, _ in parts} - set(elements()))
    if unknown:
        raise ValueError(f"no mass known for {', '.join(unknown)} in {text!r}")
    atoms: Counter[str] = Counter()
    for symbol, number in parts:
        atoms[symbol] += int(number or 1)
    return atoms


def write_formula(atoms: Counter[str]) -> str:
    """Return the formula in Hill's order: carbon, hydrogen, then the alphabet."""
    order = [*HILL_FIRST, *sorted(set(atoms) - set(HILL_FIRST))]
    return "".join(f"{symbol}{atoms[symbol] if atoms[symbol] > 1 else ''}" for symbol in order if atoms[symbol] > 0)


def masses_da(atoms: Counter[str]) -> tuple[float, float]:
    """Return the average and the monoisotopic mass in Da."""
    average = math.fsum(number * elements()[symbol][0] for symbol, number in atoms.items())
    monoisotopic = math.fsum(number * elements()[symbol][1] for symbol, number in atoms.items())
    return average, monoisotopic
