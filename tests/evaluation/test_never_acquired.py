"""Injections never made: rows of the worklist without position or file, each with its own reason."""

from __future__ import annotations

import pytest
from run_by_hand import calibrators, controls, peaks_by_hand, run_by_hand, unknown

from bioanalysis.evaluation.decisions import judge_run

pytestmark = pytest.mark.requirement("UR-030")


def test_each_row_without_position_keeps_its_own_result():
    qcs = controls(LQC=1, MQC=1, HQC=1)
    lost = [{**unknown(name), "position": "", "file": "", "not_acquired_reason": why} for name, why in LOST.items()]
    run = run_by_hand([*calibrators(), *qcs, unknown("S1"), *qcs, *lost])
    peaks = peaks_by_hand(run, {10: 100.0})
    result = judge_run(run, peaks[peaks.position != ""])
    found = result.reportable[result.reportable.sample_type == "unknown"].set_index("sample_id")
    assert found.status.to_dict() == {"S1": "quantified", "S2": "not_analysed", "S3": "not_analysed"}
    assert {name: found.reason[name] for name in LOST} == {name: f"not acquired: {why}" for name, why in LOST.items()}
    bracketing = result.acceptance[result.acceptance.rule_id == "QC-08"]
    assert set(bracketing.verdict) == {"pass"}


LOST = {"S2": "tube broken", "S3": "vial empty"}
