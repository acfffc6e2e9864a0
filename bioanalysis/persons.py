"""Persons named in tables and signatures: when two spellings are one name, and who stands in one cell."""

from __future__ import annotations

import re
import unicodedata

Person = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[,;/&+]|\s(?:and|und|et)\s", re.IGNORECASE)


def person(name: str) -> Person:
    """Return the words of a name, sorted: capitals, spaces, full stops and the order of names do not count.

    Initials in a row are one word (`K. M.` is `KM`), and it does not matter how accents are coded. `A. Li` and `Ali`
    stay two persons. Nobody (no letter or digit) is `()`.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    words: list[str] = []
    initials = False
    for word in _WORD.findall(plain):
        if initials and len(word) == 1:
            words[-1] += word
        else:
            words.append(word)
        initials = len(word) == 1
    return tuple(sorted(words))


def persons_in(cell: str) -> set[Person]:
    """Return who stands in a cell that may name several (`AL / KM`, `AL, KM`): the cell as a whole, and its parts."""
    return {person(part) for part in (cell, *_BETWEEN.split(cell))} - {()}
