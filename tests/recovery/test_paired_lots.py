"""Lots that stand on both sides pair the recovery rows: the ratio lot by lot, and the lot as the unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from run_by_hand import METHOD

from bioanalysis.method import read_method
from bioanalysis.recovery.run import run_recovery
from bioanalysis.recovery.sets import single_recoveries

pytestmark = pytest.mark.requirement("UR-013")


def units(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Units of liver from (sample_type, level, lot, response)."""
    table = pd.DataFrame(rows, columns=["sample_type", "level", "lot", "mean_response"])
    return table.assign(
        tissue="liver", batch="LC-1", nominal_ng_ml=1.0, dilution_factor=1.0, extracted=True,
        reading_ng_ml=table.mean_response, position=[str(n) for n in range(1, len(table) + 1)],
    )  # fmt: skip


def factor(*rows: tuple[str, str, str, float]) -> pd.Series:
    table = run_recovery(units(*rows), read_method(METHOD, METHOD.name), "LC-1")
    return table[table.level == "all"].iloc[0]


PRE, POST = "recovery_pre", "recovery_post"


def test_the_factor_is_the_geometric_mean_of_the_ratios_lot_by_lot():
    # 0.4 in lot 1, 0.9 in lot 2: 0.6, where the ratio of means is 220/300; u is half of ln(0.9/0.4)
    row = factor((PRE, "M", "L1", 40), (PRE, "M", "L2", 180), (POST, "M", "L2", 200), (POST, "M", "L1", 100))
    assert_allclose(row.factor, 0.6)
    assert_allclose(row.relative_uncertainty, np.log(0.9 / 0.4) / 2)
    assert (row.degrees_of_freedom, row.n, row.note) == (1, 2, "geometric mean of the ratios of 2 lots")


def test_what_a_lot_does_to_both_of_its_rows_cancels():
    lots = {"L1": 1.0, "L2": 2.0, "L3": 4.0}
    row = factor(
        *((kind, "M", lot, size * share) for lot, size in lots.items() for kind, share in ((PRE, 0.6), (POST, 1)))
    )
    assert_allclose([row.factor, row.relative_uncertainty], [0.6, 0.0], atol=1e-12)


def test_a_lot_is_one_through_all_levels():
    # lot 1 recovers 0.4 and lot 2 0.9 at each of three levels: two lots, one degree of freedom, u as at one level
    rows = [
        (kind, level, lot, share)
        for level in ("L", "M", "H")
        for lot, recovery in (("L1", 0.4), ("L2", 0.9))
        for kind, share in ((PRE, recovery), (POST, 1.0))
    ]
    row = factor(*rows)
    assert_allclose([row.factor, row.relative_uncertainty], [0.6, np.log(0.9 / 0.4) / 2])
    assert row.degrees_of_freedom == 1
    singles = single_recoveries(units(*rows), "liver", "LC-1", read_method(METHOD, METHOD.name))
    assert_allclose(singles[["L1", "L2"]], [0.4, 0.9])


def test_replicates_of_a_lot_count_by_their_geometric_mean():
    row = factor(
        (PRE, "M", "L1", 20), (PRE, "M", "L1", 80), (PRE, "M", "L2", 90), (POST, "M", "L1", 100), (POST, "M", "L2", 100)
    )
    assert_allclose(row.factor, 0.6)
    assert row.n == 3


def test_a_lot_without_counterpart_is_left_out_and_named():
    row = factor(
        (PRE, "M", "L1", 40), (PRE, "M", "L2", 90), (PRE, "M", "L3", 1), (POST, "M", "L1", 100), (POST, "M", "L2", 100)
    )  # fmt: skip
    assert_allclose(row.factor, 0.6)
    assert row.note == "geometric mean of the ratios of 2 lots; lot L3 without counterpart: left out"
    assert row["rows"] == "1;2 / 4;5"


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (["L1", "L1"], ["L1", "L1"], ""),
        (["L1", "L2"], ["", ""], ""),
        (["L1", ""], ["L1", "L2"], ""),
        (["L1", "L2"], ["L3", "L4"], "lots do not pair the rows: ratio of means"),
    ],
)
def test_without_two_lots_on_both_sides_it_is_the_ratio_of_means(before, after, note):
    rows = [(PRE, "M", lot, value) for lot, value in zip(before, (40, 180), strict=True)]
    rows += [(POST, "M", lot, value) for lot, value in zip(after, (100, 200), strict=True)]
    row = factor(*rows)
    assert_allclose(row.factor, 220 / 300)
    assert row.note == note
