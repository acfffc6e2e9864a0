"""What all calibration curves share."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.utils import estimator_checks

from bioanalysis.calibration import MODELS, curve_from_dict, make_estimator

pytestmark = pytest.mark.requirement("UR-011")

LEVELS = np.repeat([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0], 2)
NOISE = 1 + 0.02 * np.array([1, -1, -1, 1, 1, 1, -1, -1, 1, -1, -1, 1, 0, 1])
RESPONSES = {
    "linear": (0.02 + 0.1 * LEVELS) * NOISE,
    "quadratic": (0.02 + 0.1 * LEVELS - 2e-4 * LEVELS**2) * NOISE,
    "4pl": (3 - 2.95 / (1 + (LEVELS / 15) ** 1.2)) * NOISE,
    "5pl": (3 - 2.95 / (1 + (LEVELS / 15) ** 1.2) ** 1.5) * NOISE,
}
EVERY_MODEL = pytest.mark.parametrize("model", MODELS)


def fitted(model, weighting="none"):
    return make_estimator(model, weighting).fit(LEVELS, RESPONSES[model])


@EVERY_MODEL
@pytest.mark.parametrize("weighting", ["none", "1/x", "1/x^2", "1/y", "1/y^2"])
def test_back_calculation_undoes_prediction(model, weighting):
    curve = fitted(model, weighting)
    assert curve.converged_, curve.messages_
    concentration = np.array([1.0, 3.0, 30.0, 90.0])
    found = curve.back_calculate(curve.predict(concentration))
    assert_allclose(found.concentration, concentration, rtol=1e-9)
    assert list(found.reason) == [""] * 4
    assert np.all(found.low < found.concentration)
    assert np.all(found.concentration < found.high)


@EVERY_MODEL
@pytest.mark.parametrize("weighting", ["none", "1/x", "1/y^2"])
def test_the_unit_of_the_response_does_not_matter(model, weighting):
    curve, thousandfold = (
        fitted(model, weighting),
        make_estimator(model, weighting).fit(LEVELS, 1000 * RESPONSES[model]),
    )
    columns = ["concentration", "low", "high", "relative_uncertainty"]
    here, there = curve.back_calculate([0.4, 1.5])[columns], thousandfold.back_calculate([400, 1500])[columns]
    assert_allclose(here.astype(float), there.astype(float), rtol=1e-7)


@EVERY_MODEL
@pytest.mark.parametrize("weighting", ["none", "1/x", "1/y^2"])
def test_the_unit_of_the_concentration_does_not_matter(model, weighting):
    curve, thousandfold = (
        fitted(model, weighting),
        make_estimator(model, weighting).fit(1000 * LEVELS, RESPONSES[model]),
    )
    here, there = curve.back_calculate([0.4, 1.5]), thousandfold.back_calculate([0.4, 1.5])
    assert_allclose(1000 * here[["concentration", "low", "high"]], there[["concentration", "low", "high"]], rtol=1e-7)


@EVERY_MODEL
def test_the_order_of_standards_does_not_matter(model):
    order = np.argsort(np.sin(np.arange(len(LEVELS))))
    shuffled = make_estimator(model).fit(LEVELS[order], RESPONSES[model][order])
    assert_allclose(shuffled.parameters_, fitted(model).parameters_, rtol=1e-9)


@EVERY_MODEL
def test_uncertainty_has_a_part_of_the_curve_and_a_part_of_the_reading(model):
    curve = fitted(model, "1/x")
    single, fourfold = (curve.relative_uncertainty_parts([0.4, 1.5], replicates=m) for m in (1, 4))
    assert_allclose(fourfold.curve, single.curve)
    assert_allclose(fourfold.reading, single.reading / 2)
    whole = curve.back_calculate([0.4, 1.5], replicates=4).relative_uncertainty
    assert_allclose(whole, np.hypot(fourfold.curve, fourfold.reading))


@EVERY_MODEL
def test_the_variance_of_a_reading_is_that_of_its_own_concentration(model):
    # with weights 1/x^2 the standard deviation of a response is s x, so the reading's part is s x / slope / x
    curve = fitted(model, "1/x^2")
    at = np.array([4.0, 40.0])
    slope = (curve.predict(at * 1.0001) - curve.predict(at * 0.9999)) / (2e-4 * at)
    parts = curve.relative_uncertainty_parts(curve.predict(at))
    assert_allclose(parts.reading, curve.residual_sd_ / slope, rtol=1e-6)


@EVERY_MODEL
def test_the_parameters_part_is_the_propagated_covariance(model):
    curve = fitted(model)
    at, step = 12.0, 1e-5
    gradient = []
    for j, value in enumerate(curve.parameters_):
        ahead, behind = curve_from_dict(curve.to_dict()), curve_from_dict(curve.to_dict())
        for moved, side in ((ahead, 1), (behind, -1)):
            moved.parameters_[j] = value + side * step * abs(value)
            moved._name_parameters()
        gradient.append((ahead.predict([at]) - behind.predict([at]))[0] / (2 * step * abs(value)))
    slope = (curve.predict([at * 1.0001]) - curve.predict([at * 0.9999]))[0] / (2e-4 * at)
    expected = np.sqrt(gradient @ curve.covariance_ @ gradient) / slope / at
    assert_allclose(curve.relative_uncertainty_parts(curve.predict([at])).curve, expected, rtol=1e-5)


@EVERY_MODEL
def test_a_missing_response_is_said_to_be_missing(model):
    found = fitted(model).back_calculate([np.nan, 0.5])
    assert list(found.reason) == ["no response", ""]
    assert found.iloc[0].drop("reason").isna().all()


@EVERY_MODEL
def test_a_curve_survives_being_written_and_read(model):
    curve = fitted(model, "1/y")
    again = curve_from_dict(json.loads(json.dumps(curve.to_dict(), allow_nan=False)))
    assert again.back_calculate([0.4, 1.5, -9]).equals(curve.back_calculate([0.4, 1.5, -9]))
    assert again.to_dict() == curve.to_dict()


def test_a_curve_without_degrees_of_freedom_gives_numbers_without_intervals():
    curve = make_estimator("linear").fit([1, 2], [1, 2])
    found = curve.back_calculate([1.5])
    assert_allclose(found.concentration, 1.5)
    assert found[["low", "high", "relative_uncertainty"]].isna().all(axis=None)
    assert found.reason[0] == "no interval: as many parameters as standards leave no degrees of freedom"
    assert json.loads(json.dumps(curve.to_dict(), allow_nan=False))["residual_sd"] is None


def test_a_curve_that_must_not_be_used_gives_no_numbers():
    curve = make_estimator("quadratic").fit([0, 1, 2, 3, 4], [0, 3, 4, 3, 0])
    found = curve.back_calculate([2.0])
    assert found.iloc[0].drop("reason").isna().all()
    assert found.reason[0].startswith("curve not usable: the parabola turns at 2, inside the range of the standards")
    assert curve.relative_uncertainty_parts([2.0]).isna().all(axis=None)


@EVERY_MODEL
@pytest.mark.parametrize(
    ("nominal", "response", "sentence"),
    [
        (np.repeat([1.0], 12), np.arange(12), "different concentrations; there are 1"),
        (LEVELS, np.full(14, 2.5), "all responses are 2.5; standards that do not differ cannot carry a curve"),
        ([1.0], [1.0], "different concentrations; there are 1"),
        (LEVELS, np.where(LEVELS == 5, np.nan, LEVELS), "standard 5, 6: nominal or response is NaN or infinity"),
        (LEVELS, LEVELS[:5], "14 nominal concentrations but 5 responses"),
        (np.ones((14, 2)), LEVELS, r"nominal has shape \(14, 2\); it must be one column of numbers"),
        ([], [], "nominal is empty"),
    ],
)
def test_standards_that_carry_no_curve_are_refused_in_words(model, nominal, response, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_estimator(model).fit(nominal, response)


@pytest.mark.parametrize(("model", "parameters"), [("linear", 2), ("quadratic", 3), ("4pl", 4), ("5pl", 5)])
def test_fewer_levels_than_parameters_are_refused(model, parameters):
    nominal = np.repeat(np.arange(1.0, parameters), 3)
    with pytest.raises(ValueError, match=f"a {model} curve needs at least {parameters} different concentrations"):
        make_estimator(model).fit(nominal, nominal + np.tile([0, 0.1, 0.2], parameters - 1))


@EVERY_MODEL
def test_bad_questions_are_refused(model):
    curve = fitted(model)
    with pytest.raises(ValueError, match="replicates must be above 0"):
        curve.back_calculate([1.0], replicates=0)
    with pytest.raises(ValueError, match="level is 95; it must lie between 0 and 1"):
        curve.back_calculate([1.0], level=95)


@EVERY_MODEL
def test_no_response_gives_no_rows(model):
    assert len(fitted(model).back_calculate([])) == 0


@EVERY_MODEL
def test_one_column_of_a_table_is_as_good_as_a_row(model):
    curve = make_estimator(model).fit(LEVELS[:, None], RESPONSES[model])
    assert_array_equal(curve.predict(LEVELS[:, None]), fitted(model).predict(LEVELS))


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="model is '3pl'; it must be one of linear, quadratic, 4pl, 5pl"):
        make_estimator("3pl")


@EVERY_MODEL
def test_curves_clone_with_their_settings(model):
    curve = MODELS[model](weighting="1/y", weight_by="observed")
    assert clone(curve).get_params() == {"weighting": "1/y", "weight_by": "observed"}
    assert curve.set_params(weighting="none").weighting == "none"


@EVERY_MODEL
@pytest.mark.parametrize(
    "check",
    [
        "complex_data",
        "do_not_raise_errors_in_init_or_set_params",
        "estimator_cloneable",
        "estimator_repr",
        "estimator_tags_renamed",
        "estimators_fit_returns_self",
        "estimators_overwrite_params",
        "estimators_partial_fit_n_features",
        "estimators_pickle",
        "estimators_unfitted",
        "fit_check_is_fitted",
        "fit_idempotent",
        "get_params_invariance",
        "mixin_order",
        "no_attributes_set_in_init",
        "non_transformer_estimators_n_iter",
        "parameters_default_constructible",
        "pipeline_consistency",
        "readonly_memmap_input",
        "regressor_data_not_an_array",
        "regressors_int",
        "requires_y_none",
        "set_params",
        "supervised_y_no_nan",
        "valid_tag_types",
    ],
)
def test_scikit_learn_finds_its_manners(model, check):
    """The estimator checks for one column of input; those of scikit-learn that need several columns do not apply."""
    getattr(estimator_checks, f"check_{check}")(model, MODELS[model]())
