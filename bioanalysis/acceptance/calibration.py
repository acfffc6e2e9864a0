"""Verdicts on the standard curve: rules CAL-CC-* and CAL-LBA-*."""

from __future__ import annotations

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
from bioanalysis.calibration.reading import ABOVE_REVISED, BELOW_REVISED
from bioanalysis.calibration.standards import StandardCurve, passing_levels
from bioanalysis.method import Analyte, Method


def judge_calibration(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame, method: Method) -> None:
    """Enter the verdicts on one curve.

    Parameters
    ----------
    units : DataFrame
        All units read off this curve (sample_type, level, nominal_ng_ml, place, ...).
    """
    analyte = method.analyte(curve.analyte)
    _judge_each_standard(ledger, curve)
    _judge_levels(ledger, curve, units)
    _judge_truncation(ledger, curve, units, analyte)
    if method.assay_class == "ligand_binding":
        _judge_ligand_binding(ledger, curve, method)
    else:
        _judge_chromatographic(ledger, curve)
    zeros = curve.points[curve.points.used & (curve.points.kind == "zero")]
    ledger.add(ledger.rule("CAL-CC-06", "CAL-LBA-07"), len(zeros) == 0, f"{len(zeros)} zero readings in the fit")


def _judge_each_standard(ledger: Ledger, curve: StandardCurve) -> None:
    for unit, row in curve.judged.iterrows():
        observed = row.excluded or signed_percent(row.bias_percent) + (" (dropped)" if row.dropped else "")
        verdict = NOT_APPLICABLE if row.excluded else bool(row.passes)
        subject = f"{row.level or 'standard'} {row.nominal_ng_ml:g} ng/mL"
        position = ";".join(curve.points.position[curve.points.unit == unit].astype(str))
        ledger.add(ledger.limits[row.rule_id], verdict, observed, subject=subject, position=position)


def _judge_levels(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame) -> None:
    """Number of levels, share passing, coverage of the QC levels: the rules that decide on the run."""
    judged = curve.judged
    per_level = ledger.limits["CAL-CC-05"].number if "CAL-CC-05" in ledger.limits else None
    levels = passing_levels(curve, per_level) if per_level else sorted(set(judged.nominal_ng_ml[_ok(judged)]))
    number = ledger.rule("CAL-CC-01", "CAL-LBA-01")
    observed = f"{len(levels)} of {judged.nominal_ng_ml.nunique()} levels pass"
    observed += f", {min(levels):g} to {max(levels):g} ng/mL" if levels else ""
    if not (units.sample_type.isin(["blank", "zero"])).any():
        observed += "; no blank in the run"
    if curve.estimator is None:
        observed = curve.problem
    ledger.add(number, len(levels) >= number.number and curve.estimator is not None, observed)
    passing, total = int(_ok(judged).sum()), len(judged)
    share = ledger.rule("CAL-CC-04", "CAL-LBA-04")
    by_hand = int((judged.excluded != "").sum())
    observed = share_text(passing, total) + (f"; {by_hand} excluded by decision, not passing" if by_hand else "")
    ledger.add(share, share_passes(passing, total, share.number), observed)
    _judge_coverage(ledger, curve, units)


def _ok(judged: pd.DataFrame) -> pd.Series:
    return judged.passes & ~judged.dropped


def _judge_coverage(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame) -> None:
    rule = ledger.rule("CAL-CC-13", "CAL-LBA-10")
    qcs = units[(units.sample_type == "qc") & units.nominal_ng_ml.notna()]
    if qcs.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no QCs")
        return
    nominal = qcs.groupby("level").nominal_ng_ml.first()
    covered = nominal[(nominal >= curve.lloq_ng_ml) & (nominal <= curve.uloq_ng_ml)]
    observed = f"{len(covered)} of {len(nominal)} QC levels inside {curve.lloq_ng_ml:g} to {curve.uloq_ng_ml:g} ng/mL"
    ledger.add(rule, len(covered) >= rule.number, observed)


def _judge_truncation(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame, analyte: Analyte) -> None:
    narrowed_low = curve.lloq_ng_ml > analyte.lloq_ng_ml
    narrowed_high = curve.uloq_ng_ml < analyte.uloq_ng_ml
    if "CAL-LBA-09" in ledger.limits:
        ends = f"{curve.lloq_ng_ml:g} to {curve.uloq_ng_ml:g} ng/mL in force"
        ledger.add(ledger.limits["CAL-LBA-09"], narrowed_low or narrowed_high or NOT_APPLICABLE, ends)
        return
    dropped = "; ".join(f"{drop.nominal_ng_ml:g} ng/mL ({signed_percent(drop.bias_percent)})" for drop in curve.drops)
    ledger.add(ledger.limits["CAL-CC-10"], bool(curve.drops) or NOT_APPLICABLE, dropped or "none dropped")
    ledger.add(ledger.limits["CAL-CC-11"], narrowed_low or NOT_APPLICABLE, f"{curve.lloq_ng_ml:g} ng/mL")
    ledger.add(ledger.limits["CAL-CC-12"], narrowed_high or NOT_APPLICABLE, f"{curve.uloq_ng_ml:g} ng/mL")
    study = units.sample_type.isin(["unknown", "incurred"])
    outside = int((study & units.place.isin([BELOW_REVISED, ABOVE_REVISED])).sum())
    verdict = outside == 0 if narrowed_low or narrowed_high else NOT_APPLICABLE
    ledger.add(ledger.limits["CAL-CC-14"], verdict, f"{outside} samples")


def _judge_chromatographic(ledger: Ledger, curve: StandardCurve) -> None:
    rule = ledger.limits["CAL-CC-05"]
    judged = curve.judged
    sizes = judged.groupby("nominal_ng_ml").size()
    if (sizes > 1).any():
        for nominal, passes in _ok(judged).groupby(judged.nominal_ng_ml):
            verdict = share_passes(int(passes.sum()), len(passes), rule.number)
            ledger.add(rule, verdict, share_text(int(passes.sum()), len(passes)), subject=f"{nominal:g} ng/mL")
    else:
        ledger.add(rule, NOT_APPLICABLE, "single calibrators")
    missing = curve.points[curve.points.unit.isin(judged.index[_ok(judged)]) & ~curve.points.used]
    ledger.add(ledger.limits["CAL-CC-07"], missing.empty, f"{len(missing)} left out")
    ledger.add(ledger.limits["CAL-CC-08"], True, f"{curve.model}, weighting {curve.weighting}")
    ledger.add(ledger.limits["CAL-CC-17"], True, f"own curve for {curve.analyte}")


def _judge_ligand_binding(ledger: Ledger, curve: StandardCurve, method: Method) -> None:
    anchors = curve.points[curve.points.kind == "anchor"]
    verdict = NOT_APPLICABLE if anchors.empty else bool(anchors.used.all())
    ledger.add(ledger.limits["CAL-LBA-05"], verdict, f"{len(anchors)} anchor readings")
    usual = curve.model in ("4pl", "5pl")
    ledger.add(ledger.limits["CAL-LBA-06"], True if usual else FAIL, f"{curve.model}, weighting {curve.weighting}")
    statistic = method.plate.replicate_statistic.replace("_", " ")
    ledger.add(ledger.limits["CAL-LBA-12"], True, f"{statistic} of the replicate wells")
