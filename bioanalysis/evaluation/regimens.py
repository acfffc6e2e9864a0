"""What doses as given predict in a tissue beside what was observed: filling, accumulation, equal weekly doses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.half_lives import KnownHalf
from bioanalysis.exposure import accumulation_ratio, steady_state_fraction
from bioanalysis.exposure.dosing import amount_left, given_doses
from bioanalysis.study import Study
from bioanalysis.variability.combined_degrees import combined_degrees
from bioanalysis.variability.log_ratio import Ratio, ratio_of_means
from bioanalysis.variability.multiplicity import tail
from bioanalysis.variability.shared_terms import Side, shared_of_ratio
from bioanalysis.words import count_of


def filling(study: Study, arm: pd.DataFrame, known: KnownHalf | None, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield steady state and accumulation as predicted, and accumulation as observed, for a regimen."""
    if known is None or study.dosing is None or arm.first_day.isna().all():
        lacking = "no half-life of this tissue" if known is None else "no doses in a log"
        yield {"quantity": "steady_state_fraction", "n": arm.subject_id.nunique(), "note": f"{lacking}: no prediction"}
        return
    base = {"source": known.source, "unit": "fraction"}
    interval = float(arm.interval_days.median())
    for day, here in arm.groupby("collection_day", sort=True):
        end = here.first_day + here.days_covered.fillna(0)
        treated = np.minimum(day, end) - here.first_day
        fraction = float(np.mean(steady_state_fraction(np.maximum(treated, 0.0), known.days)))
        row = {"quantity": "steady_state_fraction", "value": fraction, "collection_day": day, "n": len(here)}
        missed, every = int((here.n_missed > 0).sum()), count_of(len(here), "animal")
        notes = [
            "reached when dosing ended; less is left since" if (day > end).any() else "",
            f"{missed} of {every} missed doses and hold less than their regimen says" if missed else "",
        ]
        yield base | row | {"note": "; ".join(filter(None, notes))}
    if np.isfinite(interval):
        row = {"quantity": "accumulation_at_steady_state", "value": accumulation_ratio(interval, known.days)}
        yield (
            base
            | row
            | {"unit": "ratio", "note": f"amount at steady state over that after one dose, every {interval:.3g} d"}
        )
    yield from _accumulation(study, arm, known, rows)


