"""Single peaks of known area."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_runs import benchmark

from bioanalysis.chromatography import integrate

pytestmark = pytest.mark.requirement("UR-010")

TIME_S = np.arange(0, 360, 0.4)
WHERE = {"rt_min": 3.0, "rt_window_min": 0.5, "peak_width_s": 6.0}


def trace(area=1e6, rt_s=180.0, sigma_s=1.2, tau_s=0.8, noise=100.0, level=2000.0, slope=0.0, seed=1):
    signal = area * benchmark.peak(TIME_S, rt_s, sigma_s, tau_s) + level + slope * (TIME_S - 180)
    return np.maximum(signal + np.random.default_rng(seed).normal(0, noise, TIME_S.size), 0)


def peak_of(intensity, **changes):
    return integrate(TIME_S / 60, intensity, **WHERE | changes)


def test_the_area_is_that_of_the_curve():
    found = peak_of(trace())
    assert found.area == pytest.approx(1e6, rel=0.005)  # the peak function has area 1
    assert found.flags == ()
    assert found.retention_time_min == pytest.approx(3.0 + 0.5 / 60, abs=0.5 / 60)
    assert found.width_s == pytest.approx(3.3, abs=0.3)
    assert found.left_min < found.retention_time_min < found.right_min


@pytest.mark.parametrize(
    "changes", [{"level": 0.0}, {"level": 50_000.0}, {"slope": 30.0, "level": 9000.0}, {"rt_s": 187.3}]
)
def test_what_it_stands_on_and_when_it_comes_does_not_matter(changes):
    assert peak_of(trace(**changes)).area == pytest.approx(1e6, rel=0.006)


@pytest.mark.parametrize("tau_s", [0.05, 0.8, 2.0])
def test_tailing_is_measured_and_its_area_kept(tau_s):
    found = peak_of(trace(tau_s=tau_s, noise=20.0))
    assert found.area == pytest.approx(1e6, rel=0.01)
    fine = np.arange(170, 200, 0.001)
    shape = benchmark.peak(fine, 180.0, 1.2, tau_s)
    apex, tenth = shape.argmax(), np.flatnonzero(shape >= 0.1 * shape.max())
    asymmetry = (fine[tenth[-1]] - fine[apex]) / (fine[apex] - fine[tenth[0]])
    assert found.asymmetry == pytest.approx(asymmetry, rel=0.1)


@pytest.mark.parametrize("width", [3.0, 12.0])
def test_the_stated_width_is_only_a_start(width):
    assert peak_of(trace(), peak_width_s=width) == peak_of(trace())


def test_areas_scale_with_the_signal():
    once, twice = peak_of(trace()), peak_of(2 * trace())
    for name in ("area", "area_se", "height"):
        assert getattr(twice, name) == pytest.approx(2 * getattr(once, name), rel=1e-9)
    assert twice.signal_to_noise == pytest.approx(once.signal_to_noise, rel=1e-9)


def test_noise_alone_is_no_peak_and_says_so():
    found = [peak_of(trace(area=0.0, seed=seed)) for seed in range(60)]
    empty = [peak for peak in found if "no_peak" in peak.flags]
    assert len(empty) >= 58  # three standard errors, one side: 0.13 %
    assert all(np.isnan(peak.area) and peak.area_se > 0 for peak in empty)


def test_between_given_boundaries_the_area_less_the_lower_edge_is_taken():
    # a triangle on a level of 10: at 0.01 and 0.03 min it stands at 30 and 20; 1.2 s wide, 10 s^-1 high
    time_min = np.array([0.0, 0.01, 0.02, 0.03, 0.04])
    intensity = np.array([10.0, 30.0, 50.0, 20.0, 10.0])
    found = integrate(time_min, intensity, rt_min=0.02, rt_window_min=0.02, left_min=0.01, right_min=0.03)
    assert found.area == pytest.approx((30 + 50) / 2 * 0.6 + (50 + 20) / 2 * 0.6 - 20 * 1.2)
    assert (found.left_min, found.right_min) == pytest.approx((0.01, 0.03))
    assert found.points == 3


@pytest.mark.parametrize("bounds", [(0.5, 0.4), (-0.1, 0.4), (2.0, 7.0)])
def test_boundaries_outside_the_trace_or_reversed_are_refused(bounds):
    with pytest.raises(ValueError, match="within the trace, left before right"):
        peak_of(trace(), left_min=bounds[0], right_min=bounds[1])


def test_a_flat_top_is_flagged():
    cut = np.minimum(trace(noise=5.0), 120_000.0)
    assert "saturated" in peak_of(cut).flags


def test_a_peak_at_the_end_of_the_trace_is_flagged():
    keep = TIME_S < 182
    found = integrate(TIME_S[keep] / 60, trace()[keep], **WHERE)
    assert "cut_by_window" in found.flags


def test_too_few_points_are_flagged():
    found = integrate(TIME_S[::5] / 60, trace()[::5], **WHERE)
    assert "few_points" in found.flags


def test_a_neighbour_is_cut_off_at_the_valley():
    intensity = trace() + 3e5 * benchmark.peak(TIME_S, 187.0, 1.2, 0.8)
    found = peak_of(intensity)
    assert "overlap" in found.flags
    assert found.area == pytest.approx(1e6, rel=0.02)


@pytest.mark.parametrize(
    ("time", "signal", "reason"),
    [
        ([0, 1], [1, 2], "3 points or more"),
        ([0, 1, 2], [1, 2], "equal length"),
        ([0, 1, 2], [1, np.nan, 2], "finite"),
        ([0, 2, 1], [1, 1, 1], "backwards"),
    ],
)
def test_nonsense_is_refused(time, signal, reason):
    with pytest.raises(ValueError, match=reason):
        integrate(time, signal, rt_min=1.0)


@pytest.mark.parametrize("points", [3, 4, 7])
@pytest.mark.parametrize("value", [0.0, 5.0])
def test_short_and_empty_looking_traces_have_no_peak(points, value):
    assert "no_peak" in integrate(np.linspace(2.9, 3.1, points), np.full(points, value), rt_min=3.0).flags
