"""Welch and Satterthwaite's degrees of freedom, summed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability.combined_degrees import combined_degrees

pytestmark = pytest.mark.requirement("UR-015")


def test_degrees_of_freedom_after_welch_and_satterthwaite():
    # 1 with 4 and 2 with 8: 9 / (1/4 + 4/8) = 12; a variance of 0 says nothing
    assert_allclose(combined_degrees([(1.0, 4.0), (2.0, 8.0), (0.0, 0.0)]), [3.0, 12.0])


@pytest.mark.parametrize("parts", [[], [(0.0, 4.0)], [(0.0, np.nan)], [(1.0, np.inf)]])
def test_where_nothing_was_estimated_the_degrees_are_infinite(parts):
    assert combined_degrees(parts)[1] == np.inf


def test_what_one_variance_leaves_unknown_is_unknown():
    assert np.isnan(combined_degrees([(1.0, 4.0), (np.nan, 0.0)])).all()
    assert np.isnan(combined_degrees([(1.0, 4.0), (1.0, 0.0)])[1])
