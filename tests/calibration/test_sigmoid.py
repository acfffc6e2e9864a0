"""Four- and five-parameter logistic curves."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import t as student

from bioanalysis.calibration import FiveParameterLogistic, FourParameterLogistic

pytestmark = pytest.mark.requirement("UR-011")

LEVELS = np.repeat([0.0, 1, 2.5, 6, 15, 40, 100, 250, 600], 2)
CERTIFIED = ["dnase_elisa", "ryegrass", "spinach_diuron", "S_alba_glyphosate", "issue_5pl_published"]
WEIGHTINGS = {"1": "none", "1/y": "1/y", "1/y2": "1/y^2"}


def response_of(x, zero=0.08, slope=1.2, midpoint=30.0, infinite=2.8, asymmetry=1.0):
    return infinite + (zero - infinite) / (1 + (x / midpoint) ** slope) ** asymmetry


def noise(size, seed=1):
    return np.random.default_rng(seed).standard_normal(size)


def correct_digits(found, certified):
    """Return the fewest correct digits, -log10 of the relative error, at most 15."""
    found, certified = np.asarray(found), np.asarray(certified, dtype=float)
    with np.errstate(divide="ignore"):
        return float(np.min(np.minimum(15, -np.log10(np.abs(found / certified - 1)))))


def certified_fits(reference, name, family):
    """Yield the standards, weighting and certified values of each group and weighting of one set."""
    folder = reference / "curves" / name
    standards = pd.read_csv(folder / f"{name}.csv")
    for group, fits in json.loads((folder / "certified_mpmath.json").read_text())["groups"].items():
        rows = standards if group == "all" else standards[standards.run.astype(str) == group]
        for key, known in fits.items():
            model, weighting = key.split(" w=")
            if model == family and known["status"] == "certified":
                yield rows, WEIGHTINGS[weighting], known


@pytest.mark.reference
@pytest.mark.parametrize("name", [*CERTIFIED, "lettuce_hormesis_hook"])
def test_four_parameter_curves_meet_certified_values(reference, name):
    """Parameters and standard errors certified with 50-digit arithmetic, weights by observed response."""
    fewest = 99.0
    for standards, weighting, known in certified_fits(reference, name, "4PL"):
        curve = FourParameterLogistic(weighting, weight_by="observed").fit(standards.x, standards.y)
        assert curve.converged_, curve.messages_
        found = [curve.zero_, curve.slope_, np.log(curve.midpoint_), curve.infinite_]
        errors = np.sqrt(np.diag(curve.covariance_)) / [1, 1, curve.midpoint_, 1]
        fewest = min(fewest, correct_digits(found, list(known["par"].values())))
        fewest = min(fewest, correct_digits(errors, list(known["se"].values())))
        assert_allclose(curve.residual_sd_, float(known["s"]), rtol=1e-10)
        check_certified_readings(curve, known)
    print(f"{name}: fewest correct digits {fewest:.1f}")
    assert fewest >= 9


@pytest.mark.reference
@pytest.mark.parametrize("name", CERTIFIED)
def test_five_parameter_curves_meet_certified_values(reference, name):
    fewest = 99.0
    for standards, weighting, known in certified_fits(reference, name, "5PL"):
        curve = FiveParameterLogistic(weighting, weight_by="observed").fit(standards.x, standards.y)
        assert curve.converged_, curve.messages_
        found = [curve.zero_, curve.slope_, np.log(curve.midpoint_), curve.infinite_, np.log(curve.asymmetry_)]
        errors = np.sqrt(np.diag(curve.covariance_)) / [1, 1, curve.midpoint_, 1, curve.asymmetry_]
        fewest = min(fewest, correct_digits(found, list(known["par"].values())))
        fewest = min(fewest, correct_digits(errors, list(known["se"].values())))
        check_certified_readings(curve, known)
    print(f"{name}: fewest correct digits {fewest:.1f}")
    assert fewest >= 9


def check_certified_readings(curve, known):
    """Hold concentrations and their certified standard errors on ln x (parameters only) against the curve's."""
    readings = pd.DataFrame(known["backcalc_of_standard_means"]).astype({"mean_y": float, "backcalc": float})
    read = readings.backcalc.notna()
    found = curve.back_calculate(readings.mean_y)
    assert list(found.concentration.notna()) == list(read)
    assert_allclose(found.concentration[read], readings.backcalc[read], rtol=1e-8)
    parts = curve.relative_uncertainty_parts(readings.mean_y)
    assert_allclose(parts.curve[read], readings.se_lnx_param_only[read].astype(float), rtol=1e-7)


