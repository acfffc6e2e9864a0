"""Concentration in tissue and its uncertainty, with numbers that can be redone."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.tissue import tissue_concentration

pytestmark = pytest.mark.requirement("UR-014")

LIVER = {"tissue_mass_mg": 53.0, "buffer_volume_ul": 950.0, "density_g_ml": 1.06}  # 1000 uL of homogenate


def test_tissue_concentration_by_hand():
    # 80 ng/mL in 1 mL of homogenate are 80 ng from 53 mg; half of it recovered
    result = tissue_concentration(80.0, **LIVER, recovery_factor=0.5).iloc[0]
    assert_allclose(result["homogenate_factor_ml_per_g"], 1000 / 53)
    assert_allclose(result["uncorrected_ug_g"], 80 / 53)
    assert_allclose(result["tissue_ug_g"], 80 / 53 / 0.5)


def test_the_buffer_alone_is_not_the_homogenate():
    # 100 mg of a tissue of density 1 in 900 uL make 1000 uL: 10 mL per g, not 9
    result = tissue_concentration(1.0, tissue_mass_mg=100, buffer_volume_ul=900, density_g_ml=1.0)
    assert_allclose(result["homogenate_factor_ml_per_g"], 10)


def test_budget_and_interval_by_hand():
    # 3 % and 4 % make 5 %; degrees of freedom 5^4 / (3^4/9 + 4^4/inf) = 69.444; t there 1.99472
    result = tissue_concentration(80.0, **LIVER, curve_uncertainty=0.03, curve_df=9, reading_uncertainty=0.04).iloc[0]
    assert_allclose(result["relative_uncertainty"], 0.05)
    assert_allclose(result["degrees_of_freedom"], 625 / 9)
    assert_allclose(np.log(result["tissue_ug_g_high"] / result["tissue_ug_g"]), 0.05 * 1.99472, rtol=1e-5)
    assert_allclose(np.log(result["tissue_ug_g"] / result["tissue_ug_g_low"]), 0.05 * 1.99472, rtol=1e-5)


def test_mass_and_buffer_count_by_the_buffers_share():
    # buffer is 95 % of the homogenate: 1 % of its volume and 0.53 of 53 mg each make 0.95 %
    result = tissue_concentration(80.0, **LIVER, balance_mg=0.53, buffer_percent=1.0).iloc[0]
    assert_allclose(result["relative_uncertainty"], np.sqrt(2) * 0.0095)
    assert result["degrees_of_freedom"] == np.inf


def test_first_order_agrees_with_small_changes():
    def tissue(**change):
        return tissue_concentration(80.0, **{**LIVER, **change})["tissue_ug_g"][0]

    mass = (tissue(tissue_mass_mg=53.001) - tissue(tissue_mass_mg=52.999)) / 0.002 / tissue()
    buffer = (tissue(buffer_volume_ul=950.01) - tissue(buffer_volume_ul=949.99)) / 0.02 / tissue()
    expected = np.hypot(mass * 0.4, buffer * 950 * 0.01)
    result = tissue_concentration(80.0, **LIVER, balance_mg=0.4, buffer_percent=1.0)
    assert_allclose(result["relative_uncertainty"], expected, rtol=1e-7)


def test_an_uncertainty_of_zero_is_left_out_and_none_at_all_makes_a_point():
    result = tissue_concentration(80.0, **LIVER, curve_uncertainty=0.05, curve_df=5, reading_df=1).iloc[0]
    assert_allclose(result["degrees_of_freedom"], 5)
    exact = tissue_concentration(80.0, **LIVER).iloc[0]
    assert exact["tissue_ug_g_low"] == exact["tissue_ug_g"] == exact["tissue_ug_g_high"]


def test_samples_keep_their_index_and_a_missing_reading_its_factor():
    homogenate = pd.Series([80.0, np.nan], index=["S1", "S2"])
    result = tissue_concentration(
        homogenate, **{**LIVER, "tissue_mass_mg": [53.0, 106.0]}, curve_uncertainty=[0.1, 0.2]
    )
    assert list(result.index) == ["S1", "S2"]
    assert_allclose(result["homogenate_factor_ml_per_g"], [1000 / 53, 1050 / 106])
    assert np.isnan(result.loc["S2", "tissue_ug_g"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tissue_mass_mg": 0.0}, "tissue_mass_mg must be above 0"),
        ({"density_g_ml": -1.0}, "density_g_ml must be above 0"),
        ({"recovery_factor": 0.0}, "recovery_factor must be above 0"),
        ({"buffer_volume_ul": -1.0}, "buffer_volume_ul must not be negative"),
        ({"curve_uncertainty": -0.1}, "must not be negative"),
        ({"curve_uncertainty": 0.1, "curve_df": 0}, "degrees of freedom above 0"),
    ],
)
def test_what_cannot_be_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        tissue_concentration(80.0, **{**LIVER, **change})


def test_the_interval_covers_when_every_step_scatters():
    # 4 000 samples; each uncertainty is estimated from few values, so that Student's t must make up for it
    rng = np.random.default_rng(21)
    n, mass = 4000, LIVER["tissue_mass_mg"]
    estimates = {name: 0.06 * np.sqrt(rng.chisquare(5, n) / 5) for name in ("curve", "extraction")}
    read = 80 * np.exp(0.06 * np.sqrt(2) * rng.normal(size=n))
    result = tissue_concentration(
        read,
        **{**LIVER, "tissue_mass_mg": mass + 0.5 * rng.normal(size=n)},
        curve_uncertainty=estimates["curve"],
        curve_df=5,
        extraction_uncertainty=estimates["extraction"],
        extraction_df=5,
        balance_mg=0.5,
    )
    true = 80 / 53
    covered = np.mean((result["tissue_ug_g_low"] < true) & (true < result["tissue_ug_g_high"]))
    assert 0.935 < covered < 0.97


@pytest.mark.reference
def test_budget_of_a_liver_sample(reference):
    known = json.loads((reference / "stats" / "unc_tissue_liver" / "reference.json").read_text())
    given = known["inputs"]
    result = tissue_concentration(
        given["c_meas_ng_ml"] * given["dilution_factor"] * given["v_final_ul"] / given["v_aliquot_ul"],
        tissue_mass_mg=given["mass_tissue_mg"],
        buffer_volume_ul=given["v_buffer_ul"],
        density_g_ml=given["density_tissue_g_ml"],
        recovery_factor=given["recovery"],
        curve_uncertainty=given["u_c"] / given["c_meas_ng_ml"],
        recovery_uncertainty=given["u_recovery"] / given["recovery"],
        dilution_uncertainty=np.hypot(
            given["u_valiquot"] / given["v_aliquot_ul"], given["u_vfinal"] / given["v_final_ul"]
        ),
        balance_mg=given["u_mass"],
        buffer_percent=100 * given["u_vbuffer"] / given["v_buffer_ul"],
    ).iloc[0]
    assert_allclose(1000 * result["tissue_ug_g"], known["c_tissue_ng_g"], rtol=1e-12)
    assert_allclose(1000 * result["uncorrected_ug_g"], known["uncorrected_ng_g"], rtol=1e-12)
    assert_allclose(100 * result["relative_uncertainty"], known["rel_u_percent"], rtol=1e-12)
    low, _, high = known["mc_lognormal"]["q025_50_975"]  # Monte Carlo, 2 million draws
    assert_allclose([1000 * result["tissue_ug_g_low"], 1000 * result["tissue_ug_g_high"]], [low, high], rtol=2e-3)
