"""Pieces of the document for signature, packed into parts that are set one at a time: memory is that of one part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

MOST = 6000  # cells of a part; each takes 13 kB while it is set
BYTES_OF_A_CELL = 100  # of a picture, that take as much


@dataclass(frozen=True)
class Block:
    """A piece of the document: of which kind, what the template reads, and as how many cells of a table it counts."""

    kind: str
    content: dict[str, Any]
    weight: int


def packed(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Yield the pieces in order, as many at a time as fit into a part."""
    here: list[Block] = []
    weight = 0
    for block in blocks:
        if here and weight + block.weight > MOST:
            yield here
            here, weight = [], 0
        here.append(block)
        weight += block.weight
    if here:
        yield here


def split_section(section: dict[str, Any]) -> Iterator[Block]:
    """Yield a table as one piece, or as several with the numbers of their rows in the title; rows are made as asked."""
    count, columns = section["count"], max(1, len(section["columns"]))
    about = {name: content for name, content in section.items() if name not in ("rows", "count")}
    most = max(1, MOST // columns)
    rows = iter(section["rows"])
    for start in range(0, max(1, count), most):
        here = [list(row) for row in islice(rows, most)]
        further = f", rows {start + 1} to {start + len(here)} of {count}" if count > most else ""
        yield Block("sections", about | {"title": section["title"] + further, "rows": here}, len(here) * columns)


def weight_of(picture: dict[str, str]) -> int:
    """Return as how many cells a picture counts."""
    return len(picture["svg"]) // BYTES_OF_A_CELL
