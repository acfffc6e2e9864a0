"""Rats on three regimens of one weekly dose, on a conjugate and on vehicle: doses as given, and what their organs hold.

What a tissue holds is what is left of every dose as given, so that regimen, missed dose, recovery and half-life follow
from the log: ``C = uptake x sum of dose x 2^(-(day - day of dose) / half-life)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from .animals import BALANCE_SD_MG, BUFFER_CV
from .in_life import DOSE_CV, FIRST_DOSE, SITES, TESTS

ANIMAL_SD, PIECE_SD, PORTION_SD, WEIGHT_SD = 0.20, 0.10, 0.03, 0.08
COLLECTION_DAY = 29
MISSED = ("W104", 22)  # listed and not given; the animal was collected a week later


@dataclass(frozen=True)
class Arm:
    """Animals treated alike. `animals` counts them by collection day."""

    letter: str
    treatment: str
    formulation: str
    dose_mg_per_kg: float
    dose_days: tuple[int, ...]
    regimen: str
    animals: dict[int, int]


@dataclass(frozen=True)
class Matrix:
    """An organ, or a fluid (no density): ug/g (fluid: ng/mL) left at once of 1 mg/kg, by formulation, and half-life."""

    letter: str
    uptake: dict[str, float]
    half_life_days: float
    density_g_ml: float = 0.0
    weight_g: float = 0.0
    mass_mg: float = 0.0
    buffer_volume_ul: float = 0.0


WEEKLY, DAILY = (1, 8, 15, 22), tuple(range(1, 29))
THRICE = tuple(day + later for day in WEEKLY for later in (0, 2, 4))
ARMS = {
    "vehicle": Arm("V", "vehicle", "unconjugated", 0.0, WEEKLY, "weekly", {COLLECTION_DAY: 3}),
    "weekly": Arm("W", "mipomersen", "unconjugated", 2.0, WEEKLY, "weekly", {COLLECTION_DAY: 5, 57: 3, 85: 3}),
    "three weekly": Arm("T", "mipomersen", "unconjugated", 0.7, THRICE, "three times a week", {COLLECTION_DAY: 4}),
    "daily": Arm("D", "mipomersen", "unconjugated", 0.3, DAILY, "daily", {COLLECTION_DAY: 4}),
    "conjugate": Arm("G", "GalNAc-mipomersen", "galnac", 0.5, WEEKLY, "weekly", {COLLECTION_DAY: 4}),
}
MATRICES = {
    "liver": Matrix("L", {"unconjugated": 4.0, "galnac": 20.0}, 20.0, 1.06, 11.0, 100, 900),
    "kidney": Matrix("K", {"unconjugated": 7.5, "galnac": 2.8125}, 16.0, 1.05, 2.3, 100, 900),
    "spleen": Matrix("S", {"unconjugated": 0.8, "galnac": 0.25}, 25.0, 1.06, 0.7, 40, 960),
    "plasma": Matrix("P", {"unconjugated": 2.8, "galnac": 11.0}, 20.0),
}
REGIMEN_UPTAKE = {("three weekly", "liver"): 1.15, ("daily", "liver"): 1.3}  # smaller doses: more of each reaches liver


def make_subjects(rng: np.random.RandomState) -> pd.DataFrame:
    """Subjects, one row per animal; beside the columns of subjects.tsv its day of collection as `true_day`."""
    rows = []
    for group, arm in ARMS.items():
        for part, (day, count) in enumerate(arm.animals.items(), start=1):
            for animal in range(1, count + 1):
                rows.append(
                    {
                        "subject_id": f"{arm.letter}{part}0{animal}", "species": "rat", "sex": "M", "group": group,
                        "treatment": arm.treatment, "dose_mg_per_kg": f"{arm.dose_mg_per_kg:g}",
                        "dose_basis": "sodium_salt", "regimen": f"subcutaneous, {arm.regimen} for four weeks",
                        "body_weight_g": f"{300 + 12 * rng.standard_normal():.0f}", "formulation": arm.formulation,
                        "true_day": day,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def make_dosing(subjects: pd.DataFrame, rng: np.random.RandomState) -> pd.DataFrame:
    """Doses as given, one row per animal and day, in the columns of config/dosing.tsv."""
    rows = []
    for animal in subjects.itertuples():
        planned_mg = float(animal.dose_mg_per_kg) * float(animal.body_weight_g) / 1000
        for number, day in enumerate(ARMS[animal.group].dose_days):
            missed = (animal.subject_id, day) == MISSED
            dose_mg = planned_mg * (1 + DOSE_CV * rng.standard_normal())
            rows.append(
                {
                    "subject_id": animal.subject_id, "study_day": day,
                    "dosed_at": (FIRST_DOSE + timedelta(days=day - 1)).isoformat(),
                    "dose_mg": f"{0.0 if missed else dose_mg:.4g}", "dose_basis": animal.dose_basis,
                    "site": SITES[number % 2], "given": "false" if missed else "true",
                    "comment": "syringe broke, no second one prepared" if missed else "",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def doses_left(doses: pd.DataFrame, body_weight_g: float, day: int, half_life_days: float) -> float:
    """What is left on a day of an animal's doses as given, in mg/kg."""
    passed = day - doses.study_day.to_numpy(float)
    return float(np.sum(doses.dose_mg.to_numpy(float) * 2.0 ** (-passed / half_life_days))) * 1000 / body_weight_g


