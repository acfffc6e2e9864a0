"""Ratios between tissues and what was expected; amounts in organs against doses."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from animals_of_study import concentrations, settings, subjects
from numpy.testing import assert_allclose

from bioanalysis.limits import distribution_rules
from bioanalysis.variability.biodistribution import biodistribution, ratio_outliers
from bioanalysis.variability.mass_balance import mass_balance

pytestmark = pytest.mark.requirement("UR-016")

RULES = distribution_rules()


def values(animal: str, group: str = "high", unit: str = "ug/g", **tissues: float) -> list[dict[str, object]]:
    return [
        {"subject_id": animal, "group": group, "tissue": tissue, "value": value,
         "unit": "ng/mL" if tissue == "plasma" else unit}
        for tissue, value in tissues.items()
    ]  # fmt: skip


def ratios(*rows: list[dict[str, object]], profile: str = "by_formulation", entries: tuple = (), **about: object):
    table = concentrations(*(row for each in rows for row in each))
    animals = [{"subject_id": name, "group": "high"} | about for name in dict.fromkeys(table.subject_id)]
    return biodistribution(table, subjects(*animals), profile, entries)


def of_animal(table: pd.DataFrame, numerator: str = "kidney") -> pd.Series:
    return table[(table.subject_id != "") & (table.numerator == numerator)].iloc[0]


@pytest.mark.rule("BIO-01", "pass")
def test_kidney_above_liver_is_as_expected_of_an_unconjugated_oligonucleotide():
    row = of_animal(ratios(values("R1", kidney=20, liver=10)))
    assert_allclose(row.ratio, 2)
    assert row["flag"] == ""


@pytest.mark.rule("BIO-01", "fail")
def test_an_order_turned_round_beyond_its_interval_is_flagged():
    # 95 % of a ratio of two values with 2 % each: exp(1.96 x 0.0283) = 1.057
    assert of_animal(ratios(values("R1", kidney=9, liver=10)))["flag"] == "rank_broken"
    assert of_animal(ratios(values("R1", kidney=9.6, liver=10)))["flag"] == ""


@pytest.mark.rule("BIO-01", "not_assessable")
def test_mice_have_no_expectation_and_one_tissue_no_ratio():
    assert (
        of_animal(ratios(values("R1", kidney=1, liver=10), species="mouse"))["expected"] == "no expectation for mouse"
    )
    assert ratios(values("R1", kidney=9)).empty


def test_a_galnac_conjugate_belongs_into_the_liver():
    assert of_animal(ratios(values("R1", kidney=9, liver=10), formulation="galnac"))["flag"] == ""
    assert of_animal(ratios(values("R1", kidney=20, liver=10), formulation="galnac"))["flag"] == "rank_broken"


def custom(**entry: object) -> tuple:
    one = {"numerator": "kidney", "denominator": "liver", "source": "own study"} | entry
    return settings(biodistribution={"reference_profile": "custom", "profile": [one]}).biodistribution.profile


@pytest.mark.rule("BIO-03", "pass")
@pytest.mark.rule("BIO-03", "fail")
@pytest.mark.parametrize(("kidney", "word"), [(30, ""), (60, "rank_broken"), (10, "rank_broken")])
def test_a_profile_of_the_study_is_a_range(kidney, word):
    row = of_animal(ratios(values("R1", kidney=kidney, liver=10), profile="custom", entries=custom(low=2, high=5)))
    assert row["flag"] == word
    assert row["expected"] == "at least 2 at most 5 (own study)"


@pytest.mark.rule("BIO-03", "not_assessable")
def test_a_profile_of_another_formulation_does_not_apply():
    entries = custom(low=2, formulation="galnac")
    row = of_animal(ratios(values("R1", kidney=1, liver=10), profile="custom", entries=entries))
    assert row["expected"] == "no expectation"


@pytest.mark.parametrize(
    ("plasma", "word"),
    [
        pytest.param(9.9, "", marks=pytest.mark.rule("BIO-05", "inside")),
        pytest.param(10, "", marks=pytest.mark.rule("BIO-05", "on")),
        pytest.param(10.6, "liver_plasma_outside", marks=pytest.mark.rule("BIO-05", "outside")),
    ],
)
def test_liver_to_plasma_has_a_usual_proportion(plasma, word):
    # 10 ug/g against 10 ng/mL = 0.01 ug/mL: 1000
    rows = values("R1", liver=10, plasma=plasma)
    for row in rows:
        row["relative_uncertainty"] = 0.0
    assert of_animal(ratios(rows), "liver")["flag"] == word


@pytest.mark.rule("BIO-05", "not_assessable")
def test_without_plasma_there_is_no_ratio_to_it():
    assert "plasma" not in set(ratios(values("R1", kidney=20, liver=10)).denominator)


def test_a_group_has_the_geometric_mean_and_a_single_animal_no_interval():
    both = ratios(values("R1", kidney=20, liver=10), values("R2", kidney=80, liver=10))
    assert_allclose(both[both.subject_id == ""].ratio, 4)
    alone = ratios(values("R1", kidney=20, liver=10))
    assert alone[alone.subject_id == ""].note.tolist() == ["one animal: no interval"]


def test_pools_and_blq_are_no_animals():
    rows = values("R1", kidney=20, liver=10)
    assert ratios([row | {"pool": True} for row in rows]).empty
    assert ratios([row | {"value": np.nan, "status": "BLQ"} for row in rows]).empty


LOGS = np.array([0.0, 0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.15])


@pytest.mark.parametrize(
    ("far", "flagged"),
    [
        pytest.param(0.5, False, marks=pytest.mark.rule("BIO-02", "inside")),
        pytest.param(2.0, True, marks=pytest.mark.rule("BIO-02", "outside")),
    ],
)
def test_a_ratio_far_from_the_others_is_an_outlier(far, flagged):
    assert ratio_outliers(np.append(LOGS, far), 3.5).tolist() == [False] * 8 + [flagged]


@pytest.mark.rule("BIO-02", "on")
def test_a_robust_z_on_the_limit_is_no_outlier():
    # median 0, MAD 1: the value z / 0.6745 has the score z
    logs = np.array([-1.0, -1, -1, -1, 0, 1, 1, 1, 3.5 / 0.6745])
    assert not ratio_outliers(logs, 3.5).any()


@pytest.mark.rule("BIO-02", "not_assessable")
def test_few_animals_have_no_robust_score():
    found = ratios(*(values(f"R{n}", kidney=20 + n, liver=10) for n in range(7)))
    assert found.robust_z.isna().all()


def balance(dose: float, why: str = "", **rows: object) -> pd.DataFrame:
    table = concentrations(*values("R1", liver=100, kidney=400))
    weights = {"S0": 10.0, "S1": 2.0} | rows
    return mass_balance(table, weights, {("R1", 29, "mipomersen", "ASO-LCMS-01"): (dose, why)}, RULES["BIO-07"])


@pytest.mark.parametrize(
    ("dose", "word"),
    [
        pytest.param(1.81, "", marks=pytest.mark.rule("BIO-07", "inside")),
        pytest.param(1.8, "", marks=pytest.mark.rule("BIO-07", "on")),
        pytest.param(1.79, "mass_balance", marks=pytest.mark.rule("BIO-07", "outside")),
    ],
)
def test_organs_cannot_hold_more_than_was_given(dose, word):
    # 100 ug/g x 10 g = 1 mg, 400 ug/g x 2 g = 0.8 mg
    row = balance(dose).iloc[-1]
    assert_allclose(row.burden_mg, 1.8)
    assert_allclose(row.percent_of_dose, 180 / dose)
    assert row["flag"] == word


@pytest.mark.rule("BIO-07", "not_assessable")
@pytest.mark.parametrize(("dose", "why"), [(np.nan, "no dosing log"), (0.0, "no dose until then")])
def test_without_a_dose_there_is_no_percentage(dose, why):
    row = balance(dose, why).iloc[-1]
    assert np.isnan(row.percent_of_dose)
    assert row.note == why


def test_an_organ_without_weight_is_named():
    found = balance(10.0, S1=np.nan)
    assert_allclose(found.iloc[-1].burden_mg, 1.0)
    assert found.iloc[-1].note == "without kidney (no usable weight)"


def test_all_blq_leave_tables_with_headers():
    nothing = concentrations(*values("R1", liver=np.nan))
    assert biodistribution(nothing, subjects({"subject_id": "R1", "group": "g"}), "by_formulation").empty
    assert mass_balance(nothing, {}, {}, RULES["BIO-07"]).columns.tolist()[0] == "subject_id"


def test_every_animal_counts_once_per_pair():
    found = ratios(*(values(f"R{n}", kidney=20, liver=10, spleen=1) for n in range(3)))
    named = set(found[found.subject_id != ""][["subject_id", "numerator"]].itertuples(index=False, name=None))
    assert named == set(product(["R0", "R1", "R2"], ["kidney", "spleen"]))
