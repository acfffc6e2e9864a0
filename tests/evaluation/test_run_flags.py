"""Remarks of the fit reach the flags of the run and of each value read off the curve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.instruments.run import read_wells_of
from bioanalysis.responses import responses_from_wells
from bioanalysis.study import Study

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def elisa():
    study = Study.load(ROOT)
    run = next(run for run in study.runs if run.platform == "elisa")
    return run, responses_from_wells(run, read_wells_of(run, study.folder).wells)


def test_a_clean_plate_carries_no_remark(elisa):
    run, responses = elisa
    flags = evaluate_run(run, responses).flags
    assert "curve_suspect" not in set(flags["flag"])


def test_a_bad_standard_well_is_said_and_every_value_of_its_plate_carries_it(elisa):
    # no limits that could drop the standard: the exploratory profile shows and withholds nothing
    run, responses = elisa
    acceptance = run.method.acceptance.model_copy(update={"profile": "exploratory"})
    run = replace(run, method=run.method.model_copy(update={"acceptance": acceptance}))
    worklist, responses = run.worklist, responses.copy()
    well = worklist.index[(worklist.sample_type == "calibrator") & (worklist.plate == "P1") & (worklist.level == "C5")][
        0
    ]
    responses.loc[well, "response"] *= 2.5
    evaluation = evaluate_run(run, responses)
    raised = evaluation.flags[evaluation.flags["flag"] == "curve_suspect"]
    assert set(raised.plate) == {"P1"}
    samples = evaluation.reportable[evaluation.reportable.sample_type == "unknown"]
    carries = samples["flags"].str.contains("curve_suspect")
    assert carries[samples.plate == "P1"].all()
    assert not carries[samples.plate != "P1"].any()
