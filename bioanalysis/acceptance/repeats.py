"""Repeat analyses: why, with what result, and which value is reported (ICH M10 3.3.4, 4.3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import NOT_APPLICABLE, NOT_ASSESSABLE, Ledger
from bioanalysis.calibration.standards import passes_limit
from bioanalysis.words import ACCEPTED, ALQ, MEASURED, NEEDS_DECISION, QUANTIFIED, count_of

COLUMNS = [
    "sample_id", "tissue", "analyte", "initial_run_id", "initial_position", "initial_status", "initial_ng_ml",
    "initial_reason", "reason_code", "n_repeats", "repeat_run_id", "repeat_position", "repeat_status", "repeat_ng_ml",
    "accepted_run_id", "accepted_status", "accepted_ng_ml", "justification", "control",
]  # fmt: skip
COUNTS = ["reason_code", "n_samples", "n_analysed", "percent"]
CONFIRMATION = "PREDOSE_POSITIVE"
MISSING_CODE = "none given"
ONLY = {
    "ligand_binding": ("WELL_CV", "WELL_OUT_OF_RANGE"),
    "chromatographic": ("IS_RESPONSE", "POOR_CHROM"),
}
Test = Callable[[Any], bool]


def _because(*words: str) -> Test:
    return lambda row: row.initial_reason.startswith(words)


def _without(*statuses: str) -> Test:
    return lambda row: not set(statuses) & set(row.initial_status.split(";"))


BORNE_OUT: dict[str, Test] = {
    "RUN_FAIL": _because("RUN_FAIL", "the dilution QCs failed"),
    "ABOVE_ULOQ": lambda row: ALQ in row.initial_status or row.initial_reason.startswith("ABOVE_ULOQ"),
    "BELOW_REVISED_LLOQ": _because("BELOW_REVISED_LLOQ"),
    "DILUTED_BELOW_LLOQ": _because("DILUTED_BELOW_LLOQ"),
    "INSTRUMENT": _without(*MEASURED),
    "WELL_CV": _because("WELL_CV"),
    "WELL_OUT_OF_RANGE": _without(*ACCEPTED),
    CONFIRMATION: lambda row: row.control and row.initial_status == QUANTIFIED,
}


def repeat_table(analyses: pd.DataFrame, reported: pd.DataFrame, *, planned: int = 1) -> pd.DataFrame:
    """Return one row per sample that was analysed again: first value, reason, all repeat values, accepted value.

    Parameters
    ----------
    analyses : DataFrame
        Analyses of unknowns by one method, in the order of runs and worklists: sample_id, tissue, analyte, run_id,
        position, dilution_factor, repeat_reason, status, reason, homogenate_ng_ml, control (of a vehicle animal, or
        before the first dose).
    reported : DataFrame
        tissue_concentrations.tsv of the method.
    planned : int
        Readings of one sample in a run that the method plans: no repeats.

    Returns
    -------
    DataFrame
        `COLUMNS`; several repeats are joined by ';' in the order in which they were run, values at full precision.
        Several dilutions of a sample in one run are one analysis.
    """
    several = analyses.duplicated(["sample_id", "analyte"], keep=False) | (analyses.repeat_reason != "")
    meant = reported[reported.sample_id.isin(analyses.sample_id[several])]
    accepted = {(row.sample_id, row.analyte): row for row in meant.itertuples()}
    rows = [
        _row(here, accepted[key], planned)
        for key, here in analyses[several].groupby(["sample_id", "analyte"], sort=False)
        if _is_repeated(here, planned)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _is_repeated(here: pd.DataFrame, planned: int) -> bool:
    if len(here) == 1:
        return bool(here.repeat_reason.iloc[0])
    alike = here.groupby(["run_id", "dilution_factor"]).size()
    return bool((here.repeat_reason != "").any() or here.run_id.nunique() > 1 or (alike > planned).any())


def _row(here: pd.DataFrame, accepted: Any, planned: int) -> dict[str, object]:
    uncoded = here[here.repeat_reason == ""]
    first = uncoded[uncoded.run_id == uncoded.run_id.iloc[0]] if len(uncoded) else uncoded
    first = first.groupby("dilution_factor", sort=False).head(planned)
    again = here.drop(first.index)
    codes = [code or MISSING_CODE for code in again.repeat_reason]
    justification = accepted.reason if accepted.status == NEEDS_DECISION else accepted.chosen
    return {
        "sample_id": here.sample_id.iloc[0], "tissue": here.tissue.iloc[0], "analyte": here.analyte.iloc[0],
        "initial_run_id": _joined(first.run_id), "initial_position": ";".join(first.position.astype(str)),
        "initial_status": _joined(first.status), "initial_ng_ml": _values(first.homogenate_ng_ml),
        "initial_reason": _joined(first.reason), "reason_code": ";".join(dict.fromkeys(codes)),
        "n_repeats": len(again), "repeat_run_id": ";".join(again.run_id),
        "repeat_position": ";".join(again.position.astype(str)), "repeat_status": ";".join(again.status),
        "repeat_ng_ml": _values(again.homogenate_ng_ml), "accepted_run_id": accepted.run_id,
        "accepted_status": accepted.status, "accepted_ng_ml": accepted.homogenate_ng_ml,
        "justification": justification, "control": bool(here.control.iloc[0]),
    }  # fmt: skip


def _joined(words: Iterable[str]) -> str:
    return ";".join(dict.fromkeys(word for word in words if word))


def _values(values: pd.Series) -> str:
    return ";".join("" if np.isnan(value) else repr(float(value)) for value in values)


def repeat_counts(repeats: pd.DataFrame, n_analysed: int) -> pd.DataFrame:
    """Return how many samples were repeated for which reason, and in percent of those analysed."""
    codes = repeats.reason_code.str.split(";").explode()
    counts = codes.value_counts().sort_index()
    rows = [
        {"reason_code": code, "n_samples": number, "n_analysed": n_analysed, "percent": 100 * number / n_analysed}
        for code, number in counts.items()
    ]
    return pd.DataFrame(rows, columns=COUNTS)


def judge_repeats(ledger: Ledger, repeats: pd.DataFrame, assay_class: str) -> None:
    """Enter REP-01 to REP-05 for one method and analyte."""
    if repeats.empty:
        for rule_id in ("REP-01", "REP-02", "REP-03", "REP-04", "REP-05"):
            ledger.add(ledger.limits[rule_id], NOT_APPLICABLE, "no sample was analysed again")
        return
    _judge_codes(ledger, repeats, assay_class)
    _judge_causes(ledger, repeats)
    _judge_choice(ledger, repeats)
    _judge_record(ledger, repeats)
    _judge_confirmation(ledger, repeats, assay_class)


def _judge_codes(ledger: Ledger, repeats: pd.DataFrame, assay_class: str) -> None:
    foreign = {MISSING_CODE, *(code for name, codes in ONLY.items() if name != assay_class for code in codes)}
    bad = [row for row in repeats.itertuples() if foreign & set(row.reason_code.split(";"))]
    _enter(ledger, "REP-01", not bad, len(repeats), [f"{row.sample_id} ({row.reason_code})" for row in bad])


def _judge_causes(ledger: Ledger, repeats: pd.DataFrame) -> None:
    """A repeat of a reportable value needs a cause that its own first result shows, or that only a person can see."""
    known = repeats[repeats.initial_status != ""]
    bad = [
        f"{row.sample_id} ({code}, first result {row.initial_status})"
        for row in known.itertuples()
        for code in row.reason_code.split(";")
        if code == MISSING_CODE or not BORNE_OUT.get(code, lambda _: True)(row)
    ]
    lacking = [f"{name} (no first result)" for name in repeats[repeats.initial_status == ""].sample_id]
    verdict: str | bool = NOT_ASSESSABLE if lacking and not bad else not bad
    _enter(ledger, "REP-02", verdict, len(repeats), [*bad, *lacking])


def _judge_choice(ledger: Ledger, repeats: pd.DataFrame) -> None:
    open_ones = [f"{name} ({NEEDS_DECISION})" for name in repeats[repeats.accepted_status == NEEDS_DECISION].sample_id]
    confirmed = repeats[repeats.reason_code.str.split(";").map(lambda codes: CONFIRMATION in codes)]
    single = [f"{name} (one confirmation repeat)" for name in confirmed[confirmed.n_repeats < 2].sample_id]
    none = repeats[~repeats.accepted_status.isin([*ACCEPTED, NEEDS_DECISION])]
    lost = [f"{row.sample_id} (still {row.accepted_status})" for row in none.itertuples()]
    bad = [*open_ones, *single]
    verdict: str | bool = NOT_ASSESSABLE if lost and not bad else not bad
    _enter(ledger, "REP-03", verdict, len(repeats), [*bad, *lost])


def _judge_record(ledger: Ledger, repeats: pd.DataFrame) -> None:
    complete = (
        (repeats.initial_status != "")
        & (repeats.justification != "")
        & ~repeats.reason_code.str.contains(MISSING_CODE, regex=False)
        & (repeats.repeat_status.str.split(";").map(len) == repeats.n_repeats)
        & (repeats.n_repeats > 0)
    )
    _enter(ledger, "REP-04", bool(complete.all()), len(repeats), list(repeats[~complete].sample_id))


def _enter(ledger: Ledger, rule_id: str, verdict: str | bool, total: int, bad: list[str]) -> None:
    text = f"{count_of(total, 'sample')} analysed again" + (f"; {len(bad)} of them: {', '.join(bad)}" if bad else "")
    ledger.add(ledger.limits[rule_id], verdict, text)


def _judge_confirmation(ledger: Ledger, repeats: pd.DataFrame, assay_class: str) -> None:
    """Enter REP-05 for every sample with confirmation repeats."""
    rule = ledger.limits["REP-05"]
    limit = float(rule.numbers[0 if assay_class == "chromatographic" else 1])
    rows = [row for row in repeats.itertuples() if CONFIRMATION in row.reason_code.split(";")]
    if not rows:
        ledger.add(rule, NOT_APPLICABLE, "no confirmation repeats")
    for row in rows:
        original, found = _numbers(row.initial_ng_ml), _numbers(row.repeat_ng_ml)
        text = f"{row.sample_id}: original {row.initial_ng_ml or row.initial_status}, repeats {row.repeat_ng_ml}"
        if len(original) != 1 or len(found) < 2 or np.isnan([*original, *found]).any():
            ledger.add(rule, NOT_ASSESSABLE, f"{text} ng/mL: not an original and two values", tissue=row.tissue)
            continue
        bias = 100 * (np.array(found) - original[0]) / original[0]
        shown = ", ".join(f"{value:+.1f} %" for value in bias)
        ledger.add(rule, bool(passes_limit(bias, limit).all()), f"{row.sample_id}: {shown}", tissue=row.tissue)


def _numbers(text: str) -> list[float]:
    return [float(part) if part else np.nan for part in text.split(";")]
