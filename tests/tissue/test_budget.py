"""The uncertainty budget of a sample against sums done by hand, independent software and a Monte Carlo."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal

from bioanalysis.tissue.budget import CONTRIBUTIONS, NOT_ESTIMABLE, uncertainty_budget
from bioanalysis.tissue.concentration import Contribution, concentration_of
from bioanalysis.tissue.homogenate import homogenate

pytestmark = pytest.mark.requirement("UR-014")


def sample(**uncertainties: float) -> pd.DataFrame:
    """A table of one quantified sample with relative uncertainties by contribution; the others are 0."""
    own = {f"{name}_uncertainty": uncertainties.get(name, 0.0) for name in CONTRIBUTIONS}
    row = {"sample_id": "S1", "tissue": "liver", "analyte": "a", "method_id": "M", "run_id": "R"}
    combined = float(np.sqrt(np.nansum(np.square(list(own.values())))))
    more = {"curve_degrees_of_freedom": 8.0, "recovery_degrees_of_freedom": np.nan}
    return pd.DataFrame([row | own | more | {"relative_uncertainty": combined}])


def test_shares_by_hand():
    # 3, 4 and 12 % make 13 %: 9/169, 16/169 and 144/169 of the variance
    budget = uncertainty_budget(sample(curve=0.03, reading=0.04, recovery=0.12)).set_index("contribution")
    assert_allclose(budget.percent[["curve", "reading", "recovery"]], [900 / 169, 1600 / 169, 14400 / 169])
    assert_allclose(budget.percent.sum(), 100)
    assert_allclose(budget.combined_relative_uncertainty, 0.13)
    assert budget.shared_by["mass"] == "none"
    assert "run" in budget.shared_by["curve"]


def test_a_step_that_contributes_nothing_says_that_none_was_stated():
    budget = uncertainty_budget(sample(curve=0.03)).set_index("contribution")
    assert set(budget.note[["dilution", "mass", "volume"]]) == {"0: the method states none, or there is no such step"}
    assert budget.note["curve"] == ""


def test_what_is_not_estimable_is_said_and_not_a_zero():
    budget = uncertainty_budget(sample(curve=0.03, extraction=np.nan)).set_index("contribution")
    assert np.isnan(budget.relative_uncertainty["extraction"])
    assert budget.note["extraction"] == NOT_ESTIMABLE
    assert budget.note["curve"] == ""


def test_a_sample_without_a_value_has_no_budget():
    assert uncertainty_budget(sample(curve=0.03).assign(relative_uncertainty=np.nan)).empty


def test_the_budget_of_a_study_is_the_budgets_of_its_parts_one_below_another():
    three = [sample(curve=0.03, mass=0.01), sample(recovery=np.nan), sample(dilution=0.02)]
    whole = uncertainty_budget(pd.concat(three, ignore_index=True))
    assert_frame_equal(whole, pd.concat([uncertainty_budget(one) for one in three], ignore_index=True))


def liver(known: dict) -> dict:
    """Return the inputs of the reference case as relative uncertainties by contribution, and the combined one."""
    made = homogenate(
        "added_volume", tissue_mass_mg=known["mass_tissue_mg"], buffer_volume_ul=known["v_buffer_ul"],
        density_g_ml=known["density_tissue_g_ml"], balance_mg=known["u_mass"],
        buffer_percent=100 * known["u_vbuffer"] / known["v_buffer_ul"],
    )  # fmt: skip
    dilution = np.hypot(known["u_valiquot"] / known["v_aliquot_ul"], known["u_vfinal"] / known["v_final_ul"])
    parts = {
        "curve": known["u_c"] / known["c_meas_ng_ml"], "recovery": known["u_recovery"] / known["recovery"],
        "dilution": dilution, "mass": made.mass_uncertainty.item(), "volume": made.buffer_uncertainty.item(),
    }  # fmt: skip
    contributions = [Contribution(np.asarray(parts[name]), np.asarray(np.inf)) for name in list(parts)[:3]]
    diluted = known["c_meas_ng_ml"] * known["dilution_factor"] * known["v_final_ul"] / known["v_aliquot_ul"]
    return {"parts": parts, "found": concentration_of(diluted, made, contributions, recovery_factor=known["recovery"])}


@pytest.mark.reference
def test_budget_of_independent_software(reference):
    known = json.loads((reference / "stats" / "unc_tissue_liver" / "reference.json").read_text())
    case = liver(known["inputs"])
    found = case["found"].iloc[0]
    assert_allclose(1000 * found.tissue_ug_g, known["c_tissue_ng_g"], rtol=1e-9)
    assert_allclose(100 * found.relative_uncertainty, known["rel_u_percent"], rtol=1e-9)
    share = uncertainty_budget(sample(**case["parts"])).set_index("contribution").percent
    theirs = known["variance_budget_percent"]
    assert_allclose(share["curve"], theirs["c_meas"], rtol=1e-9)
    assert_allclose(share["recovery"], theirs["recovery"], rtol=1e-9)
    assert_allclose(share["dilution"], theirs["v_aliquot"] + theirs["v_final"], rtol=1e-9)
    assert_allclose(share[["mass", "volume"]], [theirs["mass"], theirs["v_buffer"]], rtol=1e-9)


@pytest.mark.reference
def test_the_multiplicative_interval_is_that_of_a_monte_carlo(reference):
    known = json.loads((reference / "stats" / "unc_tissue_liver" / "reference.json").read_text())
    found = liver(known["inputs"])["found"].iloc[0]
    low, _, high = known["mc_lognormal"]["q025_50_975"]
    assert_allclose([1000 * found.tissue_ug_g_low, 1000 * found.tissue_ug_g_high], [low, high], rtol=2e-3)
