"""What one gram of tissue became, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.tissue.homogenate import CONVENTIONS, homogenate

pytestmark = pytest.mark.requirement("UR-006")

SAMPLE = {
    "tissue_mass_mg": 53.0, "buffer_volume_ul": 950.0, "density_g_ml": 1.06, "homogenate_volume_ul": 1200.0,
    "buffer_mass_mg": 477.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("convention", "factor"),
    [
        ("added_volume", 1000 / 53),  # 950 uL and 53 mg / 1.06 g/mL = 50 uL
        ("final_volume", 1200 / 53),
        ("gravimetric", (53 + 477) / 53),
        ("tissue_equivalent", 1),
        ("fluid", 1),
    ],
)
def test_homogenate_per_gram(convention, factor):
    assert_allclose(homogenate(convention, **SAMPLE).factor_ml_per_g, factor)


def test_samples_of_several_conventions_are_each_counted_by_their_own():
    found = homogenate(np.array(CONVENTIONS), **SAMPLE).factor_ml_per_g
    assert_allclose(found, [float(homogenate(name, **SAMPLE).factor_ml_per_g[0]) for name in CONVENTIONS])


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("measured", ["tissue_mass_mg", "buffer_volume_ul", "homogenate_volume_ul", "buffer_mass_mg"])
def test_the_uncertainty_is_the_slope_of_the_factor_times_that_of_the_measurement(convention, measured):
    # a step of one standard uncertainty: 0.2 mg for a weighing, 1 % for a volume
    step = 0.2 if measured.endswith("mg") else 0.01 * SAMPLE[measured]
    up, down = (SAMPLE | {measured: SAMPLE[measured] + sign * step / 2} for sign in (1, -1))
    logs = [np.log(homogenate(convention, **sample).factor_ml_per_g[0]) for sample in (up, down)]
    found = homogenate(convention, **SAMPLE, balance_mg=0.2, buffer_percent=1.0)
    part = found.mass_uncertainty if measured == "tissue_mass_mg" else found.buffer_uncertainty
    own = {"added_volume": "buffer_volume_ul", "final_volume": "homogenate_volume_ul", "gravimetric": "buffer_mass_mg"}
    if measured in ("tissue_mass_mg", own.get(convention)):
        assert_allclose(part, abs(logs[0] - logs[1]), rtol=1e-4)
    else:
        assert logs[0] == logs[1]


def test_an_unknown_convention_has_no_factor():
    assert np.isnan(homogenate("guess", **SAMPLE).factor_ml_per_g).all()
