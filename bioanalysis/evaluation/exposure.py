"""Exposure over time: doses as given, what they predict in each tissue, and what was observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bioanalysis.evaluation.findings import Findings, flags_of
from bioanalysis.exposure import accumulation_ratio, half_life, sparse_auc, steady_state_fraction
from bioanalysis.exposure.dosing import SUMMARY, WEEK, WEEKLY, amount_left, dosing_summary, given_doses, weekly_doses
from bioanalysis.limits import Rule, distribution_rules
from bioanalysis.study import Study
from bioanalysis.study.config import Exposure
from bioanalysis.variability.biodistribution import animal_values
from bioanalysis.variability.log_ratio import Ratio, ratio_of_means
from bioanalysis.variability.multiplicity import stand_out, tail
from bioanalysis.variability.shared_terms import (
    Side,
    beyond_scatter,
    combined_degrees,
    shared_of_ratio,
    shared_of_slope,
)
from bioanalysis.words import BLQ, count_of

COLUMNS = [
    "treatment", "regimen", "compared_with", "tissue", "analyte", "method_id", "collection_day", "from_day", "quantity",
    "value", "low", "high", "standard_error", "degrees_of_freedom", "unit", "n", "expected", "flag", "source", "note",
]  # fmt: skip
VEHICLE = "vehicle"
APART = {"accumulation": "accumulation_differs", "decline": "decline_differs"}
PLACE = ["tissue", "analyte", "method_id"]
ANIMAL = ["subject_id", "collection_day"]


PER = {"ng/mL": "ug/mL", "nmol/L": "nmol/mL"}  # fluids are counted per mL as tissues are per g


class KnownHalf(NamedTuple):
    """A half-life in days and where it comes from, with the relative standard error of its rate."""

    days: float
    source: str
    relative_error: float = 0.0
    degrees_of_freedom: float = np.inf


def judge_exposure(study: Study, concentrations: pd.DataFrame) -> Findings:
    """Return exposure, dosing_summary and weekly_doses with flags; without a dosing log the last two are empty."""
    rules = distribution_rules()
    summary, weeks = pd.DataFrame(columns=SUMMARY), pd.DataFrame(columns=WEEKLY)
    if study.dosing is not None:
        collected = study.samples.groupby("subject_id").collection_day.max().to_dict()
        summary = dosing_summary(study.dosing, study.subjects, collected, rules, _molar_masses(study))
        weeks = weekly_doses(study.dosing, study.subjects)
    table = exposure_table(study, concentrations, summary, rules)
    tables = {"exposure": table, "dosing_summary": summary, "weekly_doses": weeks}
    named = summary.assign(note=summary.subject_id.astype(str) + ": " + summary.note.astype(str)).fillna({"flag": ""})
    text = "{treatment}, {regimen}: {value:.3g} ({low:.3g} to {high:.3g})"
    flags = flags_of(named, "DOSE-01, DOSE-02", "as planned")
    return Findings(tables, [*flags, *flags_of(table, "BIO-09", accumulation_differs=text, decline_differs=text)])


def _molar_masses(study: Study) -> tuple[float | None, float | None]:
    """Return the molar masses of the first analyte that has both; the log does not name an analyte."""
    both = [
        (analyte.molar_mass_g_mol, analyte.salt_molar_mass_g_mol)
        for method in study.methods.values()
        for analyte in method.analytes
        if analyte.molar_mass_g_mol and analyte.salt_molar_mass_g_mol
    ]
    return both[0] if both else (None, None)


def exposure_table(
    study: Study, concentrations: pd.DataFrame, summary: pd.DataFrame, rules: Mapping[str, Rule]
) -> pd.DataFrame:
    """Return exposure.tsv, one row per regimen, tissue and quantity."""
    animals = _animals(study, concentrations, summary)
    rows: list[dict[str, Any]] = []
    values = animal_values(concentrations)
    for place, here in animals.groupby(PLACE, sort=False):
        rows_of = values[np.logical_and.reduce([values[key] == one for key, one in zip(PLACE, place, strict=True)])]
        about = dict(zip(PLACE, place, strict=True))
        known = _known(study.config.exposure, here, about["tissue"], rows_of)
        known = known or _known_elsewhere(study, animals, values, about)
        for (treatment, regimen), arm in here.groupby(["treatment", "regimen"], sort=False):
            own = rows_of[rows_of.subject_id.isin(arm.subject_id)]
            found = [*_areas(arm, own), *_declines(arm, study.config.exposure, own), *_filling(study, arm, known, own)]
            rows += [about | {"treatment": treatment, "regimen": regimen} | row for row in found]
        within = float(rules["DOSE-03"].number)
        rows += [about | row for row in _equal_weekly(study, here, known, within, rows_of)]
    words = dict.fromkeys(("compared_with", "expected", "flag", "source", "note"), "")
    _mark_apart(rows)
    return pd.DataFrame([words | row for row in rows], columns=COLUMNS)


def _mark_apart(rows: list[dict[str, Any]]) -> None:
    """Flag ratios between days that are not what doses predict (BIO-09), held against all of the study at once."""
    judged = [row for row in rows if row["quantity"] in APART]
    for row, apart in zip(judged, stand_out([row.get("p", np.nan) for row in judged]), strict=True):
        row["flag"] = APART[row["quantity"]] if apart else ""


def _animals(study: Study, concentrations: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Return one row per dosed animal, day, tissue, analyte and method, BLQ included (without a value)."""
    values = animal_values(concentrations).assign(log=lambda table: np.log(table.ug_per_g))
    keys = ["subject_id", "collection_day", *PLACE]
    blq = concentrations[(concentrations.status == BLQ) & ~concentrations.pool.astype(bool)]
    kept = {"log": "mean", "unit": "first"}
    table = pd.concat([values, blq]).groupby(keys, sort=False).agg(kept).reset_index()
    about = study.subjects.set_index("subject_id")
    doses = summary.set_index("subject_id").reindex(about.index)
    about = about.assign(**{name: doses[name].astype(float) for name in NEEDED})
    about["regimen"] = [_regimen(row) for row in about.itertuples()]
    columns = ["treatment", "dose_mg_per_kg", "regimen", *NEEDED]
    table = table.join(about[columns], on="subject_id").assign(value=np.exp(table.log))
    return table[(table.treatment != VEHICLE) & table.treatment.notna()]


