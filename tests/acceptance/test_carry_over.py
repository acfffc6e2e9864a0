"""Carry-over from one injection to the next, and blanks, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from worked_run import ELISA, GOOD, LCMS, LEVELS, judged, standard_curve, unit, units_of, verdict

from bioanalysis.acceptance.carry_over import carry_over_table, judge_blank_wells, judge_carry_over
from bioanalysis.acceptance.injections import injections_of
from bioanalysis.limits import limits_for

pytestmark = pytest.mark.requirement("UR-022")

rule = pytest.mark.rule
LIMITS = limits_for(LCMS)


def injected(*rows: dict[str, object], area_per_ng_ml: float = 200.0):
    """Calibrators of 200 counts per ng/mL (1000 at the LLOQ) and an internal standard of 5000, then `rows`."""
    standards = [
        unit("calibrator", n, nominal_ng_ml=nominal, analyte_area=area_per_ng_ml * nominal, internal_standard_area=5e3)
        for n, nominal in enumerate(LEVELS, start=1)
    ]
    placed = [row | {"position": str(n)} for n, row in enumerate(rows, start=len(standards) + 1)]
    return injections_of(units_of(*standards, *placed), standard_curve(GOOD))


def judge(*rows: dict[str, object], **how) -> pd.DataFrame:
    injections = injected(*rows, **how)
    return judged(LIMITS, lambda ledger: judge_carry_over(ledger, injections, carry_over_table(injections, LIMITS)))


def blank(kind: str, analyte: float, standard: float = np.nan) -> dict[str, object]:
    return unit(kind, analyte_area=analyte, internal_standard_area=standard)


@pytest.mark.parametrize(
    ("analyte", "standard", "word"),
    [
        pytest.param(199.0, 249.0, "pass", marks=rule("CAR-CC-01", "inside")),
        pytest.param(200.0, 250.0, "pass", marks=rule("CAR-CC-01", "on")),  # 20 % of 1000, 5 % of 5000
        pytest.param(201.0, 251.0, "fail", marks=rule("CAR-CC-01", "outside")),
        (np.nan, np.nan, "pass"),
    ],
)
def test_a_blank_after_the_highest_calibrator_holds_a_fifth_of_the_lloq_at_most(analyte, standard, word):
    table = judge(blank("carryover_blank", analyte, standard))
    assert verdict(table, "CAR-CC-01", subject="after position 8, analyte") == word
    assert verdict(table, "CAR-CC-01", subject="after position 8, internal standard") == word


def test_a_plain_blank_straight_after_the_highest_calibrator_is_one_of_carry_over():
    table = judge(blank("blank", 300.0), blank("blank", 0.0))
    assert verdict(table, "CAR-CC-01", position="9", subject="after position 8, analyte") == "fail"
    assert verdict(table, "BLK-CC-01", position="10") == "pass"
    assert verdict(table, "BLK-CC-01", position="9") == ""


@rule("CAR-CC-01", "not_assessable")
def test_carry_over_is_not_assessable_without_a_blank_or_without_an_lloq_to_compare_with():
    assert verdict(judge(unit("unknown", analyte_area=1.0)), "CAR-CC-01") == "not_assessable"
    nothing = judge(blank("carryover_blank", 10.0), area_per_ng_ml=np.nan)
    assert verdict(nothing, "CAR-CC-01", subject="after position 8, analyte") == "not_assessable"


def sample(area: float) -> dict[str, object]:
    return unit("unknown", analyte_area=area)


@pytest.mark.parametrize(
    ("own", "word"),
    [
        pytest.param(2001.0, "pass", marks=rule("CAR-CC-02", "inside")),
        pytest.param(2000.0, "pass", marks=rule("CAR-CC-02", "on")),
        pytest.param(1999.0, "fail", marks=rule("CAR-CC-02", "outside")),
    ],
)
def test_what_a_high_sample_leaves_in_the_next_is_a_share_of_the_next(own, word):
    # the blank holds 100 of the 1 000 000 before it: 0.01 %; of 1 000 000 that is 100, which is 5 % of 2000
    rows = (blank("carryover_blank", 100.0), sample(1e6), sample(own))
    table = carry_over_table(injected(*rows), LIMITS)
    assert_allclose(table.carry_over_percent.max(), 0.01)
    assert_allclose(table.impact_percent.iloc[-1], 100 * 100 / own)
    assert verdict(judge(*rows), "CAR-CC-02") == word
    assert (table["flag"].iloc[-1] == "carry_over_suspected") == (word == "fail")


def test_a_sample_without_a_peak_is_held_against_the_lloq():
    # 100 counts carried over are 10 % of the 1000 at the LLOQ
    table = carry_over_table(injected(blank("carryover_blank", 100.0), sample(1e6), sample(np.nan)), LIMITS)
    assert_allclose(table.impact_percent.iloc[-1], 10.0)


def test_injection_order_counts_and_not_the_order_of_rows():
    rows = units_of(
        unit("unknown", 11, analyte_area=1e3), unit("unknown", 10, analyte_area=1e6),
        unit("calibrator", 8, nominal_ng_ml=5000.0, analyte_area=1e6), unit("carryover_blank", 9, analyte_area=100.0),
        unit("calibrator", 1, nominal_ng_ml=5.0, analyte_area=1e3),
    )  # fmt: skip
    table = carry_over_table(injections_of(rows, standard_curve(GOOD)), LIMITS)
    assert table.position.tolist() == ["1", "8", "9", "10", "11"]
    assert table.previous_position.tolist() == ["", "1", "8", "9", "10"]
    assert table["flag"].tolist() == ["", "", "", "", "carry_over_suspected"]


@rule("CAR-CC-02", "not_assessable")
def test_without_a_blank_carry_over_has_no_size():
    assert verdict(judge(sample(1e6), sample(1e3)), "CAR-CC-02") == "not_assessable"
    assert verdict(judge(blank("carryover_blank", 1.0)), "CAR-CC-02") == "not_assessable"


@pytest.mark.parametrize(
    ("kind", "analyte", "standard", "word"),
    [
        pytest.param("blank", 199.0, 249.0, "pass", marks=rule("BLK-CC-01", "inside")),
        pytest.param("blank", 200.0, 250.0, "pass", marks=rule("BLK-CC-01", "on")),
        pytest.param("blank", 201.0, 0.0, "pass fail", marks=rule("BLK-CC-01", "outside")),
        pytest.param("blank", 0.0, 251.0, "pass fail", marks=rule("BLK-CC-01", "outside")),
        ("zero", 200.0, 5000.0, "pass"),  # a zero holds internal standard
        ("zero", 201.0, 5000.0, "fail"),
    ],
)
def test_blanks_and_zeros_hold_neither_analyte_nor_standard(kind, analyte, standard, word):
    words = verdict(judge(sample(1.0), blank(kind, analyte, standard)), "BLK-CC-01")
    assert set(words.split()) == set(word.split())


@rule("BLK-CC-01", "not_assessable")
def test_a_run_without_blanks_is_said_to_have_none():
    assert verdict(judge(sample(1.0)), "BLK-CC-01") == "not_assessable"


def wells(*rows: dict[str, object]) -> pd.DataFrame:
    return judged(limits_for(ELISA), lambda ledger: judge_blank_wells(ledger, units_of(*rows)))


@pytest.mark.parametrize(
    ("place", "word"),
    [
        pytest.param("below", "pass", marks=[rule("BLK-LBA-01", "pass"), rule("CAR-LBA-01", "pass")]),
        pytest.param("inside", "fail", marks=[rule("BLK-LBA-01", "fail"), rule("CAR-LBA-01", "fail")]),
        pytest.param(
            "no_value", "not_assessable",
            marks=[rule("BLK-LBA-01", "not_assessable"), rule("CAR-LBA-01", "not_assessable")],
        ),
    ],
)  # fmt: skip
def test_blank_wells_read_below_the_lloq(place, word):
    assert verdict(wells(unit("blank", place=place)), "BLK-LBA-01") == word
    assert verdict(wells(unit("zero", place=place)), "BLK-LBA-01") == word
    assert verdict(wells(unit("carryover_blank", place=place)), "CAR-LBA-01") == word


def test_a_plate_needs_blanks_but_no_carry_over_blank():
    table = wells(unit("unknown"))
    assert verdict(table, "BLK-LBA-01") == "not_assessable"
    assert verdict(table, "CAR-LBA-01") == "not_applicable"
