"""Ratios of groups: what animals share is added once, cancels where both sides have it, and never counts twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability.log_ratio import ratio_of_means
from bioanalysis.variability.shared_terms import Side, beyond_scatter, shared_of_ratio

CURVE, RECOVERY, ANIMAL = 0.03, 0.08, 0.10


def rows(*parts: tuple[list[str], str, str, str]) -> pd.DataFrame:
    """Rows of (animals, tissue, run, source of the recovery factor)."""
    return pd.DataFrame(
        [
            {"subject_id": animal, "tissue": tissue, "run_id": run, "recovery_source": source, "method_id": "M",
             "collection_day": 29.0, "curve_uncertainty": CURVE, "curve_degrees_of_freedom": np.inf,
             "recovery_uncertainty": RECOVERY, "recovery_degrees_of_freedom": np.inf}
            for animals, tissue, run, source in parts
            for animal in animals
        ]
    )  # fmt: skip


LOW, HIGH = [f"L{k}" for k in range(5)], [f"H{k}" for k in range(5)]


def between(
    a: list[str], b: list[str], tissues: tuple[str, str] = ("liver", "liver"), groups: str = "01"
) -> list[Side]:
    return [Side(1.0, a, tissues[0], 29.0, groups[0]), Side(-1.0, b, tissues[1], 29.0, groups[1])]


def total(parts: list[tuple[float, float]]) -> float:
    return sum(variance for variance, _ in parts)


def test_one_factor_cancels_between_doses_and_two_curves_stay():
    table = rows((LOW, "liver", "R1", "study"), (HIGH, "liver", "R2", "study"))
    assert_allclose(total(shared_of_ratio(table, between(HIGH, LOW))), 2 * CURVE**2)


def test_factors_of_two_runs_stay_between_doses():
    table = rows((LOW, "liver", "R1", "rows of R1"), (HIGH, "liver", "R2", "rows of R2"))
    assert_allclose(total(shared_of_ratio(table, between(HIGH, LOW))), 2 * CURVE**2 + 2 * RECOVERY**2)


def test_factors_of_two_tissues_stay_in_the_ratio_within_animals():
    table = rows((LOW, "kidney", "R1", "study"), (LOW, "liver", "R1", "study"))
    parts = shared_of_ratio(table, between(LOW, LOW, ("kidney", "liver"), "aa"))
    assert_allclose(total(parts), 2 * CURVE**2 + 2 * RECOVERY**2)


def test_factors_that_every_animal_has_by_itself_are_in_the_scatter_already():
    table = rows(*(([animal], "liver", f"R{k}", f"rows of R{k}") for k, animal in enumerate([*LOW, *HIGH])))
    assert_allclose(total(shared_of_ratio(table, between(HIGH, LOW))), 0.0, atol=1e-15)


def test_animals_of_two_runs_by_hand():
    # four animals, two in each run, u through each animal 0.08/4: of one run (2 x 0.02)^2 = 0.0016 is the mean's, of
    # which 4 x var(0.02, 0.02, 0, 0) = 4 x 0.0004/3 lies in the scatter; likewise of the other
    table = rows((LOW[:2], "liver", "R1", "rows of R1"), (LOW[2:4], "liver", "R2", "rows of R2"))
    table = table.assign(weight=0.25, side=0, group="", curve_uncertainty=0.0)
    assert_allclose(total(beyond_scatter(table)), 2 * (0.0016 - 4 * 0.0004 / 3))


def test_pieces_of_an_animal_share_its_weight():
    table = rows((LOW, "liver", "R1", "study"), (LOW, "liver", "R1", "study"), (HIGH, "liver", "R1", "study"))
    assert_allclose(total(shared_of_ratio(table, between(HIGH, LOW))), 2 * CURVE**2)


def test_a_table_without_uncertainties_adds_nothing():
    assert shared_of_ratio(pd.DataFrame({"subject_id": ["A"], "tissue": ["liver"], "collection_day": [29.0]}),
                           between(["A"], ["A"])) == []  # fmt: skip


DESIGNS = {
    "doses under one factor": ((LOW, "R1", "study"), (HIGH, "R1", "study")),
    "doses under the factors of two runs": ((LOW, "R1", "rows of R1"), (HIGH, "R2", "rows of R2")),
    "each dose over two runs": (
        (LOW[:3], "R1", "rows of R1"), (LOW[3:], "R2", "rows of R2"), (HIGH[:2], "R1", "rows of R1"),
        (HIGH[2:], "R2", "rows of R2"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_cover_by_monte_carlo(design):
    """90 % intervals of the ratio of two doses, with an error for each factor, and for each curve and side.

    4000 studies: the standard error of the share is 0.5 %. Where each dose lies over two runs, the animals' scatter
    holds more of the factors than the ratio does; nothing is taken off the scatter itself: intervals are a little wide.
    """
    table = rows(*((animals, "liver", run, source) for animals, run, source in DESIGNS[design]))
    shared = shared_of_ratio(table, between(HIGH, LOW))
    rng, studies = np.random.default_rng(7), 4000
    factor = {name: rng.normal(0, RECOVERY, studies) for name in table.recovery_source.unique()}
    side = table.subject_id.str[0]
    curve = {key: rng.normal(0, CURVE, studies) for key in sorted(set(zip(table.run_id, side, strict=True)))}
    logs = np.array([factor[row.recovery_source] + curve[row.run_id, row.subject_id[0]] for row in table.itertuples()])
    values = np.exp(logs + rng.normal(0, ANIMAL, logs.shape))
    high, low = values[(side == "H").to_numpy()], values[(side == "L").to_numpy()]
    found = [ratio_of_means(high[:, k], low[:, k], shared=shared) for k in range(studies)]
    covered = np.mean([one.low <= 1 <= one.high for one in found])
    assert 0.885 <= covered <= (0.945 if "each" in design else 0.915)
    alone = [ratio_of_means(high[:, k], low[:, k]) for k in range(studies)]
    assert np.mean([one.low <= 1 <= one.high for one in alone]) < covered


def test_the_ratio_of_tissues_of_a_group_covers_by_monte_carlo():
    table = rows((LOW, "kidney", "R1", "study"), (LOW, "liver", "R1", "study"))
    shared = total(shared_of_ratio(table, between(LOW, LOW, ("kidney", "liver"), "aa")))
    rng = np.random.default_rng(11)
    error = sum(rng.normal(0, u, 20_000) for u in (RECOVERY, RECOVERY, CURVE, CURVE))
    mean = rng.normal(0, ANIMAL * np.sqrt(2 / 5), 20_000)
    assert_allclose(np.var(error + mean), shared + 2 * ANIMAL**2 / 5, rtol=0.03)
