"""Dilutions of one sample: agreement, trend, hook."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import linregress

from bioanalysis.calibration.dilution import dilution_linearity, hook_check, parallelism

pytestmark = pytest.mark.requirement("UR-023")


def dilutions(*steps):
    return pd.DataFrame(steps, columns=["dilution_factor", "reading_ng_ml", "place"])


def test_mean_and_cv_by_hand():
    # corrected 400, 500, 600: mean 500, SD 100, CV 20 %
    found = parallelism(dilutions((10, 40, "inside"), (20, 25, "inside"), (40, 15, "inside")))
    assert found.n == 3
    assert_allclose([found.mean_ng_ml, found.cv_percent], [500, 20])
    assert_allclose(found.steps.corrected_ng_ml, [400, 500, 600])


def test_a_step_outside_the_range_takes_no_part():
    found = parallelism(dilutions((1, 900, "above"), (10, 50, "inside"), (100, 5, "inside"), (1000, np.nan, "below")))
    assert found.steps.used.tolist() == [False, True, True, False]
    assert_allclose([found.mean_ng_ml, found.cv_percent], [500, 0])


def test_a_tenth_more_with_every_doubling_is_the_trend():
    readings = [100 * 1.1**k / 2**k for k in range(4)]
    found = parallelism(dilutions(*((2.0**k, reading, "inside") for k, reading in enumerate(readings))))
    assert_allclose(found.trend.percent_per_doubling, 10)
    assert found.trend.p_value < 1e-9


def test_trend_and_its_interval_are_those_of_ordinary_regression():
    factor, corrected = np.array([2.0, 4, 8, 16, 32]), np.array([98.0, 105, 103, 110, 108])
    theirs = linregress(np.log2(factor), np.log(corrected))
    found = parallelism(dilutions(*((f, c / f, "inside") for f, c in zip(factor, corrected, strict=True)))).trend
    assert_allclose(found.percent_per_doubling, 100 * np.expm1(theirs.slope))
    assert_allclose(found.p_value, theirs.pvalue)
    assert_allclose(found.high, 100 * np.expm1(theirs.slope + 3.182446 * theirs.stderr), rtol=1e-6)  # t(3, 0.975)


def test_two_dilutions_have_a_slope_but_no_test_of_it():
    trend = parallelism(dilutions((1, 100, "inside"), (2, 60, "inside"))).trend
    assert_allclose(trend.percent_per_doubling, 20)
    assert np.isnan(trend.p_value)


def test_one_dilution_has_no_cv():
    found = parallelism(dilutions((10, 40, "inside")))
    assert found.n == 1
    assert np.isnan(found.cv_percent)
    assert np.isnan(found.trend.percent_per_doubling)


def test_bias_of_each_step_against_the_prepared_concentration():
    # 5000 ng/mL prepared: 48 x 100 = 4800 is -4 %, 5.5 x 1000 = 5500 is +10 %
    found = dilution_linearity(dilutions((1, np.nan, "above"), (100, 48, "inside"), (1000, 5.5, "inside")), 5000)
    assert_allclose(found.steps.bias_percent, [np.nan, -4, 10])


def test_a_neat_sample_above_the_range_is_no_hook():
    found = hook_check(dilutions((1, np.nan, "above"), (10, 300, "inside")), uloq_ng_ml=500)
    assert found.must_read_above.tolist() == [True, False]
    assert not found.hook.any()


@pytest.mark.parametrize("place", ["inside", "below", "below_revised"])
def test_a_neat_sample_that_should_read_above_the_range_and_does_not_is_a_hook(place):
    # x100 gives 30000 ng/mL, so that neat and x10 (3000) must read above 500
    found = hook_check(dilutions((1, 200, place), (10, np.nan, "above"), (100, 300, "inside")), uloq_ng_ml=500)
    assert found.expected_ng_ml.tolist() == [30000, 3000, 300]
    assert found.hook.tolist() == [True, False, False]


def test_the_prepared_concentration_tells_a_hook_even_without_another_dilution():
    assert hook_check(dilutions((1, 400, "inside")), uloq_ng_ml=500, nominal_ng_ml=5000).hook.tolist() == [True]
    assert hook_check(dilutions((1, 400, "inside")), uloq_ng_ml=500).hook.tolist() == [False]


def test_scatter_about_the_upper_limit_is_tolerated():
    # x10 gives 520 where neat reads 495: 4 % above the ULOQ
    steps = dilutions((1, 495, "inside"), (10, 52, "inside"))
    assert hook_check(steps, 500).hook.tolist() == [True, False]
    assert hook_check(steps, 500, tolerance_percent=25).hook.tolist() == [False, False]


@pytest.mark.parametrize("factor", [0, -1, np.nan])
def test_a_dilution_factor_must_be_positive(factor):
    with pytest.raises(ValueError, match="dilution_factor"):
        parallelism(dilutions((factor, 1, "inside")))


def test_a_nominal_must_be_positive():
    with pytest.raises(ValueError, match="nominal_ng_ml is 0"):
        dilution_linearity(dilutions((1, 1, "inside")), 0)
