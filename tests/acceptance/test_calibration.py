"""Rules on the standard curve, each at its boundary and where there is no curve to judge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from worked_run import (
    ELISA,
    GOOD,
    LCMS,
    LEVELS,
    NO_CURVE,
    exploratory,
    judged,
    method_file,
    standard_curve,
    unit,
    units_of,
    verdict,
)

from bioanalysis.acceptance.calibration import judge_calibration
from bioanalysis.limits import limits_for

pytestmark = pytest.mark.requirement("UR-020")

rule = pytest.mark.rule
LBA_LEVELS = (5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 350.0, 500.0)
LBA = {nominal: (100.0,) for nominal in LBA_LEVELS}
QCS = [unit("qc", n, level=f"Q{n}", nominal_ng_ml=nominal) for n, nominal in enumerate((15.0, 200.0, 400.0), start=20)]
BLANK = unit("blank", 1)


def judge(curve, *rows: dict[str, object], method=LCMS) -> pd.DataFrame:
    units = units_of(*(rows or [BLANK, *QCS]))
    return judged(limits_for(method), lambda ledger: judge_calibration(ledger, curve, units, method))


def elisa(percent=LBA, *rows, dropped=(), **changes) -> pd.DataFrame:
    return judge(standard_curve(percent, dropped=dropped, method=ELISA, **changes), *rows, method=ELISA)


def levels(number: int, of=LEVELS) -> dict[float, tuple[float, ...]]:
    """The first levels pass, the others are found at 200 %."""
    return {nominal: (100.0 if n < number else 200.0,) for n, nominal in enumerate(of)}


# --- levels and shares: these decide on the run


@pytest.mark.parametrize(
    ("passing", "word"),
    [
        pytest.param(7, "pass", marks=rule("CAL-CC-01", "inside")),
        pytest.param(6, "pass", marks=rule("CAL-CC-01", "on")),
        pytest.param(5, "fail", marks=rule("CAL-CC-01", "outside")),
    ],
)
def test_six_levels_must_pass(passing, word):
    assert verdict(judge(standard_curve(levels(passing))), "CAL-CC-01") == word


@pytest.mark.parametrize(
    ("passing", "word"),
    [
        pytest.param(7, "pass", marks=rule("CAL-LBA-01", "inside")),
        pytest.param(6, "pass", marks=rule("CAL-LBA-01", "on")),
        pytest.param(5, "fail", marks=rule("CAL-LBA-01", "outside")),
    ],
)
def test_six_levels_of_a_plate_must_pass(passing, word):
    assert verdict(elisa(levels(passing, LBA_LEVELS)), "CAL-LBA-01") == word


@pytest.mark.parametrize(
    ("passing", "word"),
    [
        pytest.param(7, "pass", marks=rule("CAL-CC-04", "inside")),
        pytest.param(6, "pass", marks=rule("CAL-CC-04", "on")),  # 6 of 8 are 3/4
        pytest.param(5, "fail", marks=rule("CAL-CC-04", "outside")),
    ],
)
def test_three_quarters_of_the_standards_must_pass(passing, word):
    assert verdict(judge(standard_curve(levels(passing))), "CAL-CC-04") == word


@pytest.mark.parametrize(
    ("passing", "word"),
    [
        pytest.param(7, "pass", marks=rule("CAL-LBA-04", "inside")),
        pytest.param(6, "pass", marks=rule("CAL-LBA-04", "on")),
        pytest.param(5, "fail", marks=rule("CAL-LBA-04", "outside")),
    ],
)
def test_three_quarters_of_the_standards_of_a_plate_must_pass(passing, word):
    assert verdict(elisa(levels(passing, LBA_LEVELS)), "CAL-LBA-04") == word


def four_levels(low: float) -> list[dict[str, object]]:
    return [*QCS, unit("qc", 30, level="Q4", nominal_ng_ml=low)]


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        pytest.param(four_levels(50.0), "pass", marks=[rule("CAL-CC-13", "inside"), rule("CAL-LBA-10", "inside")]),
        pytest.param(four_levels(4.0), "pass", marks=[rule("CAL-CC-13", "on"), rule("CAL-LBA-10", "on")]),
        pytest.param(QCS[:2], "fail", marks=[rule("CAL-CC-13", "outside"), rule("CAL-LBA-10", "outside")]),
        pytest.param(
            [BLANK], "not_assessable",
            marks=[rule("CAL-CC-13", "not_assessable"), rule("CAL-LBA-10", "not_assessable")],
        ),
    ],
)  # fmt: skip
def test_three_qc_levels_must_lie_in_the_range_in_force(rows, word):
    assert verdict(judge(standard_curve(GOOD), *rows), "CAL-CC-13") == word
    assert verdict(elisa(LBA, *rows), "CAL-LBA-10") == word


def test_a_qc_at_the_lloq_stands_for_none_of_low_medium_and_high():
    # LLOQ, low and medium lie in the range, the high QC does not: 2 of the 3 levels
    low, medium, high = QCS
    rows = [unit("qc", 5, level="LLOQ", nominal_ng_ml=5.0), low, medium, {**high, "nominal_ng_ml": 1e6}]
    assert verdict(judge(standard_curve(GOOD), *rows), "CAL-CC-13") == "fail"
    assert verdict(elisa(LBA, *rows), "CAL-LBA-10") == "fail"


# --- each standard


@pytest.mark.parametrize(
    ("found", "word"),
    [
        pytest.param(114.9, "pass", marks=rule("CAL-CC-02", "inside")),
        pytest.param(85.0, "pass", marks=rule("CAL-CC-02", "on")),
        pytest.param(115.0, "pass", marks=rule("CAL-CC-02", "on")),
        pytest.param(115.1, "fail", marks=rule("CAL-CC-02", "outside")),
        pytest.param(84.9, "fail", marks=rule("CAL-CC-02", "outside")),
    ],
)
def test_a_standard_of_100_is_found_within_15_percent(found, word):
    table = judge(standard_curve(GOOD | {100.0: (found,)}))
    assert verdict(table, "CAL-CC-02", position="100-1") == word


@pytest.mark.parametrize(
    ("found", "word"),
    [
        pytest.param(119.9, "pass", marks=rule("CAL-CC-03", "inside")),
        pytest.param(120.0, "pass", marks=rule("CAL-CC-03", "on")),
        pytest.param(79.9, "fail", marks=rule("CAL-CC-03", "outside")),
    ],
)
def test_the_standard_at_the_lloq_is_found_within_20_percent(found, word):
    assert verdict(judge(standard_curve(GOOD | {5.0: (found,)})), "CAL-CC-03") == word


@pytest.mark.parametrize(
    ("found", "word"),
    [
        pytest.param(119.9, "pass", marks=rule("CAL-LBA-02", "inside")),
        pytest.param(80.0, "pass", marks=rule("CAL-LBA-02", "on")),
        pytest.param(120.1, "fail", marks=rule("CAL-LBA-02", "outside")),
    ],
)
def test_an_inner_standard_of_a_plate_is_found_within_20_percent(found, word):
    assert verdict(elisa(LBA | {100.0: (found,)}), "CAL-LBA-02", position="100-1") == word


@pytest.mark.parametrize("end", [5.0, 500.0])
@pytest.mark.parametrize(
    ("found", "word"),
    [
        pytest.param(124.9, "pass", marks=rule("CAL-LBA-03", "inside")),
        pytest.param(75.0, "pass", marks=rule("CAL-LBA-03", "on")),
        pytest.param(125.1, "fail", marks=rule("CAL-LBA-03", "outside")),
    ],
)
def test_the_end_standards_of_a_plate_are_found_within_25_percent(found, word, end):
    assert verdict(elisa(LBA | {end: (found,)}), "CAL-LBA-03", position=f"{end:g}-1") == word


@rule("CAL-CC-02", "not_assessable")
@rule("CAL-CC-03", "not_assessable")
@rule("CAL-CC-05", "not_assessable")
@rule("CAL-CC-06", "not_assessable")
@rule("CAL-CC-07", "not_assessable")
@rule("CAL-CC-08", "not_assessable")
@rule("CAL-CC-10", "not_assessable")
@rule("CAL-CC-11", "not_assessable")
@rule("CAL-CC-12", "not_assessable")
@rule("CAL-CC-14", "not_assessable")
@rule("CAL-CC-15", "not_assessable")
@rule("CAL-CC-17", "not_assessable")
def test_without_a_curve_the_run_fails_and_what_needs_one_is_not_assessable():
    table = judge(standard_curve(GOOD, **NO_CURVE))
    others = table[~table.rule_id.isin(["CAL-CC-01", "CAL-CC-04", "CAL-CC-13"])]
    assert set(others.verdict) == {"not_assessable"}
    assert verdict(table, "CAL-CC-01") == "fail"
    assert "two levels" in table[table.rule_id == "CAL-CC-01"].observed.item()


@rule("CAL-LBA-02", "not_assessable")
@rule("CAL-LBA-03", "not_assessable")
@rule("CAL-LBA-05", "not_assessable")
@rule("CAL-LBA-06", "not_assessable")
@rule("CAL-LBA-07", "not_assessable")
@rule("CAL-LBA-09", "not_assessable")
def test_without_a_curve_a_plate_fails_and_what_needs_one_is_not_assessable():
    table = elisa(LBA, **NO_CURVE)
    assert verdict(table, "CAL-LBA-01") == "fail"
    for number in ("02", "03", "05", "06", "07", "09"):
        assert verdict(table, f"CAL-LBA-{number}") == "not_assessable"


# --- what went into the fit


@pytest.mark.parametrize(
    ("found", "word"),
    [
        pytest.param((100.0, 100.0, 200.0), "pass", marks=rule("CAL-CC-05", "inside")),
        pytest.param((100.0, 200.0), "pass", marks=rule("CAL-CC-05", "on")),
        pytest.param((100.0, 200.0, 200.0), "fail", marks=rule("CAL-CC-05", "outside")),
        ((100.0,), "not_applicable"),
    ],
)
def test_half_the_replicates_of_a_level_must_pass(found, word):
    table = judge(standard_curve(GOOD | {100.0: found}))
    subject = {"subject": "100 ng/mL"} if len(found) > 1 else {}
    assert verdict(table, "CAL-CC-05", **subject) == word


def with_point(curve, kind: str, **changes):
    """The curve with one more reading, used in the fit unless said otherwise."""
    last = curve.points.iloc[[-1]].assign(**({"kind": kind, "unit": kind, "position": kind} | changes))
    return standard_curve(
        {n: (100.0,) for n in curve.judged.nominal_ng_ml},
        method=LCMS if curve.uloq_ng_ml > 500 else ELISA,
        points=pd.concat([curve.points, last], ignore_index=True),
    )


@pytest.mark.parametrize("kind", ["zero", "blank"])
@pytest.mark.parametrize(
    ("used", "word"),
    [
        pytest.param(False, "pass", marks=[rule("CAL-CC-06", "on"), rule("CAL-LBA-07", "on")]),
        pytest.param(True, "fail", marks=[rule("CAL-CC-06", "outside"), rule("CAL-LBA-07", "outside")]),
    ],
)
def test_blanks_and_zeros_stay_out_of_the_fit(kind, used, word):
    assert verdict(judge(with_point(standard_curve(GOOD), kind, used=used)), "CAL-CC-06") == word
    plate = with_point(standard_curve(LBA, method=ELISA), kind, used=used)
    assert verdict(judge(plate, method=ELISA), "CAL-LBA-07") == word


@pytest.mark.parametrize(
    ("left_out", "word"),
    [
        pytest.param(0, "pass", marks=rule("CAL-CC-07", "on")),
        pytest.param(1, "fail", marks=rule("CAL-CC-07", "outside")),
    ],
)
def test_every_acceptable_replicate_is_in_the_fit(left_out, word):
    curve = standard_curve(GOOD)
    points = curve.points.assign(used=np.arange(len(curve.points)) >= left_out)
    assert verdict(judge(standard_curve(GOOD, points=points)), "CAL-CC-07") == word


def test_a_calibrator_excluded_by_decision_is_said_beside_those_left_out():
    table = judge(standard_curve(GOOD), BLANK, unit("calibrator", 2, excluded="excluded by D1 (SPILL, AL): spilt"))
    assert table[table.rule_id == "CAL-CC-07"].observed.item() == "0 left out; 1 excluded by decision"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        pytest.param({}, "pass", marks=rule("CAL-CC-08", "pass")),
        pytest.param({"model": "quadratic"}, "fail", marks=rule("CAL-CC-08", "fail")),
        pytest.param({"weighting": "1/x"}, "fail", marks=rule("CAL-CC-08", "fail")),
    ],
)
def test_model_and_weighting_are_those_of_the_method(changes, word):
    table = judge(standard_curve(GOOD, **changes))
    assert verdict(table, "CAL-CC-08") == word
    observed = table[table.rule_id == "CAL-CC-08"].observed.item()
    assert ("the method asks for linear, weighting 1/x^2" in observed) == (word == "fail")


@pytest.mark.parametrize(
    ("analyte", "word"),
    [
        pytest.param("mipomersen", "pass", marks=rule("CAL-CC-17", "pass")),
        pytest.param("metabolite", "fail", marks=rule("CAL-CC-17", "fail")),
    ],
)
def test_an_analyte_is_read_off_its_own_curve(analyte, word):
    rows = [row | {"analyte": analyte} for row in (BLANK, *QCS)]
    assert verdict(judge(standard_curve(GOOD), *rows), "CAL-CC-17") == word


# --- truncation and the range it leaves


@rule("CAL-CC-10", "pass")
def test_a_failing_standard_that_was_dropped_is_shown():
    table = judge(standard_curve(GOOD | {500.0: (130.0,)}, dropped=["500-1"]))
    row = table[table.rule_id == "CAL-CC-10"]
    assert (row.verdict.item(), row.observed.item()) == ("pass", "500 ng/mL (+30.0 %)")
    assert verdict(judge(standard_curve(GOOD)), "CAL-CC-10") == "not_applicable"


@rule("CAL-CC-10", "fail")
def test_a_failing_standard_that_could_have_been_dropped_and_was_not_is_a_failure():
    # one of eight may go (7 of 8 >= 3/4, 7 levels left): nothing is dropped in the exploratory profile
    method = exploratory()
    table = judge(standard_curve(GOOD | {500.0: (130.0,)}, method=method), method=method)
    assert verdict(table, "CAL-CC-10") == "fail"


@pytest.mark.parametrize(
    ("second", "word"),
    [
        pytest.param(115.0, "pass", marks=rule("CAL-CC-11", "pass")),
        pytest.param(118.0, "fail", marks=rule("CAL-CC-11", "fail")),  # 20 % was the limit of the method's LLOQ only
    ],
)
def test_the_next_level_becomes_the_lloq_and_keeps_15_percent(second, word):
    table = judge(standard_curve(GOOD | {5.0: (130.0,), 10.0: (second,)}, dropped=["5-1"]))
    row = table[table.rule_id == "CAL-CC-11"]
    assert (row.verdict.item(), row.observed.item()) == (word, "10 ng/mL")
    assert verdict(table, "CAL-CC-12") == "not_applicable"


def test_an_lloq_that_is_not_the_next_level_is_a_failure():
    curve = standard_curve(GOOD | {5.0: (130.0,)}, dropped=["5-1"], lloq_ng_ml=25.0)
    assert verdict(judge(curve), "CAL-CC-11") == "fail"


@pytest.mark.parametrize(
    ("second", "word"),
    [
        pytest.param(100.0, "pass", marks=rule("CAL-CC-12", "pass")),
        pytest.param(84.0, "fail", marks=rule("CAL-CC-12", "fail")),
    ],
)
def test_the_next_level_becomes_the_uloq(second, word):
    table = judge(standard_curve(GOOD | {5000.0: (80.0,), 2500.0: (second,)}, dropped=["5000-1"]))
    assert verdict(table, "CAL-CC-12") == word
    assert verdict(table, "CAL-CC-11") == "not_applicable"


@pytest.mark.parametrize(
    ("place", "word"),
    [
        pytest.param("inside", "pass", marks=rule("CAL-CC-14", "on")),
        pytest.param("below_revised", "fail", marks=rule("CAL-CC-14", "outside")),
        pytest.param("above_revised", "fail", marks=rule("CAL-CC-14", "outside")),
    ],
)
def test_samples_outside_the_truncated_range_are_counted(place, word):
    curve = standard_curve(GOOD | {5.0: (130.0,)}, dropped=["5-1"])
    assert verdict(judge(curve, BLANK, *QCS, unit("unknown", 9, place=place)), "CAL-CC-14") == word


def test_in_an_untruncated_range_nothing_lies_outside_the_truncated_one():
    assert verdict(judge(standard_curve(GOOD)), "CAL-CC-14") == "not_applicable"


@pytest.mark.parametrize(
    ("lloq", "word"),
    [
        pytest.param(5.0, "pass", marks=rule("CAL-CC-15", "pass")),
        pytest.param(10.0, "fail", marks=rule("CAL-CC-15", "fail")),
    ],
)
def test_one_failing_replicate_at_the_lloq_leaves_the_range_as_it_is(lloq, word):
    curve = standard_curve(GOOD | {5.0: (100.0, 130.0)}, dropped=["5-2"], lloq_ng_ml=lloq)
    assert verdict(judge(curve), "CAL-CC-15") == word


@pytest.mark.parametrize("found", [(100.0, 100.0), (130.0, 130.0), (130.0,)])
def test_all_or_none_of_the_replicates_at_an_end_is_another_question(found):
    dropped = [f"5-{n}" for n, one in enumerate(found, start=1) if one > 120]
    assert verdict(judge(standard_curve(GOOD | {5.0: found}, dropped=dropped)), "CAL-CC-15") == "not_applicable"


# --- ligand binding


@pytest.mark.parametrize(
    ("second", "word"),
    [
        pytest.param(120.0, "pass", marks=rule("CAL-LBA-09", "pass")),
        pytest.param(124.0, "fail", marks=rule("CAL-LBA-09", "fail")),  # 25 % was the limit of the method's LLOQ only
    ],
)
def test_the_new_end_of_a_plates_range_keeps_the_inner_limit(second, word):
    table = elisa(LBA | {5.0: (140.0,), 10.0: (second,)}, dropped=["5-1"])
    assert verdict(table, "CAL-LBA-09") == word
    assert verdict(elisa(), "CAL-LBA-09") == "not_applicable"


@pytest.mark.parametrize(
    ("used", "word"),
    [
        pytest.param(True, "pass", marks=rule("CAL-LBA-05", "pass")),
        pytest.param(False, "fail", marks=rule("CAL-LBA-05", "fail")),
    ],
)
def test_anchors_are_in_the_fit(used, word):
    plate = with_point(standard_curve(LBA, method=ELISA), "anchor", used=used)
    assert verdict(judge(plate, method=ELISA), "CAL-LBA-05") == word


def test_without_anchors_or_with_one_that_has_no_signal_there_is_nothing_to_ask():
    assert verdict(elisa(), "CAL-LBA-05") == "not_applicable"
    plate = with_point(standard_curve(LBA, method=ELISA), "anchor", used=False, response=np.nan)
    assert verdict(judge(plate, method=ELISA), "CAL-LBA-05") == "not_applicable"


@pytest.mark.parametrize(
    ("model", "word"),
    [
        pytest.param("4pl", "pass", marks=rule("CAL-LBA-06", "pass")),
        pytest.param("5pl", "pass", marks=rule("CAL-LBA-06", "pass")),
        pytest.param("linear", "fail", marks=rule("CAL-LBA-06", "fail")),
    ],
)
def test_a_plate_has_a_sigmoid_curve(model, word):
    assert verdict(elisa(model=model), "CAL-LBA-06") == word


@pytest.mark.parametrize(
    ("qc_wells", "sample_wells", "word"),
    [
        pytest.param(2, 2, "pass", marks=rule("CAL-LBA-12", "pass")),
        pytest.param(2, 3, "fail", marks=rule("CAL-LBA-12", "fail")),
        pytest.param(2, None, "not_assessable", marks=rule("CAL-LBA-12", "not_assessable")),
    ],
)
def test_qcs_and_samples_are_read_in_the_same_number_of_wells(qc_wells, sample_wells, word):
    rows = [unit("qc", level="L", nominal_ng_ml=15.0, n_readings=qc_wells)]
    rows += [unit("unknown", n_readings=sample_wells)] if sample_wells else []
    assert verdict(elisa(LBA, *rows), "CAL-LBA-12") == word


def test_a_profile_may_widen_the_limits_of_standards():
    acceptance = LCMS.acceptance.model_copy(update={"profile": "tissue_qualified_chromatographic"})
    method = method_file(acceptance=acceptance)
    table = judge(standard_curve(GOOD | {100.0: (119.0,)}, method=method), method=method)
    assert verdict(table, "CAL-CC-02", position="100-1") == "pass"
    assert table[table.rule_id == "CAL-CC-02"].wider_than_source.all()
