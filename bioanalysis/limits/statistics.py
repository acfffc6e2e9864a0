"""Levels and smallest numbers of the study's statistics (`statistics.tsv`), each with its meaning and source."""

from __future__ import annotations

from functools import cache

from bioanalysis.text_files import own_table


@cache
def statistical_limits() -> dict[str, float]:
    """Return every level by its name."""
    return {row["name"]: float(row["value"]) for row in own_table("bioanalysis.limits", "statistics.tsv")}
