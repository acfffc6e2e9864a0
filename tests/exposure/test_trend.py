"""Dunnett and Jonckheere against exact values and what they must agree with."""

from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bioanalysis.exposure import dunnett, jonckheere

pytestmark = pytest.mark.requirement("UR-016")

CONTROL = [5.0, 6.1, 4.7, 5.6, 6.4, 5.2]
DRUG_A = [5.9, 6.3, 5.1, 6.6]
DRUG_B = [6.8, 7.9, 6.2, 8.4, 7.0]


def test_one_group_is_student_s_t_test():
    ours = dunnett(CONTROL, DRUG_B).iloc[0]
    theirs = stats.ttest_ind(DRUG_B, CONTROL)
    assert_allclose([ours["statistic"], ours["p_value"]], [theirs.statistic, theirs.pvalue], rtol=1e-9)
    assert_allclose([ours["low"], ours["high"]], theirs.confidence_interval(), rtol=1e-9)


def test_every_call_returns_the_same():
    pd.testing.assert_frame_equal(dunnett(CONTROL, DRUG_A, DRUG_B), dunnett(CONTROL, DRUG_A, DRUG_B))


def test_the_family_pays_and_not_more_than_bonferroni():
    alone = [stats.t.sf(abs(t), 12) * 2 for t in dunnett(CONTROL, DRUG_A, DRUG_B)["statistic"]]
    ours = dunnett(CONTROL, DRUG_A, DRUG_B)["p_value"]
    assert all(one < both < 2 * one for one, both in zip(alone, ours, strict=True))


def test_the_interval_excludes_zero_exactly_where_p_is_below_alpha():
    shifted = np.array(DRUG_B) - dunnett(CONTROL, DRUG_A, DRUG_B)["low"][1]
    assert_allclose(dunnett(CONTROL, DRUG_A, shifted)["p_value"][1], 0.05, rtol=1e-8)


def test_one_sided_tests_are_mirror_images_and_open_at_one_end():
    up = dunnett(CONTROL, DRUG_A, DRUG_B, alternative="greater")
    mirrored = [[-value for value in group] for group in (CONTROL, DRUG_A, DRUG_B)]
    down = dunnett(*mirrored, alternative="less")
    assert_allclose(up["p_value"], down["p_value"], rtol=1e-12)
    assert_allclose(up["low"], -down["high"], rtol=1e-12)
    assert (up["high"] == np.inf).all()


def test_equal_groups_of_dunnett_s_table():
    # two-sided 5 % point for 3 groups, 20 df (Dunnett 1964): 2.54
    rng = np.random.default_rng(51)
    groups = [rng.normal(size=6) for _ in range(4)]
    result = dunnett(*groups)
    scale = np.sqrt(np.mean([np.var(group, ddof=1) for group in groups]) / 3)
    assert_allclose((result["high"] - result["low"]) / 2 / scale, 2.54, atol=5e-3)


def test_groups_without_scatter_are_said_to_be():
    result = dunnett([1, 1], [2, 2])
    assert result["p_value"].isna().all()
    assert "no scatter" in result.attrs["note"]


@pytest.mark.parametrize(
    ("groups", "words"),
    [(([1.0], [2.0]), "two values"), (([1.0, 2.0],), "a group"), (([1.0, np.nan], [2.0]), "finite")],
)
def test_dunnett_needs_something_to_compare(groups, words):
    with pytest.raises(ValueError, match=words):
        dunnett(*groups)


def test_jonckheere_by_hand():
    # pairs in order: 1-2 three, 1-3 and 2-3 all four and four of four, less one inversion (3 before 2)
    result = jonckheere([1, 3], [2, 4], [5, 6])
    assert result.statistic == 3 + 4 + 4
    assert_allclose(result.z, (11 - 6) / np.sqrt((36 * 15 - 3 * 4 * 7) / 72))


def test_two_groups_are_mann_whitney_with_ties():
    a, b = [1, 2, 2, 3, 5], [2, 3, 3, 6, 7, 7]
    theirs = stats.mannwhitneyu(b, a, method="asymptotic", use_continuity=False)
    ours = jonckheere(a, b)
    assert_allclose([ours.statistic, ours.p_value], [theirs.statistic, theirs.pvalue])


def test_ties_are_corrected_as_in_kendall_s_tau():
    a, b, c = [1, 2, 2, 3], [2, 2, 3, 5], [3, 4, 5, 5]
    theirs = stats.kendalltau([0] * 4 + [1] * 4 + [2] * 4, a + b + c, method="asymptotic")
    assert_allclose(jonckheere(a, b, c).p_value, theirs.pvalue)


def test_the_exact_distribution_is_that_of_all_orders():
    values, sizes = [3.0, 1.0, 4.0, 2.0, 7.0, 5.0, 6.0], (2, 2, 3)
    groups = lambda order: (order[:2], order[2:4], order[4:])
    every = [jonckheere(*groups(order)).statistic for order in permutations(values)]
    ours = jonckheere(*groups(values), alternative="greater", exact=True)
    assert sizes == tuple(len(group) for group in groups(values))
    assert_allclose(ours.p_value, np.mean(np.array(every) >= ours.statistic))


def test_values_that_are_all_equal_show_no_trend():
    assert jonckheere([2, 2], [2, 2]) == (2.0, 0.0, 1.0)


def test_exact_refuses_ties_and_words_are_checked():
    with pytest.raises(ValueError, match="without ties"):
        jonckheere([1, 2], [2, 3], exact=True)
    with pytest.raises(ValueError, match="must be one of two-sided, greater, less"):
        jonckheere([1, 2], [2, 3], alternative="up")


@pytest.mark.reference
@pytest.mark.parametrize("name", ["trend_dunnett1955_blood", "trend_sachs1997"])
def test_exact_quadrature_and_independent_software(reference, name):
    folder = reference / "stats" / name
    known = json.loads((folder / "reference.json").read_text())
    groups = [rows["y"].to_numpy() for _, rows in pd.read_csv(folder / "data.csv").groupby("dose")]
    both, up = dunnett(*groups), dunnett(*groups, alternative="greater")
    exact = known["dunnett_exact_quadrature"]
    print(name, "Dunnett p differs by", np.max(np.abs(both["p_value"] - exact["two_sided_p"])))
    assert_allclose(both["p_value"], exact["two_sided_p"], atol=1e-9)
    assert_allclose(up["p_value"], exact["greater_p"], atol=1e-9)
    assert_allclose(both["statistic"], known["dunnett_two_sided"]["t"], rtol=1e-8)
    theirs = known["jonckheere"]
    trend = jonckheere(*groups, alternative="greater")
    assert_allclose(trend, [theirs["PMCMR_J"], theirs["PMCMR_z"], theirs["PMCMR_p_increasing"]], rtol=1e-9)
    exact_p = jonckheere(*groups, alternative="greater", exact=True).p_value
    assert_allclose(exact_p, theirs["clinfun_p_increasing"], rtol=1e-9)