def make_samples(subjects: pd.DataFrame, dosing: pd.DataFrame, rng: np.random.RandomState) -> pd.DataFrame:
    """Homogenates and plasma, one row each: the columns of config/samples.tsv, beside them the truth as `true_*`."""
    rows = []
    for subject in subjects.itertuples():
        doses = dosing[dosing.subject_id == subject.subject_id]
        for tissue, matrix in MATRICES.items():
            left = doses_left(doses, float(subject.body_weight_g), subject.true_day, matrix.half_life_days)
            uptake = matrix.uptake[subject.formulation] * REGIMEN_UPTAKE.get((subject.group, tissue), 1.0)
            weight_g = matrix.weight_g * np.exp(WEIGHT_SD * rng.standard_normal())
            animal = ANIMAL_SD * rng.standard_normal()
            for piece, homogenate in portions_of(subject, tissue):
                if homogenate == 1:
                    own = PIECE_SD * rng.standard_normal() if matrix.weight_g else 0.0
                portion = PORTION_SD * rng.standard_normal() if matrix.weight_g else 0.0
                held = left * uptake * np.exp(animal + own + portion)
                rows.append(_sample(subject, tissue, piece, homogenate, weight_g, left * uptake, held, rng))
    return pd.DataFrame(rows)


def portions_of(subject, tissue: str) -> list[tuple[int, int]]:
    """Pieces and homogenates taken of one organ: two livers pieces of a dosed animal, the second twice of some."""
    if tissue != "liver" or subject.treatment == "vehicle" or subject.true_day != COLLECTION_DAY:
        return [(1, 1)]
    return [(1, 1), (2, 1)] + [(2, 2)] * (subject.subject_id[-1] in "12")


def _sample(subject, tissue, piece, homogenate, weight_g, median, held, rng) -> dict:
    """One homogenate or tube of plasma: what was weighed and noted, and what is truly in it."""
    matrix = MATRICES[tissue]
    solid = matrix.weight_g > 0
    collected = FIRST_DOSE + timedelta(days=subject.true_day - 1)
    row = {
        "sample_id": f"{subject.subject_id}-{matrix.letter}{piece}{'ab'[homogenate - 1]}",
        "subject_id": subject.subject_id, "tissue": tissue, "piece": piece, "homogenate": homogenate,
        "collection_day": subject.true_day, "tissue_mass_mg": "", "buffer_volume_ul": "", "organ_weight_g": "",
        "collected_at": collected.isoformat(), "received_at": (collected + timedelta(days=2)).isoformat(),
        "storage_c": "-70", "freeze_thaw_cycles": "1", "group": subject.group, "true_median": median,
        "true_value": held, "true_homogenate_ng_ml": held,
    }  # fmt: skip
    if solid:
        mass_mg = matrix.mass_mg * rng.uniform(0.85, 1.15)
        buffer_ul = matrix.buffer_volume_ul * (1 + BUFFER_CV * rng.standard_normal())
        row["tissue_mass_mg"] = f"{mass_mg + BALANCE_SD_MG * rng.standard_normal():.1f}"
        row["buffer_volume_ul"], row["organ_weight_g"] = f"{matrix.buffer_volume_ul:.0f}", f"{weight_g:.2f}"
        row["true_homogenate_ng_ml"] = held * 1000 * mass_mg / (buffer_ul + mass_mg / matrix.density_g_ml)
    return row


