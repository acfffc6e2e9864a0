"""Pieces of the document for signature, packed into parts that are set one at a time: memory is that of one part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
    for block in blocks:
        if here and sum(each.weight for each in here) + block.weight > MOST:
            yield here
            here = []
        here.append(block)
    if here:
        yield here


def split_section(section: dict[str, Any]) -> Iterator[Block]:
    """Yield a table as one piece, or as several with the numbers of their rows in the title."""
    rows, columns = section["rows"], max(1, len(section["columns"]))
    most = max(1, MOST // columns)
    if len(rows) <= most:
        yield Block("sections", section, len(rows) * columns)
        return
    for start in range(0, len(rows), most):
        here = rows[start : start + most]
        title = f"{section['title']}, rows {start + 1} to {start + len(here)} of {len(rows)}"
        yield Block("sections", section | {"title": title, "rows": here}, len(here) * columns)


def weight_of(picture: dict[str, str]) -> int:
    """Return as how many cells a picture counts."""
    return len(picture["svg"]) // BYTES_OF_A_CELL
