"""Verdicts at their boundary: limits are inclusive, shares are exact fractions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bioanalysis.acceptance.ledger import Ledger, share_passes
from bioanalysis.acceptance.quality_controls import judge_quality_controls
from bioanalysis.calibration.standards import bias_percent, calibrator_rule, passes_limit
from bioanalysis.limits import limits_for
from bioanalysis.method import read_method

ROOT = Path(__file__).parents[2]


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


def test_four_of_six_with_one_good_at_each_level_pass(limits):
    found = verdicts(limits, units({"LQC": [1, 20], "MQC": [1, 20], "HQC": [1, 1]}))
    assert found["QC-05"] == found["QC-06"] == found["RUN"] == {"pass"}


def test_a_level_with_none_good_fails_the_run(limits):
    found = verdicts(limits, units({"LQC": [20, 20], "MQC": [1, 1], "HQC": [1, 1]}))
    assert found["QC-05"] == {"pass"}
    assert found["QC-06"] == {"pass", "fail"}
    assert found["RUN"] == {"fail"}


def test_two_levels_or_too_few_qcs_fail_the_run(limits):
    assert verdicts(limits, units({"LQC": [1, 1, 1], "HQC": [1, 1, 1]}))["QC-01"] == {"fail"}
    assert verdicts(limits, units({"LQC": [1], "MQC": [1, 1], "HQC": [1, 1]}))["QC-02"] == {"fail"}


@pytest.mark.parametrize(("samples", "verdict"), [(120, "pass"), (121, "fail")])
def test_six_qcs_are_five_percent_of_120_samples(limits, samples, verdict):
    # ceil(5 % of 121) = 7
    assert verdicts(limits, units({"LQC": [1, 1], "MQC": [1, 1], "HQC": [1, 1]}, samples))["QC-02"] == {verdict}


def test_samples_after_the_last_qc_are_not_bracketed(limits):
    table = units({"LQC": [1, 1], "MQC": [1, 1], "HQC": [1, 1]})
    behind = table[table.sample_type == "unknown"].assign(rows=[(100 + n,) for n in range(4)])
    assert verdicts(limits, table)["QC-08"] == {"pass"}
    assert verdicts(limits, pd.concat([table, behind]))["QC-08"] == {"fail"}


def test_a_run_without_qcs_fails(limits):
    table = units({"LQC": [1, 1], "MQC": [1, 1], "HQC": [1, 1]})
    found = verdicts(limits, table[table.sample_type == "unknown"])
    assert found["RUN"] == {"fail"}
    assert found["QC-05"] == {"not_assessable"}


def test_a_failed_batch_leaves_the_run_standing(limits):
    good = units({"LQC": [1, 1, 1, 1], "MQC": [1, 1, 1, 1], "HQC": [1, 1, 1, 1]})
    bad = units({"LQC": [20, 1], "MQC": [20, 1], "HQC": [20, 1]}).assign(batch="B2")
    found = verdicts(limits, pd.concat([good, bad]))
    assert found["QC-07"] == {"pass", "fail"}
    assert found["RUN"] == {"pass"}
