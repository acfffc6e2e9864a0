"""Traces between their points."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.chromatography.block import Block
from bioanalysis.chromatography.interpolation import _one_by_one, between_points

pytestmark = pytest.mark.requirement("UR-010")

EVEN_S = np.arange(0, 40, 0.4)


def block_of(*times_s):
    return Block.stack([(time_s / 60, np.zeros(len(time_s))) for time_s in times_s])


def gaussian(time_s, centre_s=20.0):
    return np.exp(-0.5 * ((time_s - centre_s) / 1.4) ** 2)


def test_a_peak_of_eight_points_is_drawn_to_a_thousandth_of_its_height():
    block = block_of(EVEN_S, EVEN_S + 0.13)
    at_s = np.linspace(12, 28, 333) + np.zeros((2, 1))
    found = between_points(block, gaussian(block.time_s), at_s)
    assert_allclose(found, gaussian(at_s), atol=1e-3)


def test_all_at_once_and_one_by_one_agree():
    block = block_of(EVEN_S, EVEN_S + 0.13)
    signal, at_s = gaussian(block.time_s), np.linspace(12, 28, 333) + np.zeros((2, 1))
    one_by_one = [_one_by_one(block, signal, at_s, row) for row in (0, 1)]
    assert_allclose(between_points(block, signal, at_s), one_by_one, atol=1e-12)


def test_points_at_unequal_distances_are_told_apart_from_equal_ones():
    uneven = np.concatenate([np.arange(0, 20, 0.4), np.arange(20, 40, 0.8)])
    block = block_of(uneven)
    at_s = np.linspace(12, 28, 333)[None]
    assert_allclose(between_points(block, gaussian(block.time_s), at_s), gaussian(at_s), atol=0.02)
