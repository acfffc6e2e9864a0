"""Is a method used within what was validated: storage, dilution factors, tissues, minimum dilution?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_APPLICABLE, NOT_ASSESSABLE, PASS, Ledger
from bioanalysis.limits import Limits
from bioanalysis.method import Method, Stability, ValidatedScope
from bioanalysis.words import count_of

STORAGE = [
    "sample_id", "tissue", "run_id", "sample_type", "collected_at", "analysed_on", "days", "storage_c",
    "freeze_thaw_cycles", "proven_days", "proven_temperature_c", "proven_freeze_thaw_cycles", "time", "temperature",
    "freeze_thaw", "verdict", "reason",
]  # fmt: skip
STORED = ["tissue", "collected_at", "storage_c", "freeze_thaw_cycles"]
ASPECTS = {"time": "days", "temperature": "storage_c", "freeze_thaw": "freeze_thaw_cycles"}
NEARLY = 1e-9


def storage_table(analyses: pd.DataFrame, samples: pd.DataFrame, stability: Mapping[str, Stability]) -> pd.DataFrame:
    """Return how long, how cold and how often thawed each analysed sample was, against what is proven.

    Parameters
    ----------
    analyses : DataFrame
        sample_id, run_id, sample_type and analysed_on: day of extraction, else of the run (ISO 8601).
    samples : DataFrame
        The sample manifest.
    stability : mapping
        Proven stability by tissue.

    Returns
    -------
    DataFrame
        One row per analysis: days between the two dates, a verdict on each of `ASPECTS`, the worst of them as
        `verdict`, and in `reason` what is exceeded or unknown.

    Notes
    -----
    A chemical drug that is stable at one temperature is so at a lower one (ICH M10 3.2.8); an oligonucleotide is
    made by synthesis and counts as such.
    """
    stored = samples.set_index("sample_id")[STORED].loc[analyses.sample_id]
    rows = (
        _storage_row(analysis, sample, stability.get(sample.tissue, Stability()))
        for analysis, sample in zip(analyses.itertuples(), stored.itertuples(), strict=True)
    )
    return pd.DataFrame([tuple(row[name] for name in STORAGE) for row in rows], columns=STORAGE)


def _storage_row(analysis: Any, sample: Any, proven: Stability) -> dict[str, object]:
    days = days_between(sample.collected_at, analysis.analysed_on)
    found = {"time": days, "temperature": sample.storage_c, "freeze_thaw": sample.freeze_thaw_cycles}
    limits = {"time": proven.days, "temperature": proven.temperature_c, "freeze_thaw": proven.freeze_thaw_cycles}
    verdicts = {aspect: _within(found[aspect], limits[aspect]) for aspect in ASPECTS}
    words = [_storage_words(aspect, found[aspect], limits[aspect], verdicts[aspect]) for aspect in ASPECTS]
    return {
        "sample_id": analysis.sample_id, "tissue": sample.tissue, "run_id": analysis.run_id,
        "sample_type": analysis.sample_type, "collected_at": sample.collected_at,
        "analysed_on": analysis.analysed_on, "days": days, "storage_c": sample.storage_c,
        "freeze_thaw_cycles": sample.freeze_thaw_cycles, "proven_days": _number(proven.days),
        "proven_temperature_c": _number(proven.temperature_c),
        "proven_freeze_thaw_cycles": _number(proven.freeze_thaw_cycles), **verdicts,
        "verdict": worst(verdicts.values()), "reason": "; ".join(filter(None, words)),
    }  # fmt: skip


def days_between(first: str, last: str) -> float:
    """Return the days from one ISO 8601 date to another, times of day left aside; NaN where one is missing."""
    if not first or not last:
        return np.nan
    return float((date.fromisoformat(last[:10]) - date.fromisoformat(first[:10])).days)


def _within(found: float, limit: float | None) -> str:
    if limit is None or np.isnan(found):
        return NOT_ASSESSABLE
    return PASS if found <= limit else FAIL


def _storage_words(aspect: str, found: float, limit: float | None, verdict: str) -> str:
    missing = {"time": "collected_at", "temperature": "storage_c", "freeze_thaw": "freeze_thaw_cycles"}
    if verdict == NOT_ASSESSABLE:
        return f"{aspect}: the method proves none" if limit is None else f"{aspect}: {missing[aspect]} is empty"
    return f"{aspect}: {_amount(aspect, found)}, proven {_amount(aspect, limit)}" if verdict == FAIL else ""


def _amount(aspect: str, value: float | None) -> str:
    return {"time": "{:g} days", "temperature": "{:g} C", "freeze_thaw": "{:g} cycles"}[aspect].format(value)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def worst(verdicts: Any) -> str:
    """Return fail before not_assessable before pass."""
    return next((word for word in (FAIL, NOT_ASSESSABLE) if word in set(verdicts)), PASS)


def judge_storage(ledger: Ledger, storage: pd.DataFrame) -> None:
    """Enter STAB-05 per tissue and aspect of storage."""
    for tissue, here in storage.groupby("tissue", sort=True):
        for aspect, column in ASPECTS.items():
            found = here[aspect]
            observed = f"{count_of(len(here), 'analysis')}: " + ", ".join(
                f"{number} {word}" for word, number in found.value_counts().sort_index().items()
            )
            known = here[column].dropna()
            if len(known):
                observed += f"; at most {_amount(aspect, known.max())}, {_proven(here, aspect)}"
            ledger.add(
                ledger.limits["STAB-05"], worst(found), observed, tissue=tissue, subject=aspect.replace("_", "-")
            )


def _proven(here: pd.DataFrame, aspect: str) -> str:
    column = {"time": "proven_days", "temperature": "proven_temperature_c", "freeze_thaw": "proven_freeze_thaw_cycles"}
    limit = here[column[aspect]].iloc[0]
    return "none proven by the method" if np.isnan(limit) else f"proven {_amount(aspect, limit)}"


def outside_factors(analyses: pd.DataFrame, scope: ValidatedScope | None) -> pd.Series:
    """Return which analyses of diluted samples used a factor outside the validated ones."""
    diluted = analyses.dilution_factor > analyses.minimum_dilution * (1 + NEARLY)
    if scope is None or not scope.dilution_factors:
        return diluted & False
    least, greatest = min(scope.dilution_factors), max(scope.dilution_factors)
    factor = analyses.dilution_factor
    return diluted & ((factor < least * (1 - NEARLY)) | (factor > greatest * (1 + NEARLY)))


def judge_dilution_factors(ledger: Ledger, analyses: pd.DataFrame, scope: ValidatedScope | None) -> None:
    """Enter DIL-CC-03: the factors used against those validated.

    Parameters
    ----------
    analyses : DataFrame
        Analyses of study samples: sample_id, dilution_factor, minimum_dilution.
    """
    rule = ledger.limits["DIL-CC-03"]
    diluted = analyses[analyses.dilution_factor > analyses.minimum_dilution * (1 + NEARLY)]
    used = f"{count_of(len(diluted), 'analysis')} of diluted samples at {factors_text(diluted.dilution_factor)}"
    if diluted.empty:
        ledger.add(rule, NOT_APPLICABLE, "no diluted samples")
    elif scope is None or not scope.dilution_factors:
        ledger.add(rule, NOT_ASSESSABLE, f"{used}; the method names no validated factors")
    else:
        outside = diluted[outside_factors(diluted, scope)]
        names = ", ".join(dict.fromkeys(outside.sample_id))
        validated = factors_text(pd.Series(scope.dilution_factors))
        text = f"{used}; validated {validated} ({scope.report})" + (f"; outside: {names}" if names else "")
        ledger.add(rule, outside.empty, text)


def factors_text(factors: pd.Series) -> str:
    """Return 'x10, x100'."""
    return ", ".join(f"x{factor:g}" for factor in sorted(set(factors)))


def judge_tissues(ledger: Ledger, analyses: pd.DataFrame, scope: ValidatedScope | None) -> None:
    """Enter SCOPE-01 per tissue: is it one the validation covers?"""
    for tissue, here in analyses.groupby("tissue", sort=True):
        count = count_of(here.sample_id.nunique(), "sample")
        if scope is None or not scope.tissues:
            verdict: str | bool = NOT_ASSESSABLE
            text = f"{count}; the method names no validated tissues"
        else:
            verdict, text = tissue in scope.tissues, f"{count}; validated {', '.join(scope.tissues)} ({scope.report})"
        ledger.add(ledger.limits["SCOPE-01"], verdict, text, tissue=tissue)


def judge_homogenates(ledger: Ledger, reported: pd.DataFrame, method: Method) -> None:
    """Enter HOM-05 per tissue: are masses and volumes in their units?

    Parameters
    ----------
    reported : DataFrame
        tissue_concentrations.tsv of one method: sample_id, tissue, unit, homogenate_factor_ml_per_g.
    """
    rule = ledger.limits["HOM-05"]
    made = reported[reported.unit.str.endswith("/g")]  # a fluid is not weighed
    if method.homogenate == "tissue_equivalent" or made.empty:
        ledger.add(rule, NOT_APPLICABLE, "no homogenate whose volume counts")
        return
    outside = homogenates_outside(reported, method, ledger.limits)
    for tissue, here in made.drop_duplicates("sample_id").groupby("tissue", sort=True):
        factor = here.homogenate_factor_ml_per_g.dropna().astype(float)
        if factor.empty:
            ledger.add(rule, NOT_ASSESSABLE, "no masses and volumes", tissue=tissue)
            continue
        beyond = here.sample_id[here.sample_id.isin(outside.sample_id)]
        every = count_of(len(factor), "sample")
        observed = f"{len(beyond)} of {every} outside, {factor.min():.4g} to {factor.max():.4g} mL/g"
        hint = f"; e.g. {beyond.iloc[0]}: mass in mg, volume in uL, not exchanged?" if len(beyond) else ""
        ledger.add(rule, beyond.empty, observed + hint, tissue=tissue)


def homogenates_outside(reported: pd.DataFrame, method: Method, limits: Limits) -> pd.DataFrame:
    """Return the rows whose homogenate per gram lies outside the guard of HOM-05, as with a mass in another unit."""
    if method.homogenate == "tissue_equivalent":
        return reported.iloc[:0]
    low, high = (float(number) for number in limits["HOM-05"].numbers)
    factor = reported.homogenate_factor_ml_per_g.astype(float)
    weighed = reported.unit.str.endswith("/g") & factor.notna()
    return reported[weighed & ~factor.between(low * (1 - NEARLY), high * (1 + NEARLY))]


def judge_minimum_dilution(ledger: Ledger, units: pd.DataFrame, method: Method) -> None:
    """Enter MRD-LBA-01 per tissue: no sample below the method's minimum dilution, QCs and calibrators at it.

    Parameters
    ----------
    units : DataFrame
        Units of all runs of the method: sample_type, tissue, dilution_factor.
    """
    if "MRD-LBA-01" not in ledger.limits:
        return
    samples = units[units.sample_type.isin(["unknown", "incurred"])]
    for tissue, here in samples.groupby("tissue", sort=True):
        minimum = method.minimum_dilution.get(str(tissue), 1.0)
        beside = units[units.sample_type.isin(["qc", "calibrator"]) & (units.tissue == tissue)]
        low = here.dilution_factor < minimum * (1 - NEARLY)
        other = (beside.dilution_factor / minimum - 1).abs() > NEARLY
        verdict: str | bool = not (low.any() or other.any())
        text = f"minimum x{minimum:g}; samples from x{here.dilution_factor.min():g}"
        if len(beside):
            text += f", QCs and calibrators of the tissue at {factors_text(beside.dilution_factor)}"
        elif verdict:
            verdict, text = NOT_ASSESSABLE, f"{text}, no QC in the tissue"
        ledger.add(ledger.limits["MRD-LBA-01"], verdict, text, tissue=tissue)
