"""Exposure over time in a study: what doses predict, what was observed, and what cannot be said."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from animals_of_study import concentrations, dosing, study_of, subjects
from numpy.testing import assert_allclose

from bioanalysis.evaluation.exposure import _regimen, judge_exposure
from bioanalysis.exposure import accumulation_ratio, steady_state_fraction
from bioanalysis.study.config import Exposure

pytestmark = pytest.mark.requirement("UR-016")

KNOWN = Exposure.model_validate({"half_life_days": {"liver": {"days": 20, "source": "textbook"}}})


def judged(tmp_path, days: dict[str, float], values: dict[str, float], log, **more):
    """Animals collected on `days` with liver `values`; all of one group and dose."""
    about = more.pop("about", {})
    table = concentrations(
        *({"subject_id": name, "group": "g", "tissue": "liver", "value": value, "collection_day": days[name]}
          | ({"status": "BLQ"} if np.isnan(value) else {}) for name, value in values.items())
    )  # fmt: skip
    animals = subjects(*({"subject_id": name, "group": "g"} | about.get(name, {}) for name in days))
    findings = judge_exposure(study_of(tmp_path, animals, table, dosing=log, **more), table)
    return findings, findings.tables["exposure"].set_index("quantity")


def weekly(*animals: str, until: int = 22, dose: float = 3.0) -> list[tuple[str, float, float]]:
    return [(name, float(day), dose) for name in animals for day in range(1, until + 1, 7)]


FOUR = {"A": 8.0, "B": 8.0, "C": 29.0, "D": 29.0}


def two_days(tmp_path, later: float):
    log = dosing(*weekly("A", "B", until=8), *weekly("C", "D"))
    values = {"A": 1.0, "B": 1.1, "C": later, "D": later * 1.1}
    return judged(tmp_path, FOUR, values, log, exposure=KNOWN)


# doses on days 1 and 8 until day 8; on days 1, 8, 15 and 22 until day 29; half-life 20 days
PREDICTED = (2 ** (-28 / 20) + 2 ** (-21 / 20) + 2 ** (-14 / 20) + 2 ** (-7 / 20)) / (2 ** (-7 / 20) + 1)


@pytest.mark.rule("BIO-09", "pass")
def test_accumulation_as_predicted_is_no_flag(tmp_path):
    _, table = two_days(tmp_path, PREDICTED)
    row = table.loc["accumulation"]
    assert_allclose(row.value, PREDICTED)
    assert row["flag"] == ""
    assert row.expected == f"{PREDICTED:.3g} for the doses as given"


@pytest.mark.rule("BIO-09", "fail")
def test_accumulation_far_from_the_prediction_is_a_flag(tmp_path):
    findings, table = two_days(tmp_path, 3 * PREDICTED)
    assert table.loc["accumulation"]["flag"] == "accumulation_differs"
    assert [row["flag"] for row in findings.flags] == ["accumulation_differs"]


def test_two_days_after_the_last_dose_are_a_decline(tmp_path):
    # half-life 20 days, 20 days apart: a half is expected; an eighth is found
    values = {"A": 8.0, "B": 8.8, "C": 1.0, "D": 1.1}
    findings, table = judged(tmp_path, RECOVERY, values, dosing(*weekly(*RECOVERY)), exposure=KNOWN)
    assert "accumulation" not in table.index
    assert table.loc["decline"].expected == "0.5 for the doses as given"
    assert_allclose(table.loc["decline"].value, 1 / 8)
    assert [row["flag"] for row in findings.flags] == ["decline_differs"]


def test_a_day_of_many_is_held_against_all_of_them(tmp_path):
    # t = ln 1.35 / (ln 1.1 / 2) = 6.3 with 2 degrees of freedom, p = 0.024: beyond chance alone, not as one of three
    def flags(*tissues: str) -> list:
        log = dosing(*weekly("A", "B", until=8), *weekly("C", "D"))
        rows = [
            {"subject_id": name, "group": "g", "tissue": tissue, "collection_day": FOUR[name],
             "value": high * (1.0 if name in "AB" else PREDICTED * (1.35 if tissue == "liver" else 1.0))}
            for tissue in tissues for name, high in zip("ABCD", (1.0, 1.1, 1.0, 1.1), strict=True)
        ]  # fmt: skip
        table = concentrations(*rows)
        animals = subjects(*({"subject_id": name, "group": "g"} for name in FOUR))
        half = Exposure.model_validate({"half_life_days": {each: {"days": 20} for each in tissues}})
        study = study_of(tmp_path / str(len(tissues)), animals, table, dosing=log, exposure=half)
        return [row["flag"] for row in judge_exposure(study, table).flags]

    assert flags("liver") == ["accumulation_differs"]
    assert flags("liver", "kidney", "spleen") == []


@pytest.mark.rule("BIO-09", "not_assessable")
def test_one_collection_day_has_a_prediction_and_a_sentence(tmp_path):
    _, table = judged(tmp_path, {"A": 29.0}, {"A": 5.0}, dosing(*weekly("A")), exposure=KNOWN)
    assert_allclose(table.loc["steady_state_fraction"].value, steady_state_fraction(28, 20))
    assert_allclose(table.loc["accumulation_at_steady_state"].value, accumulation_ratio(7, 20))
    assert table.loc["accumulation"].note == "one collection day: observed accumulation needs two"


def test_without_a_half_life_nothing_is_predicted(tmp_path):
    _, table = judged(tmp_path, {"A": 29.0}, {"A": 5.0}, dosing(*weekly("A")))
    assert table.loc["steady_state_fraction"].note == "no half-life of this tissue: no prediction"


def test_without_a_dosing_log_tables_are_there_and_empty(tmp_path):
    findings, table = judged(tmp_path, {"A": 29.0}, {"A": 5.0}, None, exposure=KNOWN)
    assert table.loc["steady_state_fraction"].note == "no doses in a log: no prediction"
    assert findings.tables["dosing_summary"].empty
    assert "total_mg" in findings.tables["dosing_summary"]
    assert findings.tables["weekly_doses"].empty
    assert findings.flags == []


RECOVERY = {"A": 29.0, "B": 29.0, "C": 49.0, "D": 49.0}


def test_a_recovery_group_gives_the_half_life_and_the_area(tmp_path):
    # 8 falls to 4 in 20 days; area by the trapezoid (8 + 4) / 2 x 20
    values = {"A": 8.0, "B": 8.0, "C": 4.0, "D": 4.0}
    _, table = judged(tmp_path, RECOVERY, values, dosing(*weekly(*RECOVERY)))
    assert_allclose(table.loc["half_life"].value, 20)
    assert "no phase declared" in table.loc["half_life"].note
    assert_allclose(table.loc["auc"].value, 120)


def test_a_day_with_blq_animals_gives_no_half_life(tmp_path):
    # of day 49 only the higher animal is left: the decline would look slower than it is
    values = {"A": 8.0, "B": 8.0, "C": 4.0, "D": np.nan}
    _, table = judged(tmp_path, RECOVERY, values, dosing(*weekly(*RECOVERY)))
    assert np.isnan(table.loc["half_life"].value)
    assert table.loc["half_life"].note.startswith("day 49 left out, where animals read BLQ: fewer than two days remain")


def test_a_declared_phase_leaves_earlier_days_out(tmp_path):
    phase = Exposure.model_validate({"terminal_phase": {"from_day": 20}})
    values = {"A": 8.0, "B": 8.0, "C": 4.0, "D": 4.0}
    _, table = judged(tmp_path, RECOVERY, values, dosing(*weekly(*RECOVERY)), exposure=phase)
    assert "half_life" not in table.index


def test_an_area_with_blq_animals_is_refused_in_words(tmp_path):
    values = {"A": 8.0, "B": 8.0, "C": np.nan, "D": 4.0}
    _, table = judged(tmp_path, RECOVERY, values, dosing(*weekly(*RECOVERY)))
    assert np.isnan(table.loc["auc"].value)
    assert table.loc["auc"].note == "1 of 4 animals BLQ and no rule to replace them: no AUC"


def test_one_animal_at_a_time_has_an_area_without_error(tmp_path):
    _, table = judged(tmp_path, {"A": 29.0, "C": 49.0}, {"A": 8.0, "C": 4.0}, dosing(*weekly("A", "C")))
    assert_allclose(table.loc["auc"].value, 120)
    assert np.isnan(table.loc["auc"].standard_error)


def regimens(tmp_path, daily_mg: float, **more):
    """210 mg once a week against a daily dose; liver 10 and 12."""
    days = {name: 29.0 for name in "ABCD"}
    log = dosing(*weekly("A", "B", dose=210), *((name, float(day), daily_mg) for name in "CD" for day in range(1, 29)))
    about = {name: {"dose_mg_per_kg": np.nan} for name in days}
    _, table = judged(tmp_path, days, {"A": 10.0, "B": 10.1, "C": 12.0, "D": 12.1}, log, about=about, **more)
    return table


@pytest.mark.parametrize(
    ("daily", "compared"),
    [
        pytest.param(30.0, True, marks=pytest.mark.rule("DOSE-03", "inside")),
        pytest.param(27.0, True, marks=pytest.mark.rule("DOSE-03", "on")),
        pytest.param(26.9, False, marks=pytest.mark.rule("DOSE-03", "outside")),
    ],
)
def test_regimens_of_equal_weekly_dose_are_compared(tmp_path, daily, compared):
    table = regimens(tmp_path, daily)
    assert ("regimen_ratio" in table.index) is compared
    if compared:
        row = table.loc["regimen_ratio"]
        assert_allclose(row.value, np.sqrt(12 * 12.1 / (10 * 10.1)) * 210 / (7 * daily))
        assert (row.regimen, row.compared_with) == (f"{daily:g} mg every 1 d", "210 mg every 7 d")
        assert "collected 1 and 7 d after the last dose" in row.note


def test_what_was_given_later_has_declined_less(tmp_path):
    # half-life 20 d, on day 29: 28 daily thirtieths of a week against doses 28, 21, 14 and 7 d ago
    row = regimens(tmp_path, 30.0, exposure=KNOWN).loc["regimen_ratio"]
    expected = sum(2 ** (-k / 20) for k in range(1, 29)) / 7 / sum(2 ** (-k / 20) for k in (7, 14, 21, 28))
    assert row.expected == f"{expected:.3g} for the doses as given"


def test_three_doses_a_week_are_named_so_and_reach_steady_state_with_the_week(tmp_path):
    days = dict.fromkeys("AB", 29.0)
    log = dosing(*((name, 7.0 * week + day, 70.0) for name in "AB" for week in range(4) for day in (1, 3, 5)))
    about = {name: {"dose_mg_per_kg": np.nan} for name in days}
    _, table = judged(tmp_path, days, {"A": 10.0, "B": 11.0}, log, about=about, exposure=KNOWN)
    row = table.loc["steady_state_fraction"]
    assert (row.regimen, row.note) == ("70 mg 3 times a week", "")
    assert_allclose(row.value, 1 - 2 ** (-28 / 20))


@pytest.mark.rule("DOSE-03", "not_assessable")
def test_a_single_dose_has_no_weekly_dose_to_compare(tmp_path):
    _, table = judged(tmp_path, {"A": 29.0, "B": 29.0}, {"A": 1.0, "B": 2.0}, dosing(("A", 1, 3), ("B", 1, 3)))
    assert "regimen_ratio" not in table.index


def test_all_blq_is_no_failure(tmp_path):
    _, table = judged(tmp_path, RECOVERY, dict.fromkeys(RECOVERY, np.nan), dosing(*weekly(*RECOVERY)), exposure=KNOWN)
    assert table.loc["decline"].note == "no quantified animal on one of the days"


def test_a_regimen_without_doses_says_so():
    unknown = SimpleNamespace(dose_mg_per_kg=np.nan, dose_mg=np.nan, interval_days=np.nan, regimen="weekly")
    assert _regimen(unknown) == "dose not given weekly"
    assert _regimen(SimpleNamespace(**vars(unknown) | {"regimen": ""})) == "dose not given"
