"""The study's distribution: dose proportionality, mass balance, targeting, exchanged samples, and poor input."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from animals_of_study import concentrations, dosing, study_of, subjects
from numpy.testing import assert_allclose

from bioanalysis.evaluation.distribution import judge_distribution, targeting
from bioanalysis.evaluation.findings import Findings
from bioanalysis.evaluation.study_flags import study_flags
from bioanalysis.variability.multiplicity import stand_out, tail

pytestmark = pytest.mark.requirement("UR-016")

SCATTER = (0.9, 1.0, 1.1)


def animals(
    exponent: float = 1.0, doses: tuple[float, ...] = (1, 5), scatter: tuple[float, ...] = SCATTER, **more: object
):
    """Return subjects and concentrations: liver 10, kidney 20, spleen 1 at dose 1, every dose a group."""
    rows, found = [], []
    for dose in doses:
        for place, factor in enumerate(scatter):
            name = f"R{dose:g}{place}"
            rows.append({"subject_id": name, "group": f"D{dose:g}", "dose_mg_per_kg": float(dose)} | more)
            for tissue, centre, weight in (("liver", 10, 10.0), ("kidney", 20, 2.0), ("spleen", 1, 0.5)):
                value = centre * dose**exponent * factor ** (1 + (tissue == "kidney"))
                found.append({"subject_id": name, "group": f"D{dose:g}", "tissue": tissue, "value": value,
                              "organ_weight_g": weight})  # fmt: skip
    return rows, found


def judged(tmp_path, rows: list[dict], found: list[dict], **tables: object) -> Findings:
    table = concentrations(*found)
    return judge_distribution(study_of(tmp_path, subjects(*rows), table, **tables), table)


@pytest.mark.parametrize(
    ("treatment", "status", "words"),
    [
        pytest.param("vehicle", "quantified", ["control_quantified"], marks=pytest.mark.rule("BIO-04", "fail")),
        pytest.param("vehicle", "BLQ", [], marks=pytest.mark.rule("BIO-04", "pass")),
        pytest.param("mipomersen", "quantified", [], marks=pytest.mark.rule("BIO-04", "pass")),
    ],
)
def test_a_value_in_a_control_is_an_alarm(tmp_path, treatment, status, words):
    rows, found = animals(doses=(1,), scatter=(1.0,))
    table = concentrations(*(row | {"treatment": treatment, "status": status} for row in found[:1]))
    study = study_of(tmp_path, subjects(*rows), table)
    no_ratios = pd.DataFrame({"flag": []})
    raised = study_flags(study, table.assign(reason="", flags="", chosen=""), {}, no_ratios)
    assert [row["flag"] for row in raised] == words


def exponents(findings: Findings) -> pd.DataFrame:
    return findings.tables["dose_proportionality"].set_index("tissue")


@pytest.mark.rule("BIO-06", "pass")
def test_proportional_animals_have_exponent_one(tmp_path):
    row = exponents(judged(tmp_path, *animals())).loc["liver"]
    assert_allclose(row.exponent, 1)
    assert row.low < 1 < row.high
    assert (row.n, row.doses, row["flag"]) == (6, 2, "")


@pytest.mark.rule("BIO-06", "fail")
def test_more_than_proportional_is_flagged_with_its_causes(tmp_path):
    findings = judged(tmp_path, *animals(exponent=1.6))
    assert exponents(findings).loc["liver"]["flag"] == "dose_supraproportional"
    flagged = next(row for row in findings.flags if row["flag"] == "dose_supraproportional")
    assert "doses as given" in str(flagged["check_first"])
    assert str(flagged["observed"]).startswith("mipomersen: exponent 1.60")


@pytest.mark.rule("BIO-06", "not_assessable")
def test_one_dose_has_a_sentence_and_no_exponent(tmp_path):
    rows, found = animals(doses=(5,))
    row = exponents(judged(tmp_path, rows, [entry for entry in found if entry["tissue"] == "liver"])).loc["liver"]
    assert np.isnan(row.exponent)
    assert row.note == "fewer than two doses: no exponent"


def test_that_no_regimen_has_two_doses_is_said_once(tmp_path):
    (row,) = judged(tmp_path, *animals(doses=(5,))).tables["dose_proportionality"].to_dict("records")
    assert (row["tissue"], row["treatment"]) == ("", "mipomersen")
    assert row["note"].startswith("fewer than two doses: no exponent; so in 3 combinations of regimen, tissue")


def test_an_exponent_of_many_is_held_against_all_of_them():
    # alone 1.15 +- 0.06 is beyond chance (t = 2.5 with 13 degrees of freedom, p = 0.013); one of ten it is not
    assert stand_out([tail(0.15, 0.06, 13)]).tolist() == [True]
    assert stand_out([tail(0.15, 0.06, 13), *[0.5] * 9]).tolist() == [False] * 10


def test_a_dose_with_few_quantified_animals_is_left_out_in_words(tmp_path):
    rows, found = animals(doses=(0.2, 1, 5))
    for entry in found:
        if entry["subject_id"] in ("R0.20", "R0.21"):
            entry |= {"value": np.nan, "status": "BLQ"}
    row = exponents(judged(tmp_path, rows, found)).loc["liver"]
    assert row.note == f"doses of 0.2 mg/kg left out: fewer than {Fraction(1, 2)} of the animals quantified"
    assert (row.doses, row.n) == (2, 6)


def test_regimens_are_not_mixed(tmp_path):
    rows, found = animals()
    for row in rows[3:]:
        row["regimen"] = "daily"
    (note,) = exponents(judged(tmp_path, rows, found)).note
    assert note.endswith("so in 6 combinations of regimen, tissue, day and method")


def test_mass_balance_counts_doses_until_collection_on_the_concentrations_basis(tmp_path):
    # 10 ug/g x 10 g + 20 ug/g x 2 g + 1 ug/g x 0.5 g = 0.1405 mg of 2 x 0.3 mg
    rows, found = animals(doses=(1,), scatter=(1.0,))
    log = dosing(("R10", 1, 0.3), ("R10", 8, 0.3), ("R10", 30, 5.0))
    row = judged(tmp_path, rows, found, dosing=log).tables["mass_balance"].iloc[-1]
    assert_allclose([row.burden_mg, row.cumulative_dose_mg], [0.1405, 0.6])
    assert_allclose(row.percent_of_dose, 100 * 0.1405 / 0.6)


def test_a_dose_as_salt_without_molar_masses_is_not_compared(tmp_path):
    rows, found = animals(doses=(1,), scatter=(1.0,))
    log = dosing(("R10", 1, 0.3), dose_basis="sodium_salt")
    row = judged(tmp_path, rows, found, dosing=log).tables["mass_balance"].iloc[-1]
    assert np.isnan(row.percent_of_dose)
    assert row.note == "doses and concentrations on different bases, and no molar masses to convert them"


def test_more_in_the_organs_than_was_given_is_flagged(tmp_path):
    rows, found = animals(doses=(1,), scatter=(1.0,))
    findings = judged(tmp_path, rows, found, dosing=dosing(("R10", 1, 0.01)))
    flagged = [row for row in findings.flags if row["flag"] == "mass_balance"]
    assert [row["observed"] for row in flagged] == ["R10: 0.141 mg in organs, 1405 % of the dose"]


def test_the_targeting_index_is_a_ratio_of_ratios():
    # kidney/liver 4 and 1 (geometric means of 2, 8 and of 0.5, 2) against 0.5 and 0.5
    rows = [("A", 2.0), ("A", 8.0), ("B", 0.4), ("B", 0.625)]
    table = pd.DataFrame(
        [
            {"subject_id": f"R{n}", "tissue": tissue, "log": np.log(value), "treatment": arm, "dose_mg_per_kg": 3.0,
             "regimen": {"A": "weekly", "B": "daily"}[arm], "collection_day": 29, "analyte": "a", "method_id": "m"}
            for n, (arm, ratio) in enumerate(rows)
            for tissue, value in (("kidney", ratio), ("liver", 1.0))
        ]
    )  # fmt: skip
    row = targeting(table).iloc[0]
    assert (row.treatment, row.reference_treatment) == ("B", "A")
    assert_allclose(row["index"], 0.5 / 4)
    assert row.low < 0.125 < row.high
    apart = table.assign(dose_mg_per_kg=table.treatment.map({"A": 1.0, "B": 3.0}))
    assert targeting(apart).iloc[0].note == "no common dose: over all doses of either; 90 % interval"


def test_without_a_common_dose_treatments_are_compared_in_one_regimen():
    # weekly: kidney/liver 4 and 1; the reference's daily animals (kidney/liver 40) are left out
    rows = [("A", "weekly", 3.0, 4.0), ("A", "weekly", 3.0, 4.0), ("A", "daily", 0.4, 40.0), ("A", "daily", 0.4, 40.0),
            ("B", "weekly", 1.0, 0.8), ("B", "weekly", 1.0, 1.25)]  # fmt: skip
    table = pd.DataFrame(
        [
            {"subject_id": f"R{n}", "tissue": tissue, "log": np.log(value), "treatment": arm, "dose_mg_per_kg": dose,
             "regimen": regimen, "collection_day": 29, "analyte": "a", "method_id": "m"}
            for n, (arm, regimen, dose, ratio) in enumerate(rows)
            for tissue, value in (("kidney", ratio), ("liver", 1.0))
        ]
    )  # fmt: skip
    row = targeting(table).iloc[0]
    assert_allclose(row["index"], 1 / 4)
    assert row.note.startswith("no common dose: 1 against 3 mg/kg, same regimen")


def test_exchanged_labels_of_an_animal_reach_the_flags(tmp_path):
    rows, found = animals(doses=(1, 5), scatter=(0.8, 0.9, 1.0, 1.1, 1.2))
    for entry in found:
        if entry["subject_id"] == "R52" and entry["tissue"] in ("kidney", "spleen"):
            entry["tissue"] = {"kidney": "spleen", "spleen": "kidney"}[entry["tissue"]]
    findings = judged(tmp_path, rows, found)
    words = [row["observed"] for row in findings.flags if row["flag"] == "tissue_swap_suspected"]
    # 1 : 20 where the others have 20 : 1 times the square of their scatter
    assert words == ["R52: kidney/spleen 0.05, expected 19.8"]


POOR = {
    "one animal": lambda rows, found: (rows[:1], found[:3]),
    "one group": lambda rows, found: (rows[:3], found[:9]),
    "one animal per group": lambda rows, found: (rows[::3], [row for n, row in enumerate(found) if n // 3 in (0, 3)]),
    "all BLQ": lambda rows, found: (rows, [row | {"value": np.nan, "status": "BLQ"} for row in found]),
}


@pytest.mark.parametrize("poor", POOR.values(), ids=POOR)
def test_poor_input_gives_sentences_and_never_an_infinite_number(tmp_path, poor):
    findings = judged(tmp_path, *poor(*animals()))
    for table in findings.tables.values():
        numbers = table.select_dtypes("number").to_numpy(float)
        assert not np.isinf(numbers).any()
    swaps = findings.tables["sample_swaps"]
    assert (swaps.note != "").all()
