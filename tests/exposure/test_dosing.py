"""The dosing log in sums a reader can redo."""

from __future__ import annotations

import numpy as np
import pytest
from animals_of_study import dosing, subjects
from numpy.testing import assert_allclose

from bioanalysis.exposure import accumulation_ratio
from bioanalysis.exposure.dosing import amount_left, basis_factor, dosing_summary, weekly_doses
from bioanalysis.limits import distribution_rules

pytestmark = pytest.mark.requirement("UR-016")

RULES = distribution_rules()
WEEKLY = [("R1", day, 3.0) for day in (1, 8, 15, 22)]


def summary(*rows, collected=29.0, about=None, **more):
    animals = subjects({"subject_id": "R1", "group": "g"} | (about or {}))
    return dosing_summary(dosing(*rows, **more), animals, {"R1": collected}, RULES, (7177.15, 7594.80)).iloc[0]


def test_doses_add_up():
    row = summary(*WEEKLY)
    assert_allclose([row.total_mg, row.weekly_mg, row.interval_days, row.days_after_last_dose], [12, 3, 7, 7])
    assert (row.n_given, row["flag"], row.note) == (4, "", "")


def test_a_salt_weighs_more_than_its_free_acid():
    assert_allclose(basis_factor("sodium_salt", "free_acid", 7177.15, 7594.80), 7177.15 / 7594.80)
    assert_allclose(summary(*WEEKLY, dose_basis="sodium_salt").total_free_acid_mg, 12 * 7177.15 / 7594.80)
    assert np.isnan(basis_factor("sodium_salt", "free_acid"))
    assert basis_factor("free_acid", "free_acid") == 1


@pytest.mark.parametrize(
    ("dose", "word"),
    [
        pytest.param(3.59, "", marks=pytest.mark.rule("DOSE-01", "inside")),
        pytest.param(3.6, "", marks=pytest.mark.rule("DOSE-01", "on")),
        pytest.param(3.61, "dose_differs", marks=pytest.mark.rule("DOSE-01", "outside")),
    ],
)
def test_a_wrong_dose_is_found(dose, word):
    # planned: 10 mg/kg x 300 g = 3 mg, within 20 %
    row = summary(*WEEKLY[:3], ("R1", 22, dose))
    assert row["flag"] == word
    assert (row.note != "") == bool(word)


@pytest.mark.rule("DOSE-01", "not_assessable")
def test_without_a_plan_the_animals_own_doses_are_the_measure():
    row = summary(*WEEKLY[:3], ("R1", 22, 30.0), about={"body_weight_g": np.nan})
    assert row.note == "differs from the animal's median dose (3 mg): day 22: 30 mg"


@pytest.mark.parametrize(
    ("last", "word"),
    [
        pytest.param(25, "", marks=pytest.mark.rule("DOSE-02", "inside")),
        pytest.param(25.5, "", marks=pytest.mark.rule("DOSE-02", "on")),
        pytest.param(26, "dose_gap", marks=pytest.mark.rule("DOSE-02", "outside")),
    ],
)
def test_a_gap_in_the_log_is_found(last, word):
    # every 7 days; 15 + 1.5 x 7 = 25.5
    assert summary(*WEEKLY[:3], ("R1", last, 3.0))["flag"] == word


@pytest.mark.rule("DOSE-02", "not_assessable")
def test_one_dose_has_no_interval():
    row = summary(WEEKLY[0])
    assert np.isnan(row.interval_days)
    assert np.isnan(row.weekly_mg)
    assert row["flag"] == ""


def test_a_missed_dose_is_counted_and_not_added():
    row = summary(*WEEKLY, given=["true", "false", "true", "true"])
    assert_allclose(row.total_mg, 9)
    assert (row.n_missed, row.note) == (1, "1 listed and not given")
    assert row["flag"] == "dose_missed"


def test_a_log_that_ends_before_collection_says_so():
    row = summary(*WEEKLY, collected=85.0)
    assert row.note.startswith("the log ends on day 22, collection was on day 85: a time without doses")


def test_a_dose_after_collection_is_a_flag():
    assert summary(*WEEKLY, collected=20.0)["flag"] == "dose_after_collection"


def test_a_dosed_animal_without_log_and_a_control_with_doses():
    assert summary()["flag"] == "dose_missing"
    control = {"treatment": "vehicle", "dose_mg_per_kg": 0.0}
    assert summary(*WEEKLY, about=control)["flag"] == "dose_unexpected"
    assert summary(about=control)["flag"] == ""


def test_doses_on_two_bases_have_no_total():
    row = summary(*WEEKLY, dose_basis=["free_acid", "free_acid", "sodium_salt", "free_acid"])
    assert np.isnan(row.total_mg)
    assert_allclose(row.total_free_acid_mg, 9 + 3 * 7177.15 / 7594.80)


def test_doses_on_the_same_days_of_each_week_cover_whole_weeks():
    # 70 mg three times a week for four weeks: 12 x 70 mg in 28 days, one every 7/3 days
    thrice = [("R1", 7 * week + day, 70.0) for week in range(4) for day in (1, 3, 5)]
    row = summary(*thrice, about={"dose_mg_per_kg": np.nan})
    assert_allclose([row.weekly_mg, row.days_covered, row.interval_days], [210, 28, 7 / 3])
    assert row["flag"] == ""


def test_every_other_day_is_no_weekly_pattern():
    # days 1, 3 ... 13: 7 doses cover 14 days
    row = summary(*(("R1", day, 2.0) for day in range(1, 15, 2)))
    assert_allclose([row.weekly_mg, row.days_covered, row.interval_days], [7, 14, 2])


def test_a_missed_last_dose_lowers_the_weekly_dose():
    # 9 mg in the 28 days that were planned
    assert_allclose(summary(*WEEKLY, given=["true", "true", "true", "false"]).weekly_mg, 9 / 4)


def test_weeks_are_counted_from_the_first_dose():
    # three times a week from day 3 on: days 3, 5, 8 and 10, 12, 15
    log = dosing(*(("R1", day, 70.0) for day in (3, 5, 8, 10, 12, 15)))
    table = weekly_doses(log, subjects({"subject_id": "R1", "group": "g"}))
    assert table.week.tolist() == [1, 2]
    assert table.total_mg.tolist() == [210, 210]
    assert table.first_day.tolist() == [3, 10]


def test_what_is_left_of_many_doses_tends_to_the_accumulation_ratio():
    days = np.arange(1, 3000, 7.0)
    assert_allclose(amount_left(days, np.ones(len(days)), days[-1], 20.0), accumulation_ratio(7.0, 20.0))
    assert_allclose(amount_left(np.array([1.0, 21.0]), np.array([2.0, 3.0]), 21.0, 20.0), 2 / 2 + 3)
    assert amount_left(np.array([30.0]), np.array([1.0]), 29.0, 20.0) == 0
