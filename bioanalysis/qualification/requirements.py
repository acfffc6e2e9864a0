"""The user requirements the software was built to, by id."""

from __future__ import annotations

import csv
from fnmatch import fnmatchcase
from functools import cache

from bioanalysis.qualification.shipped import shipped_folder


@cache
def requirements() -> list[dict[str, str]]:
    """Return the rows of docs/requirements.tsv (requirement_id, topic, requirement, rules, source).

    None where it was not installed: a report then shows ids alone.
    """
    path = shipped_folder() / "docs" / "requirements.tsv"
    if not path.is_file():
        return []
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def requirement_of(rule_id: str) -> str:
    """Return the ids of the requirements whose column `rules` names the rule (``CAL-*``), joined by ';'."""
    return ";".join(
        row["requirement_id"]
        for row in requirements()
        if any(fnmatchcase(rule_id, pattern) for pattern in row["rules"].split(";"))
    )
