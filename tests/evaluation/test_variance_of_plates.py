"""The response variance of the accepted plates of a study."""

from __future__ import annotations

import numpy as np
import pytest
from elisa_study import evaluated, only_run, whole_plate
from numpy.testing import assert_allclose

from bioanalysis.evaluation.response_variance import replicate_sets, response_variance_table

pytestmark = pytest.mark.requirement("UR-015")


def noisy_plate(label, seed, scatter=0.03):
    plate = whole_plate(label, *((f"{label}-{n}", 8.0 * 1.25**n) for n in range(18)))
    rng = np.random.default_rng(seed)
    plate.signals = [signal * (1 + scatter * rng.standard_normal()) for signal in plate.signals]
    return plate


def failing(plate):
    """Return the plate with QCs far off and wells that scatter wildly."""
    rng = np.random.default_rng(9)
    plate.signals = [signal * (1 + 0.6 * rng.random()) for signal in plate.signals]
    for i, row in enumerate(plate.rows):
        if row["sample_type"] == "qc":
            plate.signals[i] = 2.9
    return plate


def table_of(folder, *plates):
    evaluation = evaluated(folder, plates)
    run, _ = only_run(folder)
    table = response_variance_table({"R1": run.method}, {"R1": evaluation.measurements}, {"R1": evaluation.acceptance})
    return evaluation, table


def test_wells_in_proportion_to_their_mean_have_the_power_2(tmp_path):
    _, table = table_of(tmp_path, noisy_plate("P1", 1), noisy_plate("P2", 2), noisy_plate("P3", 3))
    (row,) = table.itertuples()
    assert (row.method_id, row.analyte, row.weighting_of_method, row.n_plates) == ("M1", "aso", "1/y^2", 3)
    assert row.power_low < 2 < row.power_high
    assert_allclose(row.cv_percent_high, 3, atol=0.7)


def test_a_failed_plate_takes_no_part(tmp_path):
    _, table = table_of(tmp_path, noisy_plate("P1", 1), noisy_plate("P2", 2), failing(noisy_plate("P3", 3)))
    assert table.n_plates.tolist() == [2]


def test_sets_are_the_wells_of_one_sample_on_one_plate(tmp_path):
    evaluation, _ = table_of(tmp_path, noisy_plate("P1", 1))
    sets = replicate_sets(evaluation.measurements)
    wells = evaluation.measurements[evaluation.measurements.level == "C3"].response
    assert set(sets.n) == {2}
    assert len(sets) == 8 + 6 + 18
    assert_allclose(sets.variance[(sets["mean"] - wells.mean()).abs().idxmin()], wells.var())
