"""The numbers beyond which a peak is flagged: data (`peak_flags.tsv`), which a method may replace."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class PeakLimit:
    """One limit.

    Attributes
    ----------
    observed : str
        What is held against it, with its unit.
    limit, allowance_sd : float
        The number, and how many standard errors of what is observed are granted beyond it.
    standing, source : str
        ``house`` or ``unverified``: none of them is a guideline's number.
    """

    flag: str
    observed: str
    direction: str
    limit: float
    allowance_sd: float
    standing: str
    source: str


@cache
def peak_limits() -> dict[str, PeakLimit]:
    """Return all limits of peaks by their flag."""
    text = (files("bioanalysis.limits") / "peak_flags.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {row["flag"]: _limit(row) for row in rows}


def _limit(row: dict[str, str]) -> PeakLimit:
    return PeakLimit(
        row["flag"], row["observed"], row["direction"], float(row["limit"]), float(row["allowance_sd"]),
        row["standing"], row["source"],
    )  # fmt: skip
