"""Recovery with its uncertainty, between batches, and the scatter of a single extraction."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.tissue import extraction_recovery, extraction_scatter, shrink_recovery
from bioanalysis.variability import variance_components

pytestmark = pytest.mark.requirement("UR-013")


def test_recovery_by_hand():
    # 45, 50, 55 before (CV 10 %, n = 3) over 90, 110 after (CV 14.14 %, n = 2): 50 %, u^2 = 0.01/3 + 0.02/2
    result = extraction_recovery([45, 50, 55], [90, 110])
    assert_allclose(result.recovery, 0.5)
    assert_allclose(result.relative_uncertainty**2, 0.01 / 3 + 0.02 / 2)
    assert_allclose(result.degrees_of_freedom, (0.04 / 3) ** 2 / ((0.01 / 3) ** 2 / 2 + 0.01**2 / 1))
    assert_allclose(result.low * result.high, 0.5**2)


def test_recovery_of_pairs_is_their_geometric_mean():
    result = extraction_recovery([40, 90, 80], [100, 100, 80], paired=True)
    logs = np.log([0.4, 0.9, 1.0])
    assert_allclose(result.recovery, np.exp(logs.mean()))
    assert_allclose(result.relative_uncertainty, logs.std(ddof=1) / np.sqrt(3))
    assert result.degrees_of_freedom == 2


def test_pairs_take_out_what_their_lots_share():
    lots = np.array([1.0, 2.0, 4.0, 8.0])
    noise = np.array([1.01, 0.99, 1.02, 0.98])
    paired = extraction_recovery(0.6 * lots * noise, lots, paired=True)
    assert paired.relative_uncertainty < extraction_recovery(0.6 * lots * noise, lots).relative_uncertainty / 20


def test_a_single_value_has_a_recovery_and_no_uncertainty():
    result = extraction_recovery([50], [100, 110])
    assert_allclose(result.recovery, 50 / 105)
    assert np.isnan(result.relative_uncertainty)
    assert "single value" in result.note


def test_recovery_above_one_is_not_cut():
    assert_allclose(extraction_recovery([120, 120], [100, 100]).recovery, 1.2)


@pytest.mark.parametrize(("pre", "post"), [([], [1.0]), ([1.0, 0.0], [1.0]), ([1.0], [np.nan])])
def test_responses_must_be_above_zero(pre, post):
    with pytest.raises(ValueError, match="all of them numbers above 0"):
        extraction_recovery(pre, post)


def test_balanced_batches_by_hand():
    # logs: batch a -0.3, -0.1; b 0.3, 0.5: within 0.02, means -0.2 and 0.4, so between = 0.18 - 0.02 / 2
    result = shrink_recovery(list("aabb"), np.exp([-0.3, -0.1, 0.3, 0.5]))
    assert_allclose([result.mean_log, result.within_variance, result.between_variance], [0.1, 0.02, 0.17])
    pull = 0.17 / 0.18
    assert_allclose(result.factors, np.exp([0.1 - pull * 0.3, 0.1 + pull * 0.3]))
    assert_allclose(result.new_batch_sd_log**2, 0.17 + 0.18 / 2)
    assert list(result.factors.index) == ["a", "b"]


def test_batches_that_agree_are_pooled_in_full():
    result = shrink_recovery(list("aabb"), [0.5, 0.7, 0.7, 0.5])
    assert result.between_variance == 0.0
    assert_allclose(result.factors, np.sqrt(0.35))


@pytest.mark.parametrize(
    ("batch", "recovery", "words"),
    [("aaa", [0.5, 0.6, 0.7], "one batch"), ("abc", [0.5, 0.6, 0.7], "one value per batch")],
)
def test_what_a_design_cannot_tell_is_said(batch, recovery, words):
    result = shrink_recovery(list(batch), recovery)
    assert np.isnan(result.between_variance)
    assert words in result.note
    assert_allclose(result.factors, np.exp(np.mean(np.log(recovery))))


def test_copied_replicates_pull_nothing():
    result = shrink_recovery(list("aabb"), [0.5, 0.5, 0.8, 0.8])
    assert result.within_variance == 0.0
    assert_allclose(result.factors, [0.5, 0.8])


def test_unbalanced_batches_agree_with_the_general_estimator():
    rng = np.random.default_rng(31)
    batch = np.repeat(list("abcdefg"), [1, 2, 3, 4, 5, 6, 7])
    logs = rng.normal(scale=0.1, size=7)[np.searchsorted(list("abcdefg"), batch)] + rng.normal(scale=0.05, size=28)
    ours = shrink_recovery(batch, np.exp(logs))
    table = pd.DataFrame({"batch": batch, "value": logs})
    general = variance_components(table, "value", ("batch",), ())["variance"]
    assert_allclose([ours.between_variance, ours.within_variance], general, rtol=1e-9)


def test_scatter_of_an_extraction_is_what_the_reading_does_not_explain():
    # logs before: -0.1, 0, 0.1 at each of two levels (0.01, 4 df); after: -0.05, 0.05 (0.005, 1 df)
    before = [100 * np.exp([-0.1, 0, 0.1]), 5 * np.exp([-0.1, 0, 0.1])]
    result = extraction_scatter(before, [np.exp([-0.05, 0.05])])
    assert_allclose(result.variance_log, 0.005)
    assert result.degrees_of_freedom == 1.0  # Satterthwaite: 0.005^2 / (0.01^2/4 + 0.005^2/1) = 0.5, raised
    known = extraction_scatter(before, None, reading_variance=0.002)
    assert_allclose(known.variance_log, 0.008)
    assert_allclose(known.degrees_of_freedom, 0.008**2 / (0.01**2 / 4))


def test_scatter_is_never_negative_nor_below_the_floor():
    before, after = [np.exp([-0.01, 0.01])], [np.exp([-0.1, 0.1])]
    assert extraction_scatter(before, after).variance_log == 0.0
    floored = extraction_scatter(before, after, cv_floor=0.04)
    assert_allclose(floored.variance_log, 0.0016)
    assert floored.degrees_of_freedom == np.inf


def test_scatter_without_replicates_is_not_a_number_unless_a_floor_is_declared():
    assert np.isnan(extraction_scatter([[5.0], [7.0]]).variance_log)
    assert_allclose(extraction_scatter([[5.0], [7.0]], cv_floor=0.05).variance_log, 0.0025)


@pytest.mark.reference
@pytest.mark.parametrize("level", ["low", "mid", "high"])
def test_matuszewski_sets(reference, level):
    folder = reference / "stats" / "rec_matuszewski_sim"
    known = json.loads((folder / "reference.json").read_text())["levels"][level]
    table = pd.read_csv(folder / "data.csv").query("level == @level").sort_values("lot")
    areas = {name: rows["area"].to_numpy() for name, rows in table.groupby("set")}
    ratio = extraction_recovery(areas["pre_spike"], areas["post_spike"])
    assert_allclose(ratio.recovery, known["recovery_ratio_of_means"])
    assert_allclose(ratio.relative_uncertainty, known["recovery_rel_se_first_order_unpaired"])
    efficiency = extraction_recovery(areas["pre_spike"], areas["neat"])
    assert_allclose(efficiency.recovery, known["process_efficiency"])
    pairs = extraction_recovery(areas["pre_spike"], areas["post_spike"], paired=True)
    assert_allclose(pairs.recovery, known["recovery_geometric_paired"])
    assert_allclose([pairs.low, pairs.high], known["recovery_geo_ci95"])


@pytest.mark.reference
def test_shrinkage_of_independent_software(reference):
    folder = reference / "stats" / "rec_batch_shrinkage"
    known = json.loads((folder / "reference.json").read_text())
    table = pd.read_csv(folder / "data.csv")
    ours, theirs = shrink_recovery(table["batch"], table["recovery"]), known["reml"]
    assert_allclose([ours.between_variance, ours.within_variance], [theirs["tau2"], theirs["sigma2"]], rtol=1e-7)
    assert_allclose(ours.mean_log, theirs["mu"], rtol=1e-8)
    assert_allclose(ours.mean_log_uncertainty, theirs["se_mu"], rtol=1e-7)
    assert_allclose(ours.new_batch_sd_log, known["new_batch_predictive_sd_log"], rtol=1e-7)
    assert_allclose(ours.factors, pd.Series(known["blup_recovery"])[ours.factors.index], rtol=1e-7)
