"""Verdicts on the standard curve: rules CAL-CC-* and CAL-LBA-*."""

from __future__ import annotations

import pandas as pd

from bioanalysis.acceptance.calibration_range import judge_range
from bioanalysis.acceptance.ledger import (
    FAIL,
    NOT_APPLICABLE,
    NOT_ASSESSABLE,
    Ledger,
    share_passes,
    share_text,
    signed_percent,
)
from bioanalysis.acceptance.quality_controls import ENDS
from bioanalysis.calibration.standards import StandardCurve, passing_levels
from bioanalysis.limits import Rule
from bioanalysis.method import Method
from bioanalysis.words import count_of

IN_THE_FIT = ("calibrator", "anchor")
NEED_A_CURVE = (
    "CAL-CC-05", "CAL-CC-06", "CAL-CC-07", "CAL-CC-08", "CAL-CC-10", "CAL-CC-11", "CAL-CC-12", "CAL-CC-14",
    "CAL-CC-15", "CAL-CC-17", "CAL-LBA-05", "CAL-LBA-06", "CAL-LBA-07", "CAL-LBA-09",
)  # fmt: skip


def judge_calibration(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame, method: Method) -> None:
    """Enter the verdicts on one curve.

    Parameters
    ----------
    units : DataFrame
        All units read off this curve (sample_type, level, nominal_ng_ml, place, plate, n_readings, ...).
    """
    _judge_each_standard(ledger, curve)
    _judge_levels(ledger, curve, units)
    if "CAL-LBA-12" in ledger.limits:
        _judge_wells(ledger, units, method)
    if curve.estimator is None:
        for rule_id in NEED_A_CURVE:
            if rule_id in ledger.limits:
                ledger.add(ledger.limits[rule_id], NOT_ASSESSABLE, curve.problem)
        return
    judge_range(ledger, curve, units, method.analyte(curve.analyte))
    if "CAL-LBA-05" in ledger.limits:
        _judge_ligand_binding(ledger, curve)
    else:
        _judge_chromatographic(ledger, curve, units, method)
    others = curve.points[curve.points.used & ~curve.points.kind.isin(IN_THE_FIT)]
    rule = ledger.rule("CAL-CC-06", "CAL-LBA-07")
    ledger.add(rule, len(others) <= rule.number, f"{count_of(len(others), 'reading')} of blanks or zeros in the fit")


def _judge_each_standard(ledger: Ledger, curve: StandardCurve) -> None:
    places = curve.points.position.astype(str).groupby(curve.points.unit).agg(";".join)
    for unit, row in zip(curve.judged.index, curve.judged.itertuples(), strict=True):
        observed = row.excluded or signed_percent(row.bias_percent) + (" (dropped)" if row.dropped else "")
        subject = f"{row.level or 'standard'} {row.nominal_ng_ml:g} ng/mL"
        verdict = bool(row.passes) if curve.estimator is not None else NOT_ASSESSABLE
        verdict = NOT_APPLICABLE if row.excluded else verdict
        ledger.add(ledger.limits[row.rule_id], verdict, observed, subject=subject, position=places[unit])


def _judge_levels(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame) -> None:
    """Number of levels, share passing, coverage of the QC levels: the rules that decide on the run."""
    judged = curve.judged
    per_level = ledger.limits["CAL-CC-05"].number if "CAL-CC-05" in ledger.limits else None
    levels = passing_levels(curve, per_level) if per_level else sorted(set(judged.nominal_ng_ml[_ok(judged)]))
    number = ledger.rule("CAL-CC-01", "CAL-LBA-01")
    observed = f"{len(levels)} of {count_of(judged.nominal_ng_ml.nunique(), 'level')} pass"
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
    qcs = units[(units.sample_type == "qc") & units.nominal_ng_ml.notna() & ~units.level.str.upper().isin(ENDS)]
    if qcs.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no QCs")
        return
    nominal = qcs.groupby("level").nominal_ng_ml.first()
    covered = nominal[(nominal >= curve.lloq_ng_ml) & (nominal <= curve.uloq_ng_ml)]
    every = count_of(len(nominal), "QC level")
    observed = f"{len(covered)} of {every} inside {curve.lloq_ng_ml:g} to {curve.uloq_ng_ml:g} ng/mL"
    ledger.add(rule, len(covered) >= rule.number, observed)


def _judge_chromatographic(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame, method: Method) -> None:
    judged = curve.judged
    _judge_replicates(ledger, ledger.limits["CAL-CC-05"], judged)
    left_out = curve.points[curve.points.unit.isin(judged.index[_ok(judged)]) & ~curve.points.used]
    excluded = int(((units.sample_type == "calibrator") & (units.excluded != "")).sum())
    observed = f"{len(left_out)} left out" + (f"; {excluded} excluded by decision" if excluded else "")
    every = ledger.limits["CAL-CC-07"]
    ledger.add(every, len(left_out) <= every.number, observed)
    asked = method.analyte(curve.analyte).calibration
    same = (curve.model, curve.weighting) == (asked.model, asked.weighting)
    observed = f"{curve.model}, weighting {curve.weighting}"
    observed += "" if same else f"; the method asks for {asked.model}, weighting {asked.weighting}"
    ledger.add(ledger.limits["CAL-CC-08"], same, observed)
    own = curve.analyte == ledger.analyte and set(units.analyte) <= {curve.analyte}
    ledger.add(ledger.limits["CAL-CC-17"], own, f"curve of {curve.analyte}")


def _judge_replicates(ledger: Ledger, rule: Rule, judged: pd.DataFrame) -> None:
    if not judged.nominal_ng_ml.duplicated().any():
        ledger.add(rule, NOT_APPLICABLE, "single calibrators")
        return
    for nominal, passes in _ok(judged).groupby(judged.nominal_ng_ml):
        passing = int(passes.sum())
        verdict = share_passes(passing, len(passes), rule.number)
        ledger.add(rule, verdict, share_text(passing, len(passes)), subject=f"{nominal:g} ng/mL")


def _judge_ligand_binding(ledger: Ledger, curve: StandardCurve) -> None:
    anchors = curve.points[
        (curve.points.kind == "anchor") & curve.points.response.notna() & (curve.points.left_out == "")
    ]
    in_fit = bool(anchors.used.all()) and not curve.judged.index.isin(anchors.unit).any()
    verdict = NOT_APPLICABLE if anchors.empty else in_fit
    ledger.add(ledger.limits["CAL-LBA-05"], verdict, f"{len(anchors)} anchor readings, {anchors.used.sum()} in the fit")
    usual = curve.model in ("4pl", "5pl")
    ledger.add(ledger.limits["CAL-LBA-06"], True if usual else FAIL, f"{curve.model}, weighting {curve.weighting}")


def _judge_wells(ledger: Ledger, units: pd.DataFrame, method: Method) -> None:
    qcs = set(units.n_readings[units.sample_type == "qc"])
    samples = set(units.n_readings[units.sample_type.isin(["unknown", "incurred"])])
    statistic = method.plate.replicate_statistic.replace("_", " ")
    words = ["/".join(f"{int(n)}" for n in sorted(counts)) for counts in (qcs, samples)]
    observed = f"{statistic}; wells of QCs {words[0] or 'none'}, of samples {words[1] or 'none'}"
    verdict = len(qcs | samples) == 1 if qcs and samples else NOT_ASSESSABLE
    ledger.add(ledger.limits["CAL-LBA-12"], verdict, observed)
