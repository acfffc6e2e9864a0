"""Comparison of two methods: lines that can be drawn by hand, published values, independent software."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability import compare_methods, share_within

pytestmark = pytest.mark.requirement("UR-017")


def test_points_on_a_line_give_that_line():
    x = np.array([1.0, 2.0, 3.0, 5.0, 8.0])
    result = compare_methods(x, 3 + 2 * x)
    for line in (result.deming, result.passing_bablok):
        assert_allclose([line.slope, line.intercept], [2, 3])
        assert_allclose([line.slope_low, line.slope_high], [2, 2])


def test_deming_by_hand():
    # around (2, 2): x -2, 0, 2; y -1, -1, 2: Sxx 8, Syy 6, Sxy 6
    result = compare_methods([0, 2, 4], [1, 1, 4])
    assert_allclose(result.deming.slope, (6 - 8 + np.sqrt((6 - 8) ** 2 + 4 * 6**2)) / (2 * 6))
    assert_allclose(result.deming.intercept, 2 - 2 * result.deming.slope)


@pytest.mark.parametrize("error_ratio", [0.25, 1.0, 4.0])
def test_deming_runs_between_both_regressions_and_turns_over_with_the_axes(error_ratio):
    rng = np.random.default_rng(41)
    x = rng.normal(10, 3, 30)
    y = 1 + 0.8 * x + rng.normal(size=30)
    forward = compare_methods(x, y, error_ratio).deming.slope
    assert_allclose(forward * compare_methods(y, x, 1 / error_ratio).deming.slope, 1)
    products = np.cov(x, y)
    assert products[0, 1] / products[0, 0] < forward < products[1, 1] / products[0, 1]


def test_no_error_in_x_is_ordinary_regression():
    x, y = np.array([0.0, 1, 2, 3]), np.array([0.1, 0.9, 2.3, 2.8])
    assert_allclose(compare_methods(x, y, 1e-9).deming.slope, np.polyfit(x, y, 1)[0], rtol=1e-7)


def test_passing_bablok_by_hand():
    # slopes of the pairs: 1, 1, 3, 1, 4, 7 -> sorted 1 1 1 3 4 7, none below -1: median (1 + 3) / 2
    line = compare_methods([0, 1, 2, 3], [0, 1, 2, 9]).passing_bablok
    assert_allclose(line.slope, 2)
    assert_allclose(line.intercept, np.median([0, -1, -2, 3]))


def test_passing_bablok_does_not_follow_an_outlier():
    x = np.arange(1.0, 21.0)
    y = np.where(x == 20, 500, x)
    assert_allclose(compare_methods(x, y).passing_bablok.slope, 1)
    assert compare_methods(x, y).deming.slope > 1.5


def test_slopes_of_minus_one_are_dropped_also_where_rounding_hides_them():
    x = np.array([0.1, 0.2, 0.3, 1.0, 2.0])
    y = np.array([0.3, 0.2, 0.1, 1.0, 2.0])  # among the first three every slope is -1
    line = compare_methods(x, y).passing_bablok
    rest = sorted((y[j] - y[i]) / (x[j] - x[i]) for i in range(5) for j in range(max(i + 1, 3), 5))
    assert_allclose(line.slope, np.median(rest))


def test_equal_x_counts_as_a_slope_without_end():
    line = compare_methods([1, 1, 2, 3, 4, 5], [1, 2, 2, 3, 4, 5]).passing_bablok
    assert np.isfinite(line.slope)
    assert_allclose(line.slope, 1)


def test_methods_that_fall_against_each_other_are_said_to():
    x = np.arange(10.0)
    line = compare_methods(x, 5 - 2 * x + 0.1 * (-1) ** x).passing_bablok
    assert -2.1 < line.slope < -1.9
    assert "fall against each other" in line.note


def test_bland_altman_by_hand():
    # differences -1, 0, 1, 2: bias 0.5, variance 5/3
    result = compare_methods([1, 2, 3, 4], [0, 2, 4, 6]).bland_altman
    sd = np.sqrt(5 / 3)
    assert_allclose([result.bias, result.sd], [0.5, sd])
    assert_allclose([result.lower_limit, result.upper_limit], [0.5 - 1.96 * sd, 0.5 + 1.96 * sd])
    assert_allclose(result.bias_high - result.bias, 3.18244630 * sd / 2)  # t with 3 df


def test_concordance_by_hand_and_at_its_ends():
    # x 1 2 3, y 2 3 4: variances 2/3, shift 1: 2 (2/3) / (4/3 + 1) = 4/7 with r = 1
    result = compare_methods([1, 2, 3], [2, 3, 4]).concordance
    assert_allclose([result.coefficient, result.pearson, result.bias_correction], [4 / 7, 1, 4 / 7])
    same = compare_methods([1, 2, 3], [1, 2, 3]).concordance
    assert_allclose(same.coefficient, 1)
    assert "perfect agreement" in same.note


def test_incomplete_pairs_are_counted():
    result = compare_methods([1, 2, 3, np.nan, 5], [1, 2, 3, 4, np.nan])
    assert (result.n, result.left_out) == (3, 2)


def test_share_within_counts_by_the_mean_of_both():
    # differences 0, 20 of 100, 40 of 100
    assert_allclose(share_within([100, 90, 80], [100, 110, 120], 20), 2 / 3)


@pytest.mark.parametrize(
    ("x", "y", "ratio", "words"),
    [
        ([1, 2], [1, 2], 1, "at least 3"),
        ([1, 1, 1], [1, 2, 3], 1, "all 3 values of x are equal"),
        ([1, 2, 3], [1, 2], 1, "they must be pairs"),
        ([1, 2, 3], [1, 2, 3], 0, "error_ratio is 0"),
        ([1, 2, np.inf], [1, 2, 3], 1, "finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(x, y, ratio, words):
    with pytest.raises(ValueError, match=words):
        compare_methods(x, y, ratio)


CASES = ["mc_arsenate", "mc_creatinine", "mc_ferritin_p3", "mc_pefr_first"]


def read_pairs(folder) -> tuple[pd.Series, pd.Series]:
    table = pd.read_csv(folder / "data.csv")
    names = ["aas", "aes"] if "aas" in table else list(table.columns)
    return table[names[0]], table[names[1]]


@pytest.mark.reference
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("error_ratio", ["0.5", "1", "2", "4"])
def test_deming_of_independent_software(reference, name, error_ratio):
    folder = reference / "stats" / name
    known = json.loads((folder / "reference.json").read_text())["regression"][f"deming_lambda{error_ratio}_jackknife"]
    line = compare_methods(*read_pairs(folder), float(error_ratio)).deming
    intercept, slope = known
    assert_allclose(
        [line.slope, line.slope_low, line.slope_high], [slope[end] for end in ("EST", "LCI", "UCI")], rtol=1e-9
    )
    ours = [line.intercept, line.intercept_low, line.intercept_high]
    assert_allclose(ours, [intercept[end] for end in ("EST", "LCI", "UCI")], rtol=1e-9)


@pytest.mark.reference
@pytest.mark.parametrize("name", CASES)
def test_the_rest_of_independent_software(reference, name):
    folder = reference / "stats" / name
    known = json.loads((folder / "reference.json").read_text())
    result = compare_methods(*read_pairs(folder))
    line, theirs = result.passing_bablok, known["passing_bablok_1983_python"]
    assert_allclose([line.slope, line.intercept], [theirs["slope"], theirs["intercept"]], rtol=1e-9)
    assert_allclose([line.slope_low, line.slope_high], theirs["slope_ci"], rtol=1e-9)
    assert_allclose([line.intercept_low, line.intercept_high], theirs["intercept_ci"], rtol=1e-9)
    assert_allclose(line.slope, known["regression"]["passing_bablok_analytical"][1]["EST"], rtol=2e-4)
    limits, theirs = result.bland_altman, known["bland_altman"]
    assert_allclose([limits.bias, limits.sd], [theirs["bias"], theirs["sd"]], rtol=1e-9)
    assert_allclose([limits.lower_limit, limits.upper_limit], [theirs["loa_lower"], theirs["loa_upper"]], rtol=1e-9)
    assert_allclose([limits.lower_limit_low, limits.lower_limit_high], theirs["loa_lower_ci"], rtol=1e-9)
    ours, theirs = result.concordance, known["lin_ccc"]["epiR_rho_c"]
    assert_allclose(
        [ours.coefficient, ours.low, ours.high], [theirs[key] for key in ("est", "lower", "upper")], rtol=1e-9
    )


@pytest.mark.reference
@pytest.mark.parametrize("name", ["mcr_testcase_AnaIT_TD15", "mcr_testcase_AnaIT_TD75"])
def test_published_cases(reference, name):
    folder = reference / "stats" / name
    known = json.loads((folder / "reference.json").read_text())["algorithms"]
    table = pd.read_csv(folder / "data.csv")
    for error_ratio, key in ((1.0, "Deming.1"), (1.21, "Deming.121")):
        line = compare_methods(table["x"], table["y"], error_ratio).deming
        assert_allclose(
            [line.slope, line.intercept], [known[key]["reference"][c] for c in ("Slope", "Intercept")], rtol=1e-9
        )
    line, theirs = compare_methods(table["x"], table["y"]).passing_bablok, known["PaBa"]["reference"]
    assert_allclose([line.slope, line.intercept], [theirs["Slope"], theirs["Intercept"]], rtol=1e-8)
    # the ranks of the bounds differ by one between programs
    assert_allclose([line.slope_low, line.slope_high], [theirs["SlopeL"], theirs["SlopeU"]], rtol=2e-3)
