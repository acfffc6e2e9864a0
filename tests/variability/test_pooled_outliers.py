"""Animals apart from their group, by hand and against a full regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability.pooled_outliers import pooled_outliers

pytestmark = pytest.mark.requirement("UR-015")


def groups(*values: list[float]) -> tuple[pd.Series, pd.Series]:
    logs = pd.Series([value for group in values for value in group], dtype=float)
    return logs, pd.Series([k for k, group in enumerate(values) for _ in group])


def test_by_hand():
    # group of 0, 0, 3 beside one of -1, 0, 1: residual of 3 is 2, squares 6 + 2 = 8; without it 8 - 4 / (2/3) = 2
    found = pooled_outliers(*groups([0, 0, 3], [-1, 0, 1]))
    assert_allclose(found.statistic[2], 2 / np.sqrt(2 / 3 * 2 / 3))  # 6 - 2 - 1 = 3 degrees of freedom
    assert_allclose(found.fold[2], np.exp(3))
    assert_allclose(found.p_value[2], 0.0577, atol=5e-5)  # two-sided t of 3.0 with 3 degrees of freedom


def test_it_is_the_regression_with_an_own_mean_for_the_suspect():
    rng = np.random.default_rng(2)
    logs, group = groups(*(rng.normal(size=n).tolist() for n in (4, 5, 3, 6)))
    found = pooled_outliers(logs, group)
    design = np.column_stack([pd.get_dummies(group).to_numpy(float), np.arange(len(logs)) == 7])
    effect, rest, *_ = np.linalg.lstsq(design, logs, rcond=None)
    variance = rest[0] / (len(logs) - 5) * np.linalg.inv(design.T @ design)[-1, -1]
    assert_allclose(found.statistic[7], effect[-1] / np.sqrt(variance))
    assert_allclose(np.log(found.fold[7]), effect[-1])


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([[0.0, 1.0], [0.0, 2.0], [1.0, 3.0], [2.0, 3.0], [2.0, 4.0]], "2 in its group: not judged"),
        ([[0.0, 1.0, 9.0]], "too few animals in all groups together: not judged"),
        ([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]], "values agree exactly: check rounding or copied values"),
        ([[1.0]], "1 in its group: not judged"),
    ],
)
def test_what_cannot_be_judged_has_a_sentence_and_no_number(values, note):
    found = pooled_outliers(*groups(*values))
    assert found.statistic.isna().all()
    assert found.p_value.isna().all()
    assert set(found.note) == {note}


def test_p_values_of_clean_groups_are_uniform():
    rng = np.random.default_rng(9)
    p = [pooled_outliers(*groups(*(rng.normal(size=n).tolist() for n in (3, 4, 6)))).p_value[4] for _ in range(600)]
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.075
