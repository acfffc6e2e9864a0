"""Verdicts on dilutions of one sample and on positions of a plate: DIL-PAR, DIL-TREND, DIL-HOOK, POS-01."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import NOT_APPLICABLE, NOT_ASSESSABLE, Ledger
from bioanalysis.calibration.dilution import hook_check, parallelism
from bioanalysis.limits import Rule
from bioanalysis.method import Analyte
from bioanalysis.words import STUDY_SAMPLES, count_of

RULES = ("DIL-PAR", "DIL-TREND", "DIL-HOOK")


def judge_dilution_series(ledger: Ledger, units: pd.DataFrame, analyte: Analyte) -> None:
    """Enter the verdicts on every study sample that was measured in several dilutions.

    Parameters
    ----------
    units : DataFrame
        Units of one analyte and curve: sample_type, sample_id, repeat_reason, dilution_factor, reading_ng_ml, place.
    """
    samples = units[units.sample_type.isin(STUDY_SAMPLES)]
    keys = ["sample_type", "sample_id", "repeat_reason"]
    several = samples[samples.groupby(keys).dilution_factor.transform("nunique") > 1] if len(samples) else samples
    if several.empty:
        for rule in _in_force(ledger):
            ledger.add(rule, NOT_APPLICABLE, "no sample in several dilutions")
        return
    for (_, sample, _), here in several.groupby(keys, sort=False):
        hooked = judge_hook(ledger, here, analyte, str(sample)) if "DIL-HOOK" in ledger.limits else []
        found = parallelism(here.drop(index=hooked))
        judge_parallelism(ledger, str(sample), found.n, found.cv_percent)
        judge_trend(ledger, str(sample), found.trend.percent_per_doubling, found.trend.p_value)


def _in_force(ledger: Ledger) -> list[Rule]:
    return [ledger.limits[name] for name in RULES if name in ledger.limits]


def judge_hook(ledger: Ledger, dilutions: pd.DataFrame, analyte: Analyte, sample: str) -> list[object]:
    """Enter the verdict on the hook and return the labels of the dilutions that show it."""
    rule = ledger.limits["DIL-HOOK"]
    checked = hook_check(dilutions, analyte.uloq_ng_ml, tolerance_percent=float(rule.number))
    if checked.expected_ng_ml.isna().all():
        ledger.add(rule, NOT_ASSESSABLE, "no dilution inside the range to tell from", subject=sample)
        return []
    hooked = checked[checked.hook]
    factors = ", ".join(f"x{factor:g}" for factor in hooked.dilution_factor)
    observed = f"{factors} reads too low" if len(hooked) else f"{count_of(len(checked), 'dilution')} without a hook"
    ledger.add(rule, hooked.empty, observed, subject=sample)
    return hooked.index.tolist()


def judge_parallelism(ledger: Ledger, sample: str, n_inside: int, cv_percent: float) -> None:
    """Enter the verdict on the CV of the dilution-corrected results of one sample."""
    rule = ledger.limits["DIL-PAR"]
    if n_inside < 2:
        ledger.add(rule, NOT_ASSESSABLE, f"{count_of(n_inside, 'dilution')} inside the range", subject=sample)
    else:
        ledger.add(rule, cv_percent <= rule.number, f"CV {cv_percent:.1f} % of {n_inside}", subject=sample)


def judge_trend(ledger: Ledger, sample: str, percent_per_doubling: float, p_value: float) -> None:
    """Enter the verdict on a steady change of the result with the dilution."""
    rule = ledger.limits["DIL-TREND"]
    if not np.isfinite(p_value):
        ledger.add(rule, NOT_ASSESSABLE, "fewer than three dilutions inside the range", subject=sample)
    else:
        observed = f"{percent_per_doubling:+.1f} % per doubling of the dilution, p {p_value:.2g}"
        ledger.add(rule, p_value >= float(rule.number), observed, subject=sample)


def judge_positions(ledger: Ledger, effects: pd.DataFrame) -> None:
    """Enter the verdicts on rows, columns and edges of a plate.

    Parameters
    ----------
    effects : DataFrame
        positions.tsv of the plates of one curve: plate, effect, size_percent, p_value, largest, note, smallest_p.
    """
    if "POS-01" not in ledger.limits:
        return
    rule = ledger.limits["POS-01"]
    if effects.empty:
        ledger.add(rule, NOT_APPLICABLE, "no plate")
    for row in effects.itertuples():
        where = {"subject": row.effect, "plate": row.plate}
        if not np.isfinite(row.p_value):
            ledger.add(rule, NOT_ASSESSABLE, row.note or "no replicate wells to tell it from", **where)
        else:
            observed = f"{row.size_percent:.1f} % ({row.largest}), p {row.p_value:.3f}"
            verdict: str | bool = not position_matters(rule, row.size_percent, row.p_value)
            if verdict and position_matters(rule, row.size_percent, 0.0) and row.smallest_p >= float(rule.numbers[1]):
                verdict = NOT_ASSESSABLE  # an effect of this size, on wells too few to fail by any reading
                observed += f", and none below {row.smallest_p:.2g} is possible: too few replicates compare them"
            ledger.add(rule, verdict, observed, **where)


def position_matters(rule: Rule, size_percent: float, p_value: float) -> bool:
    """Return whether a position effect is both larger and less likely than the rule lets pass."""
    return size_percent > float(rule.numbers[0]) and p_value < float(rule.numbers[1])