def _accumulation(study: Study, arm: pd.DataFrame, known: KnownHalf, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield, between the first collection day and each later one, the ratio observed with what the doses predict.

    With no dose between the two days it is a decline.
    """
    days = sorted(arm.collection_day.unique())
    row = {"unit": "ratio", "source": known.source}
    if len(days) < 2:
        note = "one collection day: observed accumulation needs two"
        yield row | {"quantity": "accumulation", "n": len(arm), "note": note}
        return
    for day in days[1:]:
        both = [arm[(arm.collection_day == each) & arm.log.notna()] for each in (day, days[0])]
        sides = [each.value for each in both]
        given = bool((arm.last_day[arm.collection_day == day] > days[0]).any())
        here = row | {"quantity": "accumulation" if given else "decline", "collection_day": day, "from_day": days[0]}
        expected, error = _expected(study, [arm[arm.collection_day == each] for each in (day, days[0])], known)
        words = f"{expected:.3g} for the doses as given" if np.isfinite(expected) else "no dose by the first day"
        here |= {"n": sum(map(len, sides)), "expected": words}
        if min(map(len, sides)) == 0:
            yield here | {"note": "no quantified animal on one of the days"}
            continue
        found = ratio_of_means(*sides, shared=_of_both(rows, both, (day, days[0])))
        yield here | _ratio(found) | {"p": _p_apart(found, expected, (error**2, known.degrees_of_freedom))}


def _expected(study: Study, sides: Sequence[pd.DataFrame], known: KnownHalf) -> tuple[float, float]:
    """Return the ratio of what is left of the doses as given on two days, and the error the half-life puts into it."""

    def ratio(half_life: float) -> float:
        left = [_predicted(study, animals, half_life) for animals in sides]
        return left[0] / left[1] if left[1] > 0 else np.nan

    if known.relative_error == 0:
        return ratio(known.days), 0.0
    ends = [ratio(known.days * factor) for factor in (1 / (1 + known.relative_error), 1 + known.relative_error)]
    return ratio(known.days), float(abs(np.log(ends[1] / ends[0])) / 2) if min(ends) > 0 else np.nan


def _p_apart(found: Ratio, expected: float, of_half_life: tuple[float, float]) -> float:
    """Return the two-sided p-value of a ratio observed against one expected; NaN where either lacks."""
    if not (np.isfinite(found.standard_error) and expected > 0):
        return np.nan
    total, degrees = combined_degrees([(found.standard_error**2, found.degrees_of_freedom), of_half_life])
    return 2 * tail(abs(float(np.log(found.ratio / expected))), float(np.sqrt(total)), degrees)


def _of_both(rows: pd.DataFrame, both: Sequence[pd.DataFrame], days: tuple[float, float]) -> list[tuple[float, float]]:
    """Return what curve and recovery add to the ratio of two groups of animals."""
    tissue = str(rows.tissue.iloc[0]) if len(rows) else ""
    sides = [
        Side(sign, list(each.subject_id), tissue, day, str(number))
        for number, (sign, each, day) in enumerate(zip((1.0, -1.0), both, days, strict=True))
    ]
    return shared_of_ratio(rows, sides)


def _ratio(found: Ratio) -> dict[str, Any]:
    return {
        "value": found.ratio, "low": found.low, "high": found.high, "degrees_of_freedom": found.degrees_of_freedom,
        "note": found.note,
    }  # fmt: skip


def _predicted(study: Study, animals: pd.DataFrame, days: float) -> float:
    """Return the mean amount left at collection, in doses of the animal's own median size."""
    log = given_doses(study.dosing) if study.dosing is not None else pd.DataFrame()
    left = []
    for animal in animals.itertuples():
        own = log[log.subject_id == animal.subject_id]
        size = float(own.dose_mg.median())
        if size > 0:
            amounts = own.dose_mg.to_numpy(float) / size
            left.append(amount_left(own.study_day.to_numpy(float), amounts, animal.collection_day, days))
    return float(np.mean(left)) if left else np.nan


def _left_per_weekly(study: Study, animals: pd.DataFrame, days: float) -> float:
    """Return what is left of the doses as given at collection, per mg of weekly dose (geometric mean)."""
    log = given_doses(study.dosing) if study.dosing is not None else pd.DataFrame()
    left = []
    for animal in animals.itertuples():
        own = log[log.subject_id == animal.subject_id]
        amount = amount_left(own.study_day.to_numpy(float), own.dose_mg.to_numpy(float), animal.collection_day, days)
        left.append(amount / animal.weekly_mg)
    return float(np.exp(np.mean(np.log(left)))) if left and min(left) > 0 else np.nan


def equal_weekly(
    study: Study, animals: pd.DataFrame, known: KnownHalf | None, within_percent: float, rows: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield ratios between regimens of one treatment whose weekly doses are equal, per mg of weekly dose.

    Beside each stands what the doses as given predict: on one day, what was given later has declined less.
    """
    keys = ["treatment", "collection_day"]
    for (treatment, day), here in animals[animals.weekly_mg.notna() & animals.log.notna()].groupby(keys, sort=False):
        arms = {regimen: arm for regimen, arm in here.groupby("regimen", sort=False)}
        for first, second in combinations(arms, 2):
            weekly = [float(arms[name].weekly_mg.median()) for name in (first, second)]
            same = arms[first].interval_days.median() == arms[second].interval_days.median()
            if same or abs(weekly[1] - weekly[0]) > within_percent / 100 * max(weekly):
                continue
            sides = [arms[name].value / arms[name].weekly_mg for name in (second, first)]
            row = {"treatment": treatment, "regimen": second, "compared_with": first, "collection_day": day}
            row |= {"quantity": "regimen_ratio", "unit": "ratio, per mg of weekly dose", "n": sum(map(len, sides))}
            both = [arms[name] for name in (second, first)]
            found = _ratio(ratio_of_means(*sides, shared=_of_both(rows, both, (day, day))))
            if known:
                left = [_left_per_weekly(study, arms[name], known.days) for name in (second, first)]
                ratio = left[0] / left[1]
                row |= {"expected": f"{ratio:.3g} for the doses as given" if np.isfinite(ratio) else ""}
                row |= {"source": known.source}
            text = f"weekly doses {weekly[1]:.3g} and {weekly[0]:.3g} mg"
            yield row | found | {"note": "; ".join(filter(None, [text, *_timing(arms, second, first), found["note"]]))}


def _timing(arms: Mapping[str, pd.DataFrame], second: str, first: str) -> list[str]:
    """Return when the regimens were collected after their last dose, and doses missed, where either matters."""
    since = [(day - arm.last_day).median() for arm in (arms[second], arms[first]) for day in [arm.collection_day]]
    missed = sum(int((arms[name].n_missed > 0).sum()) for name in (second, first))
    return [
        f"collected {since[0]:g} and {since[1]:g} d after the last dose" if since[0] != since[1] else "",
        f"{count_of(missed, 'animal')} missed doses" if missed else "",
    ]
