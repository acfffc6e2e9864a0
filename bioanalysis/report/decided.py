"""What people decided within a run, and what lets pass more than the guideline, for the first screen of a report."""

from __future__ import annotations

import pandas as pd

from bioanalysis.limits import EXPLORATORY

DECISIONS = [
    "decision_id", "action", "position", "sample_type", "level", "sample_id", "plate", "analyte", "verdict_with",
    "verdict_without", "failed_with", "failed_without", "samples_changed", "statuses_changed",
    "largest_change_percent", "largest_change_sample", "lloq_ng_ml_with", "lloq_ng_ml_without", "uloq_ng_ml_with",
    "uloq_ng_ml_without", "reason_code", "reason", "author", "decided_at",
]  # fmt: skip
RESTS = ("verdict_rests_on_exclusion", "verdict_rests_on_integration")


def decided_within_run(run_id: str, flags: pd.DataFrame) -> list[dict[str, str]]:
    """Return the verdicts that rest on a decision, and how many calibrators and QCs were excluded by hand.

    Parameters
    ----------
    flags : DataFrame
        flags.tsv of the run: flag, plate, analyte, observed.
    """
    resting = flags[flags["flag"].isin(RESTS)]
    lines = [
        {"kind": "fail", "text": f"{_where(run_id, row.plate, row.analyte)}: RESTS ON A DECISION: {row.observed}"}
        for row in resting.itertuples()
    ]
    excluded = flags[flags["flag"] == "excluded_by_decision"].drop_duplicates(["plate", "position"])
    if len(excluded):
        text = f"{run_id}: {len(excluded)} of its calibrators and QCs excluded by hand; see section Decisions"
        lines.append({"kind": "", "text": text})
    return lines


def wider_than_guideline(run_id: str, acceptance: pd.DataFrame, flags: pd.DataFrame) -> list[dict[str, str]]:
    """Return what lets pass more than the guideline does, for the first screen."""
    wider = acceptance[acceptance.wider_than_source].drop_duplicates("rule_id")
    texts = [f"{row.rule_id}: {row.judged} {row.limit} ({row.source})" for row in wider.itertuples()]
    texts += ["the zero standard takes part in the fit"] * bool((flags["flag"] == "zero_in_fit").any())
    texts += ["exploratory profile: nothing is withheld"] * bool((acceptance.limit == EXPLORATORY).any())
    return [{"kind": "fail", "text": f"{run_id}: WIDER THAN ICH M10: {text}"} for text in texts]


def _where(run_id: str, plate: str, analyte: str) -> str:
    return f"{run_id}{f' plate {plate}' if plate else ''}, {analyte}"
