"""What an analyte shares with its internal standard, and what not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.chromatography.drift import own_drift, shared_drift, smoothed

pytestmark = pytest.mark.requirement("UR-010")

INJECTIONS = np.arange(90)
TEACHERS = np.arange(0, 90, 3)
SLOW = 4.0 * INJECTIONS / 90
DICE = np.random.default_rng(1)


def test_a_straight_drift_is_left_as_it_is_up_to_both_ends():
    assert_allclose(smoothed(SLOW), SLOW, atol=1e-12)


def test_one_injection_far_off_does_not_move_its_neighbours():
    spoiled = SLOW.copy()
    spoiled[40] += 10
    assert_allclose(smoothed(spoiled), SLOW, atol=0.05)


def test_slow_drift_is_followed_and_the_standards_own_wander_is_not():
    wander = DICE.uniform(0, 3, 90)  # SD of 3 / sqrt(12) = 0.87 s; a mean of 15 has a quarter of it
    found = shared_drift(180 + SLOW[TEACHERS], TEACHERS, SLOW + wander)
    difference = (180 + SLOW) - found
    assert np.std(difference) < 0.5
    assert np.std((180 + SLOW) - (SLOW + wander)) > 0.8


def test_what_moves_both_from_injection_to_injection_is_followed():
    jitter = DICE.normal(0, 1.0, 90)
    found = shared_drift(180 + (SLOW + jitter)[TEACHERS], TEACHERS, SLOW + jitter)
    assert np.std(SLOW + jitter - found) < 0.1


def test_a_standard_that_moves_alone_is_not_followed():
    assert_allclose(shared_drift(np.full(len(TEACHERS), 180.0), TEACHERS, 3 * SLOW), 0.0)


def test_between_strong_peaks_the_drift_is_straight():
    assert_allclose(own_drift(np.array([10.0, 12.0, 14.0]), np.array([0, 2, 4]), 6), [-2, -1, 0, 1, 2, 2])
