"""One tissue with a range and a correction of its own, in a run of three tissues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.instruments.run import read_wells_of
from bioanalysis.method import Method
from bioanalysis.responses import responses_from_wells
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-014")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def judged():
    """Evaluate the plates of the demonstration with some keys of the method otherwise."""
    study = Study.load(ROOT)
    run = next(run for run in study.runs if run.platform == "elisa")
    responses = responses_from_wells(run, read_wells_of(run, study.folder).wells)

    def judged(**keys: object):
        method = Method.model_validate(run.method.model_dump() | keys)
        table = evaluate_run(replace(run, method=method), responses).reportable
        return table[table.sample_type == "unknown"].set_index(["sample_id", "dilution_factor"])

    return judged


def test_a_higher_lloq_of_one_tissue_concerns_this_tissue_alone(judged):
    plain, narrowed = judged(), judged(tissues={"liver": {"lloq_ng_ml": 100.0}})
    liver = plain.tissue == "liver"
    low = liver & (plain.status == "quantified") & (plain.reading_ng_ml < 100)
    assert low.any()
    assert set(narrowed.status[low]) <= {"BLQ", "not_reported"}
    assert narrowed.reason[low].str.contains("below the LLOQ of 100 ng/mL").all()
    assert set(narrowed.lloq_in_force[liver]) == {100.0}
    assert narrowed[~liver].equals(plain[~liver])


def test_a_tissue_may_be_left_uncorrected(judged):
    plain = judged()
    other = judged(tissues={"kidney": {"extraction": {"recovery_correction": "none"}}})
    kidney = plain.tissue == "kidney"
    assert plain.correction_applies[kidney].all()
    assert not other.correction_applies[kidney].any()
    assert_allclose(other.recovery_factor[kidney], 1.0)
    assert other["flags"][kidney].str.contains("loss_not_compensated").all()
    assert other[~kidney].equals(plain[~kidney])
