"""Persons named in tables and signatures: when two spellings are one name, and who stands in one cell."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

Person = tuple[str, ...]
NOBODY = ("n/a", "none", "nobody", "tbd", "pending")

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


def may_be(one: Person, other: Person) -> bool:
    """Return whether two names may be of one person: the same, or one an abbreviation of the other.

    `A. Lindqvist` may be `Anna Lindqvist` and `Lindqvist`, `A. Li` may be `Anna Li` (who wants to part them writes both
    in full). Words of several letters that differ part two persons, and initials alone are nobody's name.
    """
    rest, left = Counter(one) - Counter(other), Counter(other) - Counter(one)
    shared = Counter(one) & Counter(other)
    short, long = sorted((list(rest.elements()), list(left.elements())), key=len)
    for word in short:
        found = next((full for full in long if _stands_for(word, full)), None)
        if found is None:
            return False
        long.remove(found)
    return one == other or any(len(word) > 1 for word in shared)


def _stands_for(one: str, other: str) -> bool:
    """Return whether one word is the initial of the other."""
    return one[0] == other[0] and 1 in (len(one), len(other))


def is_nobody(name: str) -> bool:
    """Return whether a cell names no person: a dash, or a word for nobody. `N.A.` may be initials."""
    return not person(name) or name.casefold() in NOBODY or name == "n.a."


def persons_in(cell: str) -> set[Person]:
    """Return who stands in a cell that may name several (`AL / KM`, `AL, KM`): the cell as a whole, and its parts."""
    return {person(part) for part in (cell, *_BETWEEN.split(cell))} - {()}
