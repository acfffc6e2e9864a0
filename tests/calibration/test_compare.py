"""Models and weightings side by side."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.calibration import compare_weightings, corrected_aic, make_estimator

pytestmark = pytest.mark.requirement("UR-011")

WEIGHTINGS = ("none", "1/x", "1/x^2")
LEVELS = np.repeat([1.0, 2, 5, 10, 20, 50, 100], 3)


def test_every_model_and_weighting_has_its_row():
    table = compare_weightings(LEVELS, 0.1 + 2 * LEVELS, ["linear", "4pl"], ["none", "1/x"])
    assert list(table.model + " " + table.weighting) == ["linear none", "linear 1/x", "4pl none", "4pl 1/x"]


def test_errors_in_per_cent_by_hand():
    # the least squares line through (1, 1), (2, 2), (3, 3.3) has slope 1.15 and intercept -0.2
    table = compare_weightings([1, 2, 3], [1, 2, 3.3], ["linear"], ["none"])
    errors = 100 * np.abs(np.array([1.2, 2.2, 3.5]) / 1.15 / [1, 2, 3] - 1)
    assert_allclose(table.sum_abs_re_percent, errors.sum())
    assert_allclose(table.max_abs_re_percent, errors.max())


@pytest.mark.parametrize(("weighting", "power"), [("none", 0), ("1/x", 0.5), ("1/x^2", 1)])
def test_weights_that_belong_to_the_errors_mostly_have_the_lowest_aicc(weighting, power):
    wins = 0
    for seed in range(10):
        noise = np.random.default_rng(seed).standard_normal(len(LEVELS))
        table = compare_weightings(LEVELS, 1 + 2 * LEVELS + 0.2 * LEVELS**power * noise, ["linear"], WEIGHTINGS)
        wins += table.weighting[table.aicc.idxmin()] == weighting
    assert wins >= 8


def test_aicc_by_hand():
    # the line is 0.2 + 0.2 x, the residuals -0.2, 0.6, -0.6, 0.2 and 0, the sum of squares 0.8; two parameters and s
    x, y = [0, 1, 2, 3, 1.5], [0, 1, 0, 1, 0.5]
    expected = 5 * np.log(2 * np.pi * 0.8 / 5) + 5 + 2 * 3 * 5 / (5 - 3 - 1)
    assert_allclose(corrected_aic(make_estimator("linear").fit(x, y), x, y), expected)


def test_zero_standards_have_no_error_in_per_cent():
    table = compare_weightings([0, *LEVELS], [0.1, *(0.1 + 2 * LEVELS)], ["linear"], ["none"])
    assert table.max_abs_re_percent[0] < 1e-9
    assert table.unread[0] == 0


def test_a_fit_that_is_impossible_keeps_its_row_with_the_reason():
    table = compare_weightings([0, *LEVELS], [0.1, *(0.1 + 2 * LEVELS)], ["linear"], ["1/x"])
    assert not table.converged[0]
    assert table.reason[0].startswith("1/x weights need concentrations above 0")
    assert np.isnan(table.aicc[0])


def test_standards_beyond_the_curve_are_counted():
    response = 3 - 2.9 / (1 + (LEVELS / 5) ** 2.0) + 0.05 * np.tile([1, 0, -1], 7)
    table = compare_weightings(LEVELS, response, ["4pl"], ["none"])
    beyond = make_estimator("4pl").fit(LEVELS, response).back_calculate(response).concentration.isna().sum()
    assert table.unread[0] == beyond > 0
