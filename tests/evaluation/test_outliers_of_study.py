"""Outliers and recovery against concentration over a whole study: flags, and every value stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.evaluation.outliers import (
    LOOK,
    OUTLIER,
    outlier_table,
    outlier_words,
    recovery_dependence,
    variability_flags,
)

pytestmark = pytest.mark.requirement("UR-015")

NO_RECOVERY = pd.DataFrame(columns=["kind", "relative_uncertainty", "tissue", "analyte", "method_id"])


def concentrations(outlying: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(21)
    n = np.arange(20)
    table = pd.DataFrame({
        "tissue": "liver", "analyte": "a", "method_id": "M", "subject_id": [f"R{k}" for k in n],
        "group": [f"G{k // 5}" for k in n], "collection_day": 29, "sex": "M", "unit": "ug/g", "pool": False,
        "value": np.exp(n // 5 + rng.normal(scale=0.2, size=20)), "flags": "",
    })  # fmt: skip
    table.loc[7, "value"] *= outlying
    return table


def test_an_animal_far_from_its_group_is_flagged_and_stays():
    table = concentrations(6.0)
    found = outlier_table(table)
    assert list(found.subject_id[found.flag == OUTLIER]) == ["R7"]
    assert len(found) == len(table)
    assert [k for k, word in enumerate(outlier_words(table, found)) if word] == [7]
    flag = variability_flags(found, NO_RECOVERY)[0]
    assert flag["flag"] == OUTLIER
    assert flag["observed"].startswith("R7, M: ")


def test_an_animal_apart_in_its_group_alone_is_worth_a_look_and_no_flag():
    # of 20 animals, 5 to a group: between 0.05 / 20 and 0.05 / 5
    found = next(
        table for fold in np.arange(1.2, 4, 0.02)
        if 0.05 / 20 < (table := outlier_table(concentrations(fold))).p_value[7] <= 0.05 / 5
        and table.p_value.idxmin() == 7
    )  # fmt: skip
    row = found.loc[7]
    assert row["flag"] == ""
    assert row.note == f"no flag; {LOOK} (p {5 * row.p_value:.2g})"
    assert variability_flags(found, NO_RECOVERY) == []


def test_clean_groups_raise_nothing():
    found = outlier_table(concentrations())
    assert variability_flags(found, NO_RECOVERY) == []
    assert (found.adjusted_p > 0.05).all()


def test_pieces_of_an_animal_are_one_animal():
    table = pd.concat([concentrations().assign(value=lambda t: t.value * 2), concentrations()], ignore_index=True)
    assert_allclose(outlier_table(table).value, np.sqrt(2) * concentrations().value)


def test_blq_and_pools_are_not_judged():
    table = concentrations()
    table.loc[0, "value"], table.loc[1, "pool"] = np.nan, True
    assert not {"R0", "R1"} & set(outlier_table(table).subject_id)
    assert outlier_table(table.assign(value=np.nan)).empty


def test_dependence_on_concentration_is_pooled_over_runs_by_hand():
    # ln 1.1 with 0.02 and ln 1.2 with 0.04: weights 4 to 1; standard uncertainty 1 / sqrt(2500 + 625)
    rows = [("R1", 1.1, 0.02), ("R2", 1.2, 0.04)]
    recovery = pd.DataFrame(rows, columns=["batch", "factor", "relative_uncertainty"]).assign(
        kind="extraction_recovery_change_per_tenfold", tissue="liver", analyte="a", method_id="M",
        degrees_of_freedom=20.0,
    )  # fmt: skip
    row = recovery_dependence(recovery).iloc[0]
    assert_allclose(np.log(row.factor), 0.8 * np.log(1.1) + 0.2 * np.log(1.2))
    assert row.adjusted_p < 1e-4
    flags = variability_flags(outlier_table(concentrations()), recovery)
    assert [each["flag"] for each in flags] == ["recovery_depends_on_concentration"]
