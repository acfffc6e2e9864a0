"""Straight line and parabola."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t as student

from bioanalysis.calibration import WeightedLinear, WeightedQuadratic

pytestmark = pytest.mark.requirement("UR-011")

needs_reference = pytest.mark.reference


def test_weighted_line_by_hand():
    # weights 1/x = 1, 1/2, 1/4: sum w = 7/4, sum wx = 3, mean x = 12/7; sum wy = 1 + 3/2 + 2 = 9/2, mean y = 18/7
    # sum w (x - mean)(y - mean) = sum wxy - 3 * 18/7 = (1 + 3 + 8) - 54/7 = 30/7; sum w (x - mean)^2 = 7 - 36/7 = 13/7
    curve = WeightedLinear("1/x").fit([1, 2, 4], [1, 3, 8])
    assert_allclose(curve.slope_, 30 / 13)
    assert_allclose(curve.intercept_, 18 / 7 - 30 / 13 * 12 / 7)
    assert_allclose(curve.covariance_[1, 1], curve.residual_sd_**2 / (13 / 7))
    assert_allclose(curve.covariance_[0, 1], -(curve.residual_sd_**2) / (13 / 7) * 12 / 7)
    assert curve.degrees_of_freedom_ == 1


def test_weights_by_fitted_response_belong_to_the_final_line():
    nominal, response = np.array([1.0, 2, 4, 8, 16]), np.array([1.1, 1.9, 4.3, 7.7, 16.4])
    curve = WeightedLinear("1/y^2", weight_by="fitted").fit(nominal, response)
    fitted = curve.predict(nominal)
    basis = np.stack([np.ones(5), nominal])
    assert_allclose(basis @ ((response - fitted) / fitted**2), 0, atol=1e-13)
    assert_allclose(curve.standard_weights(nominal, response), fitted**-2)


def test_a_response_below_the_intercept_reads_negative_without_a_lower_end():
    curve = WeightedLinear().fit([1, 2, 3, 4, 5, 6], [2.1, 2.9, 4.1, 4.9, 6.1, 6.9])
    found = curve.back_calculate([0.5]).iloc[0]
    assert found.concentration < 0
    assert np.isnan(found.low)
    assert found.reason == ""


def test_a_line_without_certain_slope_has_no_finite_interval():
    curve = WeightedLinear().fit([1, 2, 3, 4], [1.0, 3.0, 0.5, 2.6])
    found = curve.back_calculate([2.0]).iloc[0]
    assert np.isfinite(found.concentration)
    assert np.isnan(found.low)
    assert np.isnan(found.high)
    assert found.reason == "no finite interval: the curve is too flat here for its uncertainty"


@pytest.mark.parametrize(
    ("coefficients", "levels"),
    [
        ((0.1, 2.0, -0.01), [1, 10, 50, 90]),  # rising, turns above
        ((0.1, 2.0, 0.05), [1, 10, 50, 90]),  # rising, turns below zero
        ((9.0, -2.0, 0.2), [6, 10, 50, 90]),  # rising, turns between zero and the lowest standard
        ((200.0, -2.0, 0.01), [1, 10, 50, 90]),  # falling, turns above
        ((5.0, 3.0, 0.0), [1, 10, 50, 90]),  # no curvature at all
    ],
)
def test_a_parabola_is_read_on_the_branch_of_its_standards(coefficients, levels):
    levels = np.array(levels, dtype=float)
    responses = np.polynomial.polynomial.polyval(levels, coefficients)
    curve = WeightedQuadratic("1/x").fit(levels, responses)
    assert curve.converged_, curve.messages_
    assert_allclose(curve.coefficients_, coefficients, rtol=1e-9, atol=1e-11)
    assert_allclose(curve.back_calculate(responses).concentration, levels, rtol=1e-9)


@pytest.mark.parametrize(
    ("coefficients", "response", "reason"),
    [
        ((0.0, 2.0, -0.01), 101.0, "above the curve"),  # rises to 100 at x = 100
        ((200.0, -2.0, 0.01), 99.0, "above the curve"),  # falls to 100 at x = 100
        ((1.0, 2.0, 1.0), -0.5, "below the curve"),  # rises from 0 at x = -1
        ((100.0, -2.0, -1.0), 102.0, "below the curve"),  # falls from 101 at x = -1
    ],
)
def test_beyond_its_turning_point_a_parabola_has_no_concentration(coefficients, response, reason):
    levels = np.array([1.0, 5, 10, 20, 30, 40])
    curve = WeightedQuadratic().fit(levels, np.polynomial.polynomial.polyval(levels, coefficients))
    found = curve.back_calculate([response]).iloc[0]
    assert np.isnan(found.concentration)
    assert found.reason == reason


def test_a_parabola_that_turns_inside_the_range_is_refused():
    curve = WeightedQuadratic().fit([0, 1, 2, 3, 4], [0, 3, 4, 3, 0])
    assert not curve.converged_
    assert "turns at 2, inside the range" in curve.messages_[0]


def test_steep_weights_and_wide_ranges_lose_no_digits():
    levels = np.geomspace(1e-3, 1e4, 15)
    truth = (1e-4, 2.5, 3e-6)
    curve = WeightedQuadratic("1/x^2").fit(levels, np.polynomial.polynomial.polyval(levels, truth))
    assert_allclose(curve.coefficients_, truth, rtol=1e-9)


@needs_reference
@pytest.mark.parametrize(("weighting", "key"), [("none", "none"), ("1/x", "inv_x"), ("1/x^2", "inv_x2")])
def test_weighted_lines_agree_with_r(reference, weighting, key):
    folder = reference / "stats" / "cal_weighted_sim"
    standards = pd.read_csv(folder / "data.csv")
    expected = json.loads((folder / "reference.json").read_text())[key]
    curve = WeightedLinear(weighting).fit(standards.x, standards.y)
    assert_allclose(curve.parameters_, expected["coef"], rtol=1e-11)
    assert_allclose(np.sqrt(np.diag(curve.covariance_)), expected["se"], rtol=1e-11)
    assert_allclose(curve.residual_sd_, expected["sigma"], rtol=1e-11)
    assert_allclose(curve.back_calculate(standards.y).concentration, expected["back_calc"], rtol=1e-10)
    readings = pd.DataFrame(expected["inverse"])
    found = curve.back_calculate(readings.y0)
    assert_allclose(found.concentration, readings.x0, rtol=1e-10)
    assert_allclose(found.relative_uncertainty * found.concentration, readings.se_delta, rtol=1e-9)
    assert_allclose(found[["low", "high"]], np.stack(readings.fieller_w_at_x0), rtol=1e-5)


@needs_reference
@pytest.mark.parametrize(
    ("name", "response", "level"), [("arsenic", 3, 0.90), ("arsenic", 3, 0.95), ("crystal", 8, 0.95)]
)
def test_inversion_intervals_agree_with_investr(reference, name, response, level):
    folder = reference / "stats" / f"cal_{name}"
    expected = json.loads((folder / "reference.json").read_text())
    known = expected.get(f"y0_{response}_inversion_{level:.0%}".rstrip("%")) or expected["y0_8_single_95_inversion"]
    standards = pd.read_csv(folder / "data.csv")
    found = WeightedLinear().fit(standards.iloc[:, 0], standards.iloc[:, 1]).back_calculate([response], level=level)
    assert_allclose(found.concentration, known["estimate"], rtol=1e-10)
    assert_allclose(found[["low", "high"]].iloc[0].astype(float), [known["lower"], known["upper"]], rtol=1e-4)


@needs_reference
@pytest.mark.parametrize(("response", "replicates", "key"), [(15, 1, "y15"), (90, 1, "y90"), (90, 5, "y90x5")])
def test_standard_errors_agree_with_massart(reference, response, replicates, key):
    """Massart et al. (1997) p. 188: 6.1 +- 4.9, 43.9 +- 4.9, and 43.9 +- 3.2 for the mean of five readings."""
    folder = reference / "stats" / "cal_massart_ex1"
    standards = pd.read_csv(folder / "data.csv")
    expected = json.loads((folder / "reference.json").read_text())[key]
    curve = WeightedLinear().fit(standards.x, standards.y)
    found = curve.back_calculate([response], replicates=replicates).iloc[0]
    standard_error = found.relative_uncertainty * found.concentration
    assert_allclose(found.concentration, expected["prediction"], rtol=1e-10)
    assert_allclose(standard_error, expected["se"], rtol=1e-9)
    assert_allclose(student.ppf(0.975, curve.degrees_of_freedom_) * standard_error, expected["confidence"], rtol=1e-9)


@needs_reference
def test_din_32645_reading(reference):
    folder = reference / "stats" / "cal_din32645"
    standards = pd.read_csv(folder / "data.csv")
    expected = json.loads((folder / "reference.json").read_text())
    found = WeightedLinear().fit(standards.x, standards.y).back_calculate([3500]).iloc[0]
    assert_allclose(found.concentration, expected["y3500"]["prediction"], rtol=1e-9)
    assert_allclose(found.relative_uncertainty * found.concentration, expected["y3500"]["se"], rtol=1e-9)


@needs_reference
def test_instrument_software_coefficients_and_concentrations_of_15_steroids(reference):
    """Quadratic, 1/x, as the instrument's software fitted them; its calibrators carry three digits.

    Coefficients are printed to six decimals or seven digits, concentrations to four decimals. The calibrators of DHEAS
    above 1000 have more digits than the printed accuracies tell, so that its coefficients are only known to 0.3 %.
    """
    folder = reference / "lcms" / "steroids"
    printed = {row["analyte_id"]: row for row in read_csv(folder / "Dataset4_MassHunter-CalibrationFits.csv")}
    readings = dict(read_steroids(folder / "Dataset4_IntegrationResults_MassHunter.csv"))
    assert len(readings) == 15
    for analyte, table in readings.items():
        standards = table[table.type == "Cal"]
        curve = WeightedQuadratic("1/x").fit(standards.nominal, standards.ratio)
        texts = [printed[analyte][f"coef_{letter}"] for letter in "cba"]
        for found, text in zip(curve.coefficients_, texts, strict=True):
            half_last_digit = 0.5 * last_digit(text)
            tolerance = half_last_digit + (3e-3 if analyte == "DHEAS" else 1e-4) * abs(float(text))
            assert abs(found - float(text)) <= tolerance, (analyte, found, text)
        samples = table[~table.type.isin(["Blank", "DoubleBlank"]) & (table.reported > 0)]
        found = curve.back_calculate(samples.ratio).concentration.to_numpy()
        assert_allclose(found, samples.reported, rtol=2e-4, atol=6e-5, err_msg=analyte)


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_steroids(path):
    """Yield each analyte with its injections: type, area ratio, reported concentration, nominal of calibrators."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        groups, names, *rows = csv.reader(file)
    starts = [column for column, group in enumerate(groups) if group]
    for start, standard_start in zip(starts[1::2], starts[2::2], strict=True):
        column = {name: start + k for k, name in enumerate(names[start:standard_start])}
        standard_area = standard_start + names[standard_start:].index("Area")
        table = pd.DataFrame(
            {
                "type": [row[4] for row in rows],
                "ratio": [number(row[column["Area"]]) / (number(row[standard_area]) or np.nan) for row in rows],
                "reported": [number(row[column["Final Conc."]]) for row in rows],
                "accuracy": [number(row[column["Accuracy"]]) for row in rows],
            }
        ).dropna(subset=["ratio", "reported"])
        standards = table[table.type == "Cal"]
        table.loc[standards.index, "nominal"] = list(map(nominal_of, standards.reported, standards.accuracy))
        yield groups[start].removesuffix(" Results"), table


def number(text):
    return float(text) if text else np.nan


def nominal_of(reported, accuracy_percent):
    """Return the calibrator: three digits, whole numbers above 1000, checked against the printed accuracy."""
    middle = 100 * reported / accuracy_percent
    nominal = float(f"{middle:.3g}") if middle < 1000 else round(middle)
    assert abs(100 * reported / nominal - accuracy_percent) <= 0.05 + 0.005 / nominal
    return nominal


def last_digit(text):
    """Return the unit of the last printed digit: 0.001 for '1.234', 1e-7 for '1.2e-6'."""
    mantissa, _, exponent = text.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
