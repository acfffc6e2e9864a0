"""The notation of sequences: base, sugar, linkage for each nucleotide, 5' to 3'.

``Ges mCes Ads Tdo Ge``: base (`A`, `C`, `G`, `T`, `U`; `mC`, `mU` for the 5-methyl bases), sugar (`d` deoxy, `r` ribo,
`m` 2'-O-methyl, `e` 2'-O-methoxyethyl, `l` LNA, `k` constrained ethyl, `f` 2'-fluoro), linkage to the next nucleotide
(`s` phosphorothioate, `o` phosphodiester; none after the last). Blanks may be left out. What a conjugate adds is
written behind as a formula: ``... mCe + C79H139N10O31P``. It is the notation of the patents of 2'-MOE gapmers.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from bioanalysis.oligonucleotides.formulas import read_formula, read_table

_NUCLEOTIDE = re.compile(r"(m?[A-Z])([a-z])([so]?)")
WATER = Counter({"H": 2, "O": 1})


@dataclass(frozen=True)
class Nucleotide:
    """One nucleoside with its linkage to the next, '' at the 3' end."""

    base: str
    sugar: str
    linkage: str


@dataclass(frozen=True)
class Oligonucleotide:
    """A sequence from 5' to 3', and the formula a conjugate adds ('' without)."""

    nucleotides: tuple[Nucleotide, ...]
    conjugate: str = ""

    def __len__(self) -> int:
        return len(self.nucleotides)

    @property
    def atoms(self) -> Counter[str]:
        """Atoms of the free acid: base and sugar join under loss of one water, each linkage under loss of two."""
        total = read_formula(self.conjugate) if self.conjugate else Counter[str]()
        for nucleotide in self.nucleotides:
            total.update(_block("base", nucleotide.base))
            total.update(_block("sugar", nucleotide.sugar))
            total.subtract(WATER)
            if nucleotide.linkage:
                total.update(_block("linkage", nucleotide.linkage))
                total.subtract(WATER + WATER)
        return total

    def shortened(self, length: int, lost_end: str) -> Oligonucleotide:
        """Return the chain of `length` nucleotides that an exonuclease leaves when it eats from `lost_end`, 3' or 5'.

        The linkage to what was lost goes with it; a conjugate is taken to be lost as well.
        """
        kept = self.nucleotides[:length] if lost_end == "3'" else self.nucleotides[-length:]
        last = kept[-1]
        return Oligonucleotide((*kept[:-1], Nucleotide(last.base, last.sugar, "")))


def read_sequence(text: str) -> Oligonucleotide:
    """Return the oligonucleotide written as `text`, or the shipped example of that name.

    Raises
    ------
    ValueError
        Naming the place that is not understood.
    """
    text = _examples().get(text.strip().lower(), text)
    sequence, _, conjugate = text.partition("+")
    sequence, conjugate = re.sub(r"[\s-]", "", sequence), conjugate.strip()
    nucleotides: list[Nucleotide] = []
    place = 0
    while place < len(sequence):
        match = _NUCLEOTIDE.match(sequence, place)
        if match is None or not _known(match):
            raise ValueError(_not_understood(sequence, place, len(nucleotides) + 1))
        nucleotides.append(Nucleotide(*match.groups()))
        place = match.end()
    _require_linkages(nucleotides)
    if conjugate:
        read_formula(conjugate)
    return Oligonucleotide(tuple(nucleotides), conjugate)


def _require_linkages(nucleotides: list[Nucleotide]) -> None:
    if not nucleotides:
        raise ValueError("no sequence: write nucleotides such as Ges mCes Ads Ge, or the name of a shipped example")
    for number, nucleotide in enumerate(nucleotides, start=1):
        last = number == len(nucleotides)
        if last and nucleotide.linkage:
            raise ValueError(f"nucleotide {number} is the last and has a linkage '{nucleotide.linkage}' to nothing")
        if not last and not nucleotide.linkage:
            raise ValueError(f"nucleotide {number} has no linkage to the next: s phosphorothioate, o phosphodiester")


def _known(match: re.Match[str]) -> bool:
    return ("base", match[1]) in _blocks() and ("sugar", match[2]) in _blocks()


def _not_understood(sequence: str, place: int, number: int) -> str:
    bases, sugars = (", ".join(symbol for kind, symbol in _blocks() if kind == wanted) for wanted in ("base", "sugar"))
    found = sequence[place : place + 4]
    return f"nucleotide {number}, '{found}', is not understood: a base ({bases}), a sugar ({sugars}), a linkage (s, o)"


@cache
def _blocks() -> dict[tuple[str, str], Counter[str]]:
    return {(row["kind"], row["symbol"]): read_formula(row["formula"]) for row in read_table("building_blocks.tsv")}


def _block(kind: str, symbol: str) -> Counter[str]:
    return _blocks()[kind, symbol]


@cache
def _examples() -> dict[str, str]:
    return {row["name"]: row["sequence"] for row in read_table("examples.tsv")}
