"""What curve and recovery add to means and ratios: they do not shrink with the number of animals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import stdtrit

from bioanalysis.variability.combined_degrees import combined_degrees
from bioanalysis.variability.group_summary import group_summary
from bioanalysis.variability.shared_terms import beyond_scatter

pytestmark = pytest.mark.requirement("UR-015")


def samples(n: int, run: str = "R1", source: str = "rows of R1", **more: object) -> pd.DataFrame:
    row = {
        "method_id": "M", "run_id": run, "tissue": "liver", "recovery_source": source, "curve_uncertainty": 0.03,
        "curve_degrees_of_freedom": 8.0, "recovery_uncertainty": 0.04, "recovery_degrees_of_freedom": 5.0,
    }  # fmt: skip
    return pd.DataFrame([row | more] * n)


def shared_parts(table: pd.DataFrame, weights: pd.Series) -> list[tuple[float, float]]:
    """The parts of a sum over animals whose scatter is not estimated."""
    alone = table.assign(weight=weights, side=np.sign(weights), group=np.arange(len(table)).astype(str))
    return [part for part in beyond_scatter(alone.assign(subject_id=alone.group)) if part[0]]


def test_a_mean_of_many_keeps_the_shared_terms_whole():
    for n in (1, 5, 500):
        parts = shared_parts(samples(n), pd.Series(1 / n, index=range(n)))
        assert_allclose(sorted(variance for variance, _ in parts), [0.03**2, 0.04**2])


def test_one_factor_over_two_runs_is_one_error_and_two_curves_are_two():
    table = pd.concat([samples(2, "R1", "study"), samples(2, "R2", "study")], ignore_index=True)
    parts = shared_parts(table, pd.Series(0.25, index=table.index))
    # each curve has half of the mean: (0.5 x 0.03)^2 twice; the factor all of it
    assert_allclose(sorted(variance for variance, _ in parts), [0.015**2, 0.015**2, 0.04**2])


def test_a_ratio_of_doses_loses_the_factor_both_share_but_not_the_curve():
    parts = shared_parts(samples(4), pd.Series([0.5, 0.5, -0.5, -0.5]))
    assert_allclose(sorted(variance for variance, _ in parts), [0.03**2, 0.03**2])


def test_a_ratio_of_tissues_keeps_both_factors():
    table = pd.concat([samples(1), samples(1, tissue="kidney")], ignore_index=True)
    parts = shared_parts(table, pd.Series([1.0, -1.0]))
    assert_allclose(sum(variance for variance, _ in parts), 2 * 0.03**2 + 2 * 0.04**2)


def batches(n: int, shared: float) -> pd.DataFrame:
    """One sample in each of n batches, whose factors have `shared` of their 4 % in common."""
    parts = [samples(1, source=f"batch {k}", recovery_shared_uncertainty=shared, recovery_shared_by="batches of R1",
                     curve_uncertainty=0.0) for k in range(n)]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("shared", [0.0, 0.03, 0.04])
def test_what_batches_share_stays_in_a_mean_and_leaves_a_ratio(shared):
    own = 0.04**2 - shared**2
    of_mean = shared_parts(batches(5, shared), pd.Series(0.2, index=range(5)))
    assert_allclose(sum(variance for variance, _ in of_mean), shared**2 + own / 5)
    of_ratio = shared_parts(batches(2, shared), pd.Series([1.0, -1.0]))
    assert_allclose(sum(variance for variance, _ in of_ratio), 2 * own, atol=1e-18)


def animals(values: list[float], statuses: list[str] | None = None) -> pd.DataFrame:
    n = len(values)
    table = samples(n).assign(
        subject_id=[f"R{k}" for k in range(n)], group="high", collection_day=29, sex="M", analyte="a", value=values,
        unit="ug/g", status=statuses or ["quantified"] * n,
    )  # fmt: skip
    return table.assign(recovery_degrees_of_freedom=np.inf, curve_degrees_of_freedom=np.inf)


def test_the_interval_of_a_mean_by_hand():
    # 9, 10, 11: variance 1, so 1/3 with 2 df; shared (10 x 0.05)^2 = 0.25, of which 0.05^2 / 3 lies in the scatter of
    # values that are all too high or low by one share
    row = group_summary(animals([9.0, 10.0, 11.0]), Fraction(1, 2)).iloc[0]
    variance = 1 / 3 + 0.25 - 0.05**2 / 3
    degrees = variance**2 / ((1 / 3) ** 2 / 2)
    assert_allclose(row.mean_high - row["mean"], stdtrit(degrees, 0.975) * np.sqrt(variance))


def of_runs(n_runs: int, values: np.ndarray) -> pd.DataFrame:
    """Animals in runs by turns, each run with a recovery factor of its own (8 %)."""
    table = animals(list(values))
    names = [f"R{k % n_runs}" for k in range(len(values))]
    return table.assign(run_id=names, recovery_source=names, recovery_uncertainty=0.08, curve_uncertainty=0.0)


def test_factors_of_runs_are_not_counted_again_where_the_scatter_holds_them():
    # each animal in a run of its own: its factor's error is wholly in the scatter, and s^2/n is all there is
    row = group_summary(of_runs(4, np.array([9.0, 10, 11, 12])), Fraction(1, 2)).iloc[0]
    variance = np.var([9, 10, 11, 12], ddof=1) / 4
    assert_allclose(row.mean_high - row["mean"], stdtrit(3, 0.975) * np.sqrt(variance))


@pytest.mark.parametrize("n_runs", [1, 2, 4, 8])
def test_the_variance_claimed_is_the_variance_of_means(n_runs):
    """8 animals (10 %), runs by turns, each with a factor of 8 %, over 400 studies: the claim is true on average."""
    rng, claimed, held = np.random.default_rng(17), [], 0
    table = of_runs(n_runs, np.full(8, 10.0))
    for _ in range(400):
        values = 10 * rng.normal(1, 0.1, 8) * rng.normal(1, 0.08, n_runs)[np.arange(8) % n_runs]
        shared = beyond_scatter(table.assign(weight=values / 8, side=0, group=""))
        variance, degrees = combined_degrees([(values.var(ddof=1) / 8, 7.0), *shared])
        claimed.append(variance)
        held += abs(values.mean() - 10) <= stdtrit(min(degrees, 1e6), 0.975) * np.sqrt(variance)
    assert_allclose(np.mean(claimed), 0.1**2 * 100 / 8 + 0.08**2 * 100 / n_runs, rtol=0.08)
    assert 0.92 <= held / 400 <= 0.98  # standard error 1.1 %
    values = np.linspace(8, 12, 8)
    row = group_summary(of_runs(n_runs, values), Fraction(1, 2)).iloc[0]
    shared = beyond_scatter(table.assign(weight=values / 8, side=0, group=""))
    variance, degrees = combined_degrees([(values.var(ddof=1) / 8, 7.0), *shared])
    assert_allclose(row.mean_high - 10, stdtrit(min(degrees, 1e6), 0.975) * np.sqrt(variance), rtol=1e-6)


def test_a_summary_says_how_wide_the_interval_of_its_cv_is():
    row = group_summary(animals([9.0, 10.0, 11.0]), Fraction(1, 2)).iloc[0]
    assert row.geometric_cv_percent_low < row.geometric_cv_percent < row.geometric_cv_percent_high
    assert "3 animals: the true CV may be anything from" in row.note


def test_two_animals_have_an_interval_too_wide_to_mean_anything():
    # SD of ln 9 and ln 11 0.1419 with 1 df: / sqrt(5.0239) = 0.0633, / sqrt(0.000982) = 4.53, a CV of 28 000 000 %
    row = group_summary(animals([9.0, 11.0]), Fraction(1, 2)).iloc[0]
    assert row.geometric_cv_percent_high > 1e6
    assert row.note == "2 animals: the interval of the CV is too wide to mean anything (95 %: above 6 %)"


def test_blq_is_counted_and_the_rule_printed():
    row = group_summary(animals([9.0, 10.0, np.nan], ["quantified"] * 2 + ["BLQ"]), Fraction(1, 2)).iloc[0]
    assert (row.n, row.n_quantified, row.n_blq) == (3, 2, 1)
    assert_allclose(row["mean"], 9.5)
    assert row.blq_rule == "BLQ left out, never replaced; no mean below 1/2 quantified"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (animals([5.0]), "one animal: no interval"),
        (animals([np.nan, np.nan], ["BLQ", "BLQ"]), "0 of 2 animals quantified"),
    ],
)
def test_one_animal_or_none_has_a_sentence_and_no_interval(table, words):
    row = group_summary(table, Fraction(1, 2)).iloc[0]
    assert np.isnan(row.mean_low)
    assert np.isnan(row.geometric_cv_percent)
    assert words in row.note
