"""A plugin of pytest: which test holds which rule and requirement, and how it ended, as JSON lines.

Loaded by ``-p bioanalysis.qualification.pytest_plugin``; `RECORD` names the file to write. With ``SELECT`` set, tests
that hold neither a rule nor a requirement, and those marked with one of its words, are left out.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

RECORD, SELECT = "BIOANALYSIS_MARKS", "BIOANALYSIS_MARKS_WITHOUT"
HELD = ("rule", "requirement")


def marks_of(item: Any) -> dict[str, list[list[str]]]:
    """Return the arguments of the markers `HELD` on a test, module and parameter included."""
    return {name: sorted([list(each) for each in {mark.args for mark in item.iter_markers(name)}]) for name in HELD}


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Select the tests, and give each its marks to carry to where its outcome is written."""
    without = os.environ.get(SELECT)
    if without is not None:
        kept = [
            item
            for item in items
            if any(marks_of(item).values()) and not any(item.get_closest_marker(word) for word in without.split())
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    for item in items:
        item.user_properties.append(("marks", marks_of(item)))
    if config.option.collectonly:
        _write([{"test": item.nodeid, "outcome": "", "marks": marks_of(item)} for item in items])


def pytest_collectreport(report: Any) -> None:
    """Note a file of tests that cannot be read."""
    if report.failed:
        _write([{"test": report.nodeid, "outcome": "unreadable", "marks": {}}])


def pytest_runtest_logreport(report: Any) -> None:
    """Note how a test ended; under xdist this runs where all outcomes come together."""
    if report.when == "call" or report.outcome != "passed":
        marks: dict[str, Any] = next((value for name, value in report.user_properties if name == "marks"), {})
        _write([{"test": report.nodeid, "outcome": report.outcome, "marks": marks}])


def _write(rows: list[dict[str, Any]]) -> None:
    name = os.environ.get(RECORD)
    if name and not os.environ.get("PYTEST_XDIST_WORKER"):
        with Path(name).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
