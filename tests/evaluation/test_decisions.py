"""A run with and without the decisions of people."""

from __future__ import annotations

import pandas as pd
import pytest
from numpy.testing import assert_allclose
from run_by_hand import LEVELS, calibrators, controls, peaks_by_hand, run_by_hand, unknown

from bioanalysis.evaluation.decisions import judge_run
from bioanalysis.report.decided import decided_within_run

pytestmark = pytest.mark.requirement("UR-031")

QCS = controls(LQC=2, MQC=2, HQC=2)
SEVEN = controls(LQC=3, MQC=2, HQC=2)


def verdict_on(result, rule_id: str) -> tuple[str, str]:
    (row,) = result.acceptance[result.acceptance.rule_id == rule_id].itertuples()
    return row.verdict, row.observed


def test_six_levels_one_excluded_by_hand_fail_as_they_do_without_the_exclusion():
    # C4 reads 40 % high: 5 of 6 levels pass, six are needed; left out by hand, there are still but five
    run = run_by_hand([*calibrators(), *QCS, unknown("S1")], [{"action": "exclude", "position": 4}])
    result = judge_run(run, peaks_by_hand(run, {4: 1400.0, 13: 100.0}))
    (row,) = result.decisions.itertuples()
    assert (row.verdict_with, row.verdict_without) == ("fail", "fail")
    assert "CAL-CC-01" in row.failed_with
    assert not row.verdict_rests_on_it
    assert not result.flags["flag"].str.startswith("verdict_rests").any()


def test_an_excluded_calibrator_stays_in_the_share_and_does_not_pass():
    # 8 calibrators, one excluded by hand: 7 of 8, not 7 of 7
    run = run_by_hand([*calibrators((*LEVELS, 10.0, 100.0)), *QCS], [{"action": "exclude", "position": 8}])
    result = judge_run(run, peaks_by_hand(run, {}))
    assert verdict_on(result, "CAL-CC-04") == ("pass", "7 of 8 (87.5 %); 1 excluded by decision, not passing")
    (row,) = result.acceptance[result.acceptance.position == "8"].itertuples()
    assert (row.verdict, row.observed) == ("not_applicable", "excluded by D1 (SPILL, K. Moreau): seen")


@pytest.mark.parametrize(("excluded", "verdict"), [((1, 2, 3), "pass"), ((1, 2, 3, 4), "fail")])
def test_the_share_of_calibrators_cannot_be_raised_by_hand(excluded, verdict):
    # two each at six levels; without 3 of 12 the share is 9 of 12, 3/4 exactly; without 4 it is 8 of 12
    rows = [*calibrators((5.0, 5.0, 50.0, 50.0)), *calibrators(LEVELS[2:], 2), *QCS]
    run = run_by_hand(rows, [{"action": "exclude", "position": number} for number in excluded])
    assert verdict_on(judge_run(run, peaks_by_hand(run, {})), "CAL-CC-04")[0] == verdict


def test_exclusion_by_hand_leaves_less_room_for_drops_by_rule():
    # 12 calibrators, 3 may be lost; 2 are excluded by hand, so of the 2 that read double only one may be dropped
    run = run_by_hand([*calibrators(times=2), *QCS], [{"action": "exclude", "position": n} for n in (7, 9)])
    result = judge_run(run, peaks_by_hand(run, {4: 100.0, 6: 1000.0}))
    assert len(result.curves[0].drops) == 1
    assert verdict_on(result, "CAL-CC-04")[0] == "fail"


def test_a_run_that_passes_only_without_a_qc_says_so():
    # of 7 QCs one of each level reads 20 % high: 4 of 7 pass, 2/3 are needed; without the low one 4 of 6 are 2/3
    run = run_by_hand([*calibrators(), *SEVEN, unknown("S1")], [{"action": "exclude", "position": 7}])
    result = judge_run(run, peaks_by_hand(run, {7: 18.0, 10: 2400.0, 12: 4800.0, 14: 100.0}))
    (row,) = result.decisions.itertuples()
    assert (row.verdict_with, row.verdict_without) == ("pass", "fail")
    assert (row.failed_with, row.failed_without) == ("", "QC-05")
    assert row.verdict_rests_on_it
    assert (row.decision_id, row.author, row.reason_code, row.reason) == ("D1", "K. Moreau", "SPILL", "seen")
    assert row.decided_at == "2026-01-06T08:00:00Z"
    (raised,) = result.flags[result.flags["flag"] == "verdict_rests_on_exclusion"].itertuples()
    assert raised.observed == "D1: without it QC-05 fails"
    first_screen = [line["text"] for line in decided_within_run("LC-1", result.flags)]
    assert first_screen[0] == "LC-1, mipomersen: RESTS ON A DECISION: D1: without it QC-05 fails"
    assert first_screen[1].startswith("LC-1: 1 of its calibrators and QCs excluded by hand")


