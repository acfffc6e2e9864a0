"""Precision within and between runs: sums by hand, and the estimator for nested designs beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.validation_study.precision import NEGATIVE, NO_REPLICATES, ONE_RUN, precision
from bioanalysis.variability import variance_components

pytestmark = pytest.mark.requirement("UR-025")


def test_a_balanced_set_by_hand():
    # runs (98, 102), (108, 112), (88, 92): means 100, 110, 90, grand mean 100
    # MSW = 3 * 8 / 3 = 8; MSB = 2 (0 + 100 + 100) / 2 = 200; between = (200 - 8) / 2 = 96
    found = precision([98, 102, 108, 112, 88, 92], ["a", "a", "b", "b", "c", "c"])
    assert (found.n, found.runs, found.mean) == (6, 3, 100.0)
    assert_allclose([found.within, found.between], [8, 96])
    assert_allclose(found.within_cv_percent, 100 * np.sqrt(8) / 100)
    assert_allclose(found.between_cv_percent, 100 * np.sqrt(96) / 100)
    assert_allclose(found.total_cv_percent, 100 * np.sqrt(104) / 100)


def test_an_unbalanced_set_by_hand():
    # runs (9, 11) and (13, 14, 15, 14): means 10 and 14, grand mean 76 / 6
    # MSW = (2 + 2) / 4 = 1; SSB = 2 (8 / 3)^2 + 4 (4 / 3)^2 = 64 / 3; n0 = (6 - 20 / 6) / 1 = 8 / 3
    found = precision([9, 11, 13, 14, 15, 14], ["a", "a", "b", "b", "b", "b"])
    assert_allclose([found.within, found.between], [1, (64 / 3 - 1) / (8 / 3)])


@pytest.mark.parametrize("seed", range(5))
def test_the_components_are_those_of_the_nested_design(seed):
    rng = np.random.default_rng(seed)
    run = np.repeat(list("abcdef"), [5, 3, 4, 5, 2, 6])
    values = 100 + 8 * rng.standard_normal(6)[np.unique(run, return_inverse=True)[1]] + 3 * rng.standard_normal(25)
    table = variance_components(pd.DataFrame({"run": run, "v": values}), "v", ("run",), (), method="anova")
    found = precision(values, run)
    assert_allclose([max(0, found.between), found.within], [max(0, table.variance[0]), table.variance[1]], rtol=1e-10)


def test_a_negative_component_is_kept_at_zero_with_words():
    # both runs have the mean 100: MSB = 0, below MSW = 8
    found = precision([98, 102, 98, 102], ["a", "a", "b", "b"])
    assert (found.between, found.note) == (0.0, NEGATIVE)
    assert found.total_cv_percent == found.within_cv_percent


def test_what_the_design_cannot_tell_has_no_number():
    single = precision([98, 102], ["a", "a"])
    assert (single.note, single.within) == (ONE_RUN, 8.0)
    assert np.isnan([single.between, single.total_cv_percent]).all()
    spread = precision([98, 102], ["a", "b"])
    assert spread.note == NO_REPLICATES
    assert np.isnan([spread.within, spread.between, spread.total_cv_percent]).all()
    assert np.isnan(precision([], []).mean)


def test_precision_does_not_depend_on_unit_or_order():
    values, run = np.array([98, 102, 108, 112, 88, 93.0]), np.array(list("aabbcc"))
    order = [5, 0, 3, 1, 4, 2]
    one, other = precision(values, run), precision(1000 * values[order], run[order])
    assert_allclose(one.total_cv_percent, other.total_cv_percent)
    assert_allclose(one.within_cv_percent, other.within_cv_percent)
