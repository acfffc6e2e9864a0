"""The book of verdicts: one row per rule applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pandas as pd

from bioanalysis.limits import Limits, Rule

PASS, FAIL, NOT_APPLICABLE, NOT_ASSESSABLE = "pass", "fail", "not_applicable", "not_assessable"
COLUMNS = [
    "rule_id", "stage", "plate", "batch", "tissue", "analyte", "subject", "judged", "limit", "observed", "verdict",
    "source", "standing", "wider_than_source", "position",
]  # fmt: skip
RUN = "RUN"


@dataclass
class Ledger:
    """Verdicts on one analyte of a run (and one plate, where plates are judged each by itself)."""

    limits: Limits
    analyte: str
    plate: str = ""
    stage: str = "run"
    rows: list[dict[str, object]] = field(default_factory=list)

    def rule(self, *rule_ids: str) -> Rule:
        """Return the first of `rule_ids` in force: the same question has one id per assay class."""
        return next(self.limits[rule_id] for rule_id in rule_ids if rule_id in self.limits)

    def add(self, rule: Rule, verdict: str | bool, observed: str, **where: object) -> str:
        """Enter one verdict (True means pass) and return its word."""
        word = verdict if isinstance(verdict, str) else (PASS if verdict else FAIL)
        row = {
            "rule_id": rule.rule_id, "stage": self.stage, "plate": self.plate, "batch": "", "tissue": "",
            "analyte": self.analyte, "subject": "", "judged": rule.judged, "limit": rule.printed_limit,
            "observed": observed, "verdict": word, "source": rule.source, "standing": rule.standing,
            "wider_than_source": rule.wider, "position": "",
        }  # fmt: skip
        self.rows.append({**row, **where})
        return word

    def failed(self, decides: str) -> list[str]:
        """Return the ids of the failed rules whose failure rejects `decides`, each once."""
        ids = {rule_id for rule_id, rule in self.limits.items() if rule.decides == decides}
        return list(
            dict.fromkeys(str(row["rule_id"]) for row in self.rows if row["rule_id"] in ids and row["verdict"] == FAIL)
        )

    def close(self, extra_failures: Sequence[str] = ()) -> bool:
        """Enter the verdict on the run and return whether it passes."""
        failures = [*extra_failures, *self.failed("run")]
        observed = "failed: " + ", ".join(failures) if failures else "no deciding rule failed"
        if failures and not self.limits.enforced:
            observed += "; exploratory profile: shown, nothing is withheld"
        row = {name: "" for name in COLUMNS} | {
            "rule_id": RUN, "stage": self.stage, "plate": self.plate, "analyte": self.analyte,
            "judged": "verdict on the run", "limit": self.limits.profile, "observed": observed,
            "verdict": FAIL if failures else PASS, "source": "rules above", "wider_than_source": False,
        }  # fmt: skip
        self.rows.append(row)
        return not failures

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows, columns=COLUMNS)


def share_text(passing: int, total: int) -> str:
    """Return '5 of 6 (83.3 %)'."""
    return f"{passing} of {total} ({100 * passing / total:.1f} %)" if total else "0 of 0"


def share_passes(passing: int, total: int, limit: Fraction) -> bool:
    """Return whether passing / total reaches `limit`, in exact fractions: 4 of 6 is two thirds."""
    return total > 0 and Fraction(passing, total) >= limit


def signed_percent(value: float) -> str:
    """Return '+12.3 %', or 'no value'."""
    return "no value" if pd.isna(value) else f"{value:+.1f} %"
