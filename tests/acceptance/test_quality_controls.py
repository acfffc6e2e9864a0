"""Verdicts at their boundary: limits are inclusive, shares are exact fractions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from worked_run import ELISA, LCMS, exploratory, judged, unit, units_of, verdict

from bioanalysis.acceptance.ledger import Ledger, share_passes
from bioanalysis.acceptance.quality_controls import judge_quality_controls
from bioanalysis.calibration.standards import bias_percent, calibrator_rule, passes_limit
from bioanalysis.limits import limits_for
from bioanalysis.method import read_method

pytestmark = pytest.mark.requirement("UR-021")

ROOT = Path(__file__).parents[2]
rule = pytest.mark.rule


@pytest.fixture(scope="module")
def method():
    return read_method(ROOT / "config/methods/ASO-LCMS-01.yaml", "config/methods/ASO-LCMS-01.yaml")


@pytest.fixture
def limits(method):
    return limits_for(method)


@pytest.mark.parametrize("nominal", [0.3, 5.0, 7.1, 1000.0, 3333.0])
@pytest.mark.parametrize(("percent", "passes"), [(14.9, True), (15.0, True), (15.1, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_bias_on_the_limit_passes(nominal, percent, passes, sign):
    found = nominal * (1 + sign * percent / 100)
    assert passes_limit(bias_percent(found, nominal), 15.0) == passes


def test_a_value_without_a_bias_does_not_pass():
    assert not passes_limit(np.nan, 15.0)


def test_the_wider_limit_holds_at_the_lloq_alone(method, limits):
    analyte = method.analyte("mipomersen")
    assert calibrator_rule(5.0, analyte, limits).printed_limit == "within ±20 %"
    assert calibrator_rule(10.0, analyte, limits).printed_limit == "within ±15 %"
    assert calibrator_rule(5000.0, analyte, limits).printed_limit == "within ±15 %"


def test_four_of_six_are_two_thirds(limits):
    two_thirds = limits["QC-05"].number
    assert share_passes(4, 6, two_thirds)
    assert not share_passes(3, 6, two_thirds)
    assert not share_passes(0, 0, two_thirds)


def units(biases: dict[str, list[float]], samples: int = 4) -> pd.DataFrame:
    """QCs in the given biases by level, half before and half after the study samples."""
    nominal = {"LQC": 15.0, "MQC": 2000.0, "HQC": 4000.0}
    qcs = [(level, bias, n) for level, values in biases.items() for n, bias in enumerate(values)]
    first, last = [q for q in qcs if q[2] == 0], [q for q in qcs if q[2] > 0]
    rows = [_row("qc", level, bias, nominal[level]) for level, bias, _ in first]
    rows += [_row("unknown", "", np.nan, np.nan) for _ in range(samples)]
    rows += [_row("qc", level, bias, nominal[level]) for level, bias, _ in last]
    return pd.DataFrame([row | {"rows": (number,)} for number, row in enumerate(rows)])


def _row(kind: str, level: str, bias: float, nominal: float) -> dict[str, object]:
    return {
        "sample_type": kind, "level": level, "tissue": "liver", "batch": "B1", "plate": "", "position": "1",
        "nominal_ng_ml": nominal, "bias_percent": bias, "passes": abs(bias) <= 15, "assessable": True,
        "counted": True, "diluted": False, "dilution_factor": 1.0, "place_reason": "",
    }  # fmt: skip


def verdicts(limits, table: pd.DataFrame) -> dict[str, set[str]]:
    ledger = Ledger(limits, "mipomersen")
    judge_quality_controls(ledger, table)
    ledger.close()
    found = ledger.table()
    return {rule: set(rows.verdict) for rule, rows in found.groupby("rule_id")}


@rule("QC-05", "on")
@rule("QC-06", "on")
def test_four_of_six_with_one_good_at_each_level_pass(limits):
    found = verdicts(limits, units({"LQC": [1, 20], "MQC": [1, 20], "HQC": [1, 1]}))
    assert found["QC-05"] == found["QC-06"] == found["RUN"] == {"pass"}


@rule("QC-06", "outside")
def test_a_level_with_none_good_fails_the_run(limits):
    found = verdicts(limits, units({"LQC": [20, 20], "MQC": [1, 1], "HQC": [1, 1]}))
    assert found["QC-05"] == {"pass"}
    assert found["QC-06"] == {"pass", "fail"}
    assert found["RUN"] == {"fail"}


@rule("QC-01", "outside")
@rule("QC-02", "outside")
def test_two_levels_or_too_few_qcs_fail_the_run(limits):
    assert verdicts(limits, units({"LQC": [1, 1, 1], "HQC": [1, 1, 1]}))["QC-01"] == {"fail"}
    assert verdicts(limits, units({"LQC": [1], "MQC": [1, 1], "HQC": [1, 1]}))["QC-02"] == {"fail"}


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        pytest.param(119, "pass", marks=rule("QC-02", "inside")),
        pytest.param(120, "pass", marks=rule("QC-02", "on")),
        pytest.param(121, "fail", marks=rule("QC-02", "outside")),
    ],
)
def test_six_qcs_are_five_percent_of_120_samples(limits, samples, verdict):
    # ceil(5 % of 121) = 7
    assert verdicts(limits, units({"LQC": [1, 1], "MQC": [1, 1], "HQC": [1, 1]}, samples))["QC-02"] == {verdict}


@rule("QC-08", "pass")
@rule("QC-08", "fail")
def test_samples_after_the_last_qc_are_not_bracketed(limits):
    table = units({"LQC": [1, 1], "MQC": [1, 1], "HQC": [1, 1]})
    behind = table[table.sample_type == "unknown"].assign(rows=[(100 + n,) for n in range(4)])
    assert verdicts(limits, table)["QC-08"] == {"pass"}
    assert verdicts(limits, pd.concat([table, behind]))["QC-08"] == {"fail"}


@rule("QC-05", "not_assessable")
@rule("QC-06", "not_assessable")
@rule("QC-08", "not_assessable")
@rule("QC-21", "not_assessable")
def test_a_run_without_qcs_fails(limits):
    table = units({"LQC": [1, 1], "MQC": [1, 1], "HQC": [1, 1]})
    found = verdicts(limits, table[table.sample_type == "unknown"])
    assert found["RUN"] == {"fail"}
    assert found["QC-05"] == found["QC-06"] == found["QC-08"] == found["QC-21"] == {"not_assessable"}


@rule("QC-07", "pass")
@rule("QC-07", "fail")
def test_a_failed_batch_leaves_the_run_standing(limits):
    good = units({"LQC": [1, 1, 1, 1], "MQC": [1, 1, 1, 1], "HQC": [1, 1, 1, 1]})
    bad = units({"LQC": [20, 1], "MQC": [20, 1], "HQC": [20, 1]}).assign(batch="B2")
    found = verdicts(limits, pd.concat([good, bad]))
    assert found["QC-07"] == {"pass", "fail"}
    assert found["RUN"] == {"pass"}


@rule("QC-01", "not_assessable")
@rule("QC-02", "not_assessable")
def test_an_exploratory_run_may_go_without_qcs():
    found = judged(limits_for(exploratory()), lambda ledger: judge_quality_controls(ledger, units_of(unit("unknown"))))
    assert verdict(found, "QC-01") == verdict(found, "QC-02") == "not_assessable"


@pytest.mark.parametrize(
    ("levels", "word"),
    [pytest.param(4, "pass", marks=rule("QC-01", "inside")), pytest.param(3, "pass", marks=rule("QC-01", "on"))],
)
def test_three_levels_of_qcs_are_enough(levels, word):
    assert verdict(controls(*[(f"Q{n}", 0.0) for n in range(levels)]), "QC-01") == word


def test_a_qc_at_the_lloq_is_no_routine_level():
    assert verdict(controls(("LLOQ", 0.0), ("LQC", 0.0), ("HQC", 0.0)), "QC-01") == "fail"


def controls(*findings: tuple[str, float], method=LCMS, **changes: object) -> pd.DataFrame:
    """Verdicts on QCs of (level, bias in percent), after one study sample."""
    limit = 15 if method is LCMS else 20
    rows = [
        unit("qc", n, level=level, nominal_ng_ml=100.0, bias_percent=bias_percent(100 + bias, 100.0),
             passes=bool(passes_limit(bias_percent(100 + bias, 100.0), limit)), **changes)
        for n, (level, bias) in enumerate(findings, start=2)
    ]  # fmt: skip
    table = units_of(unit("unknown", 1), *rows)
    return judged(limits_for(method), lambda ledger: judge_quality_controls(ledger, table))


@pytest.mark.parametrize(
    ("bias", "word"),
    [
        pytest.param(14.9, "pass", marks=rule("QC-03", "inside")),
        pytest.param(-15.0, "pass", marks=rule("QC-03", "on")),
        pytest.param(15.1, "fail", marks=rule("QC-03", "outside")),
    ],
)
def test_a_qc_of_a_chromatographic_run_is_found_within_15_percent(bias, word):
    assert verdict(controls(("LQC", bias)), "QC-03") == word


@pytest.mark.parametrize(
    ("bias", "word"),
    [
        pytest.param(19.9, "pass", marks=rule("QC-04", "inside")),
        pytest.param(-20.0, "pass", marks=rule("QC-04", "on")),
        pytest.param(20.1, "fail", marks=rule("QC-04", "outside")),
    ],
)
def test_a_qc_of_a_plate_is_found_within_20_percent(bias, word):
    assert verdict(controls(("LQC", bias), method=ELISA), "QC-04") == word


@rule("QC-03", "not_assessable")
@rule("QC-04", "not_assessable")
@rule("QC-07", "not_assessable")
def test_a_qc_without_the_recovery_it_is_corrected_with_cannot_be_judged():
    assert verdict(controls(("LQC", 0.0), assessable=False), "QC-03") == "not_assessable"
    assert verdict(controls(("LQC", 0.0), method=ELISA, assessable=False), "QC-04") == "not_assessable"
    rows = [unit("qc", n, level=f"Q{n}", nominal_ng_ml=100.0, batch=f"B{n % 2}", assessable=False) for n in range(6)]
    table = units_of(unit("unknown", 8, batch="B0"), unit("unknown", 9, batch="B1"), *rows)
    found = judged(limits_for(LCMS), lambda ledger: judge_quality_controls(ledger, table))
    assert verdict(found, "QC-07") == "not_assessable"


@pytest.mark.parametrize(
    ("good", "word"),
    [
        pytest.param(5, "pass", marks=[rule("QC-05", "inside"), rule("QC-21", "inside")]),
        pytest.param(4, "pass", marks=[rule("QC-05", "on"), rule("QC-21", "on")]),
        pytest.param(3, "fail", marks=[rule("QC-05", "outside"), rule("QC-21", "outside")]),
    ],
)
def test_two_thirds_of_the_qcs_pass_in_the_run_and_in_the_tissue(good, word):
    # levels in turn, so that each keeps one good of two down to three good in all
    levels = ["LQC", "MQC", "HQC"] * 2
    found = controls(*[(level, 0.0 if n < good else 50.0) for n, level in enumerate(levels)])
    assert verdict(found, "QC-05") == verdict(found, "QC-21", tissue="liver") == word


@rule("QC-06", "inside")
def test_two_of_three_qcs_of_a_level_are_more_than_half():
    found = controls(("LQC", 0.0), ("LQC", 0.0), ("LQC", 50.0), ("HQC", 0.0))
    assert verdict(found, "QC-06", subject="LQC") == "pass"


def test_a_tissue_with_a_level_without_a_good_qc_fails_although_two_thirds_pass():
    found = controls(("LQC", 50.0), ("MQC", 0.0), ("HQC", 0.0))
    assert verdict(found, "QC-05") == "pass"
    assert verdict(found, "QC-21", tissue="liver") == "fail"


@pytest.mark.parametrize(
    ("good", "word"),
    [
        pytest.param(3, "pass", marks=rule("QC-16", "inside")),
        pytest.param(2, "pass", marks=rule("QC-16", "on")),
        pytest.param(1, "fail", marks=rule("QC-16", "outside")),
        pytest.param(None, "not_assessable", marks=rule("QC-16", "not_assessable")),
    ],
)
def test_two_thirds_of_the_dilution_qcs_pass(good, word):
    rows = [
        unit("dilution_qc", n, level="DQC", nominal_ng_ml=9000.0, dilution_factor=10.0, passes=n <= good)
        for n in ((1, 2, 3) if good else ())
    ]
    table = units_of(unit("unknown", 9, diluted=True, dilution_factor=10.0), *rows)
    found = judged(limits_for(LCMS), lambda ledger: judge_quality_controls(ledger, table))
    assert verdict(found, "QC-16") == word
