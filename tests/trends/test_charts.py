"""Control charts: each rule by a sequence that breaks it and one that just does not; published examples."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bioanalysis.trends import charts

pytestmark = pytest.mark.requirement("UR-026")

NIST_EWMA = [
    52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5,
    49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1,
]  # fmt: skip


def last_words(*scores):
    return charts.westgard(scores)[-1]


@pytest.mark.parametrize(
    ("word", "scores", "fires"),
    [
        pytest.param("1-2s", [1.99], False, marks=pytest.mark.rule("CC-02-1-2s", "inside")),
        pytest.param("1-2s", [-2.0], False, marks=pytest.mark.rule("CC-02-1-2s", "on")),
        pytest.param("1-2s", [-2.01], True, marks=pytest.mark.rule("CC-02-1-2s", "outside")),
        pytest.param("1-3s", [2.99], False, marks=pytest.mark.rule("CC-02-1-3s", "inside")),
        pytest.param("1-3s", [3.0], False, marks=pytest.mark.rule("CC-02-1-3s", "on")),
        pytest.param("1-3s", [-3.01], True, marks=pytest.mark.rule("CC-02-1-3s", "outside")),
        pytest.param("2-2s", [2.5, 1.99], False, marks=pytest.mark.rule("CC-02-2-2s", "inside")),
        pytest.param("2-2s", [2.5, 2.0], False, marks=pytest.mark.rule("CC-02-2-2s", "on")),
        pytest.param("2-2s", [2.5, 2.01], True, marks=pytest.mark.rule("CC-02-2-2s", "outside")),
        ("2-2s", [2.5, -2.5], False),
        ("2-2s", [2.5, 0.0, 2.5], False),
        pytest.param("R-4s", [2.1, -1.99], False, marks=pytest.mark.rule("CC-02-R-4s", "inside")),
        pytest.param("R-4s", [2.1, -2.0], False, marks=pytest.mark.rule("CC-02-R-4s", "on")),
        pytest.param("R-4s", [2.1, -2.01], True, marks=pytest.mark.rule("CC-02-R-4s", "outside")),
        ("R-4s", [2.9, 2.9], False),
        ("R-4s", [2.1, 0.0, -2.1], False),
        pytest.param("4-1s", [1.5, 1.5, 1.5, 0.99], False, marks=pytest.mark.rule("CC-02-4-1s", "inside")),
        pytest.param("4-1s", [1.5, 1.5, 1.5, 1.0], False, marks=pytest.mark.rule("CC-02-4-1s", "on")),
        pytest.param("4-1s", [-1.5, -1.5, -1.5, -1.01], True, marks=pytest.mark.rule("CC-02-4-1s", "outside")),
        ("4-1s", [1.5, 1.5, -1.5, 1.5], False),
        ("4-1s", [1.5, 1.5, 1.5], False),
        pytest.param("10x", [0.1] * 9 + [-0.1], False, marks=pytest.mark.rule("CC-02-10x", "inside")),
        pytest.param("10x", [0.1] * 9 + [0.0], False, marks=pytest.mark.rule("CC-02-10x", "on")),
        pytest.param("10x", [0.1] * 10, True, marks=pytest.mark.rule("CC-02-10x", "outside")),
        ("10x", [-0.1] * 10, True),
        ("10x", [0.1] * 9, False),
    ],
)
def test_a_westgard_rule_fires_on_its_sequence_and_not_just_beside_it(word, scores, fires):
    assert (word in last_words(*scores)) is fires


def test_a_rule_goes_on_firing_while_its_sequence_lasts():
    assert [("4-1s" in words) for words in charts.westgard([1.5] * 6)] == [False, False, False, True, True, True]


def test_a_value_beyond_3_sd_is_beyond_2_sd_as_well():
    assert last_words(3.5) == ["1-2s", "1-3s"]


def test_no_values_have_no_words():
    assert charts.westgard([]) == []


def test_westgard_words_are_those_of_independently_made_cases(reference):
    cases = json.loads((reference / "stats/qc_westgard_cases/reference.json").read_text())["cases"]
    for case in cases:
        expected = {(place, word.replace("_", "-").replace("10-x", "10x")) for place, word in case["events"]}
        found = {(place, word) for place, words in enumerate(charts.westgard(case["z"])) for word in words}
        assert found == expected, case["z"]


@given(st.lists(st.floats(-5, 5), max_size=30))
def test_turning_all_scores_over_changes_no_word(scores):
    assert charts.westgard(scores) == charts.westgard([-score for score in scores])


def test_ewma_by_hand():
    # 0.2 x 12 + 0.8 x 10 = 10.4; 0.2 x 9 + 0.8 x 10.4 = 10.12
    assert_allclose(charts.ewma([12, 9], centre=10, weight=0.2), [10.4, 10.12])


def test_ewma_of_the_nist_handbook():
    # NIST/SEMATECH e-Handbook 6.3.2.4: lambda 0.3, target 50, s 2.0539; EWMA 50.60, 49.52, 50.56 ... 51.94, 51.99,
    # limits 52.5884 and 47.4115
    found = charts.ewma(NIST_EWMA, centre=50, weight=0.3)
    published = {0: 50.60, 1: 49.52, 2: 50.56, 3: 50.18, 5: 49.21, 9: 50.33, 18: 51.94, 19: 51.99}
    for place, value in published.items():
        assert round(found[place], 2) == value
    width = charts.ewma_half_width(1000, sd=2.0539, weight=0.3, width=3)[-1]
    assert_allclose([50 + width, 50 - width], [52.5884, 47.4115], atol=1e-4)


def test_ewma_and_its_exact_limits_are_those_of_independent_software(reference):
    folder = reference / "stats/qc_ewma_nist"
    expected = json.loads((folder / "reference.json").read_text())
    trace = np.loadtxt(folder / "data.csv", delimiter=",", skiprows=1)
    assert_allclose(charts.ewma(trace[:, 1], 50, 0.3), trace[:, 2], rtol=1e-12)
    upper = 50 + charts.ewma_half_width(20, 2.0539, 0.3, 3)
    assert_allclose(upper, expected["ucl_exact"], rtol=1e-12)


def test_the_first_ewma_limit_is_that_of_a_single_weighted_value():
    # Var(0.2 x) = (0.2 sd)^2; second: (0.2^2 + (0.8 x 0.2)^2) sd^2
    found = charts.ewma_half_width(2, sd=5, weight=0.2, width=3)
    assert_allclose(found, [3 * 0.2 * 5, 3 * 5 * np.hypot(0.2, 0.16)])


@given(st.floats(0.01, 1), st.integers(1, 60))
def test_ewma_limits_are_the_spread_of_the_weights_they_stand_for(weight, n):
    weights = weight * (1 - weight) ** np.arange(n)
    assert_allclose(charts.ewma_half_width(n, 1, weight, 1)[-1], np.sqrt(np.sum(weights**2)), rtol=1e-9)


def test_cusum_of_the_nist_handbook():
    # NIST/SEMATECH e-Handbook 6.3.2.3: target 325, k 0.3175 and h 4.1959 in units of the data (sd 0.635, k 0.5 sd);
    # increase column 0, ..., 0.03, ..., 3.01, 4.94*, 7.45*, 10.63*, 11.99*, 14.44*, 16.00*, 19.04*
    data = [
        324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600,
        324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350,
    ]  # fmt: skip
    upper, lower = charts.cusum(charts.standard_scores(data, 325, 0.635), allowance=0.5)
    assert_allclose(upper[12:] * 0.635, [3.01, 4.94, 7.45, 10.63, 11.99, 14.44, 16.00, 19.04], atol=0.006)
    assert_allclose(upper[4] * 0.635, 0.03, atol=0.005)
    assert_allclose(lower[[3, 6, 7, 8, 9]] * 0.635, [0.33, 0.56, 0.72, 0.17, 0.25], atol=0.006)
    assert np.flatnonzero(upper * 0.635 > 4.1959)[0] == 13  # the fourteenth group is the first to signal


def test_cusum_of_montgomery_and_runger():
    # Applied Statistics and Probability for Engineers, table 16-8: target 99, K 1 (sd 2, k 0.5)
    data = [
        102.0, 94.8, 98.3, 98.4, 102.0, 98.5, 99.0, 97.7, 100.0, 98.1,
        101.3, 98.7, 101.1, 98.4, 97.0, 96.7, 100.3, 101.4, 97.2, 101.0,
    ]  # fmt: skip
    upper, lower = charts.cusum(charts.standard_scores(data, 99, 2), allowance=0.5)
    published_upper = [2, 0, 0, 0, 2, 0.5, 0, 0, 0, 0, 1.3, 0, 1.1, 0, 0, 0, 0.3, 1.7, 0, 1]
    published_lower = [0, 3.2, 2.9, 2.5, 0, 0, 0, 0.3, 0, 0, 0, 0, 0, 0, 1, 2.3, 0, 0, 0.8, 0]
    assert_allclose(2 * upper, published_upper, atol=1e-9)
    assert_allclose(2 * lower, published_lower, atol=1e-9)


def test_a_chart_without_spread_has_no_scores():
    with pytest.raises(ValueError, match="must be above 0"):
        charts.standard_scores([1, 1], centre=1, sd=0)


def test_step_by_hand():
    # means 2 and 6, variances 1 and 1 with 3 runs each: t = 4 / sqrt(2/3) on 4 degrees of freedom, t(0.975, 4) = 2.7764
    found = charts.step([1, 2, 3], [5, 6, 7])
    assert found.difference == 4
    half = 2.776445 * np.sqrt(2 / 3)
    assert_allclose([found.low, found.high], [4 - half, 4 + half], rtol=1e-5)
    # two-sided p of t on 4 degrees of freedom in closed form
    t = 4 / np.sqrt(2 / 3)
    u = t / np.sqrt(4 + t**2)
    assert_allclose(found.p_value, 1 - 1.5 * (u - u**3 / 3), rtol=1e-6)


@pytest.mark.rule("CC-07", "not_assessable")
@pytest.mark.parametrize(("before", "after", "note"), [([1.0], [2, 3], "fewer than 2"), ([1, 1], [2, 2], "no spread")])
def test_a_step_that_cannot_be_tested_says_why(before, after, note):
    found = charts.step(before, after)
    assert note in found.note
    assert np.isnan(found.p_value)


def test_holm_by_hand():
    # sorted 0.01, 0.02, 0.04: 3 x 0.01, 2 x 0.02, max(0.04, 1 x 0.04)
    assert_allclose(charts.holm([0.04, np.nan, 0.01, 0.02]), [0.04, np.nan, 0.03, 0.04])


def test_drift_by_hand():
    # slopes between neighbours 0.5, over places 1 to 7: 3; six pairs in order: p = 2 / 6!
    found = charts.drift([1, 2, 3, 4, 6, 7], [1, 1.5, 2, 2.5, 3.5, 4])
    assert_allclose([found.change, found.correlation, found.p_value], [3, 1, 2 / 720])


def test_one_outlier_makes_no_drift():
    assert charts.drift([1, 2, 3, 4, 5], [0.1, -0.1, 0, 0.1, 50]).p_value > 0.05


@pytest.mark.rule("CC-06", "not_assessable")
def test_a_drift_needs_three_values_and_some_spread():
    assert "fewer than 3" in charts.drift([1, 2], [3, 4]).note
    assert "same" in charts.drift([1, 2, 3], [3, 3, 3]).note
