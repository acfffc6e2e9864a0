"""Summaries by hand and against published values."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability import robust_summary

pytestmark = pytest.mark.requirement("UR-015")


def test_a_group_of_four_by_hand():
    summary = robust_summary([1.0, 2.0, 4.0, 8.0, np.nan])
    assert (summary.n, summary.missing) == (4, 1)
    assert_allclose([summary.mean, summary.median, summary.mad], [3.75, 3.0, 1.5])
    assert_allclose(summary.geometric_mean, 2**1.5)
    # logarithms 0, 1, 2, 3 times ln 2: variance 5/3 ln^2 2
    variance = 5 / 3 * np.log(2) ** 2
    assert_allclose(summary.geometric_cv_percent, 100 * np.sqrt(np.exp(variance) - 1))
    # 3 df over the 97.5 % and 2.5 % points of chi-square: 9.34840360, 0.21579528
    assert_allclose(summary.geometric_cv_percent_low, 100 * np.sqrt(np.exp(variance * 3 / 9.34840360) - 1))
    assert_allclose(summary.geometric_cv_percent_high, 100 * np.sqrt(np.exp(variance * 3 / 0.21579528) - 1))


def test_an_outlier_moves_the_mean_and_not_the_robust_values():
    clean, spoilt = robust_summary([9, 10, 10, 11, 12]), robust_summary([9, 10, 10, 11, 1200])
    assert spoilt.cv_percent > 10 * clean.cv_percent
    assert_allclose(spoilt.robust_cv_percent, clean.robust_cv_percent)
    assert abs(spoilt.huber_mean - clean.huber_mean) < 1


def test_intervals_of_few_animals_are_wide():
    few, many = robust_summary([8, 10, 12]), robust_summary([8, 10, 12] * 10)
    for low, high in (("geometric_cv_percent_low", "geometric_cv_percent_high"),):
        assert getattr(few, high) / getattr(few, low) > 10
        assert getattr(many, high) / getattr(many, low) < 2
    assert few.robust_cv_percent_high / few.robust_cv_percent_low > 50


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([], "no value"),
        ([np.nan], "no value"),
        ([5.0], "one value"),
        ([0.0, 1.0, 2.0], "no geometric mean"),
        ([3.0, 3.0, 3.0, 9.0], "MAD is 0"),
    ],
)
def test_what_cannot_be_given_is_said(values, note):
    summary = robust_summary(values)
    assert note in summary.note
    assert any(np.isnan(each) for each in summary[:-1])


@pytest.mark.reference
def test_copper_in_flour(reference):
    folder = reference / "stats" / "robust_chem_copper"
    known = json.loads((folder / "reference.json").read_text())
    summary = robust_summary(pd.read_csv(folder / "data.csv")["y"])
    assert_allclose(summary.mad, known["mad_unscaled"])
    assert_allclose(summary.robust_cv_percent, known["robust_cv_percent_mad"])
    assert_allclose(summary.geometric_cv_percent, known["geometric_cv_percent"])
    theirs = known["algorithm_A"]
    assert_allclose([summary.huber_mean, summary.huber_sd], [theirs["mean"], theirs["sd"]], rtol=1e-6)
