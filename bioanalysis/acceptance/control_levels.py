"""Where the QC levels of a run lie: in the range (QC-09 to QC-12), at the samples' dilutions (QC-17, DIL-AGR)."""

from __future__ import annotations

import math

import pandas as pd

from bioanalysis.acceptance.injections import positions
from bioanalysis.acceptance.ledger import NOT_APPLICABLE, NOT_ASSESSABLE, Ledger
from bioanalysis.acceptance.quality_controls import ENDS
from bioanalysis.calibration.reading import INSIDE, coefficient_of_variation
from bioanalysis.calibration.standards import ROUNDING, passes_limit
from bioanalysis.method import Analyte
from bioanalysis.words import STUDY_SAMPLES


def judge_control_levels(
    ledger: Ledger, units: pd.DataFrame, analyte: Analyte, replicate_limit_percent: float | None = None
) -> None:
    """Enter the verdicts on the levels of the QCs of one analyte and curve.

    Parameters
    ----------
    units : DataFrame
        As for `judge_quality_controls`, with place and reading_ng_ml of the study samples.
    replicate_limit_percent : float, optional
        The method's own limit to the CV of replicates: it holds in place of DIL-AGR for dilutions of one sample.
    """
    qcs = units[(units.sample_type == "qc") & units.counted & ~units.level.str.upper().isin(ENDS)]
    levels = qcs.groupby("level").nominal_ng_ml.first().sort_values()
    samples = units[units.sample_type.isin(STUDY_SAMPLES)]
    _judge_low(ledger, levels, analyte)
    _judge_medium(ledger, levels, analyte)
    _judge_high(ledger, levels, analyte)
    _judge_factors(ledger, units, samples)
    _judge_agreement(ledger, samples, replicate_limit_percent)


def _judge_low(ledger: Ledger, levels: pd.Series, analyte: Analyte) -> None:
    rule = ledger.limits["QC-09"]
    if levels.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no QCs")
        return
    multiple = levels.iloc[0] / analyte.lloq_ng_ml
    observed = f"{levels.index[0]} {levels.iloc[0]:g} ng/mL: {multiple:.3g} x LLOQ"
    ledger.add(rule, bool(multiple <= float(rule.number) * (1 + ROUNDING)), observed)


def _judge_medium(ledger: Ledger, levels: pd.Series, analyte: Analyte) -> None:
    rule = ledger.rule("QC-10", "QC-11")
    medium = levels.iloc[1:-1]
    if medium.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no QC between the lowest and the highest")
    elif rule.rule_id == "QC-10":
        share = 100 * medium / analyte.uloq_ng_ml
        low, high = (float(number) for number in rule.numbers)
        inside = (share >= low * (1 - ROUNDING)) & (share <= high * (1 + ROUNDING))
        ledger.add(rule, bool(inside.any()), _listed(medium, share.map("{:.3g} % of the ULOQ".format)))
    else:
        ratio = medium / math.sqrt(analyte.lloq_ng_ml * analyte.uloq_ng_ml)
        near = ratio.where(ratio >= 1, 1 / ratio) <= float(rule.number) * (1 + ROUNDING)
        ledger.add(rule, bool(near.any()), _listed(medium, ratio.map("{:.3g} x the geometric mean".format)))


def _listed(levels: pd.Series, words: pd.Series) -> str:
    return "; ".join(f"{name} {nominal:g} ng/mL: {words[name]}" for name, nominal in levels.items())


def _judge_high(ledger: Ledger, levels: pd.Series, analyte: Analyte) -> None:
    rule = ledger.limits["QC-12"]
    if levels.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no QCs")
        return
    share = 100 * levels.iloc[-1] / analyte.uloq_ng_ml
    observed = f"{levels.index[-1]} {levels.iloc[-1]:g} ng/mL: {share:.3g} % of the ULOQ"
    ledger.add(rule, bool(share >= float(rule.number) * (1 - ROUNDING)), observed)


def _judge_factors(ledger: Ledger, units: pd.DataFrame, samples: pd.DataFrame) -> None:
    rule = ledger.limits["QC-17"]
    factors = samples.dilution_factor[samples.diluted]
    judged = (units.sample_type == "dilution_qc") & units.counted & units.assessable
    controls = units.dilution_factor[judged]
    if factors.empty:
        ledger.add(rule, NOT_APPLICABLE, "no diluted samples")
        return
    observed = f"samples x{factors.min():g} to x{factors.max():g}"
    if controls.empty:
        ledger.add(rule, NOT_ASSESSABLE, f"{observed}, no dilution QC that can be judged")
        return
    spanned = controls.min() <= factors.min() and factors.max() <= controls.max()
    ledger.add(rule, bool(spanned), f"{observed}, dilution QCs x{controls.min():g} to x{controls.max():g}")


def _judge_agreement(ledger: Ledger, samples: pd.DataFrame, own_limit_percent: float | None) -> None:
    """Several dilutions of one sample, as far as they lie inside the range, give one concentration."""
    rule = ledger.limits["DIL-AGR"]
    limit = float(rule.number) if own_limit_percent is None else own_limit_percent
    factors = samples.groupby("sample_id").dilution_factor.nunique()
    several = samples[samples.sample_id.isin(factors.index[factors > 1])]
    if several.empty:
        ledger.add(rule, NOT_APPLICABLE, "no sample in several dilutions")
    for sample, here in several.groupby("sample_id", sort=False):
        inside = here[here.place == INSIDE]
        where = {"subject": str(sample), "position": positions(here)}
        if inside.dilution_factor.nunique() < 2:
            ledger.add(rule, NOT_ASSESSABLE, f"{len(inside)} of {len(here)} inside the range", **where)
            continue
        cv_percent = coefficient_of_variation((inside.reading_ng_ml * inside.dilution_factor).to_numpy(float))
        observed = f"CV {cv_percent:.1f} % of {len(inside)} dilutions"
        observed += "" if own_limit_percent is None else f"; limit of the method {limit:g} %"
        ledger.add(rule, bool(passes_limit(cv_percent, limit)), observed, **where)
