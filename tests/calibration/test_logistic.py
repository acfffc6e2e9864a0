"""Formulas of the logistic curves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.calibration.logistic import log_concentration, logistic

pytestmark = pytest.mark.requirement("UR-011")

FOUR = np.array([0.1, np.log(1.3), np.log(20.0), 3.0])
FIVE = np.array([2.5, np.log(0.8), np.log(5.0), 0.2, np.log(1.7)])
CONCENTRATIONS = np.array([0.0, 0.01, 1.0, 20.0, 3e3])


def at(concentrations, parameters):
    with np.errstate(divide="ignore"):
        return logistic(np.log(concentrations), parameters[None])


def test_the_curve_is_the_written_formula():
    zero, slope, midpoint, infinite, asymmetry = 2.5, 0.8, 5.0, 0.2, 1.7
    expected = infinite + (zero - infinite) / (1 + (CONCENTRATIONS / midpoint) ** slope) ** asymmetry
    assert_allclose(at(CONCENTRATIONS, FIVE)[0][0], expected, rtol=1e-14)


def test_half_way_lies_at_the_midpoint():
    assert_allclose(at(np.array([20.0]), FOUR)[0], (0.1 + 3.0) / 2)


@pytest.mark.parametrize("parameters", [FOUR, FIVE])
def test_derivatives_are_the_differences(parameters):
    jacobian = at(CONCENTRATIONS, parameters)[1][0]
    for j in range(len(parameters)):
        shift = np.zeros_like(parameters)
        shift[j] = 1e-6
        difference = at(CONCENTRATIONS, parameters + shift)[0] - at(CONCENTRATIONS, parameters - shift)[0]
        assert_allclose(jacobian[:, j], difference[0] / 2e-6, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("parameters", [FOUR, FIVE])
def test_concentration_undoes_response(parameters):
    inner = CONCENTRATIONS[1:]
    assert_allclose(log_concentration(at(inner, parameters)[0][0], parameters), np.log(inner), rtol=1e-9, atol=1e-12)


def test_plateaus_and_beyond_are_infinitely_far():
    assert_allclose(log_concentration(np.array([0.0, 0.1, 3.0, 3.1]), FOUR), [-np.inf, -np.inf, np.inf, np.inf])
    assert_allclose(log_concentration(np.array([2.6, 2.5, 0.2, 0.1]), FIVE), [-np.inf, -np.inf, np.inf, np.inf])


def test_extreme_concentrations_stay_finite():
    steep = np.array([0.0, np.log(50.0), 0.0, 1.0, np.log(50.0)])
    fitted, jacobian = at(np.array([0.0, 1e-300, 1e300]), steep)
    assert np.all(np.isfinite(fitted))
    assert np.all(np.isfinite(jacobian))
