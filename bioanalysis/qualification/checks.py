"""One check of a qualification, and what all of them together come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bioanalysis.errors import BatchError

PASS, FAIL, NOTED, NOT_ASSESSABLE = "pass", "fail", "noted", "not_assessable"
EXIT = {PASS: 0, FAIL: 3, NOT_ASSESSABLE: 2}
HEADLINE = {PASS: "PASSED", FAIL: "FAILED", NOT_ASSESSABLE: "NOT COMPLETE"}


@dataclass(frozen=True)
class Check:
    """One row of a report.

    Attributes
    ----------
    part : str
        The section of the report it stands in.
    requirement : str
        Ids of the requirements (docs/requirements.tsv) it serves, joined by ';'.
    checked, expected, observed : str
        In words.
    verdict : str
        ``pass``, ``fail``, ``noted`` (said for the file; there is nothing to hold it against) or ``not_assessable``
        (something is missing that the check needs).
    source : str
        Where the expected result comes from.
    """

    part: str
    requirement: str
    checked: str
    expected: str
    observed: str
    verdict: str
    source: str = ""


def overall(checks: Sequence[Check]) -> str:
    """Return the verdict on all checks: one that could not be done is no pass."""
    words = {check.verdict for check in checks}
    return next((word for word in (FAIL, NOT_ASSESSABLE) if word in words), PASS if checks else NOT_ASSESSABLE)


def attempt(part: str, requirement: str, checked: str, expected: str, do: Callable[[], str], source: str = "") -> Check:
    """Return the check that `do`, which returns what was observed, gives `expected`; whatever it raises is a fail."""
    try:
        observed = do()
    except (BatchError, Exception) as error:  # the one place where any error is a finding
        observed = f"{type(error).__name__}: {error}"
    return Check(part, requirement, checked, expected, observed, PASS if observed == expected else FAIL, source)


def counts(checks: Sequence[Check]) -> str:
    """Return how many checks came to each verdict, in words."""
    words = {PASS: "passed", FAIL: "failed", NOT_ASSESSABLE: "could not be done", NOTED: "noted"}
    numbers = {word: sum(check.verdict == word for check in checks) for word in words}
    return ", ".join(f"{number} {words[word]}" for word, number in numbers.items() if number or word in (PASS, FAIL))
