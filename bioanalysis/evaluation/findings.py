"""What a part of the study's evaluation comes to: tables by name, and flags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bioanalysis.flags import flag


@dataclass(frozen=True)
class Findings:
    """Tables by the name of their file, and the flags they raise."""

    tables: dict[str, pd.DataFrame]
    flags: list[dict[str, object]] = field(default_factory=list)


def flags_of(table: pd.DataFrame, source: str, limit: str = "", **texts: str) -> list[dict[str, object]]:
    """Return a flag for each word in the column `flag` of a table.

    `texts` say, by word, what was observed, as a template over the columns of the row (``{ratio:.3g}``).
    """
    rows = []
    for row in table[table["flag"] != ""].to_dict("records"):
        for word in str(row["flag"]).split(";"):
            observed = texts[word].format(**row) if word in texts else str(row.get("note", ""))
            where: dict[str, Any] = {name: row[name] for name in ("tissue", "analyte") if name in row}
            rows.append(
                flag(word, observed=observed, limit=limit or str(row.get("expected", "")), source=source, **where)
            )
    return rows


def gathered(parts: Iterable[Findings]) -> Findings:
    """Return several parts as one."""
    parts = list(parts)
    tables = {name: table for part in parts for name, table in part.tables.items()}
    return Findings(tables, [row for part in parts for row in part.flags])
