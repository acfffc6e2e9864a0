"""The dosing log: what each animal was given, what was missed or differs, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.flags import join_words
from bioanalysis.limits import Rule

WEEK = 7
SUMMARY = [
    "subject_id", "group", "treatment", "dose_basis", "n_listed", "n_given", "n_missed", "n_differing", "first_day",
    "last_day", "interval_days", "days_covered", "dose_mg",
    "planned_mg", "total_mg", "weekly_mg", "total_free_acid_mg", "sites",
    "collection_day", "days_after_last_dose", "flag", "note",
]  # fmt: skip
WEEKLY = ["subject_id", "group", "week", "first_day", "last_day", "n_given", "n_missed", "total_mg", "dose_basis"]


def basis_factor(
    given: str, wanted: str, free_acid_g_mol: float | None = None, salt_g_mol: float | None = None
) -> float:
    """Return what an amount on the basis `given` is multiplied by to stand on the basis `wanted`.

    Parameters
    ----------
    given, wanted : {"free_acid", "sodium_salt"}
    free_acid_g_mol, salt_g_mol : float, optional
        Molar masses; without them only equal bases can be converted, and the factor is NaN.
    """
    if given == wanted:
        return 1.0
    if not free_acid_g_mol or not salt_g_mol:
        return float("nan")
    return free_acid_g_mol / salt_g_mol if wanted == "free_acid" else salt_g_mol / free_acid_g_mol


def given_doses(dosing: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the log that were given: all but those that say `given` is false."""
    return dosing[dosing.given.astype(str).str.lower() != "false"]


def amount_left(day: np.ndarray, dose: np.ndarray, at_day: float, half_life: float) -> float:
    """Return what is left at a day of all doses until then: the sum of dose x 2^(-(time passed) / half_life).

    Parameters
    ----------
    day, dose : ndarray (n_doses,)
        Study days and amounts; a dose on `at_day` itself counts in full.
    half_life : float
        In days, above 0.
    """
    if not half_life > 0:
        raise ValueError("half_life must be above 0")
    passed = at_day - np.asarray(day, dtype=float)
    return float(np.sum(np.where(passed >= 0, np.asarray(dose, dtype=float) * 2.0 ** (-passed / half_life), 0.0)))


def rhythm(days: np.ndarray) -> tuple[float, float]:
    """Return the interval between doses and the days they cover, the interval after the last included.

    Parameters
    ----------
    days : ndarray (n_days,)
        Distinct days of doses as planned, in order.

    Returns
    -------
    tuple
        Doses on the same days of each week (days 1, 3, 5, 8, 10, 12 ...) cover whole weeks, and the interval is their
        mean (7/3 d); otherwise the interval is the median. NaN for one dose.
    """
    if len(days) < 2:
        return np.nan, np.nan
    steps = np.diff(days)
    week, place = np.divmod(days - days[0], WEEK)
    weeks = [tuple(place[week == number]) for number in np.arange(week[-1] + 1)]
    if len(weeks) > 1 and len(set(weeks)) == 1 and np.ptp(steps) > 0:
        return WEEK / len(weeks[0]), float(WEEK * len(weeks))
    interval = float(np.median(steps))
    return interval, float(days[-1] - days[0] + interval)


def dosing_summary(
    dosing: pd.DataFrame,
    subjects: pd.DataFrame,
    collection: Mapping[str, float],
    rules: Mapping[str, Rule],
    molar_masses: tuple[float | None, float | None] = (None, None),
) -> pd.DataFrame:
    """Return what each animal was given, one row per animal of the study.

    Parameters
    ----------
    dosing : DataFrame
        Rows of config/dosing.tsv.
    subjects : DataFrame
        Rows of config/subjects.tsv.
    collection : mapping
        Last collection day by subject_id.
    rules : mapping
        DOSE-01 (a dose that differs) and DOSE-02 (a gap).
    molar_masses : tuple
        Free acid and sodium salt, g/mol, for the total as free acid.
    """
    rows = [
        _summarised(dosing[dosing.subject_id == animal.subject_id], animal, collection, rules, molar_masses)
        for animal in subjects.itertuples()
    ]
    return pd.DataFrame(rows, columns=SUMMARY)