def make_clinical_chemistry(subjects: pd.DataFrame, rng: np.random.RandomState) -> pd.DataFrame:
    """Clinical chemistry before dosing and at collection; nothing is planted in it."""
    rows = []
    for animal in subjects.itertuples():
        for day in (-1, animal.true_day):
            for test, (unit, centre, uln, sd, _) in TESTS.items():
                value = f"{centre * np.exp(sd * rng.standard_normal()):.3g}"
                rows.append((animal.subject_id, day, test, value, unit, uln))
    return pd.DataFrame(rows, columns=["subject_id", "study_day", "test", "value", "unit", "uln"])


def make_materials() -> pd.DataFrame:
    """What was used: reference standard, internal standard, reagents, matrix lots."""
    rows = [
        ("mipomersen sodium", "reference standard", "RS-0417", "97.8 % (anhydrous, as is)", "2027-06-30"),
        ("IS1", "internal standard", "IS-0093", "96.1 %", "2027-03-31"),
        ("capture probe", "reagent", "CP-22", "", "2026-12-31"),
        ("detection probe", "reagent", "DP-19", "", "2026-12-31"),
        ("surrogate homogenate", "matrix", "SUR-11", "", "2026-09-30"),
        *[(f"blank rat {tissue}", "matrix", f"{tissue[:3].upper()}-07", "", "2026-09-30") for tissue in MATRICES],
    ]
    table = pd.DataFrame(rows, columns=["material", "kind", "lot", "purity", "expiry"])
    return table.assign(source="simulated")


def truth_of_study(subjects: pd.DataFrame) -> pd.DataFrame:
    """What the study is to find: half-lives, regimens against weekly per planned weekly dose, targeting, all exact."""
    rows = [("half_life_days", tissue, "", matrix.half_life_days) for tissue, matrix in MATRICES.items()]
    for group in ("three weekly", "daily"):
        rows += [("ratio_to_weekly_per_mg", t, group, _per_mg(group, t) / _per_mg("weekly", t)) for t in MATRICES]
    for numerator, denominator in (("kidney", "liver"), ("spleen", "liver"), ("kidney", "spleen")):
        over, under = MATRICES[numerator].uptake, MATRICES[denominator].uptake
        index = over["galnac"] / under["galnac"] / (over["unconjugated"] / under["unconjugated"])
        rows.append(("targeting_index", f"{numerator}/{denominator}", "", index))
    for tissue, matrix in MATRICES.items():
        rows.append(("steady_state_fraction_after_28_d", tissue, "", 1 - 2 ** (-28 / matrix.half_life_days)))
        rows.append(("left_after_missed_dose", tissue, MISSED[0], _missed(tissue)))
    table = pd.DataFrame(rows, columns=["quantity", "tissue", "of", "value"])
    return table.assign(value=[f"{value:.6g}" for value in table.value])


def _per_mg(group: str, tissue: str) -> float:
    """Median concentration at the first collection per mg/kg a week, with every dose as planned."""
    arm, half = ARMS[group], MATRICES[tissue].half_life_days
    left = sum(2.0 ** (-(COLLECTION_DAY - day) / half) for day in arm.dose_days)
    weekly = len(arm.dose_days) / 4
    return left * REGIMEN_UPTAKE.get((group, tissue), 1.0) / weekly


def _missed(tissue: str) -> float:
    """Share of a weekly animal's content that is there although one dose was missed."""
    half = MATRICES[tissue].half_life_days
    left = {day: 2.0 ** (-(COLLECTION_DAY - day) / half) for day in WEEKLY}
    return 1 - left[MISSED[1]] / sum(left.values())
