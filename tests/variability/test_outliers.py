"""Outlier tests on published data and on cases whose answer is plain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability import grubbs, modified_z, rosner

pytestmark = pytest.mark.requirement("UR-015")

URANIUM = [199.31, 199.53, 200.19, 200.82, 201.92, 201.95, 202.18, 245.57]  # NIST e-Handbook 1.3.5.17.1
VITAMIN_E = [
    -0.25,
    0.68,
    0.94,
    1.15,
    1.20,
    1.26,
    1.26,
    1.34,
    1.38,
    1.43,
    1.49,
    1.49,
    1.55,
    1.56,
    1.58,
    1.65,
    1.69,
    1.70,
]
VITAMIN_E += [
    1.76,
    1.77,
    1.81,
    1.91,
    1.94,
    1.96,
    1.99,
    2.06,
    2.09,
    2.10,
    2.14,
    2.15,
    2.23,
    2.24,
    2.26,
    2.35,
    2.37,
    2.40,
]
VITAMIN_E += [
    2.47,
    2.54,
    2.62,
    2.64,
    2.90,
    2.92,
    2.92,
    2.93,
    3.21,
    3.26,
    3.30,
    3.59,
    3.68,
    4.30,
    4.64,
    5.34,
    5.42,
    6.01,
]


def test_grubbs_of_the_nist_handbook():
    result = grubbs(URANIUM, alternative="greater")
    assert_allclose([result.statistic, result.critical], [2.4687, 2.032], atol=4e-4)
    assert result.outlier
    assert result.index == 7


@pytest.mark.parametrize(("n", "critical"), [(3, 1.1543), (4, 1.4812), (5, 1.7150), (10, 2.2900)])
def test_two_sided_critical_values_of_grubbs_table(n, critical):
    assert_allclose(grubbs(np.arange(n, dtype=float)).critical, critical, atol=1e-3)


def test_the_p_value_at_the_critical_value_is_alpha():
    # five values: one at distance G, the others placed so that the statistic equals the critical value
    critical = grubbs(np.arange(5.0)).critical
    lone = lambda x: grubbs([x, -1.0, 1.0, -1.0, 1.0])
    low, high = 1.0, 100.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if lone(middle).statistic < critical else (low, middle)
    assert_allclose(lone(high).p_value, 0.05, rtol=1e-6)


def test_less_looks_at_the_smallest_only():
    assert not grubbs(URANIUM, alternative="less").outlier
    assert grubbs([-value for value in URANIUM], alternative="less").outlier


def test_fewer_than_five_values_never_make_an_outlier():
    result = grubbs([1.0, 1.01, 0.99, 50.0])
    assert result.statistic > result.critical
    assert not result.outlier
    assert "at least 5" in result.reason


def test_equal_values_hold_no_outlier():
    assert grubbs([2.0] * 6).reason == "all values are equal"


def test_rosner_of_the_nist_handbook_finds_the_hidden_ones():
    # e-Handbook 1.3.5.17.3: only the third step exceeds its critical value, so there are three outliers
    result = rosner(VITAMIN_E, most=10)
    assert_allclose(result["statistic"][:4], [3.118, 2.942, 3.179, 2.810], atol=1e-3)
    assert_allclose(result["critical"][:4], [3.158, 3.151, 3.143, 3.136], atol=1e-3)
    assert result.attrs["outliers"] == 3
    assert result["outlier"].tolist() == [True] * 3 + [False] * 7
    assert list(result["index"][:3]) == [53, 52, 51]


def test_clean_values_hold_none():
    assert rosner(np.linspace(0, 1, 20), most=3).attrs["outliers"] == 0
    assert rosner([3.0] * 8, most=3).attrs["outliers"] == 0


@pytest.mark.parametrize("most", [0, 7])
def test_rosner_needs_two_values_besides(most):
    with pytest.raises(ValueError, match="between 1 and 6"):
        rosner(np.arange(8.0), most=most)


@pytest.mark.parametrize("test", [grubbs, lambda values: rosner(values, most=1)])
def test_values_must_be_numbers_and_three_of_them(test):
    with pytest.raises(ValueError, match="1 of 4 values are not finite"):
        test([1.0, 2.0, np.nan, 3.0])
    with pytest.raises(ValueError, match="at least 3"):
        test([1.0, 2.0])


def test_modified_z_by_hand_and_without_a_mad():
    assert_allclose(modified_z([1, 2, 3, 4, 15]), 0.6745 * np.array([-2, -1, 0, 1, 12]))
    # MAD 0: the mean absolute deviation 10/5 = 2 takes its place
    assert_allclose(modified_z([3, 3, 3, 3, 13]), [0, 0, 0, 0, 10 / (1.253314 * 2)])
    assert_allclose(modified_z([3, 3, 3]), 0)


@pytest.mark.reference
def test_reference_values(reference):
    table = pd.read_csv(reference / "stats" / "out_grubbs_critical" / "data.csv")
    ours = [
        grubbs(np.arange(float(n)), alpha=alpha).critical for n, alpha in zip(table["n"], table["alpha"], strict=True)
    ]
    assert_allclose(ours, table["grubbs_two_sided"], rtol=1e-10)