NEEDED = ["first_day", "last_day", "interval_days", "days_covered", "dose_mg", "weekly_mg", "n_given", "n_missed"]


def _regimen(animal: Any) -> str:
    """Return dose and interval in words: of the log where there is one, else as the subjects table says."""
    dose = f"{animal.dose_mg_per_kg:g} mg/kg" if np.isfinite(animal.dose_mg_per_kg) else f"{animal.dose_mg:.3g} mg"
    if not np.isfinite(animal.interval_days):
        return f"{dose} {animal.regimen}"
    times = WEEK / animal.interval_days
    weekly = times.is_integer() and not float(animal.interval_days).is_integer()
    return f"{dose} {times:g} times a week" if weekly else f"{dose} every {animal.interval_days:g} d"


def _areas(arm: pd.DataFrame, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the AUC from the first to the last collection day."""
    days, unit = arm.collection_day.nunique(), arm.unit.iloc[0]
    row = {"quantity": "auc", "unit": f"{PER.get(unit, unit)} x d", "n": len(arm)}
    row |= {"from_day": arm.collection_day.min(), "collection_day": arm.collection_day.max()}
    if days < 2:
        return
    if arm.log.isna().any():
        of_all = f"{int(arm.log.isna().sum())} of {count_of(len(arm), 'animal')}"
        yield row | {"note": f"{of_all} BLQ and no rule to replace them: no AUC"}
        return
    again = arm.subject_id.duplicated().any()
    try:
        found = sparse_auc(arm.collection_day, arm.value, animal=arm.subject_id if again else None)
    except ValueError as error:
        yield row | {"note": f"no AUC: {error}"}
        return
    own = (found.standard_error**2, found.degrees_of_freedom)
    total, degrees = combined_degrees([own, *beyond_scatter(_shares(arm, rows, bool(again)))])
    row |= {"value": found.auc, "standard_error": float(np.sqrt(total)), "note": found.note}
    yield row | {
        "degrees_of_freedom": degrees if np.isfinite(total) else np.nan,
        "source": "linear trapezoids of means; Bailer, Nedelman",
    }


def _shares(arm: pd.DataFrame, rows: pd.DataFrame, again: bool) -> pd.DataFrame:
    """Return the samples of an AUC with the weight of each one's relative error.

    Animals collected on one day scatter together; where animals were sampled repeatedly, shared errors are taken whole.
    """
    days = np.sort(arm.collection_day.unique())
    width = dict(zip(days, (np.append(days[1:], days[-1]) - np.insert(days[:-1], 0, days[0])) / 2, strict=True))
    count = arm.groupby("collection_day").subject_id.transform("size")
    share = (arm.collection_day.map(width) * arm.value / count).to_numpy()
    keys = ["subject_id", "collection_day"]
    table = rows.merge(arm[keys].assign(weight=share), on=keys)
    pieces = table.groupby(keys).subject_id.transform("size")
    return table.assign(weight=table.weight / pieces, side=0, group=table.sample_id if again else table.collection_day)


def _declines(arm: pd.DataFrame, settings: Exposure, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the half-life from animals collected at several times after their last dose.

    Days on which an animal read BLQ are left out whole: the others of that day alone would lie too high.
    """
    phase = settings.terminal_phase
    since = arm.collection_day - arm.last_day
    inside = since >= (phase.from_day if phase else 0)
    if phase and phase.to_day:
        inside &= since <= phase.to_day
    for n_given, whole in arm[inside].groupby("n_given", sort=False):
        blq = whole.log.isna().groupby(whole.collection_day).transform("any")
        here = whole[~blq]
        since = here.collection_day - here.last_day
        left = ", ".join(f"{day:g}" for day in sorted(set(whole.collection_day[blq])))
        words = f"day {left} left out, where animals read BLQ" if left else ""
        if since.nunique() < 2:
            if left and whole.collection_day.nunique() > 1:
                row = {"quantity": "half_life", "unit": "d", "n": len(here)}
                yield row | {"note": f"{words}: fewer than two days remain, no half-life"}
            continue
        points = pd.Series(since.to_numpy(float), index=pd.MultiIndex.from_frame(here[ANIMAL]))
        found = half_life(since, here.value, shared=shared_of_slope(rows, ANIMAL, points))
        notes = [found.note, "" if phase else "no phase declared: all collections after the last dose"]
        notes += [words]
        span = f"span {found.span_ratio:.2g} half-lives" if np.isfinite(found.span_ratio) else ""
        given = count_of(int(n_given), "dose")
        yield {
            "quantity": "half_life", "value": found.half_life, "low": found.low, "high": found.high, "unit": "d",
            "degrees_of_freedom": found.degrees_of_freedom, "n": found.n, "from_day": since.min(),
            "collection_day": here.collection_day.max(), "source": f"{given}, single animals; {span}",
            "note": "; ".join(filter(None, notes)), "relative_error": found.rate_standard_error / found.rate,
        }  # fmt: skip


def _known(settings: Exposure, animals: pd.DataFrame, tissue: str, rows: pd.DataFrame) -> KnownHalf | None:
    """Return the half-life of a tissue: that of the settings, else the first that this study's own decline gives."""
    if tissue in settings.half_life_days:
        known = settings.half_life_days[tissue]
        return KnownHalf(known.days, f"half-life {known.days:g} d ({known.source or 'no source given'})")
    for _, arm in animals.groupby(["treatment", "regimen"], sort=False):
        for row in _declines(arm, settings, rows):
            if np.isfinite(row.get("high", np.nan)) and np.isfinite(row["value"]):
                said = f"half-life {row['value']:.3g} d of this study"
                return KnownHalf(row["value"], said, row["relative_error"], row["degrees_of_freedom"])
    return None


def _known_elsewhere(
    study: Study, animals: pd.DataFrame, values: pd.DataFrame, about: Mapping[str, Any]
) -> KnownHalf | None:
    """Return the half-life that another method found in the same tissue."""
    same = (animals.tissue == about["tissue"]) & (animals.analyte == about["analyte"])
    for method_id, here in animals[same & (animals.method_id != about["method_id"])].groupby("method_id", sort=False):
        place = (values.tissue == about["tissue"]) & (values.analyte == about["analyte"])
        rows = values[place & (values.method_id == method_id)]
        if found := _known(study.config.exposure, here, about["tissue"], rows):
            return found._replace(source=f"{found.source}, by {method_id}")
    return None


def _filling(study: Study, arm: pd.DataFrame, known: KnownHalf | None, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
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


def _equal_weekly(
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
        f"{missed} animals missed doses" if missed > 1 else "1 animal missed doses" if missed else "",
    ]
