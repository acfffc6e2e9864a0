"""Write docs/requirements.md and docs/traceability.md from docs/requirements.tsv and the markers of the tests.

python docs/make_traceability.py            collects the tests and writes both files
python docs/make_traceability.py --check    exit 1 where a file is not what would be written
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

from bioanalysis.limits import read_catalogue
from bioanalysis.qualification.pytest_plugin import RECORD
from bioanalysis.qualification.requirements import requirements
from bioanalysis.text_files import own_table

ROOT = Path(__file__).parents[1]
REQUIREMENTS, MATRIX = ROOT / "docs" / "requirements.md", ROOT / "docs" / "traceability.md"
UNTESTED = "**UNTESTED**"

HEAD_REQUIREMENTS = """# User requirements

Made by `python docs/make_traceability.py` from `docs/requirements.tsv`; do not edit. Each sentence completes *the
software shall ...*. *Rules*: acceptance rules (`docs/rules.md`), rules for records (DI), for the validation of software
(CSV) and for reports (RPT). *Source*: where the wish comes from; "house" is ours. They support 21 CFR Part 11 and GLP
work; a laboratory adds its own.
"""
HEAD_MATRIX = """# Traceability: requirements, rules, tests

Made by `python docs/make_traceability.py` from `docs/requirements.tsv` and the markers `requirement("UR-...")` and
`rule("...", side)` of the tests as pytest collects them; do not edit. A requirement without a test says UNTESTED. *oq*:
expected results of the shipped studies that serve it. How the tests of each rule lie about its limit: `docs/rules.md`.
"""


def collected() -> list[dict]:
    """Return every test with its markers, as pytest collects them."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "marks.jsonl"
        package = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        words = ["--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *words, "-p", "bioanalysis.qualification.pytest_plugin", "tests"]
        surroundings = os.environ | {RECORD: str(record), "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"}
        surroundings.pop("PYTEST_XDIST_WORKER", None)
        done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def requirements_page() -> str:
    """Return docs/requirements.md."""
    parts = [HEAD_REQUIREMENTS]
    for topic in dict.fromkeys(row["topic"] for row in requirements()):
        rows = [
            f"| {row['requirement_id']} | {row['requirement']} | {_spaced(row['rules'])} | {row['source']} |"
            for row in requirements()
            if row["topic"] == topic
        ]
        head = f"\n## {topic.capitalize()}\n\n| id | the software shall | rules | source |\n|---|---|---|---|"
        parts.append("\n".join([head, *rows]))
    return "\n".join(parts) + "\n"


def matrix_page(tests: list[dict]) -> str:
    """Return docs/traceability.md for the tests collected."""
    held: dict[str, list[str]] = {}
    for test in tests:
        for (requirement,) in test["marks"]["requirement"]:
            held.setdefault(requirement, []).append(test["test"])
    unknown = set(held) - {row["requirement_id"] for row in requirements()}
    if unknown:
        sys.exit(f"tests name requirements that docs/requirements.tsv does not have: {', '.join(sorted(unknown))}")
    of_rules = {rule for test in tests for rule, _ in test["marks"]["rule"]}
    shown = [_row(row, held.get(row["requirement_id"], []), of_rules) for row in requirements()]
    untested = sum(UNTESTED in line for line in shown)
    head = (
        "| requirement | the software shall | rules (acceptance rules with tests) | tests | oq |\n|---|---|---|---|---|"
    )
    return "\n".join([HEAD_MATRIX, f"{len(shown)} requirements, {untested} untested.\n", head, *shown]) + "\n"


def _row(row: dict[str, str], tests: list[str], of_rules: set[str]) -> str:
    patterns = [pattern for pattern in row["rules"].split(";") if pattern]
    rules = [rule for rule in read_catalogue() if any(fnmatchcase(rule, pattern) for pattern in patterns)]
    counted = f" ({len(set(rules) & of_rules)} of {len(rules)})" if rules else ""
    studies = sum(row["requirement_id"] in cell["requirement"].split(";") for cell in own_table(
        "bioanalysis.qualification", "expected_studies.tsv"))  # fmt: skip
    return (
        f"| {row['requirement_id']} | {row['requirement']} | {_spaced(row['rules'])}{counted} | {_files(tests)} "
        f"| {studies or ''} |"
    )


def _files(tests: list[str]) -> str:
    """Return the files the tests stand in."""
    files = sorted({test.split("::")[0].removeprefix("tests/") for test in tests})
    return ", ".join(f"`{name}`" for name in files) or UNTESTED


def _spaced(rules: str) -> str:
    return rules.replace(";", ", ")


if __name__ == "__main__":
    pages = {REQUIREMENTS: requirements_page(), MATRIX: matrix_page(collected())}
    if "--check" in sys.argv:
        sys.exit(any(path.read_text(encoding="utf-8") != text for path, text in pages.items()))
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
