"""Truncation of a standard curve and the range it leaves: CAL-CC-10 to CAL-CC-12, CAL-CC-14, CAL-CC-15, CAL-LBA-09."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_APPLICABLE, Ledger, signed_percent
from bioanalysis.calibration.reading import ABOVE_REVISED, BELOW_REVISED
from bioanalysis.calibration.standards import ROUNDING, StandardCurve, droppable
from bioanalysis.method import Analyte
from bioanalysis.words import count_of


@dataclass(frozen=True)
class End:
    """One end of the range: what the method says, what is in force, and what the standards left would make of it."""

    method_ng_ml: float
    in_force_ng_ml: float
    due_ng_ml: float
    lowest_or_highest_ng_ml: float
    passes: bool

    @property
    def moved(self) -> bool:
        return self.in_force_ng_ml != self.method_ng_ml

    @property
    def sound(self) -> bool:
        """Whether the end lies where it must, at a level whose standards keep their limit."""
        return self.in_force_ng_ml == self.due_ng_ml and self.passes


def ends_of(curve: StandardCurve, analyte: Analyte) -> tuple[End, End]:
    """Return the lower and the upper end of the range of a curve."""
    judged = curve.judged
    left = judged[~judged.dropped]
    low = max(analyte.lloq_ng_ml, float(left.nominal_ng_ml.min()))
    high = min(analyte.uloq_ng_ml, float(left.nominal_ng_ml.max()))
    return (
        End(analyte.lloq_ng_ml, curve.lloq_ng_ml, low, float(judged.nominal_ng_ml.min()),
            _half_pass(left, curve.lloq_ng_ml)),
        End(analyte.uloq_ng_ml, curve.uloq_ng_ml, high, float(judged.nominal_ng_ml.max()),
            _half_pass(left, curve.uloq_ng_ml)),
    )  # fmt: skip


def _half_pass(standards: pd.DataFrame, nominal_ng_ml: float) -> bool:
    here = standards[np.isclose(standards.nominal_ng_ml, nominal_ng_ml, rtol=ROUNDING)]
    return len(here) > 0 and 2 * int(here.passes.sum()) >= len(here)


def judge_range(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame, analyte: Analyte) -> None:
    """Enter the verdicts on standards dropped and on the range in force."""
    low, high = ends_of(curve, analyte)
    if "CAL-LBA-09" in ledger.limits:
        verdict = all(end.sound for end in (low, high) if end.moved) if low.moved or high.moved else NOT_APPLICABLE
        text = f"{curve.lloq_ng_ml:g} to {curve.uloq_ng_ml:g} ng/mL in force"
        ledger.add(ledger.limits["CAL-LBA-09"], verdict, text)
        return
    _judge_drops(ledger, curve)
    for rule_id, end in (("CAL-CC-11", low), ("CAL-CC-12", high)):
        ledger.add(ledger.limits[rule_id], end.sound if end.moved else NOT_APPLICABLE, f"{end.in_force_ng_ml:g} ng/mL")
    rule = ledger.limits["CAL-CC-14"]
    study = units.sample_type.isin(["unknown", "incurred"])
    outside = int((study & units.place.isin([BELOW_REVISED, ABOVE_REVISED])).sum())
    ledger.add(rule, outside <= rule.number if low.moved or high.moved else NOT_APPLICABLE, count_of(outside, "sample"))
    _judge_replicates_at_ends(ledger, curve, low, high)


def _judge_drops(ledger: Ledger, curve: StandardCurve) -> None:
    """Failing standards are dropped as far as the rules leave room: one that stays is a failure of truncation."""
    rule = ledger.limits["CAL-CC-10"]
    left = droppable(curve, ledger.limits)
    dropped = "; ".join(f"{drop.nominal_ng_ml:g} ng/mL ({signed_percent(drop.bias_percent)})" for drop in curve.drops)
    if left is None:
        ledger.add(rule, bool(curve.drops) or NOT_APPLICABLE, dropped or "none dropped")
        return
    row = curve.standards.loc[left]
    ledger.add(
        rule, FAIL, f"{row.nominal_ng_ml:g} ng/mL ({signed_percent(row.bias_percent)}) fails and was not dropped"
    )


def _judge_replicates_at_ends(ledger: Ledger, curve: StandardCurve, low: End, high: End) -> None:
    """Where some but not all replicates at an end fail, the range stays as it is."""
    rule, judged = ledger.limits["CAL-CC-15"], curve.judged
    kept, texts = [], []
    for end in (low, high):
        here = judged[judged.nominal_ng_ml == end.lowest_or_highest_ng_ml]
        good = int((here.passes & ~here.dropped).sum())
        if 0 < good < len(here):
            texts.append(f"{good} of {len(here)} pass at {end.lowest_or_highest_ng_ml:g} ng/mL")
            kept.append(end.in_force_ng_ml in (end.method_ng_ml, end.lowest_or_highest_ng_ml))
    ledger.add(rule, all(kept) if kept else NOT_APPLICABLE, "; ".join(texts) or "no end with some failing replicates")
