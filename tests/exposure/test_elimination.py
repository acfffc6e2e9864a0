"""Sparse AUC and half-life in tissue."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.exposure import half_life, sparse_auc

pytestmark = pytest.mark.requirement("UR-016")


def test_sparse_auc_by_hand():
    # means 2, 6, 2 at 0, 1, 3: trapezoids 4 + 8; weights 0.5, 1.5, 1; variances 2, 8, 2 over 2 animals each
    auc, error, degrees = sparse_auc([0, 0, 1, 1, 3, 3], [1, 3, 4, 8, 1, 3])
    assert_allclose(auc, 12)
    parts = np.array([0.25 * 2, 2.25 * 8, 1 * 2]) / 2
    assert_allclose(error, np.sqrt(parts.sum()))
    assert_allclose(degrees, parts.sum() ** 2 / np.sum(parts**2 / 1))


def test_one_animal_at_a_time_has_an_auc_and_no_error():
    result = sparse_auc([0, 0, 1], [1, 3, 4])
    assert_allclose(result.auc, 3)
    assert np.isnan(result.standard_error)
    assert "no standard error" in result.note


def test_animals_sampled_throughout_give_the_error_of_their_own_areas():
    concentration = np.array([[1.0, 4, 2], [2, 8, 2], [1, 6, 3], [3, 9, 5]])
    areas = np.trapezoid(concentration, [0, 1, 3], axis=1)
    auc, error, degrees = sparse_auc(np.tile([0, 1, 3], 4), concentration.ravel(), animal=np.repeat(list("abcd"), 3))
    assert_allclose([auc, error, degrees], [areas.mean(), areas.std(ddof=1) / 2, 3])


def test_repeated_sampling_outside_batches_is_refused():
    with pytest.raises(ValueError, match="must form batches"):
        sparse_auc([0, 1, 1, 2], [1, 2, 3, 4], animal=list("aabb"))


@pytest.mark.parametrize(("time", "concentration"), [([1, 1], [2, 3]), ([0, 1], [2, np.nan])])
def test_an_area_needs_two_times_and_numbers(time, concentration):
    with pytest.raises(ValueError, match=r"two times at least|finite numbers"):
        sparse_auc(time, concentration)


def test_half_life_of_a_pure_decline():
    time = np.array([0, 10, 30, 60])
    result = half_life(time, 8 * 2 ** (-time / 15))
    assert_allclose([result.half_life, result.low, result.high], 15)
    assert_allclose(result.span_ratio, 4)


def test_half_life_by_hand_over_a_declared_phase():
    # ln C = 0, -1, -1, -2 at 1, 2, 2, 3; the value at 0 is absorption and lies outside the phase
    result = half_life([0, 1, 2, 2, 3], [0.1, *np.exp([0, -1, -1, -2])], start=1)
    assert_allclose(result.half_life, np.log(2))
    assert (result.n, result.degrees_of_freedom) == (4, 2)


def test_the_interval_is_that_of_the_rate_turned_over():
    # ln C = 0, -1.5, -1.5, -3 + noise +-0.1 alternating at 0, 1, 2, 3
    time, logs = np.arange(4.0), np.array([0.1, -1.1, -1.9, -3.1])
    slope, (covariance,) = np.polyfit(time, logs, 1)[0], np.polyfit(time, logs, 1, cov=True)[1][:1, 0]
    result = half_life(time, np.exp(logs))
    reach = 4.30265273 * np.sqrt(covariance)  # t with 2 df
    assert_allclose([result.low, result.high], np.log(2) / np.array([-slope + reach, -slope - reach]))


def test_no_decline_and_no_certain_decline_are_said():
    assert "do not fall" in half_life([1, 2, 3], [1, 2, 3]).note
    unsure = half_life([1, 2, 3, 4], [10, 2, 9, 4])
    assert unsure.high == np.inf
    assert "no upper bound" in unsure.note
    assert "no interval" in half_life([1, 2], [4, 2]).note


def test_values_below_quantification_have_no_logarithm():
    with pytest.raises(ValueError, match="below the limit of quantification"):
        half_life([1, 2, 3], [4, 2, 0])


@pytest.mark.reference
@pytest.mark.parametrize("group", [1, 2, 3])
def test_bailer_1988(reference, group):
    folder = reference / "stats" / "pk_bailer1988"
    known = json.loads((folder / "reference.json").read_text())["groups"][f"g{group}"]
    table = pd.read_csv(folder / "data.csv").query("group == @group")
    ours = sparse_auc(table["time"], table["conc"])
    assert_allclose(ours, [known["auc0_tlast"], known["se"], known["satterthwaite_df"]], rtol=1e-10)


@pytest.mark.reference
def test_rats_of_holder_1999(reference):
    folder = reference / "stats" / "pk_holder_rats"
    known = json.loads((folder / "reference.json").read_text())["pknca_test_values"]
    table = pd.read_csv(folder / "data.csv")
    single = sparse_auc(table["time"], table["conc"])
    assert_allclose(single, [known["auclast"], known["se_serial"], known["df_serial"]], rtol=1e-9)
    batches = sparse_auc(table["time"], table["conc"], animal=table["id"])
    assert_allclose(batches, [known["auclast"], known["se_batch"], known["df_batch"]], rtol=1e-9)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["pk_indometh", "pk_theoph"])
def test_terminal_half_life_of_each_subject(reference, name):
    folder = reference / "stats" / name
    table = pd.read_csv(folder / "data.csv").rename(columns=str.lower)
    for subject, known in json.loads((folder / "reference.json").read_text())["subjects"].items():
        rows = table[table["subject"] == int(subject)]
        ours = half_life(rows["time"], rows["conc"].where(rows["conc"] > 0), start=known["lambda_z_time_first"])
        assert_allclose(ours.half_life, known["half_life"], rtol=1e-10)
