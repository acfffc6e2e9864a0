"""Peaks of calibrators, QCs and samples; hand integration; system suitability."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from worked_run import GOOD, LCMS, LEVELS, judged, standard_curve, unit, units_of, verdict

from bioanalysis.acceptance.injections import injections_of
from bioanalysis.acceptance.peak_quality import judge_integration, judge_peaks, judge_suitability
from bioanalysis.limits import limits_for

pytestmark = pytest.mark.requirement("UR-022")

rule = pytest.mark.rule
LIMITS = limits_for(LCMS)


def injected(*rows: dict[str, object], **standards: object):
    """Calibrators at 3.1 min with a qualifier ratio of 0.5, then `rows`."""
    calibrators = [unit("calibrator", n, nominal_ng_ml=v, **standards) for n, v in enumerate(LEVELS, start=1)]
    placed = [row | {"position": str(n)} for n, row in enumerate(rows, start=9)]
    return injections_of(units_of(*calibrators, *placed), standard_curve(GOOD))


def judge(*rows: dict[str, object], has_qualifier: bool = True, **standards: object) -> pd.DataFrame:
    injections = injected(*rows, **standards)
    return judged(LIMITS, lambda ledger: judge_peaks(ledger, injections, has_qualifier=has_qualifier))


@pytest.mark.parametrize(
    ("minutes", "word"),
    [
        pytest.param(4.09, "pass", marks=rule("CHR-01", "inside")),
        pytest.param(4.1, "pass", marks=rule("CHR-01", "on")),  # 4 min + 2.5 %
        pytest.param(3.9, "pass", marks=rule("CHR-01", "on")),
        pytest.param(4.11, "fail", marks=rule("CHR-01", "outside")),
    ],
)
def test_a_peak_comes_when_the_calibrators_come(minutes, word):
    table = judge(unit("unknown", retention_time_min=minutes), retention_time_min=4.0)
    assert verdict(table, "CHR-01") == word
    assert table[table.rule_id == "CHR-01"].position.item() == ("9" if word == "fail" else "")


@pytest.mark.parametrize(
    ("noise", "word"),
    [
        pytest.param(5.1, "pass", marks=rule("CHR-01-SN", "inside")),
        pytest.param(5.0, "pass", marks=rule("CHR-01-SN", "on")),
        pytest.param(4.9, "fail", marks=rule("CHR-01-SN", "outside")),
    ],
)
def test_the_lloq_stands_out_of_the_noise(noise, word):
    assert verdict(judge(unit("unknown", signal_to_noise=1.0), signal_to_noise=noise), "CHR-01-SN") == word


@pytest.mark.parametrize(
    ("points", "word"),
    [
        pytest.param(11.0, "pass", marks=rule("CHR-01-PTS", "inside")),
        pytest.param(10.0, "pass", marks=rule("CHR-01-PTS", "on")),
        pytest.param(9.0, "fail", marks=rule("CHR-01-PTS", "outside")),
    ],
)
def test_a_peak_has_ten_points(points, word):
    assert verdict(judge(unit("unknown", points=points)), "CHR-01-PTS") == word


@pytest.mark.parametrize(
    ("asymmetry", "word"),
    [
        pytest.param(1.0, "pass", marks=rule("CHR-01-ASY", "inside")),
        pytest.param(0.8, "pass", marks=rule("CHR-01-ASY", "on")),
        pytest.param(1.8, "pass", marks=rule("CHR-01-ASY", "on")),
        pytest.param(0.79, "fail", marks=rule("CHR-01-ASY", "outside")),
        pytest.param(1.81, "fail", marks=rule("CHR-01-ASY", "outside")),
    ],
)
def test_a_peak_is_near_symmetry(asymmetry, word):
    assert verdict(judge(unit("unknown", asymmetry=asymmetry)), "CHR-01-ASY") == word


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        pytest.param(0.64, "pass", marks=rule("CHR-02", "inside")),
        pytest.param(0.65, "pass", marks=rule("CHR-02", "on")),  # 0.5 + 30 %
        pytest.param(0.35, "pass", marks=rule("CHR-02", "on")),
        pytest.param(0.66, "fail", marks=rule("CHR-02", "outside")),
    ],
)
def test_the_qualifier_keeps_the_ratio_it_has_in_the_calibrators(ratio, word):
    assert verdict(judge(unit("unknown", qualifier_ratio=ratio)), "CHR-02") == word


def test_without_a_qualifier_there_is_no_ratio():
    assert verdict(judge(unit("unknown"), has_qualifier=False), "CHR-02") == "not_applicable"


@rule("CHR-01", "not_assessable")
@rule("CHR-01-SN", "not_assessable")
@rule("CHR-01-PTS", "not_assessable")
@rule("CHR-01-ASY", "not_assessable")
@rule("CHR-02", "not_assessable")
def test_what_the_peaks_do_not_hold_is_not_assessable():
    nothing = dict.fromkeys(["retention_time_min", "signal_to_noise", "points", "asymmetry", "qualifier_ratio"], np.nan)
    table = judge(unit("unknown", **nothing), **nothing)
    assert set(table.verdict) == {"not_assessable"}
    assert len(table) == 5


def integration(*rows: dict[str, object], decided=()) -> pd.DataFrame:
    injections = injected(*rows)
    return judged(LIMITS, lambda ledger: judge_integration(ledger, injections, set(decided)))


@pytest.mark.parametrize(
    ("decided", "word"),
    [
        pytest.param([("9", "quan"), ("9", "is")], "pass", marks=rule("INT-01", "pass")),
        pytest.param([("9", "quan")], "fail", marks=rule("INT-01", "fail")),
        pytest.param([("9", "quan"), ("9", "is"), ("3", "quan")], "fail", marks=rule("INT-01", "fail")),
    ],
)
def test_every_hand_integration_has_its_decision_and_every_decision_its_integration(decided, word):
    assert verdict(integration(unit("unknown", by_hand="quan;is"), decided=decided), "INT-01") == word


@pytest.mark.parametrize(
    ("alone", "word"),
    [
        pytest.param("", "pass", marks=rule("INT-02", "pass")),
        pytest.param("quan", "not_assessable", marks=rule("INT-02", "not_assessable")),
    ],
)
def test_the_automatic_area_stays_beside_the_one_drawn_by_hand(alone, word):
    row = unit("unknown", by_hand="quan", by_hand_only=alone)
    assert verdict(integration(row, decided=[("9", "quan")]), "INT-02") == word


@pytest.mark.parametrize(
    ("row", "word"),
    [
        pytest.param(unit("unknown"), "pass", marks=rule("INT-03", "on")),
        pytest.param(unit("unknown", by_hand="quan"), "fail", marks=rule("INT-03", "outside")),
        pytest.param(unit("qc", by_hand="is"), "fail", marks=rule("INT-03", "outside")),
        (unit("blank", by_hand="quan"), "pass"),
    ],
)
def test_standards_qcs_and_samples_are_integrated_alike(row, word):
    assert verdict(integration(row), "INT-03") == word


@rule("INT-01", "not_assessable")
@rule("INT-03", "not_assessable")
def test_a_run_of_which_nothing_was_acquired_has_no_integration():
    rows = units_of(unit("unknown", no_value_reason="not acquired: broken vial"))
    injections = injections_of(rows, standard_curve(GOOD))
    table = judged(LIMITS, lambda ledger: judge_integration(ledger, injections, set()))
    assert set(table.verdict) == {"not_assessable"}


def suitability(*responses: float) -> str:
    rows = [unit("system_suitability", level="SST", response=value) for value in responses]
    injections = injected(*rows)
    return verdict(judged(LIMITS, lambda ledger: judge_suitability(ledger, injections)), "SST-01")


@pytest.mark.parametrize(
    ("spread", "word"),
    [
        pytest.param(14.9, "pass", marks=rule("SST-01", "inside")),
        pytest.param(15.0, "pass", marks=rule("SST-01", "on")),
        pytest.param(15.1, "fail", marks=rule("SST-01", "outside")),
    ],
)
def test_system_suitability_repeats(spread, word):
    # 100 - s, 100, 100 + s have a standard deviation of s
    assert suitability(100 - spread, 100, 100 + spread) == word


@pytest.mark.parametrize("responses", [(), (100.0,), (100.0, 100.0, np.nan)])
@rule("SST-01", "not_assessable")
def test_suitability_needs_two_injections_that_all_gave_a_response(responses):
    assert suitability(*responses) == "not_assessable"
