"""Placing and measuring peaks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.chromatography.apex import centre_sd, half_widths, highest, parabola, smooth, smoothing_gain

pytestmark = pytest.mark.requirement("UR-010")

TIME_S = np.arange(0, 40, 0.5)[None, :]


def gaussian(centre, sigma=2.0, height=100.0):
    return height * np.exp(-0.5 * ((TIME_S - centre) / sigma) ** 2)


def test_a_parabola_is_placed_exactly():
    signal = 50 - (TIME_S - 20.17) ** 2
    apex_s, height = parabola(TIME_S, signal, signal.argmax(axis=1))
    assert_allclose([apex_s[0], height[0]], [20.17, 50.0], rtol=1e-12)


def test_the_highest_local_maximum_is_taken_not_the_slope_of_a_higher_peak():
    signal = gaussian(15, height=100) + gaussian(28, height=900)
    apex, found = highest(signal, (TIME_S > 10) & (TIME_S < 25))
    assert found[0]
    assert abs(TIME_S[0, apex[0]] - 15) <= 0.5
    _, found = highest(gaussian(30), TIME_S < 25)
    assert not found[0]


def test_half_widths_of_a_gaussian_are_1_177_sigma():
    signal = gaussian(20.0)
    left, right = half_widths(TIME_S, signal, signal.argmax(axis=1), np.array([20.0]), np.array([100.0]), 0.5)
    assert_allclose([left[0], right[0]], 2.0 * np.sqrt(2 * np.log(2)), rtol=0.01)


def test_smoothing_keeps_the_area_and_lowers_the_noise_as_it_says():
    signal = gaussian(20.0)
    assert_allclose(smooth(signal, 3.0, 0.5).sum(), signal.sum(), rtol=1e-6)
    noise = np.random.default_rng(1).normal(0, 1, (1, 200_000))
    assert_allclose(smooth(noise, 3.0, 0.5).std(), smoothing_gain(3.0, 0.5), rtol=0.02)


def test_a_peak_is_placed_about_as_well_as_its_noise_allows():
    dice, placed = np.random.default_rng(2), []
    for _ in range(400):
        folded = smooth(gaussian(20.0) + dice.normal(0, 5, TIME_S.shape), 2.0 * 2.3548, 0.5)
        placed.append(parabola(TIME_S, folded, folded.argmax(axis=1))[0][0])
    bound = centre_sd(2.0 * 2.3548, 0.5, np.array([20.0]))[0]
    assert bound < np.std(placed) * 1.05
    assert np.std(placed) < 1.4 * bound
