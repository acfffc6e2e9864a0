"""What happened to the animals while they lived: doses as given, and clinical chemistry before and at collection."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from .animals import COLLECTION_DAY

FIRST_DOSE = date(2026, 1, 12)
DOSE_DAYS = (1, 8, 15, 22)
CHEMISTRY_DAYS = (-1, 15, COLLECTION_DAY)
SITES = ("left flank", "right flank")
DOSE_CV = 0.02
MISSED = ("R304", 15)  # listed and not given
WRONG = ("R203", 22, 1.5)  # half as much again as planned

# per test: unit, centre, upper limit of normal ("" where the laboratory has none), SD of ln, effect per mg/kg on ln
TESTS = {
    "ALT": ("U/L", 38.0, "68", 0.18, 0.06),
    "AST": ("U/L", 85.0, "140", 0.15, 0.05),
    "bilirubin": ("umol/L", 2.1, "3.6", 0.20, 0.0),
    "ALP": ("U/L", 180.0, "", 0.15, 0.0),
}
PLANTED_ALT = ("R402", 15, 3.6)  # times the upper limit: one finding of class `repeat`, not repeated within 7 days


def make_dosing(subjects: pd.DataFrame, rng: np.random.RandomState) -> pd.DataFrame:
    """Doses as given, one row per animal and day, in the columns of config/dosing.tsv; vehicle animals get 0 mg."""
    rows = []
    for animal in subjects.itertuples():
        planned_mg = float(animal.dose_mg_per_kg) * float(animal.body_weight_g) / 1000
        for number, day in enumerate(DOSE_DAYS):
            missed = (animal.subject_id, day) == MISSED
            factor = WRONG[2] if (animal.subject_id, day) == WRONG[:2] else 1.0
            dose_mg = planned_mg * factor * (1 + DOSE_CV * rng.standard_normal())
            rows.append(
                {
                    "subject_id": animal.subject_id,
                    "study_day": day,
                    "dosed_at": (FIRST_DOSE + timedelta(days=day - 1)).isoformat(),
                    "dose_mg": f"{0.0 if missed else dose_mg:.4g}",
                    "dose_basis": animal.dose_basis,
                    "site": SITES[number % 2],
                    "given": "false" if missed else "true",
                    "comment": "animal under anaesthesia, dose omitted" if missed else "",
                }
            )
    return pd.DataFrame(rows)


def make_clinical_chemistry(subjects: pd.DataFrame, rng: np.random.RandomState) -> pd.DataFrame:
    """Clinical chemistry, one row per animal, day and test, in the columns of config/clinical_chemistry.tsv."""
    rows = []
    for animal in subjects.itertuples():
        for day in CHEMISTRY_DAYS:
            for test, (unit, centre, uln, sd, effect) in TESTS.items():
                treated = float(animal.dose_mg_per_kg) if day > 0 else 0.0
                value = centre * np.exp(effect * treated + sd * rng.standard_normal())
                if test == "ALT" and (animal.subject_id, day) == PLANTED_ALT[:2]:
                    value = PLANTED_ALT[2] * float(uln)
                rows.append(
                    {
                        "subject_id": animal.subject_id,
                        "study_day": day,
                        "test": test,
                        "value": f"{value:.3g}",
                        "unit": unit,
                        "uln": uln,
                    }
                )
    return pd.DataFrame(rows)
