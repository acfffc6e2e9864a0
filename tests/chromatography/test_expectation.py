"""What a run teaches about its peaks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from bioanalysis.chromatography import IntegrationSettings
from bioanalysis.chromatography.block import Block
from bioanalysis.chromatography.expectation import learn

pytestmark = pytest.mark.requirement("UR-010")

TIME_S = np.arange(60, 300, 0.4)
SIGMA_S, SETTINGS = 1.3, IntegrationSettings()
HEIGHTS = np.geomspace(300, 1e5, 20)


def gaussian(centre_s, height):
    return height * np.exp(-0.5 * ((TIME_S - centre_s) / SIGMA_S) ** 2)


def block_of(centres_s, heights=HEIGHTS, interference=0.0, at_s=195.0, seed=1):
    dice = np.random.default_rng(seed)
    signals = [
        500 + gaussian(c, h) + gaussian(at_s, interference) + dice.normal(0, 20, TIME_S.size)
        for c, h in zip(centres_s, heights, strict=True)
    ]
    return Block.stack([(TIME_S / 60, signal) for signal in signals])


def lesson(block, rt_min=3.0, shift_s=None, peak_width_s=6.0):
    transition = SimpleNamespace(name="quan", rt_min=rt_min, rt_window_min=0.5, peak_width_s=peak_width_s)
    return learn(block, transition, np.arange(len(block.time_s)), shift_s, 0.0, SETTINGS)


def test_retention_time_and_width_are_those_of_the_strong_peaks():
    known, _ = lesson(block_of(np.full(20, 183.0)), shift_s=np.zeros(20))
    assert known.rt_s == pytest.approx(183.0, abs=0.05)
    assert known.width_s == pytest.approx(2.3548 * SIGMA_S, rel=0.03)


def test_the_boundaries_stand_where_the_peak_has_fallen_to_the_level_asked_for():
    known, _ = lesson(block_of(np.full(20, 180.0)), shift_s=np.zeros(20))
    reach = SIGMA_S * np.sqrt(-2 * np.log(SETTINGS.boundary_level))  # a Gaussian's
    assert known.left_s == pytest.approx(reach, rel=0.1)
    assert known.right_s == pytest.approx(reach, rel=0.1)


def test_a_constant_interference_higher_than_most_calibrators_is_not_taken_for_the_peak():
    known, _ = lesson(block_of(np.full(20, 180.0), interference=8000), shift_s=np.zeros(20))
    assert known.rt_s == pytest.approx(180.0, abs=0.1)


def test_an_internal_standard_shows_its_own_drift():
    centres = 180 + np.linspace(-4, 4, 20)
    known, drift = lesson(block_of(centres, heights=np.full(20, 2e4)))
    assert known.rt_s == pytest.approx(centres, abs=0.1)
    assert drift == pytest.approx(np.linspace(-4, 4, 20), abs=0.1)


def test_the_shift_of_the_internal_standard_is_followed_only_where_it_helps():
    shift = np.random.default_rng(3).uniform(-2, 2, 20)
    follows, _ = lesson(block_of(180 + shift), shift_s=shift)
    assert follows.rt_s == pytest.approx(180 + shift, abs=0.1)
    ignores, _ = lesson(block_of(np.full(20, 180.0)), shift_s=shift)
    assert ignores.rt_s == pytest.approx(180.0, abs=0.1)


def test_a_run_without_strong_peaks_keeps_the_method_values():
    known, _ = lesson(block_of(np.full(20, 180.0), heights=np.full(20, 30.0)), shift_s=np.zeros(20), rt_min=3.02)
    assert known.teachers == 0
    assert known.rt_s == pytest.approx(60 * 3.02)
    assert known.width_s == pytest.approx(6.0 * 2.3548 / 4, rel=1e-4)  # a Gaussian is four sigma wide at the base
