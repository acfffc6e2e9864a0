"""Exchanged labels are found; clean animals are left alone; what cannot be told is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability.swaps import TOO_CLOSE, TOO_FEW, animal_swaps, predicted, tissue_swaps

pytestmark = pytest.mark.requirement("UR-016")

OFFSETS = (-0.3, -0.1, 0.0, 0.1, 0.3)


def animals(steps: tuple[float, ...] = (0.0, 1.6), ratio: float = 9.0) -> tuple[pd.DataFrame, pd.Series]:
    """Two groups of five; kidney/spleen about `ratio`, doses apart by the steps (ln)."""
    rows = {}
    for number, step in enumerate(steps):
        for place, offset in enumerate(OFFSETS):
            # the two tissues scatter against each other, so that their ratio does too
            rows[f"{'AB'[number]}{place}"] = (np.log(ratio) + step + offset / 2, step - OFFSETS[place - 2] / 2)
    logs = pd.DataFrame.from_dict(rows, orient="index", columns=["kidney", "spleen"])
    return logs, pd.Series([name[0] for name in logs.index], index=logs.index)


def exchanged(logs: pd.DataFrame, animal: str) -> pd.DataFrame:
    logs = logs.copy()
    logs.loc[animal, ["kidney", "spleen"]] = logs.loc[animal, ["spleen", "kidney"]].to_numpy()
    return logs


@pytest.mark.rule("BIO-08", "inside")
def test_clean_animals_raise_no_suspicion():
    for search in (tissue_swaps, animal_swaps):
        assert not search(*animals(), false_alarms=0.02).suspected.any()


@pytest.mark.rule("BIO-08", "outside")
def test_an_exchanged_pair_of_tissues_is_named():
    logs, groups = animals()
    found = tissue_swaps(exchanged(logs, "B3"), groups, false_alarms=0.02)
    assert found[found.suspected].animal.tolist() == ["B3"]


def test_what_is_exchanged_twice_is_as_it_was():
    logs, groups = animals()
    twice = exchanged(exchanged(logs, "A1"), "A1")
    once, again = (tissue_swaps(each, groups, false_alarms=0.02) for each in (logs, twice))
    pd.testing.assert_frame_equal(once, again)


@pytest.mark.rule("BIO-08", "on")
def test_the_boundary_is_students_t_over_all_questions():
    # 10 animals and one pair of tissues: each is allowed a tenth of the 2 %
    from scipy.stats import t

    found = tissue_swaps(*animals(), false_alarms=0.02)
    assert len(found) == 10
    assert_allclose(found.critical, t.ppf(1 - 0.002, 8))


@pytest.mark.rule("BIO-08", "not_assessable")
def test_tissues_alike_cannot_be_told_apart():
    found = tissue_swaps(*animals(ratio=1.05), false_alarms=0.02)
    assert set(found.note) == {TOO_CLOSE}
    assert not found.suspected.any()


def test_one_animal_per_group_says_too_few():
    logs, _ = animals()
    each_its_own = pd.Series(logs.index, index=logs.index)
    assert set(tissue_swaps(logs, each_its_own, false_alarms=0.02).note) == {TOO_FEW}
    assert set(animal_swaps(logs, each_its_own, false_alarms=0.02).note) == {TOO_FEW}


def test_two_animals_exchanged_between_groups_are_both_named():
    logs, groups = animals()
    logs.loc[["A2", "B2"]] = logs.loc[["B2", "A2"]].to_numpy()
    found = animal_swaps(logs, groups, false_alarms=0.02)
    assert found[found.suspected].animal.tolist() == ["A2", "B2"]
    assert found[found.suspected].note.tolist() == ["fits with B2 exchanged", "fits with A2 exchanged"]


def test_groups_alike_are_taken_together():
    # 1, 3 and 2, 2: both groups have mean 2, so nothing lies between them; s^2 = (1 + 1) / 3, t of 3 degrees
    found = predicted(np.array([1.0, 3, 2, 2, 1, 3]), np.array([0, 0, 1, 1, 2, 2]), 0)
    assert found is not None
    assert_allclose(found.centre, 2)
    assert_allclose(found.error**2, 4 / 5 * (1 + 1 / 6))
    assert found.degrees == 5


def test_groups_far_apart_are_taken_each_by_itself():
    # a between-group variance without bounds leaves the group's own mean, with the error of a new value in it
    found = predicted(np.array([-1.0, 1, 1e6 - 1, 1e6 + 1, -1e6 - 1, -1e6 + 1]), np.array([0, 0, 1, 1, 2, 2]), 1)
    assert found is not None
    assert_allclose(found.centre, 1e6)
    assert_allclose(found.error**2, 2 * (1 + 1 / 2), rtol=1e-6)


def test_without_animals_there_is_nothing_to_say():
    nothing = pd.DataFrame(columns=["kidney", "spleen"], dtype=float)
    assert tissue_swaps(nothing, pd.Series(dtype=str), false_alarms=0.02).empty
    assert animal_swaps(nothing, pd.Series(dtype=str), false_alarms=0.02).empty
