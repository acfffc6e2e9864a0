"""Which step dominates, what replicates buy, and what a covariate explains: by hand and on simulated truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import f as fisher
from scipy.stats import linregress

from bioanalysis.variability.covariates import explained_share
from bioanalysis.variability.dominance import (
    dominant_step,
    largest_variance,
    one_more,
    replication,
    variance_of_mean,
)
from bioanalysis.variability.mean_squares import MeanSquares
from bioanalysis.variability.multiplicity import holm

pytestmark = pytest.mark.requirement("UR-015")

NESTED = STEPS = ("animal", "piece", "extraction")
# mean squares of 4 groups of 5 animals x 2 pieces x 2 extractions
DEGREES = np.array([16, 20, 40])
TWO_BY_TWO = np.array([[4.0, 2.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])


def study(animal: float, piece: float, extraction: float, seed: int = 3, animals: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    k = np.arange(animals * 4)
    codes = (k // 4, k // 2, k)
    sds = (animal, piece, extraction)
    y = sum(rng.normal(scale=s, size=c.max() + 1)[c] for s, c in zip(sds, codes, strict=True))
    return pd.DataFrame({"group": codes[0] % 4, "animal": codes[0], "piece": codes[1], "extraction": k, "y": y})


@pytest.mark.parametrize(
    ("sds", "step"),
    [((0.5, 0.05, 0.05), "animal"), ((0.05, 0.5, 0.05), "piece"), ((0.05, 0.05, 0.5), "extraction+residual")],
)
def test_a_step_that_towers_above_the_others_is_named(sds, step):
    found = dominant_step(study(*sds), "y", NESTED, ("group",))
    assert found.component == step
    share = found.shares.set_index("component").loc[step]
    assert share.low < share.percent < share.high
    assert share.low > 40


def test_steps_that_scatter_alike_are_not_told_apart():
    found = dominant_step(study(0.2, 0.2, 0.2), "y", NESTED, ("group",))
    assert found.component == ""
    assert len(found.candidates) > 1


def test_the_same_call_gives_the_same_answer():
    table = study(0.3, 0.2, 0.1)
    first, again = (dominant_step(table, "y", NESTED, ("group",)) for _ in range(2))
    pd.testing.assert_frame_equal(first.shares, again.shares)


def test_two_steps_are_told_apart_by_the_f_test():
    # animal 16, extraction 20 degrees: MS_a = 2 a + e, so that a > e where MS_a / MS_e > 3
    squares = MeanSquares(np.array([5.1, 1.0]), np.array([16, 20]), np.array([[2.0, 1.0], [0.0, 1.0]]))
    found = largest_variance(squares, ("animal", "extraction"))
    assert_allclose(found.probability, fisher.cdf(5.1 / 3, 16, 20), atol=2e-3)


def test_a_rival_inside_others_has_their_degrees_of_freedom():
    # extraction against piece: animals, 4 a + 2 p + e, are taken for 2 p + e; tied at 3 times the extractions
    together = (16 * 1.0 + 20 * 1.5) / 36
    found = largest_variance(MeanSquares(np.array([1.0, 1.5, 0.9]), DEGREES, TWO_BY_TWO), STEPS)
    assert_allclose(found.probability, fisher.sf(together / 0.9 / 3, 36, 40), atol=2e-3)


@pytest.mark.parametrize(
    ("tied", "step"), [((1, 1, 0), "animal"), ((1, 1, 0), "piece"), ((1, 0, 1), "extraction"), ((0, 1, 1), "piece")]
)
def test_near_a_tie_a_step_is_named_in_a_tenth_of_the_studies(tied, step):
    rng = np.random.default_rng(12)
    expected = TWO_BY_TWO @ np.maximum(tied, 1e-6)
    drawn = expected * rng.chisquare(DEGREES, size=(600, 3)) / DEGREES
    named = [largest_variance(MeanSquares(squares, DEGREES, TWO_BY_TWO), STEPS).component for squares in drawn]
    assert named.count(step) / 600 < 0.10 + 3 * np.sqrt(0.1 * 0.9 / 600)
    assert named.count(step) / 600 > 0.04


def test_one_animal_per_group_names_nothing():
    table = study(0.5, 0.1, 0.1).assign(group=lambda t: t.animal)
    found = dominant_step(table, "y", NESTED, ("group",))
    assert found.component == ""
    assert "no degree of freedom for animal" in found.note


def test_without_replicates_nothing_is_told_apart():
    table = study(0.5, 0.1, 0.1).drop_duplicates("animal")
    found = dominant_step(table, "y", NESTED, ("group",))
    assert (found.component, len(found.shares)) == ("", 0)
    assert "without replication animal, piece, extraction, residual cannot be told apart" in found.note


def test_two_runs_are_too_few_to_be_a_step():
    rng = np.random.default_rng(8)
    table = pd.concat([study(0.5, 0.05, 0.0).assign(run=run) for run in (0, 1)], ignore_index=True)
    table["y"] += 0.4 * table.run + rng.normal(scale=0.02, size=len(table))
    found = dominant_step(table, "y", NESTED, ("group",), "run")
    assert found.component == "animal"
    assert found.note == "too few values of run to judge it as a step"
    assert "run" not in list(found.shares.component)


def test_variance_of_a_mean_by_hand():
    # 5 animals x 2 pieces x 3 extractions in 2 runs: 0.10/5 + 0.04/10 + 0.06/30 + 0.02/2
    variances = {"animal": 0.10, "piece": 0.04, "extraction": 0.06, "run": 0.02}
    counts = {"animal": 5, "piece": 2, "extraction": 3, "run": 2}
    parts = variance_of_mean(variances, counts, "run")
    assert_allclose(list(parts.values()), [0.02, 0.004, 0.002, 0.01])
    gain = one_more(variances, counts, "run").set_index("step")
    assert_allclose(gain.error_now, np.sqrt(0.036))
    assert_allclose(gain.error_then["animal"] ** 2, 0.10 / 6 + 0.04 / 12 + 0.06 / 36 + 0.01)
    assert_allclose(gain.error_then["run"] ** 2, 0.026 + 0.02 / 3)


def test_replication_counts_what_a_group_has():
    assert replication(study(1, 1, 1), "y", NESTED, ("group",)) == {"animal": 5, "piece": 2, "extraction+residual": 2}


def test_holm_by_hand():
    # 0.01 x 4, 0.02 x 3, 0.03 x 2 (not below the one before), 0.9 x 1; what is missing is no test
    assert_allclose(holm([0.03, 0.01, np.nan, 0.9, 0.02]), [0.06, 0.04, np.nan, 0.9, 0.06])
    assert np.isnan(holm([np.nan])).all()


def test_a_covariate_of_animals_is_a_regression_of_their_means():
    rng = np.random.default_rng(4)
    weight = rng.normal(300, 20, size=12)
    means = 0.01 * weight + rng.normal(scale=0.1, size=12)
    animal = pd.Series(np.repeat(np.arange(12), 2))
    off = np.tile([-0.05, 0.05], 12)
    found = explained_share(pd.Series(means[animal] + off), pd.Series(0, index=animal.index), animal,
                            pd.Series(weight[animal]))  # fmt: skip
    line = linregress(weight, means)
    assert_allclose(found.p_value, line.pvalue, rtol=1e-9)
    assert_allclose(found.percent, 100 * (1 - (1 - line.rvalue**2) * 11 / 10))
    assert (found.n, found.between) == (12, "between")
    assert found.low < found.percent < found.high


def test_the_interval_of_a_share_holds_the_truth():
    rng = np.random.default_rng(6)
    zeros = pd.Series(0, index=range(20))
    animal = pd.Series(range(20))
    held = 0
    for _ in range(400):
        x = rng.normal(size=20)
        x = (x - x.mean()) / x.std()
        y = np.sqrt(0.4) * x + rng.normal(scale=np.sqrt(0.6), size=20)
        found = explained_share(pd.Series(y), zeros, animal, pd.Series(x))
        held += found.low <= 40 <= found.high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("covariate", "note"),
    [
        ([5.0] * 8, "the same throughout"),
        ([np.nan] * 8, "not given"),
        ([1.0] * 4 + [2.0] * 4, "confounded with the groups"),
        (list("abcdefgh"), "nearly every value has a word of its own"),
    ],
)
def test_what_cannot_be_tested_says_so(covariate, note):
    values = pd.Series(np.arange(8.0) % 3)
    cell, animal = pd.Series([1] * 4 + [2] * 4), pd.Series(range(8))
    found = explained_share(values, cell, animal, pd.Series(covariate))
    assert np.isnan(found.p_value)
    assert found.note == note


@pytest.mark.parametrize("seed", range(20))
def test_a_covariate_that_explains_nothing_at_all_has_a_p_value_of_one(seed):
    # the same animals under each of three words: their means agree, but for rounding to either side
    once = np.random.default_rng(seed).normal(size=40)
    animal = pd.Series(range(120))
    words = pd.Series(np.repeat(["a", "b", "c"], 40))
    found = explained_share(pd.Series(np.tile(once, 3)), animal * 0, animal, words)
    assert_allclose(found.p_value, 1, atol=1e-6)
    assert found.percent == found.low == 0


@pytest.mark.parametrize(("groups", "words"), [(3, 12), (12, 6), (6, 6)])
@pytest.mark.parametrize("nested", [False, True])
def test_words_are_judged_as_by_least_squares_on_a_column_each(groups, words, nested):
    # nested: a word is found in one of three parts of the groups only, so that not every group shares words with others
    rng = np.random.default_rng(groups * 100 + words + nested)
    group, word = rng.integers(groups, size=80), rng.integers(words, size=80)
    word = word - word % 3 + group % 3 if nested else word
    values = rng.normal(size=80) + 0.3 * word
    found = explained_share(
        pd.Series(values), pd.Series(group), pd.Series(range(80)), pd.Series(word).map("word {}".format)
    )

    def fit(*codes: np.ndarray) -> tuple[float, int]:
        columns = np.hstack([np.eye(code.max() + 1)[code] for code in codes])
        off = values - columns @ np.linalg.lstsq(columns, values)[0]
        return float(off @ off), int(np.linalg.matrix_rank(columns))

    (before, rank_before), (after, rank) = fit(group), fit(group, word)
    f = (before - after) / (rank - rank_before) / (after / (80 - rank))
    assert_allclose(found.p_value, fisher.sf(f, rank - rank_before, 80 - rank), rtol=1e-9)
