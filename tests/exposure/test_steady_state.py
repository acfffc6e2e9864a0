"""Steady state and accumulation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.exposure import accumulation_ratio, steady_state_fraction

pytestmark = pytest.mark.requirement("UR-016")


def test_halves_and_quarters():
    assert_allclose(steady_state_fraction([0, 30, 60, 90], 30), [0, 1 / 2, 3 / 4, 7 / 8])
    assert_allclose(accumulation_ratio([30, 60], 30), [2, 4 / 3])


def test_weekly_doses_of_long_half_lives():
    assert_allclose(accumulation_ratio(7, [20, 30, 60]), [4.6, 6.7, 12.9], atol=0.05)


def test_accumulation_is_the_sum_of_what_is_left_of_all_doses():
    left = 2 ** (-7 / 30 * np.arange(2000))
    assert_allclose(accumulation_ratio(7, 30), left.sum())
    # before dose 14, what 13 doses left stands to its limit as the fraction of steady state
    assert_allclose(left[1:14].sum() / left[1:].sum(), steady_state_fraction(91, 30))


def test_short_times_lose_no_digits():
    assert_allclose(steady_state_fraction(1e-12, 1.0), 1e-12 * np.log(2), rtol=1e-11)


@pytest.mark.parametrize(("time", "half_life"), [(-1, 30), (1, 0)])
def test_what_cannot_be_is_refused(time, half_life):
    with pytest.raises(ValueError, match=r"must (not be negative|be above 0)"):
        steady_state_fraction(time, half_life)
    with pytest.raises(ValueError, match="must be above 0"):
        accumulation_ratio(time, half_life)


@pytest.mark.reference
def test_closed_forms(reference):
    for case in json.loads((reference / "stats" / "pk_steady_state" / "reference.json").read_text())["cases"]:
        fraction = steady_state_fraction(case["time_day"], case["t_half_day"])
        assert_allclose(fraction, case["fraction_of_ss_after_time"], rtol=1e-12)
        assert_allclose(
            accumulation_ratio(case["tau_day"], case["t_half_day"]), case["accumulation_ratio_ss"], rtol=1e-12
        )