def test_two_exclusions_that_rescue_a_run_only_together_are_taken_back_together():
    # 5 of 12 QCs read 20 % high: 7 of 12, and 7 of 11 without one, are below 2/3; 7 of 10 is not
    rows = [*calibrators(), *controls(LQC=4, MQC=4, HQC=4)]
    high = {7: 18.0, 8: 18.0, 11: 2400.0, 12: 2400.0, 15: 4800.0}
    run = run_by_hand(rows, [{"action": "exclude", "position": number} for number in (7, 11)])
    decisions = judge_run(run, peaks_by_hand(run, high)).decisions
    assert list(decisions.decision_id) == ["D1", "D2", "D1;D2"]
    assert list(decisions.verdict_without) == ["fail"] * 3
    high = {7: 18.0, 11: 2400.0}  # 10 of 12 pass: the run needs no decision
    decisions = judge_run(run, peaks_by_hand(run, high)).decisions
    assert list(decisions.verdict_without) == ["pass"] * 3
    assert not decisions.verdict_rests_on_it.any()


def test_an_excluded_sample_changes_itself_alone():
    run = run_by_hand([*calibrators(), *QCS, unknown("S1"), unknown("S2")], [{"action": "exclude", "sample_id": "S2"}])
    result = judge_run(run, peaks_by_hand(run, {13: 100.0, 14: 200.0}))
    (row,) = result.decisions.itertuples()
    assert (row.samples_changed, row.statuses_changed) == (1, 1)
    assert (row.position, row.sample_id) == ("14", "S2")
    assert result.reportable.set_index("sample_id").status["S2"] == "not_reported"


def test_an_excluded_calibrator_moves_every_sample():
    # the LLOQ calibrator at 5 reads 5.4 and is kept by rule (8 %); without it the line is the origin's again
    rows = [*calibrators(times=2), *QCS, unknown("S1")]
    run = run_by_hand(rows, [{"action": "exclude", "position": 2}])
    held = {2: 5.4, 19: 10.0}
    (row,) = judge_run(run, peaks_by_hand(run, held)).decisions.itertuples()
    without = judge_run(run_by_hand(rows), peaks_by_hand(run, held)).reportable
    value = float(without.reading_ng_ml[without.sample_id == "S1"].iloc[0])
    assert row.samples_changed == 1
    assert row.largest_change_sample == "S1"
    assert_allclose(row.largest_change_percent, 100 * (10.0 / value - 1), rtol=1e-9)


def test_the_range_in_force_with_and_without():
    # the only LLOQ calibrator excluded: six levels are left, the lowest 10 ng/mL
    run = run_by_hand([*calibrators((5.0, 10.0, *LEVELS[1:])), *QCS], [{"action": "exclude", "position": 1}])
    (row,) = judge_run(run, peaks_by_hand(run, {})).decisions.itertuples()
    assert (row.lloq_ng_ml_with, row.lloq_ng_ml_without) == (10.0, 5.0)
    assert (row.uloq_ng_ml_with, row.uloq_ng_ml_without) == (5000.0, 5000.0)


def test_an_integration_by_hand_is_taken_back_to_the_automatic_area():
    # the sample's peak: 110 by hand, 100 by itself; the change is +10 %
    decision = {"action": "integrate", "position": 13, "left_min": 3.0, "right_min": 3.2}
    run = run_by_hand([*calibrators(), *QCS, unknown("S1")], [decision])
    (row,) = judge_run(run, peaks_by_hand(run, {13: 110.0}, automatic={13: 100.0})).decisions.itertuples()
    assert (row.action, row.samples_changed, row.largest_change_sample) == ("integrate", 1, "S1")
    assert_allclose(row.largest_change_percent, 10.0)


def test_a_run_that_passes_only_with_an_integration_says_so():
    # 4 of 7 QCs pass by their automatic areas, 5 of 7 with one of them integrated by hand
    decision = {"action": "integrate", "position": 7, "left_min": 3.0, "right_min": 3.2}
    run = run_by_hand([*calibrators(), *SEVEN], [decision])
    peaks = peaks_by_hand(run, {10: 2400.0, 12: 4800.0}, automatic={7: 18.0})
    flags = judge_run(run, peaks).flags
    assert list(flags.observed[flags["flag"] == "verdict_rests_on_integration"]) == ["D1: without it QC-05 fails"]


@pytest.mark.parametrize("name", ["IS1", "is_quan", "mipomersen", ""])
def test_an_exclusion_may_name_the_internal_standard_or_a_transition(name):
    decision = {"action": "exclude", "position": 13, "analyte": name}
    run = run_by_hand([*calibrators(), *QCS, unknown("S1")], [decision])
    (row,) = judge_run(run, peaks_by_hand(run, {13: 100.0})).reportable.query("sample_id == 'S1'").itertuples()
    assert row.status == "not_reported"
    assert "excluded by D1" in row.reason


def test_without_decisions_the_table_is_empty():
    run = run_by_hand([*calibrators(), *QCS])
    decisions = judge_run(run, peaks_by_hand(run, {})).decisions
    assert isinstance(decisions, pd.DataFrame)
    assert decisions.empty
