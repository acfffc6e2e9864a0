"""The numbers beyond which a peak is flagged: data (`peak_flags.tsv`), which a method may replace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from bioanalysis.text_files import own_table

_SAID = re.compile(r"(?P<flag>.+) (?P<observed>\S+) \(limit (?P<limit>\S+)\)")


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

    @property
    def side(self) -> str:
        """On which side of the limit a peak is not flagged."""
        return {"min": ">=", "max": "<=", "both": "within ±"}[self.direction]


def said(flag: str, observed: float, limit: float) -> str:
    """Return a flag with its numbers, as it stands in `flag_details` of peaks.tsv."""
    return f"{flag} {observed:.4g} (limit {limit:.4g})"


def read_details(text: str) -> dict[str, tuple[str, str]]:
    """Return observed number and limit of each flag of a cell of `flag_details`: several are joined by '; '."""
    found = (_SAID.fullmatch(part) for part in text.split("; ")) if text else ()
    return {one["flag"]: (one["observed"], one["limit"]) for one in found if one}


@cache
def peak_limits() -> dict[str, PeakLimit]:
    """Return all limits of peaks by their flag."""
    rows = own_table("bioanalysis.limits", "peak_flags.tsv")
    return {row["flag"]: _limit(row) for row in rows}


def _limit(row: dict[str, str]) -> PeakLimit:
    return PeakLimit(
        row["flag"], row["observed"], row["direction"], float(row["limit"]), float(row["allowance_sd"]),
        row["standing"], row["source"],
    )  # fmt: skip
