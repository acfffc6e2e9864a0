"""Position effects of a plate, found where they are and not where they are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability.positions import polished_effects, position_effects

pytestmark = pytest.mark.requirement("UR-015")

WELLS = [f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)]


def plate(effect=lambda well: 1.0, unit=lambda well: "same", noise=0.02, seed=3):
    """Return a plate whose wells read their unit's level times the effect of their place."""
    rng = np.random.default_rng(seed)
    level = {name: 1.0 + 0.1 * number for number, name in enumerate(dict.fromkeys(map(unit, WELLS)))}
    signal = [level[unit(well)] * effect(well) * (1 + noise * rng.standard_normal()) for well in WELLS]
    return pd.DataFrame({"well": WELLS, "unit": list(map(unit, WELLS)), "signal": signal})


def effects_of(wells):
    return position_effects(wells).set_index("effect")


def test_one_row_a_tenth_higher_is_found_with_its_size():
    found = effects_of(plate(lambda well: 1.1 if well[0] == "C" else 1.0, noise=0.001)).loc["rows"]
    assert_allclose(found.size_percent, 10, atol=0.3)
    assert found.largest.startswith("row C +10.")
    assert found.p_value == 1 / 500


def test_columns_and_edges_are_found_each_as_what_they_are():
    column = effects_of(plate(lambda well: 0.9 if well[1:] == "7" else 1.0))
    assert column.p_value["columns"] <= 0.01 < column.p_value["rows"]
    edge = effects_of(plate(lambda well: 1.08 if well[0] in "AH" or well[1:] in ("1", "12") else 1.0)).loc["edge"]
    assert_allclose(edge.size_percent, 8, atol=1)
    assert edge.p_value <= 0.01


def test_samples_of_different_levels_do_not_look_like_rows():
    """Each row holds a sample of its own, in twelve columns: nothing compares the rows."""
    found = effects_of(plate(unit=lambda well: well[0]))
    assert np.isnan(found.p_value["rows"])
    assert "fewer than 8 wells have a replicate in another place: not assessable" in found.note["rows"]
    assert found.p_value["columns"] > 0.01


def test_duplicates_side_by_side_still_show_a_pipetting_step_between_columns():
    found = effects_of(plate(lambda well: 1.06 if int(well[1:]) % 2 else 1.0, unit=side_by_side))
    assert_allclose(found.size_percent["columns"], 6, atol=3)
    assert found.p_value["columns"] <= 0.01
    assert np.isnan(found.size_percent["rows"])


def side_by_side(well):
    """Duplicates in columns 1 and 2, 3 and 4, and so on: of the edge, twelve pairs compare outer with inner wells."""
    return f"{well[0]}{(int(well[1:]) + 1) // 2}"


def outer_wells_read(factor):
    return lambda well: factor if well[0] in "AH" or well[1:] in ("1", "12") else 1.0


def test_an_edge_is_seen_with_its_size_though_most_edge_wells_have_no_inner_replicate():
    # rows A and H hold both wells of their pairs: these say nothing of the edge and must not dilute it
    found = effects_of(plate(outer_wells_read(1.25), unit=side_by_side)).loc["edge"]
    assert found.n_wells == 24
    assert_allclose(found.size_percent, 25, atol=2)


def test_the_smallest_p_value_is_told_from_the_wells_that_compare():
    # six pairs of B to G across columns 1 and 2 and one of B11 and B12: 2 of 2 ** 7 arrangements
    few = plate(outer_wells_read(1.3), unit=side_by_side)
    few = few[few.well.str[1:].isin(["1", "2"]) | few.well.isin(["B11", "B12"])]
    assert_allclose(effects_of(few).smallest_p["edge"], 2 / 2**7)
    # of 500 arrangements 7.8 are as far out on the average, by some seeds fewer: the p-value is that of 128
    drawn = [position_effects(few, rng=np.random.default_rng(seed)).p_value.iloc[2] for seed in range(20)]
    assert_allclose(min(drawn), 2 / 2**7)
    # one sample in four wells, one of them outer, and three times: 4 places to the power of 3
    quadruple = pd.DataFrame({"well": [f"{row}{column}" for row in "BCD" for column in (1, 2, 3, 4)]})
    quadruple = quadruple.assign(unit=quadruple.well.str[0], signal=np.linspace(1, 1.1, 12))
    assert_allclose(effects_of(quadruple).smallest_p["edge"], 1 / 4**3)


def test_every_pair_of_twelve_higher_outside_is_no_chance():
    # by signs alone all twelve pairs agree in 2 of 4096 shuffles; seeds differ in their noise of 3 %
    found = [effects_of(plate(outer_wells_read(1.1), unit=side_by_side, noise=0.03, seed=seed)) for seed in range(10)]
    assert all(each.p_value["edge"] <= 0.01 for each in found)


def test_a_bubble_hides_no_edge():
    wells = plate(outer_wells_read(1.05), noise=0.03)
    wells.loc[wells.well == "D6", "signal"] *= 3
    assert effects_of(wells).p_value["edge"] <= 0.01


def test_plates_without_an_effect_are_called_as_often_as_the_p_value_says():
    p_values = np.array([effects_of(plate(seed=seed)).p_value for seed in range(60)])
    # of 180 p-values 9 are expected at or below 0.05; 19 and more have a probability of 0.2 %
    assert np.sum(p_values <= 0.05) < 19
    assert 0.4 < p_values.mean() < 0.6


def test_neither_are_those_of_duplicates_side_by_side():
    p_values = np.array(
        [effects_of(plate(seed=seed, unit=side_by_side)).p_value[["columns", "edge"]] for seed in range(60)]
    )
    # of 120 p-values 6 are expected at or below 0.05; 14 and more have a probability of 0.3 %
    assert np.sum(p_values <= 0.05) < 14


def test_polish_by_hand():
    # two rows, two columns, one unit: ln signals 0, 1 / 2, 3; row medians differ by 2, column medians by 1
    signals, row, column = np.array([[0.0, 1, 2, 3]]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    unit = np.zeros(4, dtype=int)
    assert_allclose(polished_effects(signals, row, unit, column), [[-1, 1]])
    assert_allclose(polished_effects(signals, column, unit, row), [[-0.5, 0.5]])


def test_the_same_plate_gives_the_same_p_values():
    wells = plate(noise=0.05)
    pd.testing.assert_frame_equal(position_effects(wells), position_effects(wells))


@pytest.mark.parametrize("wells", [plate().head(0), plate().head(3), plate(unit=str)])
def test_without_replicates_nothing_is_assessable(wells):
    found = position_effects(wells)
    assert found.p_value.isna().all()
    assert (found.note != "").all()


def test_a_384_well_plate_has_its_edges_further_out():
    wells = pd.DataFrame({"well": [f"{r}{c}" for r in "ABOP" for c in (1, 2, 12, 23, 24)], "unit": "same"})
    rng = np.random.default_rng(1)
    outer = wells.well.str[0].isin(["A", "P"]) | wells.well.str[1:].isin(["1", "24"])
    wells["signal"] = np.where(outer, 1.2, 1.0) * (1 + 0.01 * rng.standard_normal(len(wells)))
    assert_allclose(effects_of(wells).size_percent["edge"], 20, atol=2)
