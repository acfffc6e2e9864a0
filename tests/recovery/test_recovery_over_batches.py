"""Recovery over four batches and more: each its own factor, drawn towards the mean; without rows, the mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from run_by_hand import METHOD

from bioanalysis.limits import limits_for
from bioanalysis.method import Method, read_method
from bioanalysis.recovery.run import run_recovery
from bioanalysis.recovery.study import recovery_book

pytestmark = pytest.mark.requirement("UR-013")

MEANS = {"L1": -0.5, "L2": -0.6, "L3": -0.4, "L4": -0.7}  # of ln recovery; two rows each, 0.02 to either side
WITHIN = 2 * 0.02**2  # variance of two rows 0.04 apart
BETWEEN = 0.05 / 3 - WITHIN / 2  # squares of the four means about -0.55 sum to 0.05; balanced: REML is ANOVA
MEAN_SQUARE = 0.05 / 3 / 4  # u^2(mean)


@pytest.fixture(scope="module")
def method() -> Method:
    method = read_method(METHOD, METHOD.name)
    extraction = method.extraction.model_copy(update={"recovery_correction": "apparent"})
    recovery = method.recovery.model_copy(update={"source": "study"})
    return method.model_copy(update={"extraction": extraction, "recovery": recovery})


def rows_of(run_id: str, mean: float, scatter: float = 0.02) -> pd.DataFrame:
    found = 300 * np.exp(mean + scatter * np.array([-1, 1]))
    return pd.DataFrame({
        "run_id": run_id, "sample_type": "recovery_pre", "tissue": "liver", "level": "MQC", "nominal_ng_ml": 300.0,
        "dilution_factor": 1.0, "mean_response": found / 1000, "reading_ng_ml": found, "position": ["1", "2"],
        "analyte": "mipomersen", "batch": run_id, "extracted": True, "correction_applies": True,
    })  # fmt: skip


def book_of(method: Method, scatter: float = 0.02, means: dict[str, float] = MEANS):
    rows = {run_id: rows_of(run_id, mean, scatter) for run_id, mean in means.items()}
    runs = [run_recovery(here, method, run_id).assign(analyte="mipomersen") for run_id, here in rows.items()]
    return recovery_book(pd.concat(runs), method, limits_for(method), pd.concat(rows.values(), ignore_index=True))


def test_the_factor_of_a_run_is_found_over_nominal_as_a_ratio_of_means(method):
    # 270 and 330 found of 300: 1.0, not the geometric mean 0.995; CV^2 = 2 x 0.1^2, over two rows
    rows = rows_of("L1", 0.0).assign(reading_ng_ml=[270.0, 330.0])
    row = run_recovery(rows, method, "L1").query("level == 'all'").iloc[0]
    assert_allclose([row.factor, row.relative_uncertainty], [1.0, 0.1])


def test_each_batch_keeps_its_own_factor_as_far_as_it_is_known(method):
    book, pull = book_of(method), BETWEEN / (BETWEEN + WITHIN / 2)
    total = 0.05 / 3  # of the batch means: tau^2 + s^2/2, from 4 means; s^2 from 4 pairs
    unsure = (1 - pull) ** 2 * total * (2 / 3 + 2 / 4)  # what lambda is uncertain by
    for run_id, mean in MEANS.items():
        applied, words, _ = book.factor("mipomersen", "liver", run_id)
        assert_allclose(np.log(applied.factor), -0.55 + pull * (mean + 0.55), rtol=1e-9)
        square = pull * WITHIN / 2 + (1 - pull) ** 2 * MEAN_SQUARE + unsure
        assert_allclose(applied.relative_uncertainty, np.sqrt(square), rtol=1e-9)
        assert "provisional" in words


def test_a_batch_without_recovery_rows_gets_the_mean_and_the_scatter_between_batches(method):
    applied, _, _ = book_of(method).factor("mipomersen", "liver", "L9")
    assert_allclose(np.log(applied.factor), -0.55, rtol=1e-9)
    assert_allclose(applied.relative_uncertainty, np.sqrt(BETWEEN + MEAN_SQUARE), rtol=1e-9)
    assert applied.degrees_of_freedom == 3


def test_batches_that_differ_no_more_than_their_rows_share_one_factor(method):
    book = book_of(method, scatter=0.3)
    factors = [book.factor("mipomersen", "liver", run_id)[0].factor for run_id in [*MEANS, "L9"]]
    assert_allclose(np.log(factors), -0.55, rtol=1e-9)


def test_three_batches_share_one_factor_whose_uncertainty_is_their_scatter(method):
    three = {name: MEANS[name] for name in ("L1", "L2", "L3")}
    applied, _, _ = book_of(method, means=three).factor("mipomersen", "liver", "L1")
    ratio_of_means = np.log(np.cosh(0.02))  # the mean of exp(-0.02) and exp(0.02)
    assert_allclose(np.log(applied.factor), -0.5 + ratio_of_means, rtol=1e-9)
    assert_allclose(applied.relative_uncertainty, np.sqrt(0.02 / 2 / 3), rtol=1e-9)
    assert applied.degrees_of_freedom == 2


def test_a_batch_without_rows_lies_off_the_mean_of_three_as_well(method):
    rows = {name: rows_of(name, MEANS[name]) for name in ("L1", "L2", "L3")}
    runs = [run_recovery(here, method, run_id).assign(analyte="mipomersen") for run_id, here in rows.items()]
    sample = rows["L1"].iloc[:1].assign(sample_type="unknown", run_id="L9", batch="L9")
    names = {(name, name): name for name in ("L1", "L2", "L3", "L9")}
    reportable = pd.concat([*rows.values(), sample], ignore_index=True)
    book = recovery_book(pd.concat(runs), method, limits_for(method), reportable, names)
    applied, _, _ = book.factor("mipomersen", "liver", "L9", "L9")
    assert_allclose(applied.relative_uncertainty, np.sqrt(0.02 / 2 * (1 + 1 / 3)), rtol=1e-9)
    assert applied.degrees_of_freedom == 2
    note = book.table.query("batch == 'study:L9'").note.item()
    assert note == "no recovery rows in this batch: mean of 3 batches, with the scatter between them"


def test_one_batch_measured_in_two_runs_is_one_batch_and_labels_inside_runs_are_not(method):
    # E1 was extracted once and read in L1 and L2 (-0.5, -0.6); E2 in L3 (-0.4): two batches, means -0.55 and -0.4
    rows = {name: rows_of(name, MEANS[name]) for name in ("L1", "L2", "L3")}
    runs = pd.concat([run_recovery(here, method, name).assign(analyte="mipomersen") for name, here in rows.items()])
    reportable = pd.concat(rows.values(), ignore_index=True)
    names = {("L1", "L1"): "E1", ("L2", "L2"): "E1", ("L3", "L3"): "E2"}
    book = recovery_book(runs, method, limits_for(method), reportable, names)
    row = book.table.query("batch == 'study'").iloc[0]
    assert_allclose(np.log(row.factor), -0.475 + np.log(np.cosh(0.02)), rtol=1e-9)
    assert_allclose(row.relative_uncertainty, 0.15 / 2, rtol=1e-9)  # s/sqrt(2) of two values 0.15 apart
    assert row.degrees_of_freedom == 1
