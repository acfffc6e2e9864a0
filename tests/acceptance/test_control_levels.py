"""Where the QC levels lie: in the range, among the samples, at the samples' dilutions."""

from __future__ import annotations

import pandas as pd
import pytest
from worked_run import ELISA, LCMS, judged, unit, units_of, verdict

from bioanalysis.acceptance.control_levels import judge_control_levels
from bioanalysis.limits import limits_for

pytestmark = pytest.mark.requirement("UR-021")

rule = pytest.mark.rule


def judge(*rows: dict[str, object], method=LCMS) -> pd.DataFrame:
    table = units_of(*rows)
    return judged(limits_for(method), lambda ledger: judge_control_levels(ledger, table, method.analytes[0]))


def qcs(*nominal: float) -> list[dict[str, object]]:
    return [unit("qc", n, level=f"Q{n}", nominal_ng_ml=value) for n, value in enumerate(nominal, start=1)]


@pytest.mark.parametrize(
    ("low", "word"),
    [
        pytest.param(14.9, "pass", marks=rule("QC-09", "inside")),
        pytest.param(15.0, "pass", marks=rule("QC-09", "on")),  # three times the LLOQ of 5 ng/mL
        pytest.param(15.1, "fail", marks=rule("QC-09", "outside")),
    ],
)
def test_the_low_qc_lies_within_three_times_the_lloq(low, word):
    assert verdict(judge(*qcs(low, 2000.0, 4000.0)), "QC-09") == word


def test_a_qc_at_the_lloq_itself_is_not_the_low_qc():
    rows = [*qcs(20.0, 2000.0, 4000.0), unit("qc", 9, level="LLOQ", nominal_ng_ml=5.0)]
    assert verdict(judge(*rows), "QC-09") == "fail"


@pytest.mark.parametrize(
    ("medium", "word"),
    [
        pytest.param(2000.0, "pass", marks=rule("QC-10", "inside")),
        pytest.param(1500.0, "pass", marks=rule("QC-10", "on")),  # 30 % of 5000 ng/mL
        pytest.param(2500.0, "pass", marks=rule("QC-10", "on")),
        pytest.param(1499.0, "fail", marks=rule("QC-10", "outside")),
        pytest.param(2501.0, "fail", marks=rule("QC-10", "outside")),
    ],
)
def test_a_medium_qc_lies_around_the_middle_of_the_range(medium, word):
    assert verdict(judge(*qcs(15.0, medium, 4000.0)), "QC-10") == word


def test_one_of_two_medium_qcs_in_the_middle_is_enough():
    assert verdict(judge(*qcs(15.0, 100.0, 2000.0, 4000.0)), "QC-10") == "pass"


@pytest.mark.parametrize(
    ("medium", "word"),
    [
        pytest.param(99.0, "pass", marks=rule("QC-11", "inside")),
        pytest.param(100.0, "pass", marks=rule("QC-11", "on")),  # twice sqrt(5 x 500) = 50 ng/mL
        pytest.param(25.0, "pass", marks=rule("QC-11", "on")),
        pytest.param(101.0, "fail", marks=rule("QC-11", "outside")),
        pytest.param(24.0, "fail", marks=rule("QC-11", "outside")),
    ],
)
def test_the_medium_qc_of_a_plate_lies_near_the_geometric_mean(medium, word):
    assert verdict(judge(*qcs(15.0, medium, 400.0), method=ELISA), "QC-11") == word


@pytest.mark.parametrize(
    ("high", "word"),
    [
        pytest.param(3751.0, "pass", marks=rule("QC-12", "inside")),
        pytest.param(3750.0, "pass", marks=rule("QC-12", "on")),  # 75 % of 5000 ng/mL
        pytest.param(3749.0, "fail", marks=rule("QC-12", "outside")),
    ],
)
def test_the_high_qc_lies_in_the_upper_quarter(high, word):
    assert verdict(judge(*qcs(15.0, 2000.0, high)), "QC-12") == word


@rule("QC-09", "not_assessable")
@rule("QC-10", "not_assessable")
@rule("QC-11", "not_assessable")
@rule("QC-12", "not_assessable")
def test_without_qcs_there_are_no_levels_to_judge():
    sample = unit("unknown", reading_ng_ml=100.0)
    found = judge(sample)
    assert {verdict(found, rule_id) for rule_id in ("QC-09", "QC-10", "QC-12")} == {"not_assessable"}
    assert verdict(judge(sample, method=ELISA), "QC-11") == "not_assessable"


@pytest.mark.parametrize(
    ("factors", "word"),
    [
        pytest.param((5.0, 100.0), "pass", marks=rule("QC-17", "pass")),
        pytest.param((10.0, 50.0), "pass", marks=rule("QC-17", "pass")),
        pytest.param((10.0, 20.0), "fail", marks=rule("QC-17", "fail")),
        pytest.param((20.0, 50.0), "fail", marks=rule("QC-17", "fail")),
        pytest.param((), "not_assessable", marks=rule("QC-17", "not_assessable")),
    ],
)
def test_dilution_qcs_span_the_factors_of_the_samples(factors, word):
    samples = [unit("unknown", n, diluted=True, dilution_factor=f) for n, f in enumerate((10.0, 20.0, 50.0), start=1)]
    rows = [unit("dilution_qc", n, dilution_factor=factor) for n, factor in enumerate(factors, start=10)]
    assert verdict(judge(*samples, *rows), "QC-17") == word


def test_without_diluted_samples_no_dilution_qc_is_asked():
    assert verdict(judge(unit("unknown")), "QC-17") == "not_applicable"


def dilutions(*values: float, **changes: object) -> list[dict[str, object]]:
    """One sample at x10, x20 ..., of which each gives one of `values` in the undiluted homogenate."""
    factors = [10.0 * n for n in range(1, len(values) + 1)]
    return [
        unit("unknown", n, sample_id="S1", dilution_factor=factor, reading_ng_ml=value / factor, **changes)
        for n, (factor, value) in enumerate(zip(factors, values, strict=True), start=1)
    ]


@pytest.mark.parametrize(
    ("spread", "word"),
    [
        pytest.param(19.9, "pass", marks=rule("DIL-AGR", "inside")),
        pytest.param(20.0, "pass", marks=rule("DIL-AGR", "on")),
        pytest.param(20.1, "fail", marks=rule("DIL-AGR", "outside")),
    ],
)
def test_dilutions_of_one_sample_agree(spread, word):
    # 100 - s, 100, 100 + s have a CV of s percent
    assert verdict(judge(*dilutions(100 - spread, 100.0, 100 + spread)), "DIL-AGR", subject="S1") == word


@rule("DIL-AGR", "not_assessable")
def test_dilutions_outside_the_range_have_nothing_to_agree_on():
    assert verdict(judge(*dilutions(100.0, 100.0, place="above")), "DIL-AGR") == "not_assessable"
    assert verdict(judge(*dilutions(100.0)), "DIL-AGR") == "not_applicable"


def test_the_methods_own_limit_to_replicates_holds_for_dilutions_too():
    table = units_of(*dilutions(88.0, 100.0, 112.0))
    found = judged(limits_for(LCMS), lambda ledger: judge_control_levels(ledger, table, LCMS.analytes[0], 10.0))
    assert verdict(found, "DIL-AGR") == "fail"
    assert "limit of the method 10 %" in found[found.rule_id == "DIL-AGR"].observed.item()
