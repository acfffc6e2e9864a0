"""Remarks of the fit reach the flags of the run and of each value read off the curve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from run_by_hand import METHOD, calibrators, controls, peaks_by_hand, run_by_hand, unknown

from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.instruments.run import read_wells_of
from bioanalysis.method import RecoverySource, read_method
from bioanalysis.responses import responses_from_peaks, responses_from_wells
from bioanalysis.study import Study

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def elisa():
    study = Study.load(ROOT)
    run = next(run for run in study.runs if run.platform == "elisa")
    return run, responses_from_wells(run, read_wells_of(run, study.folder).wells)


def test_a_clean_plate_carries_no_remark(elisa):
    run, responses = elisa
    flags = evaluate_run(run, responses).flags
    assert "curve_suspect" not in set(flags["flag"])


def test_a_bad_standard_well_is_said_and_every_value_of_its_plate_carries_it(elisa):
    # no limits that could drop the standard: the exploratory profile shows and withholds nothing
    run, responses = elisa
    acceptance = run.method.acceptance.model_copy(update={"profile": "exploratory"})
    run = replace(run, method=run.method.model_copy(update={"acceptance": acceptance}))
    worklist, responses = run.worklist, responses.copy()
    well = worklist.index[(worklist.sample_type == "calibrator") & (worklist.plate == "P1") & (worklist.level == "C5")][
        0
    ]
    responses.loc[well, "response"] *= 2.5
    evaluation = evaluate_run(run, responses)
    raised = evaluation.flags[evaluation.flags["flag"] == "curve_suspect"]
    assert set(raised.plate) == {"P1"}
    samples = evaluation.reportable[evaluation.reportable.sample_type == "unknown"]
    carries = samples["flags"].str.contains("curve_suspect")
    assert carries[samples.plate == "P1"].all()
    assert not carries[samples.plate != "P1"].any()


@pytest.mark.parametrize(("factor", "needs_sign_off"), [(0.4, True), (0.5, False), (0.7, False)])
def test_the_factor_that_is_applied_is_held_against_its_guards(factor, needs_sign_off):
    # the run's own rows recover 0.3, outside 0.5 to 1.2; what is applied is the factor of the validation
    spiked = {"level": "MQC", "nominal_ng_ml": 300.0, "tissue": "liver"}
    rows = [{"sample_type": "recovery_pre", **spiked}, {"sample_type": "recovery_post", **spiked}]
    method = read_method(METHOD, METHOD.name)
    fixed = {"factor": factor, "relative_uncertainty": 0.04}
    source = RecoverySource.model_validate({"source": "validation", "factors": {"liver": fixed}})
    method = method.model_copy(update={"recovery": source})
    run = run_by_hand([*rows, *calibrators(), *controls(LQC=2, MQC=2, HQC=2), unknown("S1")], method=method)
    evaluation = evaluate_run(run, responses_from_peaks(run, peaks_by_hand(run, {1: 90.0, len(run.worklist): 100.0})))
    value = evaluation.reportable.set_index("sample_id").loc["S1"]
    assert value.recovery_factor == factor
    assert ("recovery_needs_sign_off" in value["flags"]) is needs_sign_off
    assert ("recovery_needs_sign_off" in set(evaluation.flags["flag"])) is needs_sign_off
    assert not evaluation.recovery.used.any()


@pytest.mark.parametrize(("holds", "bears"), [(2.0, False), (8.0, True)])
def test_a_weak_peak_is_a_flag_where_a_number_rests_on_it_and_none_below_the_lloq(holds, bears):
    # the LLOQ is 5 ng/mL: a control that reads 2 is BLQ whatever its area, a sample that reads 8 is reported
    run = run_by_hand([*calibrators(), {"sample_type": "zero"}, *controls(LQC=2, MQC=2, HQC=2), unknown("S1")])
    last = len(run.worklist)
    zero = len(calibrators()) + 1
    peaks = peaks_by_hand(run, {zero: 1.0, last: holds})
    weak = peaks.position.astype(int).isin([zero, last]) & peaks.transition.isin(["mipomersen_quan", "is_quan"])
    peaks["flags"] = weak.map({True: "low_signal_to_noise", False: ""})
    evaluation = evaluate_run(run, responses_from_peaks(run, peaks))
    raised = evaluation.flags[evaluation.flags.position.astype(str) == str(last)]["flag"].tolist()
    assert ("low_signal_to_noise" in raised) is bears
    assert "is_low_signal_to_noise" in raised
    said = evaluation.reportable.set_index("sample_id").loc["S1", "flags"].split(";")
    assert ("low_signal_to_noise" in said) is bears
    of_zero = evaluation.flags[evaluation.flags.position.astype(str) == str(zero)]["flag"].tolist()
    assert of_zero == ["is_low_signal_to_noise"]
    measured = evaluation.measurements.set_index("sample_id").loc["S1"]
    assert "low_signal_to_noise" in measured["flags"].split(";")  # the peak is what it is