def _summarised(
    log: pd.DataFrame,
    animal: Any,
    collection: Mapping[str, float],
    rules: Mapping[str, Rule],
    molar_masses: tuple[float | None, float | None],
) -> dict[str, Any]:
    given, collected = given_doses(log), collection.get(animal.subject_id, np.nan)
    row: dict[str, Any] = {name: getattr(animal, name) for name in ("subject_id", "group", "treatment")}
    row |= {"n_listed": len(log), "n_given": len(given), "n_missed": len(log) - len(given), "n_differing": 0}
    row |= {"collection_day": collected, "sites": "; ".join(sorted({site for site in given.site if site}))}
    if given.empty:
        dosed = animal.dose_mg_per_kg > 0
        words = "no dose in the log" if log.empty else "every dose in the log was missed"
        return row | {"flag": "dose_missing" if dosed else "", "note": words if dosed else "", "total_mg": 0.0}
    bases = sorted(set(given.dose_basis))
    days, listed = (np.unique(rows.study_day.to_numpy(float)) for rows in (given, log))
    interval, covered = rhythm(listed)
    planned, what = _planned(given, animal)
    allowed, gap = float(rules["DOSE-01"].number), float(rules["DOSE-02"].number)
    differing = given[np.abs(given.dose_mg - planned) > allowed / 100 * planned] if planned > 0 else given.iloc[:0]
    gaps = [(a, b) for a, b in pairwise(listed.tolist()) if b - a > gap * interval]
    factors = given.dose_basis.map(lambda basis: basis_factor(basis, "free_acid", *molar_masses))
    row |= {
        "dose_basis": bases[0] if len(bases) == 1 else "mixed", "n_differing": len(differing),
        "first_day": days[0], "last_day": days[-1], "interval_days": interval, "days_covered": covered,
        "dose_mg": float(given.dose_mg.median()),
        "planned_mg": planned, "total_mg": float(given.dose_mg.sum()) if len(bases) == 1 else np.nan,
        "total_free_acid_mg": float((given.dose_mg * factors).sum(skipna=False)),
        "days_after_last_dose": collected - days[-1],
    }  # fmt: skip
    row["weekly_mg"] = WEEK * row["total_mg"] / covered
    notes = _dose_notes(row, gap, differing, gaps, what)
    flags = ["dose_missed" if row["n_missed"] else "", "dose_differs" if len(differing) else "",
             "dose_gap" if gaps else "", "dose_after_collection" if days[-1] > collected else "",
             "dose_unexpected" if animal.treatment == "vehicle" and given.dose_mg.sum() > 0 else ""]  # fmt: skip
    return row | {"flag": join_words(*flags), "note": "; ".join(filter(None, notes))}


def _planned(given: pd.DataFrame, animal: Any) -> tuple[float, str]:
    """Return the dose in mg that an animal was to have, and what that is."""
    planned = animal.dose_mg_per_kg * animal.body_weight_g / 1000
    if np.isfinite(planned) and animal.dose_basis in ("", *set(given.dose_basis)):
        return float(planned), "dose per body weight"
    return float(given.dose_mg.median()), "the animal's median dose"


def _dose_notes(
    row: dict[str, Any], gap: float, differing: pd.DataFrame, gaps: list[tuple[float, float]], what: str
) -> list[str]:
    said = ", ".join(
        f"day {day:g}: {dose:g} mg" for day, dose in zip(differing.study_day, differing.dose_mg, strict=True)
    )
    late = row["days_after_last_dose"] > gap * row["interval_days"] if np.isfinite(row["interval_days"]) else False
    return [
        f"{row['n_missed']} listed and not given" if row["n_missed"] else "",
        f"differs from {what} ({row['planned_mg']:.3g} mg): {said}" if said else "",
        "; ".join(f"no dose between day {a:g} and day {b:g}" for a, b in gaps),
        f"the log ends on day {row['last_day']:g}, collection was on day {row['collection_day']:g}: "
        "a time without doses, or a log that is not complete" if late else "",
        f"a dose after the last collection on day {row['collection_day']:g} counts for no sample"
        if row["last_day"] > row["collection_day"] else "",
        "doses on two bases: no total" if row["dose_basis"] == "mixed" else "",
    ]  # fmt: skip


def weekly_doses(dosing: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Return doses by animal and week; weeks of seven days are counted from the animal's first listed day."""
    if dosing.empty:
        return pd.DataFrame(columns=WEEKLY)
    first = dosing.groupby("subject_id").study_day.transform("min")
    table = dosing.assign(
        week=((dosing.study_day - first) // WEEK + 1).astype(int),
        start=first,
        was_given=dosing.given.astype(str).str.lower() != "false",
        group=dosing.subject_id.map(subjects.set_index("subject_id").group),
    )
    rows = []
    for (subject, group, week, basis), here in table.groupby(["subject_id", "group", "week", "dose_basis"], sort=False):
        start = here.start.iloc[0] + WEEK * (week - 1)
        given = here[here.was_given]
        row = {"subject_id": subject, "group": group, "week": week, "first_day": start, "last_day": start + WEEK - 1}
        row |= {"n_given": len(given), "n_missed": len(here) - len(given), "dose_basis": basis}
        rows.append(row | {"total_mg": float(given.dose_mg.sum())})
    return pd.DataFrame(rows, columns=WEEKLY)
