"""Incurred sample reanalysis: pairs, their differences, and what is judged of them (ICH M10 5)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import (
    FAIL,
    NOT_APPLICABLE,
    NOT_ASSESSABLE,
    Ledger,
    share_passes,
    share_text,
    signed_percent,
)
from bioanalysis.calibration.standards import passes_limit
from bioanalysis.limits import Rule
from bioanalysis.words import BLQ, QUANTIFIED, count_of

COLUMNS = [
    "sample_id", "subject_id", "species", "group", "tissue", "collection_day", "analyte", "initial_run_id",
    "initial_position", "initial_date", "initial_status", "initial_ng_ml", "repeat_run_id", "repeat_position",
    "repeat_date", "repeat_status", "repeat_ng_ml", "mean_ng_ml", "difference_percent", "limit_percent",
    "within_limit", "flyer", "counted", "storage", "reason", "not_independent",
]  # fmt: skip
NUMBERS = ("collection_day", "initial_ng_ml", "repeat_ng_ml", "mean_ng_ml", "difference_percent", "limit_percent")
TYPES: dict[str, type] = dict.fromkeys(NUMBERS, float) | {"within_limit": object, "flyer": object}
UNITS = {"animal": "subject_id", "first run": "initial_run_id", "second run": "repeat_run_id", "tissue": "tissue",
         "day": "collection_day"}  # fmt: skip
SEVERAL = 2


def required_number(n_analysed: int, rule: Rule) -> int:
    """Return how many of `n_analysed` samples are to be reanalysed, in exact fractions: 1010 ask for 100 + 1."""
    share, first, share_beyond = rule.numbers
    beyond = max(Fraction(0), n_analysed - first)
    return math.ceil(share * (n_analysed - beyond)) + math.ceil(share_beyond * beyond)


def incurred_pairs(
    initial: pd.DataFrame, again: pd.DataFrame, limit_percent: float, flyer_percent: float
) -> pd.DataFrame:
    """Return one row per reanalysis beside the first result of its sample.

    Parameters
    ----------
    initial : DataFrame
        Reported results by one method and analyte: sample_id, subject_id, species, group, tissue, collection_day,
        analyte, run_id, position, extraction_id, date (of the run, ISO 8601), status, reason, value_ng_ml.
    again : DataFrame
        Their reanalyses in the order of the runs: sample_id, run_id, position, extraction_id, date, status, reason,
        value_ng_ml, storage (verdict of `scope.storage_table`).
    limit_percent, flyer_percent : float
        Differences within which a pair agrees, and beyond which it is a flyer.

    Returns
    -------
    DataFrame
        `COLUMNS`. difference_percent = 100 (repeat - initial) / mean of both, on the same footing: concentrations in
        homogenate, both corrected or both not. `within_limit` is empty where the pair says nothing (`reason`); a
        pair of which one value is BLQ and the other quantified has no difference and lies outside. Of several
        reanalyses of a sample the first that says something counts (`counted`).
    """
    first = {row.sample_id: row for row in initial[initial.sample_id.isin(again.sample_id)].itertuples()}
    rows: list[dict[str, object]] = []
    done: set[str] = set()
    for repeat in again.itertuples():
        row = _pair(first.get(repeat.sample_id), repeat, limit_percent, flyer_percent)
        row["counted"] = row["within_limit"] is not None and repeat.sample_id not in done
        if row["within_limit"] is not None and not row["counted"]:
            row["reason"] = "a further reanalysis: shown, not counted"
        done |= {repeat.sample_id} if row["counted"] else set()
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS).astype(TYPES)


def _pair(initial: Any, repeat: Any, limit: float, flyer: float) -> dict[str, object]:
    row: dict[str, object] = {
        "sample_id": repeat.sample_id, "analyte": repeat.analyte, "tissue": repeat.tissue,
        "repeat_run_id": repeat.run_id, "repeat_position": repeat.position, "repeat_date": repeat.date,
        "repeat_status": repeat.status, "repeat_ng_ml": _quantified(repeat), "limit_percent": limit,
        "within_limit": None, "flyer": None, "storage": repeat.storage, "reason": "no first result by this method",
        "not_independent": "",
    }  # fmt: skip
    if initial is None:
        return row
    first = {f"initial_{name}": getattr(initial, name) for name in ("run_id", "position", "date", "status")}
    about = ("subject_id", "species", "group", "tissue", "collection_day")
    row |= first | {name: getattr(initial, name) for name in about}
    row |= {"initial_ng_ml": _quantified(initial), "not_independent": _not_independent(initial, repeat)}
    return row | _difference(initial, repeat, limit, flyer)


def _quantified(result: Any) -> float:
    return float(result.value_ng_ml) if result.status == QUANTIFIED else np.nan


def _difference(initial: Any, repeat: Any, limit: float, flyer: float) -> dict[str, object]:
    """Return difference and verdict of a pair, or the reason why there is none."""
    words = {initial.status, repeat.status}
    for name, result in (("first result", initial), ("reanalysis", repeat)):
        if result.status not in (QUANTIFIED, BLQ):
            return {"reason": f"{name} {result.status}: {result.reason}"}
    if words == {BLQ}:
        return {"reason": "both BLQ"}
    if words == {QUANTIFIED, BLQ}:
        reason = f"first result {initial.status}, reanalysis {repeat.status}: no difference, counts as outside"
        return {"reason": reason, "within_limit": False}
    mean = (initial.value_ng_ml + repeat.value_ng_ml) / 2
    if not np.isfinite(mean):
        return {"reason": "one of both has no recovery factor: not on the same footing"}
    difference = 100 * (repeat.value_ng_ml - initial.value_ng_ml) / mean
    return {
        "mean_ng_ml": mean, "difference_percent": difference, "reason": "",
        "within_limit": bool(passes_limit(difference, limit)), "flyer": not passes_limit(difference, flyer),
    }  # fmt: skip


def _not_independent(initial: Any, repeat: Any) -> str:
    """Return in words why a reanalysis is none, or ''."""
    if repeat.extraction_id == initial.extraction_id:
        return "same extract"
    if repeat.run_id == initial.run_id:
        return "same run"
    return "same day" if repeat.date[:10] == initial.date[:10] else ""


def judge_incurred(ledger: Ledger, pairs: pd.DataFrame, initial: pd.DataFrame, n_analysed: int) -> None:
    """Enter ISR-01 to ISR-06 and ISR-09 to ISR-11 for one method and analyte.

    Parameters
    ----------
    pairs, initial : DataFrame
        As made and taken by `incurred_pairs`; `initial` also holds `value` (tissue concentration) and treatment.
    n_analysed : int
        Study samples analysed by the method.
    """
    counted = pairs[pairs.counted.astype(bool)]
    if pairs.empty:
        rules = ["ISR-01", "ISR-02", "ISR-05", "ISR-06", "ISR-09", "ISR-BIAS", "ISR-10", "ISR-11"]
        for rule in (*(ledger.limits[name] for name in rules), ledger.rule("ISR-03", "ISR-04")):
            ledger.add(
                rule, NOT_ASSESSABLE, f"no incurred sample reanalysis ({count_of(n_analysed, 'sample')} analysed)"
            )
        return
    _judge_number(ledger, counted, n_analysed)
    _judge_differences(ledger, pairs)
    _judge_share(ledger, counted)
    _judge_independence(ledger, counted)
    _judge_patterns(ledger, counted)
    _judge_mean(ledger, counted)
    _judge_coverage(ledger, counted, initial)


def _judge_number(ledger: Ledger, counted: pd.DataFrame, n_analysed: int) -> None:
    rule = ledger.limits["ISR-01"]
    found = counted.sample_id.nunique()
    if n_analysed == 0:
        ledger.add(rule, NOT_ASSESSABLE, "no sample analysed")
        return
    needed = required_number(n_analysed, rule)
    ledger.add(rule, found >= needed, f"{found} reanalysed of {n_analysed} analysed; required {needed}")


def _judge_differences(ledger: Ledger, pairs: pd.DataFrame) -> None:
    formed = pairs.difference_percent.notna()
    text = f"{formed.sum()} of {count_of(len(pairs), 'pair')}"
    without = [f"{row.sample_id} ({row.reason})" for row in pairs[~formed].itertuples()]
    text += f"; without: {', '.join(without)}" if without else ""
    ledger.add(ledger.limits["ISR-02"], True if formed.any() else NOT_ASSESSABLE, text)


def _judge_share(ledger: Ledger, counted: pd.DataFrame) -> None:
    rule = ledger.rule("ISR-03", "ISR-04")
    passing, total = int(counted.within_limit.astype(bool).sum()), len(counted)
    if not total:
        ledger.add(rule, NOT_ASSESSABLE, "no pair that can be compared")
        return
    verdict = share_passes(passing, total, rule.numbers[0])
    ledger.add(rule, verdict, f"{share_text(passing, total)} within ±{float(rule.numbers[1]):g} %")


def _judge_independence(ledger: Ledger, counted: pd.DataFrame) -> None:
    rule = ledger.limits["ISR-05"]
    bad = [f"{row.sample_id} ({row.not_independent})" for row in counted.itertuples() if row.not_independent]
    bad += [f"{name} (stored beyond proven stability)" for name in counted[counted.storage == FAIL].sample_id]
    unknown = int((counted.storage == NOT_ASSESSABLE).sum())
    text = count_of(len(counted), "pair") + (f"; not so: {', '.join(bad)}" if bad else "")
    text += f"; storage of {unknown} cannot be held against proven stability" if unknown else ""
    verdict: str | bool = NOT_ASSESSABLE if not bad and (unknown or counted.empty) else not bad
    ledger.add(rule, verdict, text)


def _judge_patterns(ledger: Ledger, counted: pd.DataFrame) -> None:
    """Enter ISR-09 per kind of unit: is there an animal, a run, a tissue, a day of which all pairs lie outside?"""
    for kind, column in UNITS.items():
        groups = [(name, here.within_limit.astype(bool)) for name, here in counted.groupby(column) if len(here) > 1]
        bad = [f"{name} (all {len(within)})" for name, within in groups if not within.any()]
        text = f"{len(groups)} with {count_of(SEVERAL, 'pair')} or more"
        text += f"; all outside: {', '.join(bad)}" if bad else ""
        ledger.add(ledger.limits["ISR-09"], not bad if groups else NOT_ASSESSABLE, text, subject=kind)


def _judge_mean(ledger: Ledger, counted: pd.DataFrame) -> None:
    rule = ledger.limits["ISR-BIAS"]
    limit = float(rule.numbers[0 if "ISR-03" in ledger.limits else 1])
    found = counted.difference_percent.dropna()
    if len(found) < SEVERAL:
        ledger.add(rule, NOT_ASSESSABLE, count_of(len(found), "difference"))
        return
    spread = f"{count_of(len(found), 'difference')}, SD {found.std(ddof=1):.1f} %"
    ledger.add(rule, bool(passes_limit(found.mean(), limit)), f"{signed_percent(found.mean())}; {spread}")


def _judge_coverage(ledger: Ledger, counted: pd.DataFrame, initial: pd.DataFrame) -> None:
    """Enter ISR-06, ISR-10 and ISR-11: do the reanalysed samples stand for all that were quantified?"""
    there = initial[(initial.status == QUANTIFIED) & (initial.treatment != "vehicle")]
    chosen = there[there.sample_id.isin(counted.sample_id)]
    missing = [f"{name} {value}" for name, value in _missing(there, chosen, ("group", "collection_day"))]
    thirds = thirds_of(there)
    wanted = [third for third in ("upper", "lower") if (thirds == third).any()]
    missing += [f"{third} third" for third in wanted if not (thirds[chosen.index] == third).any()]
    cells = ["tissue", "group", "collection_day"]
    had = set(chosen[cells].itertuples(index=False, name=None))
    all_cells = dict.fromkeys(there[cells].sort_values(cells).itertuples(index=False, name=None))
    lacking = [" ".join(_word(part) for part in cell) for cell in all_cells if cell not in had]
    species = [f"{value}" for _, value in _missing(there, chosen, ("species",))]
    found = {"ISR-06": missing, "ISR-10": species, "ISR-11": lacking}
    for rule_id, absent in found.items():
        text = f"{len(chosen)} of {count_of(len(there), 'quantified sample')} reanalysed"
        text += f"; none of: {', '.join(absent)}" if absent else ""
        ledger.add(ledger.limits[rule_id], not absent if len(chosen) else NOT_ASSESSABLE, text)


def _missing(there: pd.DataFrame, chosen: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for column in columns:
        for value in sorted(set(there[column]) - set(chosen[column])):
            yield column.replace("_", " "), _word(value)


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def thirds_of(quantified: pd.DataFrame) -> pd.Series:
    """Return 'upper', 'lower' or '' for each sample by the rank of its `value` within its tissue."""
    rank = quantified.groupby("tissue").value.rank()
    size = quantified.groupby("tissue").value.transform("size")
    third = np.select([3 * rank > 2 * size, 3 * rank <= size], ["upper", "lower"], "")
    return pd.Series(third, index=quantified.index)


def judge_originals_kept(ledger: Ledger, reported: pd.DataFrame, again: pd.DataFrame) -> None:
    """Enter ISR-07: no reported value is that of a reanalysis.

    Parameters
    ----------
    reported : DataFrame
        Reported results: sample_id, run_id, position.
    again : DataFrame
        Reanalyses: sample_id, run_id, position.
    """
    places = set(zip(again.sample_id, again.run_id, again.position.astype(str), strict=True))
    taken = [row.sample_id for row in reported.itertuples() if (row.sample_id, row.run_id, str(row.position)) in places]
    text = count_of(len(again), "reanalysis") + (f"; reported: {', '.join(taken)}" if taken else ", none reported")
    ledger.add(ledger.limits["ISR-07"], not taken if len(again) else NOT_APPLICABLE, text)


def judge_flyers(ledger: Ledger, pairs: pd.DataFrame, analyses: pd.DataFrame) -> None:
    """Enter ISR-08: a flyer is listed, and does not lead to another analysis of its sample.

    Parameters
    ----------
    analyses : DataFrame
        Analyses of unknowns with repeat_reason and date: sample_id, run_id, date.
    """
    rule = ledger.limits["ISR-08"]
    if not pairs.difference_percent.notna().any():
        ledger.add(rule, NOT_ASSESSABLE, "no pair with a difference")
        return
    flyers = pairs[pairs.flyer.eq(True)]
    later = [
        row.sample_id
        for row in flyers.itertuples()
        if ((analyses.sample_id == row.sample_id) & (analyses.date > row.repeat_date)).any()
    ]
    listed = ", ".join(f"{row.sample_id} {signed_percent(row.difference_percent)}" for row in flyers.itertuples())
    text = count_of(len(flyers), "flyer") + (f": {listed}" if listed else "")
    ledger.add(rule, not later, text + (f"; analysed again: {', '.join(later)}" if later else ""))
