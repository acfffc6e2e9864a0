"""Samples measured in several of many runs, against the textbook's formulas with every matrix written out."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability import variance_components

pytestmark = pytest.mark.requirement("UR-015")

NESTED = ("animal", "piece")


def chained(runs: int, seed: int, *, samples: int = 8, days: int = 1, runs_scatter: float = 0.1) -> pd.DataFrame:
    """Return runs of two animals each, two injections a sample; every fourth sample is measured in the next run too."""
    rng = np.random.default_rng(seed)
    of_run, rows = rng.normal(scale=runs_scatter, size=runs), []
    for run in range(runs):
        of_animal = rng.normal(scale=0.3, size=2)
        for sample in range(samples):
            animal, piece = divmod(sample, samples // 2)
            true = of_animal[animal] + rng.normal(scale=0.15)
            place = (f"group {animal}", f"{run}-{animal}", piece, piece % days)
            for where in (run, (run + 1) % runs)[: 2 if sample % 4 == 0 else 1]:
                rows += [(*place, where, true + of_run[where] + rng.normal(scale=0.05)) for _ in range(2)]
    return pd.DataFrame(rows, columns=["group", "animal", "piece", "day", "run", "value"])


class Textbook:
    """Restricted likelihood of Patterson and Thompson; score and information of Searle et al. (1992), section 6.6."""

    def __init__(self, table: pd.DataFrame, variances: np.ndarray, fixed: list[str]) -> None:
        piece = table.animal.astype(str) + "/" + table.piece.astype(str)
        factors = [pd.factorize(codes)[0] for codes in (table.animal, piece, table.run)]
        kinds = [*(np.equal.outer(codes, codes).astype(float) for codes in factors), np.eye(len(table))]
        v = sum(variance * kind for variance, kind in zip(variances, kinds, strict=True))
        x, y = np.eye(len(table))[table.groupby(fixed).ngroup()], table.value.to_numpy()
        x = x[:, x.any(axis=0)]
        inverse = np.linalg.inv(v)
        inner = x.T @ inverse @ x
        p = inverse - inverse @ x @ np.linalg.solve(inner, x.T @ inverse)
        determinants = np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1]
        self.likelihood = -(determinants + y @ p @ y + (len(y) - x.shape[1]) * np.log(2 * np.pi)) / 2
        pv, py = [p @ kind for kind in kinds], p @ y
        self.score = np.array([py @ kind @ py - np.trace(each) for kind, each in zip(kinds, pv, strict=True)]) / 2
        f = [kind @ py for kind in kinds]
        self.observed = np.array([[2 * a @ p @ b - np.sum(c * d.T) for b, d in zip(f, pv, strict=True)]
                                  for a, c in zip(f, pv, strict=True)]) / 2  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("runs", "days", "runs_scatter"), [(2, 1, 0.5), (7, 1, 0.1), (12, 2, 0.02), (12, 2, 0.1)])
def test_the_textbooks_next_step_moves_nothing(runs, days, runs_scatter, seed):
    table = chained(runs, seed, days=days, runs_scatter=runs_scatter)
    fixed = ["group", "day"]
    found = variance_components(table, "value", NESTED, fixed, crossed="run")
    variances = found.variance.to_numpy()
    there = Textbook(table, variances, fixed)
    assert_allclose(found.attrs["log_likelihood"], there.likelihood, rtol=1e-10)
    positive = variances > 0
    step = np.linalg.solve(there.observed[np.ix_(positive, positive)], there.score[positive])
    assert_allclose(step / variances[positive], 0, atol=1e-8)
    assert np.all(there.score[~positive] <= 0)


@pytest.mark.parametrize("days", [1, 2])
def test_mean_square_of_runs_is_what_they_leave_less_of_cells_and_pieces(days):
    # two sets of runs that share nothing with each other: 0 to 4, and 5 to 8
    second = chained(4, 2, days=days)
    second = second.assign(run=second.run + 5, animal="second " + second.animal)
    table = pd.concat([chained(5, 1, days=days), second])
    # a piece measured on two days, so that cells are not used up by the pieces
    table.loc[table.piece == 0, "piece"] = 1
    found = variance_components(table, "value", NESTED, ("group", "day"), "anova", crossed="run").set_index("component")
    piece = table.animal + "/" + table.piece.astype(str)
    cells_and_pieces = pd.get_dummies(pd.DataFrame({"c": table.group + table.day.astype(str), "p": piece}), dtype=float)
    whole = np.hstack([cells_and_pieces, pd.get_dummies(table.run, dtype=float)])
    (left, rank), (rest, full) = (squares_left(x, table.value) for x in (cells_and_pieces.to_numpy(), whole))
    assert full - rank == 4 + 3  # one run of each set cannot be told from the pieces
    assert found.degrees_of_freedom["run"] == 7
    assert found.degrees_of_freedom["residual"] == len(table) - full
    assert_allclose(found.variance["residual"], rest / (len(table) - full), rtol=1e-10)
    # the mean square of runs expects the residual and tr(Z'MZ)/7 times the variance of runs, M leaving cells and pieces
    z = pd.get_dummies(table.run, dtype=float).to_numpy()
    off = z - cells_and_pieces.to_numpy() @ np.linalg.lstsq(cells_and_pieces, z, rcond=None)[0]
    expected = ((left - rest) / 7 - found.variance["residual"]) / (np.sum(off**2) / 7)
    assert_allclose(found.variance["run"], expected, rtol=1e-9)


def squares_left(x: np.ndarray, y: pd.Series) -> tuple[float, int]:
    """Return the sum of squares least squares leaves, and the rank."""
    fit, _, rank, _ = np.linalg.lstsq(x, y.to_numpy(), rcond=None)
    return float(np.sum((y - x @ fit) ** 2)), int(rank)


def test_a_thousand_runs_in_a_chain_need_no_table_of_readings_by_runs():
    table = chained(1000, 3)
    tracemalloc.start()
    found = variance_components(table, "value", NESTED, ("group",), crossed="run").set_index("component")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(table) == 1000 * (8 + 2) * 2
    assert peak < len(table) * 1000 * 8 / 2  # half of one such table; 160 MB
    # a variance of n effects is known to sqrt(2/n) at best: runs (n = 1000) to 4.5 %, animals (2000) to 3 %
    assert_allclose(found.variance, [0.3**2, 0.15**2, 0.1**2, 0.05**2], rtol=0.15)


def test_a_chain_cut_into_sets_has_the_sum_of_their_likelihoods():
    # no cell and no run in common: what the sets tell is told apart, and adds up at the same variances
    table = pd.concat([chained(4, seed).assign(set=seed, run=lambda t, s=seed: 10 * s + t.run) for seed in (1, 2)])
    table["animal"] = table.set.astype(str) + "/" + table.animal
    found = variance_components(table, "value", NESTED, ("set", "group"), crossed="run")
    alone = [Textbook(part, found.variance.to_numpy(), ["group"]).likelihood for _, part in table.groupby("set")]
    assert_allclose(found.attrs["log_likelihood"], sum(alone), rtol=1e-10)
