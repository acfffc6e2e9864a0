"""The shape of a transition's peaks and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from simulated_runs import benchmark

from bioanalysis.chromatography.template import Template

pytestmark = pytest.mark.requirement("UR-010")

GRID_S = np.linspace(-8, 8, 161)
SIGMA_S = 1.4


def gaussian(time_s, sigma_s=SIGMA_S):
    return np.exp(-0.5 * (time_s / sigma_s) ** 2) / (sigma_s * np.sqrt(2 * np.pi))


@pytest.fixture(scope="module")
def parts():
    fine_s = np.linspace(-8, 8, 4001)[None]
    return fine_s[0], Template.of(GRID_S, gaussian(GRID_S)).at(fine_s, np.ones(1))[0]


def test_the_shape_has_area_one_and_its_derivatives_none(parts):
    time_s, shapes = parts
    assert_allclose(np.trapezoid(shapes, time_s, axis=0), [1, 0, 0], atol=2e-3)


def test_the_derivatives_are_those_by_time_and_by_width(parts):
    time_s, shapes = parts
    later = (gaussian(time_s - 0.01) - gaussian(time_s + 0.01)) / 0.02
    wider = (gaussian(time_s, 1.01 * SIGMA_S) - gaussian(time_s, 0.99 * SIGMA_S)) / 0.02
    assert_allclose(shapes[:, 1], later, atol=0.01 * later.max())
    assert_allclose(shapes[:, 2], wider, atol=0.01 * gaussian(0.0))


def test_a_wider_peak_is_lower_and_its_area_one():
    time_s = np.linspace(-16, 16, 4001)
    wide = Template.of(GRID_S, gaussian(GRID_S)).at(time_s[None], np.array([1.5]))[0, :, 0]
    assert_allclose(wide, gaussian(time_s, 1.5 * SIGMA_S), atol=1e-3)


def test_not_to_know_the_width_costs_what_theory_says(parts):
    # Fisher information of the area of a Gaussian beside that of its width: variance 3/2 of the bound
    time_s, shapes = parts
    normal = shapes.T @ shapes * (time_s[1] - time_s[0])
    assert np.linalg.inv(normal)[0, 0] * normal[0, 0] == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize("level", [10, 300])
def test_a_neighbour_half_as_high_takes_nothing(level):
    scenario = benchmark.Scenario("test", level, neighbour=0.5, neighbour_in_samples_only=True)
    figures = benchmark.judge(scenario, runs=3, seed=3)
    print({name: round(value, 2) for name, value in figures.items()})
    assert abs(figures["calibrated"]) < 0.2 + 3 * figures["CV %"] / np.sqrt(3 * benchmark.SAMPLES)
    assert figures["CV %"] < 1.6 * figures["bound %"]
    assert 0.8 < figures["pull SD"] < 1.25
