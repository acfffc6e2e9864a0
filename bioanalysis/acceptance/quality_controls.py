"""Verdicts on quality controls: rules QC-01 to QC-08, QC-16, QC-21."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import (
    NOT_APPLICABLE,
    NOT_ASSESSABLE,
    Ledger,
    share_passes,
    share_text,
    signed_percent,
)
from bioanalysis.words import STUDY_SAMPLES, count_of

ENDS = ("LLOQ", "ULOQ")


def judge_quality_controls(ledger: Ledger, units: pd.DataFrame) -> None:
    """Enter the verdicts on the QCs of one analyte and curve.

    Parameters
    ----------
    units : DataFrame
        All units read off the curve, in the order of the worklist: sample_type, level, tissue, batch,
        nominal_ng_ml, bias_percent, passes (QCs), assessable (False for a QC whose recovery factor is missing),
        counted (False for one excluded or not acquired), diluted (study samples beyond the minimum dilution).
    """
    qcs = units[(units.sample_type == "qc") & units.counted]
    samples = units[units.sample_type.isin(STUDY_SAMPLES)]
    for unit in qcs.itertuples():
        _judge_one(ledger, unit)
    _judge_numbers(ledger, qcs, len(samples))
    _judge_shares(ledger, qcs)
    _judge_batches(ledger, qcs, samples)
    _judge_bracketing(ledger, units)
    _judge_tissues(ledger, qcs, samples)
    _judge_dilution(ledger, units, samples)


def _judge_one(ledger: Ledger, unit: Any) -> None:
    rule = ledger.rule("QC-03", "QC-04")
    verdict = bool(unit.passes) if unit.assessable else NOT_ASSESSABLE
    observed = signed_percent(unit.bias_percent)
    if not unit.assessable:
        observed = "no recovery factor of this run or the method to correct it with"
    elif not unit.passes and unit.place_reason:
        observed += f", {unit.place_reason}"
    subject = f"{unit.level} {unit.nominal_ng_ml:g} ng/mL"
    ledger.add(rule, verdict, observed, subject=subject, position=unit.position, tissue=unit.tissue)


def _routine_levels(qcs: pd.DataFrame) -> int:
    return qcs.level[~qcs.level.str.upper().isin(ENDS)].nunique()


def _judge_numbers(ledger: Ledger, qcs: pd.DataFrame, n_samples: int) -> None:
    levels, count = ledger.limits["QC-01"], ledger.limits["QC-02"]
    if qcs.empty and not ledger.limits.enforced:
        ledger.add(levels, NOT_ASSESSABLE, "no QCs")
        ledger.add(count, NOT_ASSESSABLE, "no QCs")
        return
    ledger.add(levels, _routine_levels(qcs) >= levels.number, count_of(_routine_levels(qcs), "level"))
    needed = max(int(count.numbers[0]), math.ceil(count.numbers[1] * n_samples))
    ledger.add(
        count,
        len(qcs) >= needed,
        f"{count_of(len(qcs), 'QC')} for {count_of(n_samples, 'study sample')}, {needed} needed",
    )


def _judge_shares(ledger: Ledger, qcs: pd.DataFrame) -> None:
    qcs = qcs[qcs.assessable]
    overall, per_level = ledger.limits["QC-05"], ledger.limits["QC-06"]
    if qcs.empty:
        ledger.add(overall, NOT_ASSESSABLE, "no QC that can be judged")
        ledger.add(per_level, NOT_ASSESSABLE, "no QC that can be judged")
        return
    passing = int(qcs.passes.sum())
    ledger.add(overall, share_passes(passing, len(qcs), overall.number), share_text(passing, len(qcs)))
    for level, here in qcs.groupby("level", sort=False):
        passing = int(here.passes.sum())
        verdict = share_passes(passing, len(here), per_level.number)
        ledger.add(per_level, verdict, share_text(passing, len(here)), subject=str(level))


def _set_passes(ledger: Ledger, qcs: pd.DataFrame, overall: str = "QC-05", per_level: str = "QC-06") -> bool:
    """Return whether a set of QCs meets the overall share and the share of each level."""
    shares = [(qcs, ledger.limits[overall].numbers[0])]
    shares += [(here, ledger.limits[per_level].numbers[-1]) for _, here in qcs.groupby("level")]
    return all(share_passes(int(here.passes.sum()), len(here), limit) for here, limit in shares)


def _set_text(qcs: pd.DataFrame) -> str:
    levels = "; ".join(f"{level} {int(h.passes.sum())}/{len(h)}" for level, h in qcs.groupby("level", sort=False))
    return f"{share_text(int(qcs.passes.sum()), len(qcs))}: {levels}"


def _judge_batches(ledger: Ledger, qcs: pd.DataFrame, samples: pd.DataFrame) -> None:
    rule = ledger.limits["QC-07"]
    batches = list(dict.fromkeys(samples.batch))
    if len(batches) < 2:
        ledger.add(rule, NOT_APPLICABLE, "one extraction batch")
        return
    for batch in batches:
        here = qcs[(qcs.batch == batch) & qcs.assessable]
        levels = _routine_levels(qcs[qcs.batch == batch])
        complete = levels >= ledger.limits["QC-01"].number
        if here.empty and complete:
            ledger.add(rule, NOT_ASSESSABLE, "no QC that can be judged", batch=batch)
        else:
            observed = f"{count_of(levels, 'level')}; {_set_text(here)}" if len(here) else count_of(levels, "level")
            ledger.add(rule, complete and _set_passes(ledger, here), observed, batch=batch)


def _judge_bracketing(ledger: Ledger, units: pd.DataFrame) -> None:
    """QCs before the first and after the last study sample, in the order of the worklist, on each plate."""
    rule = ledger.limits["QC-08"]
    for plate, here in units.groupby("plate", sort=False):
        where = {"plate": plate} if plate else {}
        rows = {kind: [r for unit in group.rows for r in unit] for kind, group in here.groupby("sample_type")}
        samples = [row for kind in STUDY_SAMPLES for row in rows.get(kind, [])]
        qcs = rows.get("qc", [])
        if not samples:
            ledger.add(rule, NOT_APPLICABLE, "no study samples", **where)
        elif not qcs:
            ledger.add(rule, NOT_ASSESSABLE, "no QCs", **where)
        else:
            before, after = min(qcs) < min(samples), max(qcs) > max(samples)
            observed = f"{'a' if before else 'no'} QC before the first, {'a' if after else 'no'} QC after the last"
            ledger.add(rule, before and after, observed, **where)


def _judge_tissues(ledger: Ledger, qcs: pd.DataFrame, samples: pd.DataFrame) -> None:
    rule = ledger.limits["QC-21"]
    for tissue in sorted(set(samples.tissue) - {""}):
        here = qcs[(qcs.tissue == tissue) & qcs.assessable]
        if here.empty:
            ledger.add(rule, NOT_ASSESSABLE, "no QCs in this tissue that can be judged", tissue=tissue)
        else:
            verdict = _set_passes(ledger, here, "QC-21", "QC-21")
            ledger.add(rule, verdict, _set_text(here), tissue=tissue)


def _judge_dilution(ledger: Ledger, units: pd.DataFrame, samples: pd.DataFrame) -> None:
    rule = ledger.limits["QC-16"]
    controls = units[(units.sample_type == "dilution_qc") & units.counted]
    diluted = samples[samples.diluted]
    for unit in controls.itertuples():
        _judge_one(ledger, unit)
    judged = controls[controls.assessable]
    if diluted.empty and judged.empty:
        ledger.add(rule, NOT_APPLICABLE, "no diluted samples")
    elif judged.empty:
        ledger.add(
            rule, NOT_ASSESSABLE, f"{count_of(len(diluted), 'diluted sample')}, no dilution QC that can be judged"
        )
    else:
        passing = int(judged.passes.sum())
        factors = ", ".join(f"x{factor:g}" for factor in sorted(set(judged.dilution_factor)))
        verdict = share_passes(passing, len(judged), rule.number)
        ledger.add(rule, verdict, f"{share_text(passing, len(judged))} at {factors}")
