"""ELISA against LC-MS/MS on samples of one study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from animals_of_study import concentrations, study_of, subjects
from numpy.testing import assert_allclose

from bioanalysis.evaluation.method_comparison import ONE, TWO, judge_method_comparison
from bioanalysis.variability import compare_methods

pytestmark = pytest.mark.requirement("UR-017")

X = np.array([1.0, 2, 4, 8, 15, 33])
Y = np.array([1.1, 2.1, 4.6, 8.3, 17, 35])


def rows(values: np.ndarray, method: str, names: str = "S", **more: object) -> list[dict[str, object]]:
    return [
        {"subject_id": f"R{n}", "group": "g", "tissue": "liver", "sample_id": f"{names}{n}", "value": value,
         "method_id": method} | ({"status": "BLQ"} if np.isnan(value) else {}) | more
        for n, value in enumerate(values)
    ]  # fmt: skip


def compared(tmp_path, *results: dict[str, object]) -> pd.DataFrame:
    found = concentrations(*results)
    animals = subjects(*({"subject_id": name, "group": "g"} for name in dict.fromkeys(found.subject_id)))
    return judge_method_comparison(study_of(tmp_path, animals, found), found).tables["method_comparison"]


def both(x: np.ndarray, y: np.ndarray, **more: object) -> list[dict[str, object]]:
    return rows(x, "ASO-LCMS-01") + rows(y, "ASO-ELISA-01", **more)


def test_the_comparison_is_that_of_the_logarithms(tmp_path):
    row = compared(tmp_path, *both(X, Y)).iloc[0]
    by_hand = compare_methods(np.log(X), np.log(Y))
    assert_allclose(row.bias_percent, 100 * (np.exp(np.mean(np.log(Y / X))) - 1))
    assert_allclose([row.deming_slope, row.passing_bablok_slope], [by_hand.deming.slope, by_hand.passing_bablok.slope])
    assert_allclose(row.concordance, by_hand.concordance.coefficient)
    assert (row.n, row.pairs_from, row.correction_x, row.correction_y) == (6, ONE, "extraction_recovery", "apparent")
    assert row.note.endswith("descriptive, no guideline sets a limit")


def test_the_error_ratio_comes_from_both_methods_replicates(tmp_path):
    # (0.02^2 + 0.04^2) / (0.05^2 + 0.10^2)
    row = compared(tmp_path, *both(X, Y, reading_uncertainty=0.05, extraction_uncertainty=0.10)).iloc[0]
    assert_allclose(row.error_ratio, 0.002 / 0.0125)


def test_blq_pairs_are_counted_and_not_compared(tmp_path):
    row = compared(tmp_path, *both(np.append(X, [0.5, np.nan]), np.append(Y, [np.nan, np.nan]))).iloc[0]
    assert (row.n, row.n_blq) == (6, 2)


def test_shares_within_20_and_30_percent_are_of_the_mean(tmp_path):
    # differences over means: 9.5, 4.9, 13.6 ... all below 20 %; of y = 1.25 x it is 22.2 %
    row = compared(tmp_path, *both(X, 1.25 * X * np.array([1, 1.001, 1, 1, 1, 1]))).iloc[0]
    assert (row.percent_within_20, row.percent_within_30) == (0, 100)


def test_pairs_from_two_homogenates_are_kept_apart(tmp_path):
    twins = rows(X, "ASO-LCMS-01", "A", homogenate="1") + rows(Y, "ASO-ELISA-01", "B", homogenate="2")
    shifted = [row | {"subject_id": f"T{row['subject_id']}"} for row in twins]
    table = compared(tmp_path, *both(X, Y), *shifted).set_index("pairs_from")
    assert table.n.to_dict() == {ONE: 6, TWO: 6}


@pytest.mark.parametrize(("n", "note"), [(2, "2 complete pairs"), (0, "0 complete pairs")])
def test_too_few_pairs_say_so(tmp_path, n, note):
    x = np.where(np.arange(6) < n, X, np.nan)
    row = compared(tmp_path, *both(x, Y)).iloc[0]
    assert row.note.startswith(f"not compared: {note}")
    assert np.isnan(row.deming_slope)


def test_samples_measured_by_one_method_only_give_an_empty_table(tmp_path):
    table = compared(tmp_path, *rows(X, "ASO-LCMS-01"))
    assert table.empty
    assert "deming_slope" in table
