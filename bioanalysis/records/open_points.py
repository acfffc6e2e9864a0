"""What still stands open in a sealed version: whoever signs it signs that too."""

from __future__ import annotations

import csv
from pathlib import Path

from bioanalysis.records.places import CONCENTRATIONS
from bioanalysis.text_files import listed
from bioanalysis.words import count_of

Row = dict[str, str]
VERDICTS = ("RUN", "VALIDATION")


def open_points(home: Path) -> list[str]:
    """Return in words what of the results below `home` failed or waits for a person; empty where nothing does."""
    verdicts = [*sorted((home / "results/runs").glob("*/acceptance.tsv")), home / "results/study/acceptance.tsv"]
    failed = [name for path in verdicts for name in _failed(path)]
    flags = sum(row.get("state") == "open" for row in _rows(home / "results/study/flags.tsv"))
    undecided = sum(row.get("status") == "needs_decision" for row in _rows(home / CONCENTRATIONS))
    said = [f"FAILED: {listed(failed)}"] if failed else []
    said += [f"{count_of(undecided, 'result')} to decide"] if undecided else []
    return said + ([count_of(flags, "open flag")] if flags else [])


def _failed(path: Path) -> list[str]:
    """Return the plates and analytes of a run, or the methods of a validation, whose verdict is fail."""
    verdicts = [row for row in _rows(path) if row.get("rule_id") in VERDICTS and row.get("verdict") == "fail"]
    return [" ".join(filter(None, [path.parent.name, *map(row.get, ("plate", "analyte"))])) for row in verdicts]


def _rows(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