@pytest.mark.reference
@pytest.mark.parametrize("model", [FiveParameterLogistic])
def test_fits_without_a_finite_optimum_are_refused(reference, model):
    """Where 50-digit arithmetic saw a parameter run away, the curve says so."""
    folder = reference / "curves" / "dnase_elisa"
    standards = pd.read_csv(folder / "dnase_elisa.csv")
    groups = json.loads((folder / "certified_mpmath.json").read_text())["groups"]
    runaway = [
        (group, key.split("w=")[1])
        for group, fits in groups.items()
        for key, known in fits.items()
        if key.startswith("5PL w") and known["status"].startswith("degenerate")
    ]
    assert len(runaway) > 10
    for group, weighting in runaway:
        rows = standards[standards.run.astype(str) == group]
        curve = model(WEIGHTINGS[weighting], weight_by="observed").fit(rows.x, rows.y)
        assert not curve.converged_
        assert "asymmetry not identifiable" in curve.messages_[0]


@pytest.mark.reference
def test_reader_software_agrees_on_a_real_plate(reference):
    """SoftMax Pro, unweighted 4PL on wells with the zero standard: its results are printed to three decimals."""
    folder = reference / "curves" / "softmax_hcp_elisa_4pl"
    standards, unknowns = pd.read_csv(folder / "standards.csv"), pd.read_csv(folder / "unknowns.csv")
    curve = FourParameterLogistic().fit(standards.conc, standards.od)
    assert len(unknowns) == 66
    assert_allclose(curve.back_calculate(unknowns.od).concentration, unknowns.softmax_result, rtol=0, atol=0.0005)


@pytest.mark.reference
def test_inverse_prediction_agrees_with_investr(reference):
    """Concentrations and standard errors on ln x of means of two readings; investr's roots are good to 1e-5."""
    folder = reference / "curves"
    known = json.loads((folder / "inverse_prediction_investr" / "reference_R.json").read_text())["DNase_run1_4PL"]
    standards = pd.read_csv(folder / "dnase_elisa" / "dnase_elisa.csv").query("run == 1")
    curve = FourParameterLogistic().fit(standards.x, standards.y)
    assert_allclose(curve.residual_sd_, known["sigma"], rtol=1e-9)
    assert curve.degrees_of_freedom_ == known["df"]
    means = [np.mean(case["y0"]) for case in known["inverse"]]
    wald = pd.DataFrame([case["wald"] for case in known["inverse"]])
    found = curve.back_calculate(means, replicates=2)
    assert_allclose(np.log(found.concentration), wald.estimate, atol=2e-5)
    assert_allclose(found.relative_uncertainty, wald.se, rtol=1e-4)
    assert_allclose(np.log(found.high / found.low) / 2, student.ppf(0.975, 12) * found.relative_uncertainty)


@pytest.mark.parametrize("model", [FourParameterLogistic, FiveParameterLogistic])
@pytest.mark.parametrize("weighting", ["none", "1/y", "1/y^2"])
@pytest.mark.parametrize(("zero", "infinite"), [(0.08, 2.8), (2.8, 0.08)])
def test_exact_responses_give_back_their_parameters(model, weighting, zero, infinite):
    asymmetry = {} if model is FourParameterLogistic else {"asymmetry": 1.6}
    truth = {"zero": zero, "slope": 1.2, "midpoint": 30.0, "infinite": infinite, **asymmetry}
    curve = model(weighting).fit(LEVELS, response_of(LEVELS, **truth))
    assert curve.converged_, curve.messages_
    assert curve.parameter_names_ == tuple(truth)
    assert_allclose(curve.parameters_, list(truth.values()), rtol=1e-8)
    assert [getattr(curve, f"{name}_") for name in truth] == list(curve.parameters_)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    slope=st.floats(0.6, 2.5),
    midpoint=st.floats(5, 400),
    zero=st.floats(0.02, 0.3),
    infinite=st.floats(1, 50),
    falling=st.booleans(),
)
def test_any_sensible_curve_is_found(slope, midpoint, zero, infinite, falling):
    ends = (infinite, zero) if falling else (zero, infinite)
    curve = FourParameterLogistic().fit(LEVELS, response_of(LEVELS, ends[0], slope, midpoint, ends[1]))
    assert curve.converged_, curve.messages_
    assert_allclose(curve.parameters_, [ends[0], slope, midpoint, ends[1]], rtol=1e-5)


def test_weights_by_fitted_response_belong_to_the_final_curve():
    response = response_of(LEVELS) * (1 + 0.05 * noise(18))
    curve = FourParameterLogistic("1/y^2").fit(LEVELS, response)
    fitted, step = curve.predict(LEVELS), 1e-6
    for name in curve.parameter_names_:
        moved = {known: getattr(curve, f"{known}_") for known in curve.parameter_names_}
        moved[name] *= 1 + step
        derivative = (response_of(LEVELS, **moved) - fitted) / step
        weighted = derivative * (response - fitted) / fitted**2
        assert abs(weighted.sum()) < 1e-4 * np.abs(weighted).sum()


