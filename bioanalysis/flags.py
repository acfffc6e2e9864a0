"""Flags: what a reviewer should look at, and where to look first.

A flag never changes a value. Words and hints are data (`flags.tsv`); peak flags come from the integrator as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import pandas as pd

from bioanalysis.text_files import own_table

COLUMNS = [
    "flag", "run_id", "position", "sample_id", "tissue", "analyte", "observed", "limit", "source", "check_first",
    "state", "decision_id", "plate", "meaning",
]  # fmt: skip


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return meaning and check_first of every flag by its word."""
    return {row["flag"]: row for row in own_table("bioanalysis", "flags.tsv")}


def flag(word: str, **where: object) -> dict[str, object]:
    """Return one row of the flag table; `where` gives run_id, position, sample_id, observed, limit, source ..."""
    known = catalogue().get(word, {"meaning": "", "check_first": ""})
    row: dict[str, object] = dict.fromkeys(COLUMNS, "")
    return (
        row | {"flag": word, "state": "open", "meaning": known["meaning"], "check_first": known["check_first"]} | where
    )


def flag_table(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    """Return the flags as a table with the columns of the data contract first."""
    return pd.DataFrame(list(rows), columns=COLUMNS)


def join_words(*words: str) -> str:
    """Return flag words joined by ';', each once, empty ones left out."""
    return ";".join(dict.fromkeys(part for word in words for part in str(word).split(";") if part))
