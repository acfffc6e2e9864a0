"""Matuszewski's ratios on areas, and the dependence of recovery on concentration, with sums a reader can redo."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.recovery.diagnostics import POOLED_LEVELS, area_diagnostics, concentration_dependence

pytestmark = pytest.mark.requirement("UR-013")

SETS = {"pre_spike": "recovery_pre", "post_spike": "recovery_post", "neat": "neat"}


def areas(*rows: tuple, tissue: str = "liver") -> pd.DataFrame:
    """Recovery rows from (sample_type, level, lot, area, internal standard)."""
    table = pd.DataFrame(rows, columns=["sample_type", "level", "lot", "analyte_area", "internal_standard_area"])
    return table.assign(
        tissue=tissue, batch="LC-01", dilution_factor=1.0, nominal_ng_ml=100.0,
        position=[str(n) for n in range(1, len(table) + 1)],
    )  # fmt: skip


BY_HAND = areas(
    ("recovery_pre", "M", "", 45, 9),
    ("recovery_pre", "M", "", 55, 11),
    ("recovery_post", "M", "", 90, 10),
    ("recovery_post", "M", "", 110, 10),
    ("neat", "M", "", 125, 8),
    ("neat", "M", "", 125, 8),
)


def rows_of(table: pd.DataFrame) -> pd.DataFrame:
    found = area_diagnostics(table, "LC-01")
    return found[found.level != POOLED_LEVELS].set_index("kind")


def test_the_three_sets_by_hand():
    # C 50, B 100, A 125: recovery 0.5, matrix factor 0.8, process efficiency 0.4; standards 10, 10, 8: 1, 1.25, 1.25
    factor = rows_of(BY_HAND).factor
    assert_allclose(factor[["area_recovery", "area_matrix_factor", "area_process_efficiency"]], [0.5, 0.8, 0.4])
    standard = ["internal_standard_recovery", "internal_standard_matrix_factor", "internal_standard_process_efficiency"]
    assert_allclose(factor[standard], [1.0, 1.25, 1.25])
    # area ratios: C 5, 5; B 9, 11; A 15.625
    assert_allclose(factor["is_normalised_recovery"], 0.5)
    assert_allclose(factor["is_normalised_matrix_factor"], 10 / 15.625)


def test_a_ratio_names_its_uncertainty_and_the_rows_it_came_from():
    row = rows_of(BY_HAND).loc["area_recovery"]
    # CV of 45 and 55 is 14.14 %, of 90 and 110 the same: u^2 = 0.02/2 + 0.02/2
    assert_allclose(row.relative_uncertainty**2, 0.02)
    assert row["rows"] == "1;2 / 3;4"
    assert_allclose(row.low * row.high, 0.25)


def test_nothing_of_it_is_ever_applied():
    found = area_diagnostics(BY_HAND, "LC-01")
    assert not found.used.any()
    assert not (found.level == "all").any()
    declared = {"extraction_recovery", "process_efficiency", "apparent", "is_normalised", "none"}
    assert not declared & set(found.kind)


def test_lots_pair_the_sets():
    table = areas(
        ("recovery_pre", "M", "L1", 40, 1), ("recovery_pre", "M", "L2", 180, 1),
        ("recovery_post", "M", "L2", 200, 1), ("recovery_post", "M", "L1", 100, 1),
    )  # fmt: skip
    # 0.4 in lot 1, 0.9 in lot 2: geometric mean 0.6; the ratio of means is 220/300
    factor = rows_of(table).factor
    assert_allclose(factor[["area_recovery_paired", "area_recovery"]], [0.6, 220 / 300])


def test_one_extraction_batch_beside_another_has_its_own_rows():
    other = BY_HAND[BY_HAND.sample_type != "neat"].assign(batch="B2", analyte_area=lambda t: t.analyte_area * 2)
    found = area_diagnostics(pd.concat([BY_HAND, other], ignore_index=True), "LC-01")
    assert list(dict.fromkeys(found.batch)) == ["LC-01:B2", "LC-01:LC-01"]


def test_without_counterparts_there_are_no_rows():
    assert area_diagnostics(BY_HAND[BY_HAND.sample_type == "recovery_pre"], "LC-01").empty
    assert area_diagnostics(BY_HAND.assign(analyte_area=np.nan), "LC-01").empty


def test_slope_of_recovery_by_hand():
    # recovery e^-0.5 at 1, e^-0.3 at e, e^-0.1 at e^2: slope 0.2; scatter +-0.1 in two replicates each side: s^2 0.02
    spread = np.exp([-0.1, 0.1])
    pre = [np.exp(level) * spread for level in (-0.5, -0.3, -0.1)]
    post = [spread, spread, spread]
    found = concentration_dependence(np.exp([0.0, 1.0, 2.0]), pre, post)
    assert_allclose(found.slope, 0.2)
    # variance of each level 0.02/2 + 0.02/2 = 0.02, sum of squares of x is 2; 3 + 3 degrees of freedom
    assert_allclose([found.uncertainty**2, found.degrees_of_freedom], [0.01, 6.0])
    assert_allclose(found.p_value, 0.0924, atol=5e-5)  # two-sided t of 2.0 with 6 degrees of freedom


@pytest.mark.parametrize(
    ("nominal", "pre", "words"),
    [
        ([5.0], [[1.0, 2.0]], "one level"),
        ([5.0, 50.0], [[1.0], [2.0]], "single values"),
        ([5.0, 50.0], [[1.0, 1.0], [2.0, 2.0]], "agree exactly"),
    ],
)
def test_a_slope_without_a_reason_to_trust_it_is_not_a_number(nominal, pre, words):
    found = concentration_dependence(nominal, pre, None)
    assert np.isnan([found.slope, found.p_value]).all()
    assert words in found.note


@pytest.mark.reference
@pytest.mark.parametrize("level", ["low", "mid", "high"])
def test_matuszewski_sets_of_independent_software(reference, level):
    folder = reference / "stats" / "rec_matuszewski_sim"
    known = json.loads((folder / "reference.json").read_text())["levels"][level]
    table = pd.read_csv(folder / "data.csv").query("level == @level").replace({"set": SETS})
    ours = rows_of(areas(*table[["set", "level", "lot", "area", "is_area"]].itertuples(index=False)))
    pairs = {
        "area_matrix_factor": "matrix_effect_ratio_of_means",
        "area_recovery": "recovery_ratio_of_means",
        "area_process_efficiency": "process_efficiency",
        "area_recovery_paired": "recovery_geometric_paired",
        "internal_standard_recovery": "is_recovery",
    }
    for kind, name in pairs.items():
        assert_allclose(ours.factor[kind], known[name], rtol=1e-9)
    assert_allclose(ours.relative_uncertainty["area_recovery"], known["recovery_rel_se_first_order_unpaired"])
    assert_allclose([ours.low["area_recovery_paired"], ours.high["area_recovery_paired"]], known["recovery_geo_ci95"])
