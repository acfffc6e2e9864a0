"""Notes on extraction batches, materials and raw files: what may be meant so, and is more often a slip of the hand."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from bioanalysis.text_files import is_visible, listed, quoted
from bioanalysis.words import count_of

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


def unnamed_file_notes(study: Study) -> list[str]:
    """Files beside those of a run, of the same kind, that no worklist names: acquired and not reported, it may be."""
    named: dict[str, set[str]] = {}
    for run in study.runs:
        if (study.folder / run.raw_path).is_dir():  # several runs may share it
            files = (os.path.normpath(name) for name in run.worklist["file"] if name)
            named.setdefault(os.path.normpath(run.raw_path), set()).update(files)
    return [note for raw_path, files in named.items() if (note := _unnamed(study, raw_path, files))]


def _unnamed(study: Study, raw_path: str, named: set[str]) -> str:
    kinds = {_kind(name) for name in named}
    lying = (entry.name for entry in os.scandir(study.folder / raw_path) if entry.is_file() and is_visible(entry.name))
    unnamed = sorted(name for name in lying if name not in named and _kind(name) in kinds)
    if not unnamed:
        return ""
    files = f"{count_of(len(unnamed), 'file')} of {raw_path}: {listed(map(quoted, unnamed), most=5)}"
    return (
        f"no worklist names {files}; what was acquired has a row, and what is not used of it a decision with its reason"
    )


def _kind(name: str) -> str:
    return os.path.splitext(name.lower().removesuffix(".gz"))[1]
