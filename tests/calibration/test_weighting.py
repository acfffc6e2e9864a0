"""Weights by name."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.calibration.weighting import Weighting

pytestmark = pytest.mark.requirement("UR-011")

CONCENTRATION, RESPONSE = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 5.0])


@pytest.mark.parametrize(
    ("name", "weights"),
    [("none", [1, 1, 1]), ("1/x", [1, 1 / 2, 1 / 4]), ("1/x^2", [1, 1 / 4, 1 / 16]), ("1/y", [2, 1, 1 / 5])],
)
def test_weights_before_the_fit(name, weights):
    assert_allclose(Weighting(name, "observed").start(CONCENTRATION, RESPONSE), weights)


def test_weights_by_fitted_response_start_from_the_observed_one_kept_above_zero():
    start = Weighting("1/y", "fitted").start(CONCENTRATION, np.array([-1.0, 1.0, 5.0]))
    assert_allclose(start, [1 / 0.005, 1, 1 / 5])


def test_what_stays_of_the_weights_during_the_fit():
    weight, power = Weighting("1/y^2", "fitted").base(CONCENTRATION, RESPONSE)
    assert_allclose(weight, [1, 1, 1])
    assert power == 2
    weight, power = Weighting("1/y^2", "observed").base(CONCENTRATION, RESPONSE)
    assert_allclose(weight, [4, 1, 1 / 25])
    assert power == 0


def test_final_weights_by_fitted_response_need_it_above_zero():
    final = Weighting("1/y", "fitted").final(CONCENTRATION, RESPONSE, np.array([-1.0, 2.0, 4.0]))
    assert_allclose(final, [0, 1 / 2, 1 / 4])


def test_a_reading_below_the_lowest_standard_has_the_variance_of_that_standard():
    variance = Weighting("1/x^2", "observed").relative_variance(np.array([0.5, 3.0]), np.zeros(2), lowest=2.0)
    assert_allclose(variance, [2.0**2, 3.0**2])


def test_zero_standards_are_refused_by_concentration_weights_in_words():
    with pytest.raises(ValueError, match=r"1/x\^2 weights need concentrations above 0; the lowest is 0: leave such"):
        Weighting("1/x^2", "observed").start(np.array([0.0, 1.0]), np.array([0.1, 1.0]))


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="weighting is '1/z'; it must be one of none, 1/x, 1/x\\^2, 1/y, 1/y\\^2"):
        Weighting("1/z", "observed")
    with pytest.raises(ValueError, match="weight_by is 'nominal'; it must be one of fitted, observed"):
        Weighting("none", "nominal")
