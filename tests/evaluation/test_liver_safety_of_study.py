"""Clinical chemistry joined to liver concentrations: classes, repeats, controls, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from animals_of_study import chemistry, concentrations, study_of, subjects
from numpy.testing import assert_allclose

from bioanalysis.evaluation.liver_safety import judge_liver_safety
from bioanalysis.exposure import dunnett, jonckheere

pytestmark = pytest.mark.requirement("UR-016")


def judged(tmp_path, *rows, liver: dict[str, float] | None = None, day: float = 29.0):
    animals = [
        {"subject_id": name, "group": group, "treatment": treatment, "dose_mg_per_kg": dose}
        for name, group, treatment, dose in (
            ("C1", "control", "vehicle", 0.0), ("C2", "control", "vehicle", 0.0), ("L1", "low", "aso", 1.0),
            ("L2", "low", "aso", 1.0), ("H1", "high", "aso", 5.0), ("H2", "high", "aso", 5.0),
        )
    ]  # fmt: skip
    group = {row["subject_id"]: row["group"] for row in animals}
    values = liver or {"H1": 10.0}
    found = concentrations(
        *({"subject_id": name, "group": group[name], "tissue": "liver", "value": value, "collection_day": day}
          for name, value in values.items())
    )  # fmt: skip
    study = study_of(tmp_path, subjects(*animals), found, clinical_chemistry=chemistry(*rows))
    return judge_liver_safety(study, found)


def safety(tmp_path, *rows, **more):
    return judged(tmp_path, *rows, **more).tables["liver_safety"]


def test_a_multiple_of_the_limit_gives_class_action_and_source(tmp_path):
    row = safety(tmp_path, ("H1", 15, "ALT", 180, 60)).iloc[0]
    assert_allclose(row.multiple_of_uln, 3)
    assert (row["class"], row.action) == ("repeat", "repeat the test within 7 days")
    assert row.source.startswith("house preset")
    assert row.statement == "research flag, not a dosing decision"


@pytest.mark.parametrize(
    ("repeat_day", "said", "flags"),
    [
        (22, "repeated on day 22", "liver_finding"),
        (23, "repeated late, on day 23", "liver_finding;liver_repeat_overdue"),
        (None, "overdue", "liver_finding;liver_repeat_overdue"),
    ],
)
def test_a_repeat_is_in_time_late_or_overdue(tmp_path, repeat_day, said, flags):
    later = [("H1", repeat_day, "ALT", 60, 60)] if repeat_day else []
    row = safety(tmp_path, ("H1", 15, "ALT", 200, 60), *later).iloc[0]
    assert (row.repeat_by_day, row.repeated, row["flag"]) == (22, said, flags)


def test_an_animal_that_ends_before_its_repeat_is_not_overdue(tmp_path):
    row = safety(tmp_path, ("H1", 27, "ALT", 200, 60)).iloc[0]
    assert row.repeated == "due; nothing is known of the animal after day 29"
    assert row["flag"] == "liver_finding"


def test_without_a_limit_of_normal_the_controls_of_the_day_stand_beside(tmp_path):
    # geometric mean of 20 and 80 is 40
    rows = [("C1", 15, "ALT", 20, None), ("C2", 15, "ALT", 80, None), ("H1", 15, "ALT", 400, None)]
    row = safety(tmp_path, *rows).iloc[-1]
    assert np.isnan(row.multiple_of_uln)
    assert_allclose(row.fold_over_control, 10)
    assert (row["class"], row.note) == ("", "no ULN: not classified by it; 10 x the controls of the day")


def test_neither_limit_nor_control_is_said(tmp_path):
    row = safety(tmp_path, ("H1", 15, "ALT", 400, None)).iloc[0]
    assert row.note == "no ULN: not classified by it; no control of the day either"


def test_dunnett_and_jonckheere_are_those_of_the_logarithms(tmp_path):
    values = {"C1": 20, "C2": 30, "L1": 30, "L2": 45, "H1": 60, "H2": 100}
    table = judged(tmp_path, *((name, 29, "ALT", value, 60) for name, value in values.items())).tables["liver_tests"]
    groups = [np.log([20, 30]), np.log([30, 45]), np.log([60, 100])]
    by_hand = dunnett(*groups)
    found = table[table.analysis == "dunnett"]
    assert found.group.tolist() == ["low", "high"]
    assert_allclose(found.p_value, by_hand.p_value)
    assert_allclose(found.estimate, [np.sqrt(1350 / 600), np.sqrt(6000 / 600)])
    trend = table[table.analysis == "jonckheere"].iloc[0]
    assert_allclose([trend.statistic, trend.p_value], [jonckheere(*groups).statistic, jonckheere(*groups).p_value])


def test_one_animal_per_group_has_no_test_and_a_sentence(tmp_path):
    rows = [(name, 29, "ALT", value, 60) for name, value in {"C1": 20, "L1": 30, "H1": 60}.items()]
    table = judged(tmp_path, *rows).tables["liver_tests"]
    assert table[table.analysis == "dunnett"].p_value.isna().all()
    assert table[table.analysis == "dunnett"].note.str.contains("two values").all()


def test_alt_stands_against_liver_overall_and_within_groups(tmp_path):
    alt = {"L1": 20, "L2": 40, "H1": 80, "H2": 40}
    liver = {"L1": 1.0, "L2": 2.0, "H1": 16.0, "H2": 32.0}
    rows = [(name, 28, "ALT", value, 60) for name, value in alt.items()]
    table = judged(tmp_path, *rows, ("L1", 30, "ALT", 999, 60), liver=liver).tables["liver_tests"].set_index("analysis")
    x, y = np.log(list(alt.values())), np.log(list(liver.values()))
    overall = table.loc["correlation, overall"]
    assert_allclose(overall.estimate, np.corrcoef(x, y)[0, 1])
    within = table.loc["correlation, within groups"]
    assert (within.n, within.note.split(";")[0]) == (4, "too few to correlate: 4 animals")


def test_without_clinical_chemistry_tables_are_there_and_empty(tmp_path):
    found = concentrations({"subject_id": "R", "group": "g", "tissue": "liver", "value": 1.0})
    study = study_of(tmp_path, subjects({"subject_id": "R", "group": "g"}), found)
    findings = judge_liver_safety(study, found)
    assert [table.empty for table in findings.tables.values()] == [True, True]
    assert "multiple_of_uln" in findings.tables["liver_safety"]


def test_a_value_of_zero_has_no_logarithm_and_says_so(tmp_path):
    findings = judged(tmp_path, ("C1", 29, "ALT", 0, 60), ("C2", 29, "ALT", 20, 60), ("H1", 29, "ALT", 30, 60))
    assert findings.tables["liver_safety"].iloc[0].note == "value is not above 0: no logarithm, no fold over control"
    assert "1 value not above 0 left out" in findings.tables["liver_tests"].iloc[0].note