@pytest.mark.parametrize(("zero", "infinite", "low", "high"), [(0.1, 3.0, 0.05, 3.1), (3.0, 0.1, 3.1, 0.05)])
def test_beyond_the_plateaus_the_direction_is_said_in_concentration(zero, infinite, low, high):
    response = response_of(LEVELS, zero=zero, infinite=infinite) + 0.005 * noise(18)
    found = FourParameterLogistic().fit(LEVELS, response).back_calculate([low, high])
    assert found.concentration.isna().all()
    assert list(found.reason) == ["below the curve", "above the curve"]


def test_negative_concentrations_are_refused():
    with pytest.raises(ValueError, match="a concentration is -1; it must be 0 or more"):
        FourParameterLogistic().fit([-1, 1, 2, 3, 4], [1, 2, 3, 4, 5])


def test_zero_standards_do_not_go_with_weights_by_concentration():
    with pytest.raises(ValueError, match="1/x weights need concentrations above 0; the lowest is 0"):
        FourParameterLogistic("1/x").fit(LEVELS, response_of(LEVELS))


@pytest.mark.parametrize("power", [0.9, 1.0, 1.1])
def test_standards_that_show_only_one_end_are_refused_with_advice(power):
    levels = np.repeat([1.0, 2, 4, 8, 16, 32], 2)
    curve = FourParameterLogistic().fit(levels, 0.1 + 0.05 * levels**power)
    assert not curve.converged_
    assert "the standards show only one end of the curve; add levels towards the other" in curve.messages_[0]
    assert curve.back_calculate([0.5]).concentration.isna().all()


def test_a_cliff_between_two_levels_is_refused_with_advice():
    levels = np.repeat([1.0, 2, 4, 8, 16, 32], 2)
    curve = FourParameterLogistic().fit(levels, np.where(levels < 5, 0.1, 2.0) + 1e-3 * np.tile([1, -1], 6))
    assert not curve.converged_
    assert "no standard lies in the steep part of the curve; add levels there" in curve.messages_[0]


def test_an_asymmetry_that_the_standards_do_not_show_is_said_so():
    response = response_of(LEVELS, midpoint=250.0) + 0.02 * noise(18, seed=4)
    messages = FiveParameterLogistic().fit(LEVELS, response).messages_
    assert len(messages) == 1
    assert "asymmetry not identifiable" in messages[0]


@pytest.mark.parametrize("weighting", ["none", "1/x", "1/x^2", "1/y", "1/y^2"])
def test_a_curve_through_all_standards_needs_no_smaller_step(weighting):
    # responses of a four-parameter curve: what five parameters leave is rounding, which no step can better
    levels = np.repeat([5.0, 10, 25, 50, 100, 200, 350, 500], 2)
    response = response_of(levels, zero=0.05, slope=1.1, midpoint=120, infinite=3.0)
    curve = FiveParameterLogistic(weighting).fit(levels, response)
    assert curve.converged_
    assert_allclose([curve.midpoint_, curve.asymmetry_], [120, 1], rtol=1e-9)


def test_weights_by_response_need_a_curve_above_zero():
    response = response_of(LEVELS, zero=-0.2) + 0.01 * noise(18)
    curve = FourParameterLogistic("1/y").fit(LEVELS, response)
    assert not curve.converged_
    assert curve.messages_[0].startswith("weights 1/y need fitted responses above 0, the curve falls to -")


@pytest.mark.parametrize(
    ("levels", "truth"),
    [
        (np.repeat(np.geomspace(1, 600, 8), 2), {"midpoint": 400.0}),  # no upper plateau
        (np.repeat(np.geomspace(5, 600, 8), 2), {"midpoint": 6.0}),  # no lower plateau
        (np.repeat(np.geomspace(0.5, 5000, 9), 2), {"zero": 200, "infinite": 1.5e6, "midpoint": 8000, "slope": 1.0}),
        (np.geomspace(1, 600, 6), {}),  # six levels in singles
        (np.repeat(np.geomspace(0.5, 1000, 12), 3), {}),  # twelve in triplicate
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_hard_designs_are_fitted_near_the_truth(levels, truth, seed):
    response = response_of(levels, **truth) * (1 + 0.02 * noise(len(levels), seed))
    curve = FourParameterLogistic("1/y^2").fit(levels, response)
    assert curve.converged_, curve.messages_
    middle = min(truth.get("midpoint", 30.0), np.sqrt(levels.min() * levels.max()))
    found = curve.back_calculate(response_of(np.array([middle]), **truth)).concentration
    assert_allclose(found, middle, rtol=0.1)
