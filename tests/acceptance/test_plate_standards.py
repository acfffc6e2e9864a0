"""Plates with their own standards, and plates that share those of the first and the last."""

from __future__ import annotations

import pytest
from elisa_study import Plate, evaluated, make_study, whole_plate
from numpy.testing import assert_allclose

from bioanalysis.errors import BatchError
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-021")


def middle(label="P2", controls=True):
    """Return a plate without standards."""
    plate = Plate(label)
    plate = plate.controls("a") if controls else plate
    return plate.sample("S9", 80.0)


def verdicts(evaluation):
    rows = evaluation.acceptance[evaluation.acceptance.rule_id == "CAL-LBA-11"]
    return list(zip(rows.plate, rows.verdict, rows.observed, strict=True))


@pytest.mark.rule("CAL-LBA-11", "pass")
def test_each_plate_with_its_own_standards_has_its_own_curve(tmp_path):
    evaluation = evaluated(tmp_path, [whole_plate("P1"), whole_plate("P2")])
    assert [curve.plate for curve in evaluation.curves] == ["P1", "P2"]
    assert verdicts(evaluation) == [
        ("P1", "pass", "own calibrators and QCs"),
        ("P2", "pass", "own calibrators and QCs"),
    ]


@pytest.mark.rule("CAL-LBA-11", "pass")
@pytest.mark.parametrize("middle_has_standards", [False, True])
def test_standards_of_first_and_last_plate_are_one_regression_where_the_method_says_so(tmp_path, middle_has_standards):
    plates = [whole_plate("P1"), whole_plate("P2") if middle_has_standards else middle(), whole_plate("P3")]
    evaluation = evaluated(tmp_path, plates, "standards: first_and_last")
    (curve,) = evaluation.curves
    assert len(curve.points) == (48 if middle_has_standards else 32)
    assert verdicts(evaluation) == [("", "pass", "3 plates on one curve")]
    if not middle_has_standards:
        sample = evaluation.reportable[evaluation.reportable.sample_id == "S9"].iloc[0]
        assert sample.status == "quantified"
        assert_allclose(sample.reading_ng_ml, 80, rtol=0.01)


@pytest.mark.rule("CAL-LBA-11", "fail")
def test_a_plate_without_qcs_fails_the_rule(tmp_path):
    plates = [whole_plate("P1"), middle(controls=False), whole_plate("P3")]
    evaluation = evaluated(tmp_path, plates, "standards: first_and_last")
    assert verdicts(evaluation) == [("", "fail", "3 plates on one curve; no QCs on plate P2")]


@pytest.mark.rule("CAL-LBA-11", "fail")
def test_without_a_word_of_the_method_a_last_plate_without_standards_fails_the_rule(tmp_path):
    evaluation = evaluated(tmp_path, [whole_plate("P1"), middle()])
    assert verdicts(evaluation) == [("", "fail", "2 plates on one curve; no calibrators on plate P2")]


def test_a_combined_curve_that_fails_rejects_all_its_plates(tmp_path):
    first = whole_plate("P1")
    for i, row in enumerate(first.rows):
        if row["sample_type"] == "calibrator":
            first.signals[i] *= 2.0 if i % 4 < 2 else 0.5
    evaluation = evaluated(tmp_path, [first, middle(), whole_plate("P3")], "standards: first_and_last")
    run = evaluation.acceptance[evaluation.acceptance.rule_id == "RUN"]
    assert run.verdict.tolist() == ["fail"]
    sample = evaluation.reportable[evaluation.reportable.sample_id == "S9"].iloc[0]
    assert sample.status == "not_reported"


@pytest.mark.parametrize(
    ("standards", "without", "named"),
    [("own", "P2", "P2"), ("first_and_last", "P3", "P3"), ("first_and_last", "P1", "P1")],
)
def test_plates_that_lack_the_standards_the_method_asks_for_are_refused(tmp_path, standards, without, named):
    plates = [middle(label) if label == without else whole_plate(label) for label in ("P1", "P2", "P3")]
    make_study(tmp_path, plates, f"standards: {standards}")
    with pytest.raises(BatchError, match=f"no calibrators on plate '{named}'; expected calibrators there"):
        Study.load(tmp_path)
