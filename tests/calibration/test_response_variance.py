"""The power law of the response variance: recovered where it is known, and told apart from what it is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import bartlett

from bioanalysis.calibration.response_variance import pooled_response_variance

pytestmark = pytest.mark.requirement("UR-011")


def sets_of(coefficient=0.0009, power=2.0, plates=10, wells=2, seed=0, unruly=None, bend=0.0):
    """Return sets of replicates drawn about a power law; one plate may scatter `unruly` times as much."""
    rng = np.random.default_rng(seed)
    rows = []
    for plate in range(plates):
        for mean in np.geomspace(0.05, 3, 20):
            variance = coefficient * mean**power * np.exp(bend * np.log(mean) ** 2)
            factor = unruly if unruly and plate == 0 else 1.0
            readings = mean + factor * np.sqrt(variance) * rng.standard_normal(wells)
            rows.append((f"P{plate}", readings.mean(), readings.var(ddof=1), wells))
    return pd.DataFrame(rows, columns=["plate", "mean", "variance", "n"])


@pytest.mark.parametrize("power", [0.0, 1.0, 1.6, 2.0])
def test_the_power_of_a_known_law_is_found(power):
    found = pooled_response_variance(sets_of(power=power, plates=30))
    assert found.power_low < power < found.power_high
    assert_allclose(found.power, power, atol=0.15)
    assert found.degrees_of_freedom == 600
    assert (found.n_sets, found.n_plates) == (600, 30)


def test_variances_exactly_on_a_law_give_it_back():
    mean = np.array([0.1, 0.2, 0.5, 1.0, 2.0, 4.0])
    sets = pd.DataFrame({"plate": "P", "mean": mean, "variance": 4e-4 * mean**1.5, "n": 5})
    found = pooled_response_variance(sets)
    assert_allclose([found.power, found.coefficient], [1.5, 4e-4], rtol=1e-6)
    # at 4: s = sqrt(4e-4 x 8) = 0.05657, 1.414 % of 4
    assert_allclose(found.cv_percent_high, 1.41421, rtol=1e-5)


def test_the_interval_of_the_power_covers_it():
    inside = 0
    for seed in range(200):
        found = pooled_response_variance(sets_of(power=1.6, plates=2, seed=seed))
        inside += found.power_low < 1.6 < found.power_high
    # 95 % of 200: 190; fewer than 178 have a probability of 0.02 %
    assert inside >= 178


def test_a_plate_that_scatters_more_is_noticed():
    assert pooled_response_variance(sets_of(unruly=3.0, wells=4)).heterogeneity_p < 0.001
    assert pooled_response_variance(sets_of(wells=4)).heterogeneity_p > 0.01


def test_heterogeneity_is_bartletts_test():
    # a flat law over two plates of three wells at each of two means: Bartlett's own statistic on centred readings
    rng = np.random.default_rng(4)
    first, second = rng.normal(1, 0.1, 12), rng.normal(1, 0.1, 12)
    sets = pd.DataFrame(
        {"plate": ["a", "b"], "mean": [1.0, 2.5], "variance": [first.var(ddof=1), second.var(ddof=1)], "n": 12}
    )
    sets = pd.concat([sets, sets.assign(mean=[2.5, 1.0], n=12)])
    found = pooled_response_variance(sets)
    assert_allclose(found.power, 0, atol=1e-6)
    expected = bartlett(*[np.r_[a - a.mean(), a - a.mean()] for a in (first, second)]).pvalue
    assert_allclose(found.heterogeneity_p, expected, atol=0.03)  # 22 degrees of freedom each instead of 23


def test_a_law_of_another_shape_is_noticed():
    assert pooled_response_variance(sets_of(bend=0.4, plates=20)).misfit_p < 0.001
    assert pooled_response_variance(sets_of(plates=20)).misfit_p > 0.01


@pytest.mark.parametrize(
    "sets",
    [
        pytest.param(sets_of().head(0), id="nothing"),
        pytest.param(sets_of().head(4), id="too few"),
        pytest.param(sets_of().assign(mean=1.0), id="one response"),
        pytest.param(sets_of().assign(variance=0.0), id="no scatter"),
        pytest.param(sets_of().assign(n=1), id="singles"),
    ],
)
def test_what_tells_nothing_is_said_to_tell_nothing(sets):
    found = pooled_response_variance(sets)
    assert np.isnan(found.power)
    assert found.note == "too few replicates, or all at one response: not estimable"
