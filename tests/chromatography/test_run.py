"""A run integrated as one: what is learned from it, and what every injection gets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from simulated_runs import benchmark

from bioanalysis.chromatography import IntegrationSettings, check_manual, integrate, integrate_run
from bioanalysis.errors import BatchError
from bioanalysis.instruments.traces import RunTraces

pytestmark = pytest.mark.requirement("UR-010")

CONTRACT = (
    "position,file,transition,retention_time_min,left_min,right_min,area,area_se,height,signal_to_noise,width_s,"
    "asymmetry,points,manual,automatic_area,flags"
)


def run_of(scenario=None, seed=1, **changes):
    scenario = scenario or benchmark.Scenario("test", 50, **changes)
    return benchmark.simulate(scenario, np.random.default_rng(seed))


def peaks_of(traces, transitions=None, **options):
    usual = {
        "calibrator_positions": traces.positions[: benchmark.CALIBRATORS],
        "internal_standards": {"analyte": "standard"},
    }
    return integrate_run(traces, transitions or benchmark.transitions(), **usual | options)


def analyte(peaks):
    return peaks[peaks["transition"] == "analyte"].reset_index(drop=True)


def test_the_table_has_the_columns_of_the_contract_and_a_row_per_injection_and_transition():
    traces, _ = run_of()
    peaks = peaks_of(traces)
    assert ",".join(peaks.columns).startswith(CONTRACT)
    assert peaks["position"].tolist() == [position for position in traces.positions for _ in (0, 1)]
    assert peaks["transition"].tolist() == ["analyte", "standard"] * len(traces.positions)
    assert peaks["manual"].dtype == bool
    assert peaks["area"].equals(peaks["automatic_area"])


@pytest.mark.parametrize("width", [3.0, 12.0])
def test_a_factor_of_two_in_the_stated_width_changes_no_area(width):
    traces, _ = run_of()
    transitions = benchmark.transitions()
    for transition in transitions:
        transition.peak_width_s = width
    assert_allclose(peaks_of(traces, transitions)["area"], peaks_of(traces)["area"], rtol=1e-12)


def test_weak_peaks_get_the_boundaries_of_strong_ones():
    traces, truth = run_of(benchmark.Scenario("weak", 6, drift_s=0.0))
    peaks = analyte(peaks_of(traces))
    width = (peaks["right_min"] - peaks["left_min"]) * 60
    weak = truth < 2 * truth.min()
    assert width[weak].std() < 0.05 * width.mean()
    assert width[weak].mean() == pytest.approx(width[~weak].mean(), rel=0.05)


def test_peaks_are_found_where_the_internal_standard_says():
    traces, truth = run_of(drift_s=12.0)  # the last injection comes three peak widths late
    peaks = analyte(peaks_of(traces))
    ratio = peaks["area"] / truth
    assert_allclose(ratio, ratio.median(), rtol=0.08)
    late = peaks["retention_time_min"].iloc[-1] - peaks["retention_time_min"].iloc[0]
    assert 60 * late == pytest.approx(12.0, abs=1.0)


def test_an_internal_standard_that_comes_when_it_will_misleads_nobody():
    traces, truth = run_of(is_shift_s=3.0, drift_s=0.0)
    ratio = analyte(peaks_of(traces))["area"] / truth
    assert_allclose(ratio, ratio.median(), rtol=0.08)


def test_the_order_of_injections_does_not_matter_without_drift():
    traces, _ = run_of(drift_s=0.0)
    count = len(traces.positions)
    reverse = [[traces.trace(i, k) for k in (0, 1)] for i in range(count)][::-1]
    backwards = RunTraces.gather(traces.positions[::-1], traces.files[::-1], traces.transitions, reverse)
    there, back = (
        analyte(peaks_of(one, calibrator_positions=traces.positions[: benchmark.CALIBRATORS]))
        for one in (traces, backwards)
    )
    assert_allclose(back["area"].to_numpy()[::-1], there["area"].to_numpy(), rtol=1e-9)


def test_traces_of_unequal_length_are_integrated_as_if_they_were_equal():
    traces, _ = run_of()
    count = len(traces.positions)
    uneven = [[tuple(a[: 900 - 7 * (i % 5)] for a in traces.trace(i, k)) for k in (0, 1)] for i in range(count)]
    shorter = RunTraces.gather(traces.positions, traces.files, traces.transitions, uneven)
    assert_allclose(peaks_of(shorter)["area"], peaks_of(traces)["area"], rtol=1e-9)


def test_without_calibrators_all_injections_teach():
    traces, truth = run_of()
    ratio = analyte(peaks_of(traces, calibrator_positions=()))["area"] / truth
    assert_allclose(ratio, ratio.median(), rtol=0.08)


def test_an_injection_without_anything_has_no_peak_and_the_others_their_areas():
    traces, truth = run_of()
    injections = [[traces.trace(i, k) for k in (0, 1)] for i in range(len(traces.positions))]
    time_min, _ = injections[40][0]
    injections[40] = [(time_min, np.random.default_rng(k).normal(2000, 100, time_min.size)) for k in (0, 1)]
    blank = RunTraces.gather(traces.positions, traces.files, traces.transitions, injections)
    peaks = peaks_of(blank)
    row = peaks[peaks["position"] == "41"]
    assert row["area"].isna().all()
    assert row["flags"].str.contains("no_peak").all()
    assert (row["area_se"] > 0).all()
    ratio = (analyte(peaks)["area"] / truth).dropna()
    assert_allclose(ratio, ratio.median(), rtol=0.08)


def test_boundaries_set_by_hand_are_used_and_the_automatic_area_is_kept():
    traces, _ = run_of()
    manual = pd.DataFrame({"position": ["35"], "transition": ["analyte"], "left_min": [2.95], "right_min": [3.10]})
    check_manual(traces, manual)
    plain, by_hand = peaks_of(traces), peaks_of(traces, manual=manual)
    row = by_hand[(by_hand["position"] == "35") & (by_hand["transition"] == "analyte")].iloc[0]
    before = plain.loc[row.name]
    single = integrate(*traces.trace(34, 0), rt_min=3.0, left_min=2.95, right_min=3.10)
    assert row["manual"]
    assert (row["left_min"], row["right_min"]) == pytest.approx((2.95, 3.10))
    assert row["area"] == pytest.approx(single.area, rel=1e-12)
    assert row["automatic_area"] == before["area"]
    assert by_hand.drop(index=row.name).equals(plain.drop(index=row.name))


def test_boundaries_set_by_hand_that_cannot_be_are_faults_all_at_once():
    traces, _ = run_of()
    manual = pd.DataFrame(
        {
            "position": ["35", "36", "99"],
            "transition": ["analyte", "analyte", "analyte"],
            "left_min": [3.1, 2.9, 2.9],
            "right_min": [2.9, 9.0, 3.1],
            "line": [2, 3, 4],
        }
    )
    with pytest.raises(BatchError) as refused:
        check_manual(traces, manual)
    assert [fault.line for fault in refused.value.faults] == [2, 3, 4]
    assert "within the trace (0.0000 to 5.9933 min)" in str(refused.value)
    assert "position 99, transition analyte is not in the run" in str(refused.value)


def test_two_integrations_are_identical():
    traces, _ = run_of()
    assert peaks_of(traces).equals(peaks_of(traces))


@pytest.mark.parametrize(("level", "cv"), [(5, 1.7), (50, 1.7)])
def test_areas_are_unbiased_and_their_standard_errors_honest(level, cv):
    # science.md 5, perpendicular drop: CV 14 against a bound of 5.9 at S/N 5, 1.6 against 0.78 at S/N 50
    figures = benchmark.judge(benchmark.Scenario("test", level), runs=6, seed=3)
    print({name: round(value, 2) for name, value in figures.items()})
    samples = 6 * benchmark.SAMPLES
    assert abs(figures["bias %"]) < 0.5 + 3 * figures["CV %"] / np.sqrt(samples)
    assert figures["CV %"] < 14 / 5.9 * figures["bound %"]
    assert 0.8 < figures["pull SD"] < 1.25
    assert figures["no peak %"] < 1


@pytest.mark.parametrize(("neighbour", "limit"), [(0.12, 1.0), (0.5, 2.0)])
def test_neighbours_cost_little(neighbour, limit):
    figures = benchmark.judge(benchmark.Scenario("test", 300, neighbour=neighbour), runs=2, seed=3)
    assert abs(figures["bias %"]) < limit


@pytest.mark.parametrize("width", [0.9, 1.25])
def test_samples_with_another_width_than_the_calibrators_lose_no_area(width):
    figures = benchmark.judge(benchmark.Scenario("test", 50, width=width), runs=3, seed=3)
    assert abs(figures["bias %"]) < 1.0


def test_weak_peaks_come_near_the_bound_and_keep_the_scale():
    # the fit does not know the width, which costs a factor of sqrt(3/2) = 1.22 of the bound for a Gaussian
    figures = benchmark.judge(benchmark.Scenario("test", 5), runs=6, seed=3)
    print({name: round(value, 2) for name, value in figures.items()})
    assert figures["CV %"] < 1.4 * figures["bound %"]
    assert abs(figures["bias %"]) < 3
    assert 0.8 < figures["pull SD"] < 1.25
    strong = benchmark.judge(benchmark.Scenario("test", 300), runs=1, seed=3, estimate="template")
    assert abs(strong["bias %"]) < 0.5


def test_the_estimate_is_the_drop_where_the_method_says_so():
    traces, _ = run_of(benchmark.Scenario("weak", 6))
    by_drop = analyte(peaks_of(traces, settings=IntegrationSettings(estimate="drop")))
    by_rule = analyte(peaks_of(traces))
    assert (by_drop["area"] == by_drop["drop_area"])[by_drop["area"].notna()].all()
    assert set(by_drop["estimate"]) == {"drop"}
    weak = by_rule["signal_to_noise"] < 20
    assert (by_rule["estimate"] == np.where(weak, "template", "drop")).all()
    assert (by_rule["area"] == by_rule["template_area"])[weak].all()
    assert_allclose(by_rule["drop_area"], by_drop["drop_area"], rtol=1e-12)


def test_a_wider_weak_peak_loses_less_of_its_area_than_its_noise():
    # a fit of the calibrators' shape alone would find 2 / (1 + 1.25^2) of it under the root: 12 % too little
    figures = benchmark.judge(benchmark.Scenario("test", 5, width=1.25), runs=8, seed=3)
    assert abs(figures["bias %"]) < 6


def test_a_shape_that_does_not_fit_is_flagged():
    traces, _ = run_of(benchmark.Scenario("wide", 300, width=1.9))
    flags = analyte(peaks_of(traces))["flags"][benchmark.CALIBRATORS :]
    assert flags.str.contains("wide|broadened").all()
    traces, _ = run_of(benchmark.Scenario("same", 300))
    assert (analyte(peaks_of(traces))["flags"] == "").all()


def test_every_flag_stands_with_its_number_and_limit():
    traces, _ = run_of(benchmark.Scenario("neighbour", 300, neighbour=0.5))
    row = analyte(peaks_of(traces)).iloc[-1]
    details = row["flag_details"].split("; ")
    assert [text.split()[0] for text in details] == row["flags"].split(";")
    words = dict(text.split(" ", 1) for text in details)
    valley = float(words["overlap"].split()[0])
    assert 0 < valley < 30  # % of the height, half of it between peaks of 1 and 0.5
    assert words["overlap"].endswith("(limit 1)")


def test_an_unknown_estimate_is_refused():
    with pytest.raises(ValueError, match="one of drop, template, by_signal_to_noise"):
        IntegrationSettings(estimate="guess")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    kind=st.sampled_from(["zeros", "constant", "counts", "spikes", "huge"]),
    equal_times=st.booleans(),
    seed=st.integers(0, 1000),
)
@pytest.mark.filterwarnings("error")
def test_whatever_a_trace_holds_every_row_ends_with_an_area_or_no_peak(lengths, kind, equal_times, seed):
    dice = np.random.default_rng(seed)
    make = {
        "zeros": np.zeros,
        "constant": lambda n: np.full(n, 7.0),
        "counts": lambda n: 40.0 * dice.poisson(0.5, n),
        "spikes": lambda n: 1e6 * (dice.random(n) < 0.1),
        "huge": lambda n: 1e12 * dice.random(n),
    }[kind]
    injections = []
    for length in lengths:
        time_min = np.full(length, 3.0) if equal_times else 2.9 + 0.005 * np.arange(length)
        injections.append([(time_min, make(length)), (time_min, make(length))])
    names = [str(number) for number in range(len(lengths))]
    traces = RunTraces.gather(names, names, ["analyte", "standard"], injections)
    for estimate in ("drop", "template"):
        peaks = peaks_of(traces, calibrator_positions=names[:2], settings=IntegrationSettings(estimate=estimate))
        assert (peaks["area"].isna() == peaks["flags"].str.contains("no_peak")).all()
        assert np.isfinite(peaks[["left_min", "right_min", "area_se", "height"]].to_numpy()).all()
