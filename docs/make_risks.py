"""Write docs/risk-assessment.md from docs/risks.tsv and docs/requirements.tsv.

python docs/make_risks.py            writes the file
python docs/make_risks.py --check    exit 1 where the file is not what would be written
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "risk-assessment.md"
STEPS = ("low", "medium", "high")
# after the two steps of GAMP 5: severity and probability give a class, class and detectability a priority
CLASSES = {"high": (2, 1, 1), "medium": (3, 2, 1), "low": (3, 3, 2)}  # by severity; probability low, medium, high
PRIORITIES = {1: ("high", "high", "medium"), 2: ("high", "medium", "low"), 3: ("medium", "low", "low")}

HEAD = """# Risks of what the software does

Made by `python docs/make_risks.py` from `docs/risks.tsv`; do not edit. What can go wrong in each function, what it
would harm, and what stands against it. Severity (S), probability (P) and detectability (D: how likely it is seen before
the value is used) are ours, for a GLP study **without** the controls; a laboratory sets its own for its use. Class (1
is the worst) and priority follow from them as in GAMP 5. The software is bespoke (category 5), its settings and limits
are configuration (category 4), the packages below it infrastructure. The tests of each control are those of its
requirements: `docs/traceability.md`. *Remains*: what no software can do.
"""
COLUMNS = "| risk | function: failure | harm | S | P | D | class | priority | controls | requirements | remains |"


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table in docs/."""
    with (ROOT / "docs" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", strict=True))


def risk_class(risk: dict[str, str]) -> int:
    """Return the class of a risk: 1 (worst) to 3."""
    return CLASSES[risk["severity"]][STEPS.index(risk["probability"])]


def priority(risk: dict[str, str]) -> str:
    """Return the priority of a risk: high, medium or low."""
    return PRIORITIES[risk_class(risk)][STEPS.index(risk["detectability"])]


def page() -> str:
    """Return docs/risk-assessment.md: the highest priority first."""

    def rank(risk: dict[str, str]) -> tuple[int, int, str]:
        return -STEPS.index(priority(risk)), risk_class(risk), risk["risk_id"]

    order = sorted(rows("risks.tsv"), key=rank)
    lines = [_row(risk) for risk in order]
    counts = ", ".join(f"{sum(priority(risk) == step for risk in order)} {step}" for step in reversed(STEPS))
    return "\n".join([HEAD, f"{len(order)} risks; priority without controls: {counts}.\n", COLUMNS, "|---" * 11 + "|",
                      *lines]) + "\n"  # fmt: skip


def _row(risk: dict[str, str]) -> str:
    words = [risk[step] for step in ("severity", "probability", "detectability")]
    cells = [risk["risk_id"], f"{risk['function']}: {risk['failure']}", risk["harm"], *words, str(risk_class(risk)),
             priority(risk), risk["controls"], risk["requirements"].replace(";", ", "), risk["remains"]]  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
