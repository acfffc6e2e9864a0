"""What the report shows of variability."""

from __future__ import annotations

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.report.variability_sections import budget_by_tissue, farthest, is_factor, share_figures

pytestmark = pytest.mark.requirement("UR-050")


def test_diagnostics_are_not_shown_among_factors():
    kinds = ["extraction_recovery", "apparent", "is_normalised", "process_efficiency", "area_recovery",
             "is_normalised_recovery", "internal_standard_matrix_factor", "apparent_change_per_tenfold"]  # fmt: skip
    assert list(is_factor(pd.DataFrame({"kind": kinds}))) == [True] * 4 + [False] * 4


def test_the_budget_of_a_tissue_is_the_median_over_its_samples():
    rows = [("S1", "curve", 60.0), ("S1", "mass", 40.0), ("S2", "curve", 70.0), ("S2", "mass", 30.0)]
    table = pd.DataFrame(rows, columns=["sample_id", "contribution", "percent"])
    table = table.assign(tissue="liver", analyte="a", method_id="M")
    found = budget_by_tissue([table[:3], table[3:]])  # as it is read, a stretch at a time
    assert_allclose(found[["curve", "mass"]].to_numpy(), [[65, 35]])
    assert budget_by_tissue([table.head(0)]).empty


def test_the_farthest_animals_stand_first_also_where_adjusted_p_are_one():
    table = pd.DataFrame(
        {"subject_id": list("ABCD"), "adjusted_p": ["1", "1", "0.2", ""], "p_value": ["0.4", "0.03", "0.01", ""]}
    )
    assert "".join(farthest(table).subject_id) == "CBAD"


def test_a_step_at_zero_or_without_a_number_is_not_drawn():
    table = pd.DataFrame({
        "tissue": "liver", "method_id": "M", "estimator": "reml", "component": ["animal", "piece", "run"],
        "variance": ["0.04", "0", ""], "low": "", "high": "", "geometric_cv_percent": ["20.2", "0", ""],
    })  # fmt: skip
    (figure,) = share_figures(table)
    assert len(figure.drawing.marks) == 1
    assert "1 animal (M)" in figure.caption
