"""The internal standard by injection: band, drift, shift of a tissue."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from worked_run import GOOD, LCMS, LEVELS, judged, standard_curve, unit, units_of, verdict

from bioanalysis.acceptance.injections import injections_of
from bioanalysis.acceptance.internal_standard import drift_of, internal_standard_table, judge_internal_standard
from bioanalysis.limits import limits_for

pytestmark = pytest.mark.requirement("UR-022")

rule = pytest.mark.rule
LIMITS = limits_for(LCMS)


def table_of(*samples: dict[str, object], standards: float = 100.0, curve=None) -> pd.DataFrame:
    """Eight calibrators and two QCs with an internal standard of 100 each, then study samples."""
    rows = [
        unit("calibrator", n, nominal_ng_ml=nominal, internal_standard_area=standards)
        for n, nominal in enumerate(LEVELS, start=1)
    ]
    rows += [unit("qc", n, level="LQC", internal_standard_area=standards, passes=True) for n in (9, 10)]
    placed = [row | {"position": str(n)} for n, row in enumerate(samples, start=11)]
    return internal_standard_table(injections_of(units_of(*rows, *placed), curve or standard_curve(GOOD)), LIMITS)


def sample(area: float, **changes: object) -> dict[str, object]:
    return unit("unknown", internal_standard_area=area, **changes)


def judge(table: pd.DataFrame) -> pd.DataFrame:
    return judged(LIMITS, lambda ledger: judge_internal_standard(ledger, table))


@pytest.mark.parametrize(
    ("area", "word", "flag"),
    [
        pytest.param(50.1, "pass", "is_response_warning", marks=rule("IS-03", "inside")),
        pytest.param(50.0, "pass", "is_response_warning", marks=rule("IS-03", "on")),
        pytest.param(150.0, "pass", "is_response_warning", marks=rule("IS-03", "on")),
        pytest.param(49.9, "fail", "is_response_outside", marks=rule("IS-03", "outside")),
        pytest.param(150.1, "fail", "is_response_outside", marks=rule("IS-03", "outside")),
        (70.0, "pass", ""),
        (130.0, "pass", ""),
        (69.9, "pass", "is_response_warning"),
    ],
)
def test_an_injection_lies_in_the_band_around_calibrators_and_qcs(area, word, flag):
    table = table_of(sample(area))
    assert_allclose(table.percent_of_mean.iloc[-1], area)
    assert table["flag"].iloc[-1] == flag
    assert verdict(judge(table), "IS-03") == word


def test_the_band_lies_around_accepted_calibrators_and_qcs_alone():
    # a dropped calibrator of 900 and a failed QC of 900 leave the mean at 100
    rows = [unit("calibrator", n, nominal_ng_ml=v, internal_standard_area=100.0) for n, v in enumerate(LEVELS, 1)]
    rows[4]["internal_standard_area"] = 900.0
    rows += [unit("qc", 9, passes=True, internal_standard_area=100.0), unit("qc", 10, internal_standard_area=900.0)]
    rows += [unit("qc", 11, passes=True, counted=False, internal_standard_area=900.0), sample(100.0, position="12")]
    curve = standard_curve(GOOD | {500.0: (130.0,)}, dropped=["500-1"])
    table = internal_standard_table(injections_of(units_of(*rows), curve), LIMITS)
    assert_allclose(table.percent_of_mean.iloc[-1], 100.0)


def test_blanks_hold_no_standard_and_decisions_take_an_injection_out_of_the_verdict():
    table = table_of(unit("blank"), unit("zero", internal_standard_area=100.0), sample(1.0, excluded="excluded by D1"))
    assert table.sample_type.tolist()[-2:] == ["zero", "unknown"]
    assert verdict(judge(table), "IS-03") == "pass"


@pytest.mark.parametrize(
    ("area", "word"),
    [
        pytest.param(100.0, "pass", marks=rule("IS-01", "pass")),
        pytest.param(np.nan, "fail", marks=rule("IS-01", "fail")),
    ],
)
def test_the_standard_of_every_study_sample_is_known(area, word):
    assert verdict(judge(table_of(sample(100.0), sample(area))), "IS-01") == word


@rule("IS-01", "not_assessable")
@rule("IS-05", "not_assessable")
def test_without_study_samples_there_is_no_response_to_follow():
    found = judge(table_of())
    assert verdict(found, "IS-01") == verdict(found, "IS-05") == "not_assessable"


@rule("IS-03", "not_assessable")
@rule("IS-02", "not_assessable")
@rule("IS-04", "not_assessable")
def test_without_any_area_nothing_can_be_said():
    found = judge(table_of(sample(np.nan), standards=np.nan))
    assert {verdict(found, rule_id) for rule_id in ("IS-02", "IS-03", "IS-04", "IS-05")} == {"not_assessable"}


def test_five_injections_are_too_few_for_a_drift_beyond_chance():
    # five in perfect order: p = 2 / 5! = 0.017 at best; six: 2 / 6! = 0.003
    for count, word in ((5, "not_assessable"), (6, "fail")):
        areas = np.linspace(100, 200, count)
        rows = pd.DataFrame({
            "position": [str(n) for n in range(count)], "sample_type": "unknown", "tissue": "liver", "in_verdict": True,
            "reference": False, "internal_standard_area": areas, "percent_of_mean": np.nan, "flag": "",
        })  # fmt: skip
        assert verdict(judge(rows), "IS-04") == word


def drifting(change_percent: float) -> pd.DataFrame:
    """Twenty samples that change by `change_percent` from first to last, after standards of 100."""
    areas = 100 * np.exp(np.linspace(0, np.log1p(change_percent / 100), 20))
    rows = pd.DataFrame({"internal_standard_area": areas, "position": [str(n) for n in range(1, 21)]})
    return rows.assign(
        sample_type="unknown", tissue="liver", in_verdict=True, reference=False, percent_of_mean=areas, flag=""
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param(14.9, "pass", marks=rule("IS-04", "inside")),
        pytest.param(15.0, "pass", marks=rule("IS-04", "on")),
        pytest.param(-15.0, "pass", marks=rule("IS-04", "on")),
        pytest.param(15.1, "fail", marks=rule("IS-04", "outside")),
        pytest.param(-15.1, "fail", marks=rule("IS-04", "outside")),
    ],
)
def test_a_standard_that_drifts_is_said_with_its_change_over_the_run(change, word):
    found = judge(drifting(change))
    assert verdict(found, "IS-04") == word
    assert f"{change:+.1f} % over 20 injections" in found[found.rule_id == "IS-04"].observed.item()


def test_a_change_that_may_be_chance_is_no_drift():
    # up and down: the pairs that rise and those that fall balance, p is large
    rows = drifting(40.0)
    order = np.r_[np.arange(0, 20, 2), np.arange(19, 0, -2)]
    rows["internal_standard_area"] = rows.internal_standard_area.to_numpy()[order]
    found = judge(rows)
    assert verdict(found, "IS-04") == "pass"


def test_the_slope_is_theil_sens():
    rng = np.random.default_rng(11)
    order, area = np.arange(1.0, 61.0), np.exp(rng.normal(0.002 * np.arange(60), 0.05))
    expected = stats.theilslopes(np.log(area), order).slope
    drift = drift_of(order, area)
    assert_allclose(drift.change_percent, 100 * np.expm1(expected * 59))
    assert_allclose(drift.p_value, stats.kendalltau(order, area).pvalue)


def test_a_third_of_outliers_does_not_move_the_slope():
    area = 100 * np.exp(np.linspace(0, np.log(1.1), 61))
    area[::5] *= 20
    assert_allclose(drift_of(np.arange(61.0), area).change_percent, 10.0, atol=1.0)


@pytest.mark.parametrize(
    ("area", "word"),
    [
        pytest.param(70.1, "pass", marks=rule("IS-05", "inside")),
        pytest.param(70.0, "pass", marks=rule("IS-05", "on")),
        pytest.param(130.0, "pass", marks=rule("IS-05", "on")),
        pytest.param(69.9, "fail", marks=rule("IS-05", "outside")),
        pytest.param(130.1, "fail", marks=rule("IS-05", "outside")),
    ],
)
def test_the_median_of_a_tissue_stays_near_that_of_calibrators_and_qcs(area, word):
    samples = [sample(a, tissue="kidney") for a in (area, area, 10.0 if area < 100 else 900.0, area, area)]
    found = judge(table_of(*samples, sample(100.0)))
    assert verdict(found, "IS-05", tissue="kidney") == word
    assert verdict(found, "IS-05", tissue="liver") == "pass"


@pytest.mark.parametrize(
    ("samples", "word", "observed"),
    [
        pytest.param([sample(100.0)], "pass", "none", marks=rule("IS-02", "pass")),
        pytest.param([sample(40.0)] + [sample(100.0)] * 2, "fail", "samples unlike calibrators and QCs",
                     marks=rule("IS-02", "fail")),
        pytest.param([sample(60.0)] * 3, "fail", "a tissue consistently apart", marks=rule("IS-02", "fail")),
    ],
)  # fmt: skip
def test_any_of_the_three_patterns_is_a_reason_to_look(samples, word, observed):
    found = judge(table_of(*samples))
    assert verdict(found, "IS-02") == word
    assert observed in found[found.rule_id == "IS-02"].observed.item()
