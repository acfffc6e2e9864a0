"""Many plates at once give what each gives alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from bioanalysis.calibration import FiveParameterLogistic, FourParameterLogistic, fit_many

pytestmark = pytest.mark.requirement("UR-011")

LEVELS = np.repeat([0.5, 1, 2.5, 6, 15, 40, 100, 250, 600], 2)


def simulated(n_plates=12, seed=1, levels=LEVELS):
    rng = np.random.default_rng(seed)
    slope, midpoint = rng.uniform(0.9, 1.5, (n_plates, 1)), rng.uniform(15, 60, (n_plates, 1))
    truth = 2.8 - 2.7 / (1 + (levels / midpoint) ** slope)
    return truth * (1 + 0.02 * rng.standard_normal(truth.shape))


@pytest.mark.parametrize(
    "model",
    [
        FourParameterLogistic(),
        FourParameterLogistic("1/x"),
        FourParameterLogistic("1/y"),
        FourParameterLogistic("1/y^2", weight_by="observed"),
        FiveParameterLogistic("1/y"),
    ],
    ids=str,
)
def test_plates_together_and_alone_have_the_same_curve(model):
    responses = simulated()
    many = fit_many(LEVELS, responses, model)
    assert len(many) == 12
    for plate, response in enumerate(responses):
        alone, together = clone(model).fit(LEVELS, response), many.curve(plate)
        assert together.converged_ == many.converged[plate] == alone.converged_
        assert together.messages_ == alone.messages_
        assert_allclose(many.parameters[plate], alone.parameters_, rtol=1e-7)
        assert_allclose(together.covariance_, alone.covariance_, rtol=1e-6, atol=0)
        assert_allclose(together.residual_sd_, alone.residual_sd_, rtol=1e-9)
        assert_allclose(
            together.back_calculate([0.5, 1.5])[["low", "high"]], alone.back_calculate([0.5, 1.5])[["low", "high"]]
        )


def test_a_bad_well_is_suspected_here_too():
    responses = simulated(3)
    responses[1, 10] *= 1.6
    messages = fit_many(LEVELS, responses).curve(1).messages_
    assert len(messages) == 1
    assert messages[0].startswith("a well of standard 40 read")


def test_most_plates_need_not_be_fitted_alone():
    assert len(fit_many(LEVELS, simulated(200)).alone) <= 2


def test_hundreds_of_plates_keep_their_order():
    responses = simulated(700)
    together = fit_many(LEVELS, responses).parameters
    assert_allclose(together[[0, 299, 300, 301, 699]], fit_many(LEVELS, responses[[0, 299, 300, 301, 699]]).parameters)


def test_a_plate_that_must_not_be_used_says_so_among_the_others():
    responses = simulated(3)
    responses[1] = 0.1 + 0.05 * LEVELS
    many = fit_many(LEVELS, responses)
    assert list(many.converged) == [True, False, True]
    assert "the standards show only one end of the curve" in many.curve(1).messages_[0]


def test_zero_standards_may_be_among_them():
    levels = np.append(LEVELS, [0.0, 0.0])
    responses = simulated(3, levels=levels)
    alone = FourParameterLogistic().fit(levels, responses[2])
    assert_allclose(fit_many(levels, responses).parameters[2], alone.parameters_, rtol=1e-7)


@pytest.mark.parametrize(
    ("nominal", "responses", "sentence"),
    [
        (LEVELS, np.ones((2, 5)), r"responses have shape \(2, 5\); there must be a row of 18 for each plate"),
        (LEVELS, np.where(np.arange(2)[:, None] == 1, np.nan, simulated(2)), "nominal or response is NaN"),
        (LEVELS, np.ones((2, 18)), "all responses are 1"),
        (np.repeat([1.0, 2, 3], 6), simulated(2), "a 4pl curve needs at least 4 different concentrations; there are 3"),
        (-LEVELS, simulated(2), "it must be 0 or more"),
    ],
)
def test_plates_that_carry_no_curve_are_refused_in_words(nominal, responses, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit_many(nominal, responses)
