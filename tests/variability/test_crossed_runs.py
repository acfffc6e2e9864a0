"""A run that lies across the nesting of samples, against sums by hand, independent software and a dense likelihood."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from bioanalysis.variability import variance_components

pytestmark = pytest.mark.requirement("UR-015")


def unbalanced(seed: int = 5, runs: int = 4) -> pd.DataFrame:
    """Animals with one to three extractions, some of them measured in two or three runs."""
    rng = np.random.default_rng(seed)
    of_run = rng.normal(scale=0.3, size=runs)
    rows = []
    for animal in range(14):
        level = rng.normal(scale=0.5)
        for extraction in range(rng.integers(1, 4)):
            here = level + rng.normal(scale=0.2)
            for run in rng.choice(runs, size=rng.integers(1, 4), replace=False):
                rows.append((f"g{animal % 2}", animal, extraction, run, here + of_run[run] + rng.normal(scale=0.1)))
    return pd.DataFrame(rows, columns=["group", "animal", "extraction", "run", "value"])


def dense_restricted_likelihood(table: pd.DataFrame, variances: np.ndarray) -> float:
    """The restricted log likelihood with the whole covariance matrix written out."""
    path = table.animal.astype(str) + "/" + table.extraction.astype(str)
    same = [np.equal.outer(codes.to_numpy(), codes.to_numpy()) for codes in (table.animal, path, table.run)]
    v = sum(s2 * each for s2, each in zip(variances, same, strict=False)) + variances[3] * np.eye(len(table))
    x = pd.get_dummies(table.group).to_numpy(float)
    inner = x.T @ np.linalg.solve(v, x)
    y = table.value.to_numpy()
    off = y - x @ np.linalg.solve(inner, x.T @ np.linalg.solve(v, y))
    terms = np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1] + off @ np.linalg.solve(v, off)
    return -(terms + (len(y) - x.shape[1]) * np.log(2 * np.pi)) / 2


def test_two_runs_by_hand():
    # four animals in both runs; the second reads 0.4 +- 0.2 higher
    deviations = np.array([0.1, -0.1, 0.1, -0.1])
    rows = [(a, run, a + run * (0.4 + 2 * deviations[a])) for a in range(4) for run in (0, 1)]
    table = pd.DataFrame(rows, columns=["animal", "run", "value"])
    found = variance_components(table, "value", ("animal",), (), method="anova", crossed="run").set_index("component")
    # differences 0.6, 0.2, 0.6, 0.2: mean 0.4, variance 0.16/3; residual half of that; run: 0.4^2/2 - residual/4
    residual = 0.16 / 3 / 2
    assert_allclose(found.variance["residual"], residual)
    assert_allclose(found.variance["run"], 0.4**2 / 2 - residual / 4)
    assert list(found.degrees_of_freedom) == [3, 1, 3]


def test_the_estimate_is_the_top_of_the_dense_likelihood():
    table = unbalanced()
    found = variance_components(table, "value", ("animal", "extraction"), ("group",), crossed="run")
    assert list(found.component) == ["animal", "extraction", "run", "residual"]
    ours = found.variance.to_numpy()
    top = dense_restricted_likelihood(table, ours)
    assert_allclose(found.attrs["log_likelihood"], top, rtol=1e-9)
    theirs = minimize(
        lambda logs: -dense_restricted_likelihood(table, np.exp(logs)), np.log(ours * 1.3), method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000},
    )  # fmt: skip
    assert_allclose(ours, np.exp(theirs.x), rtol=1e-4)
    assert top >= -theirs.fun - 1e-10


def test_a_run_without_effect_sits_at_zero_and_leaves_the_others_alone():
    table = unbalanced()
    without = table.assign(value=table.value - table.groupby("run").value.transform("mean"))
    found = variance_components(without, "value", ("animal", "extraction"), ("group",), crossed="run")
    run = found.set_index("component").variance["run"]
    assert run == 0.0
    nested = variance_components(without, "value", ("animal", "extraction"), ("group",))
    assert_allclose(found.variance[found.component != "run"], nested.variance, rtol=1e-7)


def test_runs_that_share_no_sample_are_not_told_apart():
    table = unbalanced()
    alone = table.assign(run=table.animal % 4)
    for method in ("anova", "reml"):
        found = variance_components(alone, "value", ("animal", "extraction"), ("group",), method, crossed="run")
        row = found.set_index("component").loc["run"]
        assert np.isnan(row.variance)
        assert row.note == "not estimable: nothing was measured in more than one run"


def test_neither_order_nor_labels_of_runs_matter():
    table = unbalanced()
    other = table.sample(frac=1, random_state=3).assign(run=lambda t: "run " + (9 - t.run).astype(str))
    for method in ("anova", "reml"):
        results = [
            variance_components(each, "value", ("animal", "extraction"), ("group",), method, crossed="run")
            for each in (table, other)
        ]
        assert_allclose(results[0].variance, results[1].variance, rtol=1e-9)


def test_the_truth_is_found_on_average():
    found = [
        variance_components(unbalanced(seed), "value", ("animal", "extraction"), ("group",), "anova", crossed="run")
        for seed in range(100, 300)
    ]
    variances = np.array([each.variance for each in found])
    truth = np.array([0.25, 0.04, 0.09, 0.01])
    error = variances.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert np.all(np.abs(variances.mean(axis=0) - truth) < 3.5 * error)


@pytest.mark.reference
def test_plates_and_samples_of_independent_software(reference):
    folder = reference / "stats" / "vc_penicillin"
    table, known = pd.read_csv(folder / "data.csv"), json.loads((folder / "reference.json").read_text())
    anova = variance_components(table, "diameter", ("plate",), (), "anova", crossed="sample")
    theirs = [row["VC"] for row in known["anova_type1"]["aov_table_negative_kept"][1:]]
    assert_allclose(anova.variance, theirs, rtol=1e-8)
    reml = variance_components(table, "diameter", ("plate",), (), crossed="sample")
    assert_allclose(reml.variance, list(known["reml"]["components"].values()), rtol=1e-6)
    assert_allclose(reml.attrs["log_likelihood"], known["reml"]["logLik"], rtol=1e-9)
