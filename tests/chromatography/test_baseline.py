"""The line under a peak is not drawn up by the peak or its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.chromatography.baseline import fit_baseline
from bioanalysis.chromatography.block import Block, trapezoid_weights

pytestmark = pytest.mark.requirement("UR-010")

TIME_S = np.arange(0, 100, 0.5)
CENTRE = np.array([50.0])
AWAY = (np.abs(TIME_S - 50) > 8)[None, :]


def line_of(signal, outside=AWAY, least_sd=1e-6, bend=False):
    block = Block.stack([(TIME_S / 60, signal)])
    return fit_baseline(block, CENTRE, outside, exclusion_sd=4.0, least_sd=least_sd, bend=bend)


def bump(height, centre):
    return height * np.exp(-0.5 * ((TIME_S - centre) / 1.5) ** 2)


def test_a_straight_line_is_found_exactly():
    line = line_of(300 - 2 * (TIME_S - 50))
    assert_allclose([line.level[0], line.slope[0]], [300, -2], rtol=1e-9)


def test_peaks_do_not_lift_the_line():
    noise = np.random.default_rng(1).normal(0, 1, TIME_S.size)
    clean, crowded = (line_of(300 + noise + bump(5000, 50) + peaks) for peaks in (0, bump(3000, 30) + bump(500, 75)))
    assert abs(crowded.level[0] - clean.level[0]) < 0.5
    assert_allclose(np.sqrt(crowded.variance), 1.0, rtol=0.2)


@pytest.mark.parametrize("least_sd", [1e-6, 40.0])
def test_counts_of_few_ions_are_averaged_not_medianed(least_sd):
    # 0.3 ions per point: the median is 0, the mean is what the peak stands on
    levels = [
        line_of(40.0 * np.random.default_rng(seed).poisson(0.3, TIME_S.size), least_sd=least_sd).level[0]
        for seed in range(40)
    ]
    assert_allclose(np.mean(levels), 12.0, atol=3 * 40 * np.sqrt(0.3 / AWAY.sum() / 40))


def test_points_on_one_side_give_a_level():
    line = line_of(300 + 2 * TIME_S, outside=(TIME_S < 20)[None, :])
    assert line.slope[0] == 0
    assert_allclose(line.level[0], 300 + 2 * TIME_S[TIME_S < 20].mean())


def test_the_variance_of_the_area_beneath_is_that_of_a_mean_of_points():
    # a level through n points has variance s^2 / n, its area over w seconds w^2 s^2 / n
    line = line_of(np.random.default_rng(2).normal(100, 3, TIME_S.size))
    weights = trapezoid_weights(TIME_S[None, :], np.array([45.0]), np.array([55.0]))
    assert_allclose(line.area_variance(weights, TIME_S[None, :]), 10**2 * line.variance / line.points, rtol=0.01)


def test_a_bend_is_found_and_followed_under_the_peak():
    noise = np.random.default_rng(3).normal(0, 1, TIME_S.size)
    bent = line_of(300 - 2 * (TIME_S - 50) + 0.05 * (TIME_S - 50) ** 2 + noise + bump(5000, 50), bend=True)
    assert_allclose(bent.terms[0], [300, -2, 0.05], rtol=0.02)
    assert_allclose(np.sqrt(bent.variance), 1.0, rtol=0.2)


def test_noise_alone_does_not_bend_the_line():
    lines = [line_of(300 + np.random.default_rng(seed).normal(0, 1, TIME_S.size), bend=True) for seed in range(100)]
    assert sum(bool(line.bent[0]) for line in lines) <= 1


def test_the_variance_of_the_area_under_a_bent_line_is_that_of_many_repeats():
    weights = trapezoid_weights(TIME_S[None, :], np.array([45.0]), np.array([55.0]))
    areas, claimed = [], []
    for seed in range(300):
        noise = np.random.default_rng(seed).normal(0, 1, TIME_S.size)
        line = line_of(0.05 * (TIME_S - 50) ** 2 + noise, bend=True)
        areas.append((weights * line.at(TIME_S[None, :])).sum())
        claimed.append(line.area_variance(weights, TIME_S[None, :])[0])
    assert_allclose(np.var(areas), np.mean(claimed), rtol=0.3)


def test_a_step_is_strayed_from_and_noise_is_not():
    noise = np.random.default_rng(4).normal(0, 1, TIME_S.size)
    assert line_of(300 + noise).stray[0] == 0
    step = line_of(300 + noise + 20 * (TIME_S > 50))
    # a line through a step of 20: what is left has an SD of 20 / 4
    assert 2 < step.stray[0] < 8
