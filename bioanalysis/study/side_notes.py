"""Notes on extraction batches and materials: what may be meant so, and is more often a slip of the hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from bioanalysis.text_files import listed

if TYPE_CHECKING:
    from bioanalysis.study.load import Study

PERCENT = re.compile(r"(?<![\d.,])(-?\d+(?:[.,]\d+)?)\s*%")


def batch_notes(study: Study) -> list[str]:
    """Batches of one name and several days of extraction, and names that differ in capitals or spaces only."""
    days: dict[str, dict[str, str]] = {}
    for run in study.runs:
        if run.extraction_date:
            days.setdefault(run.extraction_batch, {})[run.run_id] = run.extraction_date
    several = [
        f"extraction_batch {name} was extracted on {listed(f'{day} in {run}' for run, day in given.items())}: taken "
        "for different batches of one name"
        for name, given in days.items()
        if len(set(given.values())) > 1
    ]
    named = (name for run in study.runs for name in (run.extraction_batch, *run.worklist["batch"].unique()))
    return several + [
        f"batches {listed(names)} differ in capitals or spaces only and are taken for different ones"
        for names in _alike(named)
    ]


def _alike(names: Iterable[str]) -> list[list[str]]:
    found: dict[str, dict[str, None]] = {}
    for name in names:
        found.setdefault("".join(name.split()).casefold(), {})[name] = None
    return [list(spellings) for spellings in found.values() if len(spellings) > 1]


def material_notes(study: Study) -> list[str]:
    """Materials that had expired before the last run, lots listed twice with other words, purities that cannot be."""
    table = study.materials
    if table is None or table.empty:
        return []
    last = max((run.run_date[:10] for run in study.runs), default="")
    expired = table[(table["expiry"] != "") & (table["expiry"] < last)]
    twice = table[table.duplicated(["material", "lot"])]
    pure = table[[any(not 0 < percent <= 100 for percent in _percents(cell)) for cell in table["purity"]]]
    words = {f"expired before the last run of {last}": expired, "listed twice": twice,
             "with a purity that is no percentage from 0 to 100": pure}  # fmt: skip
    return [_of_materials(what, rows) for what, rows in words.items() if len(rows)]


def _percents(cell: str) -> list[float]:
    return [float(number.replace(",", ".")) for number in PERCENT.findall(cell)]


def _of_materials(what: str, rows: pd.DataFrame) -> str:
    names = [f"{row.material}, lot {row.lot} (line {row.line})" for row in rows.itertuples()]
    return f"{len(names)} material{'s' if len(names) != 1 else ''} {what}: {'; '.join(names[:5])}"
