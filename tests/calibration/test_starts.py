"""Starting values of logistic curves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.calibration.logistic import logistic
from bioanalysis.calibration.starts import HALFWAYS, SLOPES, starting_values

pytestmark = pytest.mark.requirement("UR-011")

LOG_X = np.log(np.geomspace(1, 1000, 9))


@pytest.mark.parametrize(("zero", "infinite"), [(0.1, 2.0), (2.0, 0.1)])
def test_a_curve_of_the_grid_is_found_exactly(zero, infinite):
    halfway = np.linspace(LOG_X.min() - 1, LOG_X.max() + 3, HALFWAYS)[8]
    truth = np.array([zero, np.log(SLOPES[4]), halfway, infinite])
    response = logistic(LOG_X, truth[None])[0]
    starts = starting_values(LOG_X, response, np.ones_like(response), 4)[0]
    assert_allclose(starts[0], truth, rtol=1e-6)


def test_starts_come_from_flat_middling_and_steep_curves():
    response = 1 - 1 / (1 + np.exp(LOG_X - 3)) + 0.05 * np.sin(7 * LOG_X)
    starts = starting_values(LOG_X, response[None], np.ones((1, 9)), 4)[0]
    flat, middling, steep = np.sort(np.exp(starts[:, 1]))
    assert flat < 0.7 < middling < 1.6 < steep


def test_five_parameters_have_nine_starts():
    response = 1 - 1 / (1 + np.exp(LOG_X - 3))
    assert starting_values(LOG_X, response[None], np.ones((1, 9)), 5).shape == (1, 9, 5)


def test_plates_are_started_one_by_one():
    response = np.stack([1 / (1 + np.exp(LOG_X - mid)) for mid in (2.0, 4.0)])
    weight = np.ones_like(response)
    both = starting_values(LOG_X, response, weight, 4)
    alone = [starting_values(LOG_X, response[i : i + 1], weight[i : i + 1], 4)[0] for i in range(2)]
    assert_allclose(both, alone)
