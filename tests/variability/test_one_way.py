"""One-way analysis of variance by hand and against NIST."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability import one_way_anova

pytestmark = pytest.mark.requirement("UR-015")


def test_three_groups_by_hand():
    # means 2, 4, 6 around 4: 2 x (4 + 0 + 4) = 16 over 2 df; inside 6 x 1 over 3 df; F = 8 / 2
    result = one_way_anova([1, 3, 3, 5, 5, 7], list("aabbcc"))
    assert_allclose([result.between_ms, result.within_ms, result.f], [8, 2, 4])
    assert_allclose(result.p_value, (1 + 2 * 4 / 3) ** -1.5)  # closed form of the F tail with 2 and 3 df


@pytest.mark.parametrize(
    ("values", "groups", "note"),
    [([1, 2], "aa", "one group only"), ([1, 2], "ab", "one value per group"), ([1, 1, 2, 2], "aabb", "no scatter")],
)
def test_without_a_ratio_there_is_a_sentence(values, groups, note):
    result = one_way_anova(values, list(groups))
    assert np.isnan(result.f)
    assert note in result.note


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "wanted"), [("SiRstv", 9), ("SmLs01", 9), ("SmLs02", 9), ("SmLs04", 9), ("SmLs07", 4), ("SmLs09", 4)]
)
def test_nist_certified_f(reference, name, wanted):
    folder = reference / "stats" / f"nist_anova_{name}"
    table, known = pd.read_csv(folder / "data.csv"), json.loads((folder / "reference.json").read_text())
    f = one_way_anova(table["y"], table["treatment"]).f
    digits = -np.log10(max(abs(f / known["between"]["F"] - 1), 1e-15))
    print(f"{name}: F to {digits:.1f} digits")
    assert digits > wanted
