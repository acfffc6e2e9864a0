"""validation.json: what a validation showed, for the methods that rest on it."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_ASSESSABLE, PASS
from bioanalysis.acceptance.validation import FOUND, VALIDATION
from bioanalysis.acceptance.validation_samples import storage_in_words
from bioanalysis.method import Method
from bioanalysis.study.validated import analytical_digest

ACCURACY_RULES = ("VAL-CC-04", "VAL-CC-05", "VAL-LBA-03", "VAL-LBA-04", "VAL-LBA-05")
STAND_INS = ("", "surrogate", "neat")


def method_document(method: Method, stats: pd.DataFrame, acceptance: pd.DataFrame) -> dict[str, Any]:
    """Return what was shown for one method; a tissue, factor or storage counts where no rule on it failed or lacks.

    Parameters
    ----------
    stats, acceptance : DataFrame
        validation.tsv and acceptance.tsv of the method, all analytes.
    """
    verdicts = {str(rule): worst(rows.verdict) for rule, rows in acceptance.groupby("rule_id", sort=False)}
    return {
        "version": method.version,
        "digest": analytical_digest(method),
        "range": {a.name: {"lloq_ng_ml": a.lloq_ng_ml, "uloq_ng_ml": a.uloq_ng_ml} for a in method.analytes},
        "tissues": _shown(acceptance[acceptance.rule_id.isin(ACCURACY_RULES)], "tissue"),
        "dilution_factors": _factors(acceptance),
        "stability": _stability(stats, acceptance),
        "reinjection": {PASS: True, FAIL: False}.get(verdicts.get("REINJ-VAL", "")),
        "verdict": verdicts[VALIDATION],
        "verdicts": {rule: verdict for rule, verdict in verdicts.items() if rule != VALIDATION},
    }


def worst(verdicts: pd.Series) -> str:
    """Return the verdict of several: a failure before what is not assessable, before a pass."""
    there = set(verdicts)
    return next((word for word in (FAIL, NOT_ASSESSABLE, PASS) if word in there), "not_applicable")


def _shown(rows: pd.DataFrame, column: str) -> list[str]:
    """Return the values of `column` none of whose rows failed or lacks, and one at least passed."""
    groups = rows[~rows[column].isin(STAND_INS)].groupby(column, sort=False)
    return [str(name) for name, here in groups if worst(here.verdict) == PASS]


def _factors(acceptance: pd.DataFrame) -> list[float]:
    """Return the dilution factors shown in every tissue and analyte where they were examined."""
    integrity = acceptance[acceptance.rule_id.isin(["DIL-CC-01", "DIL-CC-02"])]
    names = [name.removeprefix("x") for name in _shown(integrity, "subject")]
    linear = acceptance[acceptance.rule_id == "DIL-LBA-02"]
    whole = worst(acceptance[acceptance.rule_id.isin(["DIL-LBA-01", "DIL-LBA-02"])].verdict)
    steps = linear[linear.subject.str.contains(r" x[\d.e+]+$")]
    steps = steps.assign(factor=steps.subject.str.rsplit(" x", n=1).str[-1])
    names += _shown(steps, "factor") if whole == PASS else []
    return sorted({float(name) for name in names})


def _stability(stats: pd.DataFrame, acceptance: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each storage shown, by tissue: condition, days, hours, cycles, temperature."""
    rows = stats[(stats.experiment == "stability") & (stats.measure == FOUND)]
    judged = acceptance[acceptance.rule_id.isin(["STAB-01", "STAB-02"])]
    shown = []
    keys = ["tissue", "condition", "condition_days", "condition_hours", "condition_cycles", "condition_c"]
    for key, here in rows.groupby(keys, sort=False, dropna=False):
        words = storage_in_words(here.iloc[0])
        about = (judged.subject == words) | judged.subject.str.startswith(f"{words}, ")
        if worst(judged.verdict[about & (judged.tissue == key[0])]) == PASS:
            cells = {name: value for name, value in zip(keys, key, strict=True) if not _missing(value)}
            shown.append({name.removeprefix("condition_"): value for name, value in cells.items()})
    return shown


def _missing(value: object) -> bool:
    return value == "" or (isinstance(value, float) and math.isnan(value))
