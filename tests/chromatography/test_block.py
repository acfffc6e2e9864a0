"""Sums over traces that can be redone on paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bioanalysis.chromatography.block import Block, crossings, trapezoid_weights, value_at

pytestmark = pytest.mark.requirement("UR-010")

TIME_S = np.array([[0.0, 1.0, 2.0, 4.0]])
SIGNAL = np.array([[0.0, 2.0, 4.0, 0.0]])  # a triangle: up by 2 per s, down by 2 per s


@pytest.mark.parametrize(
    ("left", "right", "area"),
    [
        (0, 4, 8.0),  # half of base 4 times height 4
        (1, 2, 3.0),
        (0.5, 1.5, 2.0),  # from 1 to 3 over 1 s, boundaries between points
        (1.5, 3, 1.75 + 3.0),  # 3 to 4 over 0.5 s, 4 to 2 over 1 s
        (-5, 9, 8.0),
        (2.5, 2.5, 0.0),
    ],
)
def test_trapezoid_areas_between_points(left, right, area):
    weights = trapezoid_weights(TIME_S, np.array([left]), np.array([right]))
    assert_allclose((weights * SIGNAL).sum(), area, rtol=1e-12, atol=1e-12)


@given(st.lists(st.floats(0, 10), min_size=3, max_size=3), st.floats(-1, 1))
def test_areas_side_by_side_add_up(edges, level):
    a, b, c = sorted(edges)
    time_s = np.linspace(0, 10, 23)[None, :]
    signal = level + np.sin(time_s)
    part = [
        (trapezoid_weights(time_s, np.array([x]), np.array([y])) * signal).sum() for x, y in [(a, b), (b, c), (a, c)]
    ]
    assert part[0] + part[1] == pytest.approx(part[2], abs=1e-9)


def test_two_points_at_one_time_do_no_harm():
    time_s, signal = np.array([[0.0, 1.0, 1.0, 2.0]]), np.array([[1.0, 1.0, 3.0, 3.0]])
    weights = trapezoid_weights(time_s, np.array([0.0]), np.array([2.0]))
    assert_allclose((weights * signal).sum(), 1 + 3)


def test_values_between_points():
    assert_allclose(value_at(TIME_S, SIGNAL, np.array([1.5])), 3.0)
    assert_allclose(value_at(TIME_S, SIGNAL, np.array([3.0])), 2.0)
    assert_allclose(value_at(TIME_S, SIGNAL, np.array([9.0])), 0.0)


@pytest.mark.parametrize("at", [2.0, 2.0 + 1e-9])
def test_at_its_end_a_padded_trace_has_the_value_of_its_last_point(at):
    minutes = np.array([0.0, 1.0, 2.0, 3.0]) / 60
    block = Block.stack([(minutes, np.ones(4)), (minutes[:3], np.array([5.0, 6.0, 7.0]))])
    assert value_at(block.time_s, block.intensity, np.array([0.5, at])).tolist() == [1.0, 7.0]


def test_half_height_is_crossed_half_way():
    left, right = crossings(TIME_S, SIGNAL, np.array([2]), np.array([2.0]))
    assert_allclose([left[0], right[0]], [1.0, 3.0])
    nowhere = crossings(TIME_S, SIGNAL, np.array([2]), np.array([-1.0]))
    assert np.isnan(nowhere).all()


def test_traces_of_unequal_length_stand_side_by_side():
    minutes = np.array([0.0, 1.0, 2.0]) / 60
    block = Block.stack([(minutes, np.array([1.0, 2.0, 3.0])), (minutes[:2], np.array([5.0, 6.0]))])
    assert block.valid.tolist() == [[True, True, True], [True, True, False]]
    weights = trapezoid_weights(block.time_s, np.zeros(2), np.full(2, 9.0))
    assert_allclose((weights * block.intensity).sum(axis=1), [4.0, 5.5])  # 1.5 + 2.5; 5.5


def test_a_cut_keeps_one_point_beyond_each_bound():
    minutes = np.arange(10) / 60
    block = Block.stack([(minutes, np.arange(10.0)), (minutes, np.arange(10.0))])
    cut = block.around(np.array([2.5, -4.0]), np.array([5.5, 1.5]))
    assert cut.intensity[0][cut.valid[0]].tolist() == [2, 3, 4, 5, 6]
    assert cut.intensity[1][cut.valid[1]].tolist() == [0, 1, 2]
