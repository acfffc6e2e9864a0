"""Every rule at its boundary, and every requirement, by the tests that are shipped with the software."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bioanalysis.limits import Rule, read_catalogue, sides_needed
from bioanalysis.qualification.checks import FAIL, NOT_ASSESSABLE, PASS, Check
from bioanalysis.qualification.pytest_plugin import RECORD, SELECT
from bioanalysis.qualification.requirements import requirement_of, requirements
from bioanalysis.qualification.study_runs import own_environment
from bioanalysis.qualification.surroundings import one_thread

BY_RULE, BY_REQUIREMENT = "Acceptance rules at their boundary", "Requirements by their tests"
NOT_HERE = (
    "workflow slurm browser repository"  # whole studies are run by themselves; a cluster and a browser may not be there
)
SIDES = {
    "inside": "just inside its limit: pass", "on": "on its limit: pass", "outside": "just outside its limit: fail",
    "pass": "met: pass", "fail": "not met: fail", "not_assessable": "without what it needs: not assessable",
}  # fmt: skip
NO_PYTEST = "pytest is not installed; the lock file holds it"
Outcome = Mapping[str, Any]


def run_shipped_tests(folder: Path, cores: int) -> list[Outcome]:
    """Run the tests in `folder` that hold a rule or a requirement and return how each ended; empty without pytest."""
    if importlib.util.find_spec("pytest") is None:
        return []
    record = folder / "outcomes.jsonl"
    spread = ["-n", str(cores), "--dist", "loadscope"] if cores > 1 and importlib.util.find_spec("xdist") else []
    plugins = ["-p", "no:cacheprovider", "-p", "bioanalysis.qualification.pytest_plugin"]
    words = ["-m", "pytest", "-q", "--continue-on-collection-errors", *plugins, *spread]
    settings = {RECORD: str(record), SELECT: NOT_HERE, "PYTHONDONTWRITEBYTECODE": "1", **one_thread()}
    surroundings = {key: value for key, value in own_environment(settings).items() if not key.startswith("PYTEST_")}
    command = [sys.executable, *words, "tests"]
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    if not record.is_file():
        return [{"test": "tests", "outcome": "unreadable", "marks": {}, "words": (done.stdout + done.stderr)[-2000:]}]
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def boundary_checks(outcomes: Sequence[Outcome]) -> list[Check]:
    """Return one check per rule of the catalogue and side."""
    held: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        for rule_id, side in outcome["marks"].get("rule", []):
            held.setdefault((rule_id, side), []).append(outcome)
    return [
        _judged(BY_RULE, requirement_of(rule.rule_id), _in_words(rule, side), SIDES[side].split(": ")[1],
                held.get((rule.rule_id, side), []), rule.source)
        for rule in read_catalogue().values() for side in sides_needed(rule)
    ]  # fmt: skip


def requirement_checks(outcomes: Sequence[Outcome]) -> list[Check]:
    """Return one check per requirement that has tests among `outcomes`."""
    held: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for (requirement,) in outcome["marks"].get("requirement", []):
            held.setdefault(requirement, []).append(outcome)
    return [
        _judged(BY_REQUIREMENT, row["requirement_id"], row["requirement"], "its tests pass",
                held[row["requirement_id"]], "docs/traceability.md")
        for row in requirements() if row["requirement_id"] in held
    ]  # fmt: skip


def unreadable_checks(outcomes: Sequence[Outcome]) -> Iterator[Check]:
    """Yield a failed check for each file of tests that could not be read, and one where there was nothing to run."""
    for outcome in {one["test"]: one for one in outcomes if one["outcome"] == "unreadable"}.values():
        yield Check(BY_RULE, "UR-071", f"tests in {outcome['test']}", "can be read",
                    outcome.get("words", "cannot be read"), FAIL)  # fmt: skip
    if not outcomes:
        yield Check(BY_RULE, "UR-071", "the shipped tests", "can be run", NO_PYTEST, NOT_ASSESSABLE)


def _in_words(rule: Rule, side: str) -> str:
    where, _ = SIDES[side].split(": ")
    return f"{rule.rule_id} {where} ({rule.judged}: {rule.printed_limit})"


def _judged(
    part: str, requirement: str, checked: str, expected: str, outcomes: Sequence[Outcome], source: str
) -> Check:
    """Return the check that its tests passed: one that failed fails it, none that ran leaves it open."""
    passed, failed = (
        [outcome["test"] for outcome in outcomes if outcome["outcome"] == word] for word in ("passed", "failed")
    )
    skipped = len(outcomes) - len(passed) - len(failed)
    left_out = f"; {skipped} not run here" if skipped else ""
    if failed:
        return Check(
            part, requirement, checked, expected, f"{len(failed)} tests failed: {_names(failed)}", FAIL, source
        )
    if not passed:
        return Check(part, requirement, checked, expected, f"no test ran{left_out}", NOT_ASSESSABLE, source)
    word = "found so" if part == BY_RULE else "passed"
    return Check(part, requirement, checked, expected, f"{word} by {_names(passed)}{left_out}", PASS, source)


def _names(tests: Sequence[str], most: int = 3) -> str:
    names = [test.removeprefix("tests/") for test in sorted(set(tests))]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
