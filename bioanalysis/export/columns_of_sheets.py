"""What is known of a sheet before its rows are written: columns, which of them hold numbers, how wide they are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bioanalysis.export.sources import Source
from bioanalysis.tables import AS_WRITTEN

NUMBER = re.compile(r"-?(0|[1-9]\d*|(?=\.))(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
LABELS = re.compile(r"(^|_)(id|position|plate|file|lot|batch|group|piece|homogenate|level|table|subject)$")
EXACT = 15  # digits of a whole number that a spreadsheet keeps
RUN = "run_id"
ROWS_AT_ONCE = 2_000


@dataclass
class Columns:
    """The columns of one sheet, gathered over all its tables: a run lacks those that its platform has not."""

    names: list[str] = field(default_factory=list)
    widths: dict[str, int] = field(default_factory=dict)
    numeric: dict[str, bool] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)  # of each run, or of the study under ""

    @property
    def total(self) -> int:
        return sum(self.rows.values())

    def take(self, row: dict[str, str]) -> None:
        """Take one row into account."""
        for name, cell in row.items():
            if cell:
                self.widths[name] = max(self.widths.get(name, 0), len(cell))
                self.numeric[name] = self.numeric.get(name, not LABELS.search(name)) and is_number(cell)

    def holds_numbers(self, name: str) -> bool:
        return self.numeric.get(name, False)


def read_columns(sources: list[Source], results: Path) -> Columns:
    """Return the columns of a sheet made of these tables."""
    columns = Columns()
    for source in sources:
        names = [RUN] if source.run_id else []
        columns.names = list(dict.fromkeys([*columns.names, *names, *header(results / source.path)]))
        columns.rows[source.run_id] = 0
        for row in read_rows(source, results):
            columns.rows[source.run_id] += 1
            columns.take(row)
    return columns


def header(path: Path) -> list[str]:
    """Return the names of the columns of a table."""
    return path.open(encoding="utf-8").readline().rstrip("\n").split("\t")


def read_rows(source: Source, results: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table one by one; those of a run say which."""
    run = {RUN: source.run_id} if source.run_id else {}
    return (run | row for row in rows_of(results / source.path))


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table of ours one by one, every cell text."""
    for stretch in pd.read_csv(path, chunksize=ROWS_AT_ONCE, **AS_WRITTEN):
        names = list(stretch.columns)
        for cells in stretch.itertuples(index=False, name=None):
            yield dict(zip(names, cells, strict=True))


def is_number(cell: str) -> bool:
    """Return whether a cell is a number that a spreadsheet keeps as it is: `007` and 17 digits are words."""
    if not NUMBER.fullmatch(cell) or not any(sign.isdigit() for sign in cell):
        return False
    whole = cell.lstrip("-").isdigit()
    return math.isfinite(float(cell)) and not (whole and len(cell.lstrip("-")) > EXACT)
