"""Power model and ratio of geometric means against sums by hand and independent software."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bioanalysis.variability.dose_proportionality import power_model
from bioanalysis.variability.log_ratio import ratio_of_means

pytestmark = pytest.mark.requirement("UR-016")


def test_an_exact_power_is_found():
    dose = np.array([1.0, 2, 4])
    found = power_model(dose, 3 * dose**0.8)
    assert_allclose([found.exponent, found.low, found.high], 0.8)


def test_the_interval_is_that_of_a_straight_line_through_logarithms():
    dose, found = np.array([1.0, 1, 3, 3, 9]), np.array([2.0, 3, 7, 8, 30])
    line = stats.linregress(np.log(dose), np.log(found))
    half = stats.t.ppf(0.95, 3) * line.stderr
    model = power_model(dose, found)
    assert_allclose([model.exponent, model.low, model.high], [line.slope, line.slope - half, line.slope + half])


def test_one_dose_has_no_exponent():
    found = power_model([5, 5, 5], [1, 2, 3])
    assert np.isnan(found.exponent)
    assert found.note == "fewer than two doses: no exponent"


def test_two_animals_have_no_interval():
    found = power_model([1, 2], [1, 2])
    assert_allclose(found.exponent, 1)
    assert np.isnan(found.low)


def test_zero_has_no_logarithm():
    with pytest.raises(ValueError, match="all above 0"):
        power_model([0, 1, 2], [1, 1, 1])


def test_a_ratio_is_that_of_geometric_means_with_welchs_interval():
    one, other = np.array([4.0, 9.0, 5.0]), np.array([1.0, 1.5, 2.0, 1.2])
    test = stats.ttest_ind(np.log(one), np.log(other), equal_var=False)
    interval = np.exp(test.confidence_interval(0.90))
    found = ratio_of_means(one, other)
    assert_allclose(found.ratio, 180 ** (1 / 3) / 3.6**0.25)
    assert_allclose([found.low, found.high, found.degrees_of_freedom], [*interval, test.df])


def test_one_animal_has_a_ratio_and_no_interval():
    found = ratio_of_means([6.0], [2.0, 3.0])
    assert_allclose(found.ratio, 6 / np.sqrt(6))
    assert np.isnan(found.low)
    assert found.note == "one animal in a group: no interval"


def test_the_inverse_ratio_has_the_inverse_interval():
    one, other = [1.0, 2, 4], [3.0, 5, 4]
    there, back = ratio_of_means(one, other), ratio_of_means(other, one)
    assert_allclose([there.ratio, there.low, there.high], [1 / back.ratio, 1 / back.high, 1 / back.low])
