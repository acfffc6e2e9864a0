"""QCs over all accepted runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from study_ledger import ledger_of, observed, verdict

from bioanalysis.acceptance.study_controls import control_statistics, judge_measured_range, judge_study_controls

pytestmark = pytest.mark.requirement("UR-021")


def controls(*runs: list[float], nominal: float = 100.0, status: str = "pass", reason: str = "") -> pd.DataFrame:
    """QCs of one level, one list of found values per run."""
    rows = [
        {"run_id": f"R{number}", "plate": "", "level": "MQC", "tissue": "liver", "dilution_factor": 1.0,
         "nominal_ng_ml": nominal, "found_ng_ml": found, "status": status, "reason": reason}
        for number, values in enumerate(runs) for found in values
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_bias_and_scatter_within_and_between_runs_by_hand():
    # runs 90, 110 and 110, 130: means 100 and 120, grand mean 110; mean squares: between 2 (10^2 + 10^2) / 1 = 400,
    # within 4 x 10^2 / 2 = 200; so within 200, between (400 - 200) / 2 = 100
    found = control_statistics(controls([90.0, 110.0], [110.0, 130.0])).iloc[0]
    assert (found.n, found.n_runs, found.mean_ng_ml) == (4, 2, 110.0)
    assert_allclose(found.bias_percent, 10)
    assert_allclose(found.within_run_cv_percent, 100 * np.sqrt(200) / 110)
    assert_allclose(found.between_run_cv_percent, 100 * np.sqrt(100) / 110)
    assert_allclose(found.intermediate_cv_percent, 100 * np.sqrt(300) / 110)
    # squares about 110: 400 + 0 + 0 + 400, by 3 degrees of freedom
    assert_allclose(found.cv_percent, 100 * np.sqrt(800 / 3) / 110)


def test_runs_alike_give_no_negative_scatter_between_them():
    found = control_statistics(controls([90.0, 110.0], [90.0, 110.0])).iloc[0]
    assert found.between_run_cv_percent == 0
    assert "negative" in found.note


def test_levels_prepared_anew_are_joined_in_percent_of_nominal():
    table = pd.concat([controls([95.0, 105.0]), controls([190.0, 210.0], nominal=200.0).assign(run_id="R1")])
    assert_allclose(control_statistics(table).bias_percent, 0)


def test_outliers_stay_and_what_a_decision_excluded_is_counted_apart():
    table = pd.concat(
        [
            controls([100.0, 100.0]),
            controls([160.0], status="fail", reason="bias +60.0 %"),
            controls([np.nan], status="no_value", reason="excluded by D-1 (SPILL, X): spilt"),
            controls([np.nan], status="no_value", reason="not acquired: vial broken"),
        ]
    )
    found = control_statistics(table).iloc[0]
    assert (found.n, found.n_outside, found.n_excluded, found.n_without_value) == (3, 1, 1, 0)
    assert_allclose(found.bias_percent, 20)


def judged(table: pd.DataFrame, assay_class: str = "chromatographic"):
    ledger = ledger_of(assay_class)
    judge_study_controls(ledger, control_statistics(table), "accepted: R0")
    return ledger


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # mean bias
        pytest.param([114.9] * 4, "pass", marks=pytest.mark.rule("QC-14", "inside")),
        pytest.param([115.0] * 4, "pass", marks=pytest.mark.rule("QC-14", "on")),
        pytest.param([115.1] * 4, "fail", marks=pytest.mark.rule("QC-14", "outside")),
        pytest.param([84.9] * 4, "fail", marks=pytest.mark.rule("QC-14", "outside")),
        # CV of two values 100 -+ d is sqrt(2) d: 10.6 and 10.6066 lie inside 15 %, 10.61 outside
        pytest.param([89.4, 110.6], "pass", marks=pytest.mark.rule("QC-14", "inside")),
        pytest.param([100 - 15 / 2**0.5, 100 + 15 / 2**0.5], "pass", marks=pytest.mark.rule("QC-14", "on")),
        pytest.param([89.39, 110.61], "fail", marks=pytest.mark.rule("QC-14", "outside")),
        pytest.param([100.0], "not_assessable", marks=pytest.mark.rule("QC-14", "not_assessable")),
        pytest.param([116.0], "fail", marks=pytest.mark.rule("QC-14", "outside")),  # no CV, but far off
    ],
)
def test_mean_and_scatter_of_a_level_over_the_study(values, expected):
    assert verdict(judged(controls(values)), "QC-14") == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([119.9] * 4, "pass", marks=pytest.mark.rule("QC-15", "inside")),
        pytest.param([120.0] * 4, "pass", marks=pytest.mark.rule("QC-15", "on")),
        pytest.param([79.9] * 4, "fail", marks=pytest.mark.rule("QC-15", "outside")),
        pytest.param([100.0], "not_assessable", marks=pytest.mark.rule("QC-15", "not_assessable")),
    ],
)
def test_ligand_binding_has_a_wider_limit(values, expected):
    assert verdict(judged(controls(values), "ligand_binding"), "QC-15") == expected


def run_means(deviation: float) -> pd.DataFrame:
    """Two runs of two equal values each, 100 -+ deviation: nothing within runs, sqrt(2) deviation between them."""
    return controls([100 - deviation] * 2, [100 + deviation] * 2)


@pytest.mark.parametrize(
    ("rule_id", "assay_class", "deviation", "expected"),
    [
        pytest.param("QC-BTW-CC", "chromatographic", 10.6, "pass", marks=pytest.mark.rule("QC-BTW-CC", "inside")),
        pytest.param("QC-BTW-CC", "chromatographic", 15 / 2**0.5, "pass", marks=pytest.mark.rule("QC-BTW-CC", "on")),
        pytest.param("QC-BTW-CC", "chromatographic", 10.61, "fail", marks=pytest.mark.rule("QC-BTW-CC", "outside")),
        pytest.param("QC-BTW-LBA", "ligand_binding", 14.1, "pass", marks=pytest.mark.rule("QC-BTW-LBA", "inside")),
        pytest.param("QC-BTW-LBA", "ligand_binding", 20 / 2**0.5, "pass", marks=pytest.mark.rule("QC-BTW-LBA", "on")),
        pytest.param("QC-BTW-LBA", "ligand_binding", 14.2, "fail", marks=pytest.mark.rule("QC-BTW-LBA", "outside")),
    ],
)
def test_precision_between_runs(rule_id, assay_class, deviation, expected):
    assert verdict(judged(run_means(deviation), assay_class), rule_id) == expected


@pytest.mark.rule("QC-BTW-CC", "not_assessable")
@pytest.mark.rule("QC-BTW-LBA", "not_assessable")
@pytest.mark.parametrize(
    ("rule_id", "assay_class"), [("QC-BTW-CC", "chromatographic"), ("QC-BTW-LBA", "ligand_binding")]
)
def test_one_run_says_nothing_about_others(rule_id, assay_class):
    assert verdict(judged(controls([99.0, 101.0]), assay_class), rule_id) == "not_assessable"


def test_one_value_per_run_still_gives_the_scatter_of_both_together():
    # 90 and 110: SD 14.1, of a mean of 100
    found = control_statistics(controls([90.0], [110.0])).iloc[0]
    assert_allclose(found.intermediate_cv_percent, 100 * np.sqrt(200) / 100)
    assert np.isnan(found.between_run_cv_percent)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(controls([100.0, 160.0], status="fail"), "pass", marks=pytest.mark.rule("QC-19", "pass")),
        pytest.param(
            pd.concat([controls([100.0]), controls([np.nan], status="no_value", reason="excluded by D-1 (SPILL): x")]),
            "pass",
            marks=pytest.mark.rule("QC-19", "pass"),
        ),
        pytest.param(
            pd.concat([controls([100.0]), controls([np.nan], status="fail", reason="beyond the asymptote")]),
            "fail",
            marks=pytest.mark.rule("QC-19", "fail"),
        ),
        pytest.param(controls([100.0]).iloc[:0], "not_assessable", marks=pytest.mark.rule("QC-19", "not_assessable")),
    ],
)
def test_no_qc_is_left_out_without_a_documented_error(table, expected):
    ledger = judged(table)
    assert verdict(ledger, "QC-19") == expected
    assert "accepted: R0" in observed(ledger, "QC-19")


def in_range(
    *tubes: float, factor: float = 1.0, dilution: float = 1.0, of_qcs: float = 1.0, place: str = "inside"
) -> pd.DataFrame:
    """Samples that read `tubes` off the curve, where `factor` is recovered, beside QCs of three levels."""
    levels = {"LLOQ": 5.0, "LQC": 15.0, "MQC": 2000.0, "HQC": 4000.0}
    rows = [
        {"sample_type": "qc", "level": name, "nominal_ng_ml": nominal, "dilution_factor": of_qcs}
        for name, nominal in levels.items()
    ]
    rows += [
        {"sample_type": "unknown", "level": "", "reading_ng_ml": tube, "dilution_factor": dilution} for tube in tubes
    ]
    return pd.DataFrame(rows).assign(place=place, recovery_factor=factor)


def place_of_levels(readings: pd.DataFrame):
    ledger = ledger_of()
    judge_measured_range(ledger, readings)
    return ledger


@pytest.mark.parametrize(
    ("readings", "factor", "expected"),
    [
        pytest.param((14.0, 4100.0), 1.0, "pass", marks=pytest.mark.rule("QC-13", "inside")),
        pytest.param((15.0, 2000.0), 1.0, "pass", marks=pytest.mark.rule("QC-13", "on")),
        pytest.param((16.0, 3999.0), 1.0, "fail", marks=pytest.mark.rule("QC-13", "outside")),
        # a sample of 4000 ng/mL reads 2000 where half is recovered, as the QC of 4000 ng/mL does
        pytest.param((16.0, 2000.0), 0.5, "pass", marks=pytest.mark.rule("QC-13", "on")),
        pytest.param((16.0, 1999.0), 0.5, "fail", marks=pytest.mark.rule("QC-13", "outside")),
    ],
)
def test_two_qc_levels_lie_among_the_concentrations_of_the_studys_samples(readings, factor, expected):
    assert verdict(place_of_levels(in_range(*readings, factor=factor, dilution=10.0)), "QC-13") == expected


def test_a_qc_diluted_as_samples_are_is_held_by_what_its_tube_holds():
    # a minimum dilution of 10: QCs of 15, 2000 and 4000 ng/mL are measured at 1.5, 200 and 400
    tubes = (150.0, 450.0)
    assert verdict(place_of_levels(in_range(*tubes, dilution=10.0, of_qcs=10.0)), "QC-13") == "pass"
    assert verdict(place_of_levels(in_range(*tubes, dilution=10.0)), "QC-13") == "fail"


@pytest.mark.rule("QC-13", "not_assessable")
def test_without_qcs_or_samples_in_the_range_no_level_can_lie_among_them():
    below = in_range(1.0, place="below the range")
    assert verdict(place_of_levels(below), "QC-13") == "not_assessable"
    alone = in_range(100.0).query("sample_type == 'unknown'")
    assert observed(place_of_levels(alone), "QC-13") == "no QCs"


def test_what_was_found_is_said_with_its_ends():
    said = observed(place_of_levels(in_range(16.0, 2000.0, factor=0.5)), "QC-13")
    assert said == "2 of 3 levels inside 32 to 4000 ng/mL, before dilution is counted"
