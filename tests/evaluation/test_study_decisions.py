"""What each decision changed in the value of every sample it bears on."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal
from run_by_hand import calibrators, controls, decisions_by_hand, peaks_by_hand, run_by_hand, table_by_hand, unknown

from bioanalysis.evaluation.decisions import judge_run
from bioanalysis.evaluation.stacked import RunTables, StackedRuns, laid_together
from bioanalysis.evaluation.study_decisions import judge_study
from bioanalysis.study import Run, Study, StudyConfig
from bioanalysis.study.schema import SAMPLES, SUBJECTS

pytestmark = pytest.mark.requirement("UR-031")

QCS = controls(LQC=2, MQC=2, HQC=2)
PER_GRAM = (900 + 100 / 1.06) / 100  # mL of homogenate per g: 100 mg of liver in 900 uL


def study_of(runs: list[Run], decisions: pd.DataFrame) -> Study:
    """Return a study of one animal whose samples are those of the runs."""
    config = StudyConfig.model_validate(
        {
            "study": {"id": "S", "title": "t", "test_article": "mipomersen", "status": "qualified"},
            "tissues": {"liver": {"density_g_ml": 1.06, "source": "textbook"}},
        }
    )
    names = sorted({name for run in runs for name in run.worklist.sample_id if name})
    about = {"subject_id": "R1", "tissue": "liver", "collection_day": 1, "tissue_mass_mg": 100, "buffer_volume_ul": 900}
    samples = table_by_hand(SAMPLES, [{"sample_id": name, **about} for name in names])
    subjects = table_by_hand(SUBJECTS, [{"subject_id": "R1", "species": "rat", "group": "G1", "treatment": "x"}])
    runs = [replace(run, decisions=decisions[decisions.run_id == run.run_id]) for run in runs]
    methods = {run.method.method_id: run.method for run in runs}
    return Study(Path(), config, methods, subjects, samples, tuple(runs), decisions)


def judged(runs: dict[Run, pd.DataFrame], decisions: list[dict[str, object]]) -> pd.DataFrame:
    """Return the study's decisions, by sample, from runs and their peaks."""
    study = study_of(list(runs), decisions_by_hand(decisions))
    peaks = {run.run_id: table for run, table in runs.items()}
    results = {run.run_id: judge_run(run, peaks[run.run_id]) for run in study.runs}
    names = [field.name for field in fields(RunTables)]
    tables = {name: RunTables(**{n: getattr(result, n) for n in names}) for name, result in results.items()}
    return judge_study(study, tables, peaks).decisions


def run_tables(run_id: str, **more: object) -> RunTables:
    rows = pd.DataFrame({"run_id": [run_id] * 2, "line": [2, 3], **more})
    return RunTables(rows, rows[:1], rows[:0], rows, rows)


def test_tables_held_together_give_back_those_of_each_run():
    runs = {"LC-1": run_tables("LC-1"), "EL-1": run_tables("EL-1", well=["A1", "A2"]), "LC-2": run_tables("LC-2")}
    together = StackedRuns()
    together.add({name: runs[name] for name in ("LC-1", "EL-1")})
    together.add({"LC-2": runs["LC-2"]})
    assert list(together) == list(runs)
    for name, tables in runs.items():
        for field in fields(RunTables):
            assert_frame_equal(getattr(together[name], field.name), getattr(tables, field.name))


def test_runs_laid_together_are_still_given_back_one_by_one():
    runs = {name: run_tables(name) for name in ("LC-1", "LC-2", "LC-3")}
    stacked = StackedRuns()
    stacked.add({name: runs[name] for name in ("LC-1", "LC-2")})
    stacked.add({"LC-3": runs["LC-3"]})
    for kind in [field.name for field in fields(RunTables)]:
        assert_frame_equal(laid_together(stacked, kind), laid_together(runs, kind))
        for name, tables in runs.items():
            assert_frame_equal(getattr(stacked[name], kind), getattr(tables, kind))


def test_runs_with_different_columns_are_laid_together_in_their_order():
    runs = {"LC-1": run_tables("LC-1"), "EL-1": run_tables("EL-1", well=["A1", "A2"]), "LC-2": run_tables("LC-2")}
    stacked = StackedRuns()
    stacked.add(runs)
    assert list(laid_together(stacked, "measurements").run_id) == ["LC-1", "LC-1", "EL-1", "EL-1", "LC-2", "LC-2"]
    assert_frame_equal(laid_together(stacked, "measurements"), laid_together(runs, "measurements"))


@pytest.fixture
def two_runs() -> dict[Run, pd.DataFrame]:
    """A sample measured twice, 100 and 130 ng/mL, both accepted."""
    rows = [*calibrators(), *QCS, unknown("S1")]
    runs = {run_by_hand(rows, run_id="LC-1"): 100.0, run_by_hand(rows, run_id="LC-2"): 130.0}
    return {run: peaks_by_hand(run, {13: held}) for run, held in runs.items()}


def test_a_chosen_run_against_no_choice(two_runs):
    (row,) = judged(two_runs, [{"action": "report_run", "run_id": "LC-2", "sample_id": "S1"}]).itertuples()
    assert (row.decision_id, row.sample_id, row.author, row.reason_code) == ("D1", "S1", "K. Moreau", "POOR_CHROM")
    assert (row.status_with, row.status_without) == ("quantified", "needs_decision")
    assert_allclose(row.value_with, 130 * PER_GRAM / 1000)
    assert np.isnan(row.value_without)
    assert (row.reported_run_with, row.reported_run_without) == ("LC-2", "")


def test_a_chosen_run_may_be_meant_for_all_its_samples():
    rows = [*calibrators(), *QCS, unknown("S1"), unknown("S2")]
    runs = {run_by_hand(rows, run_id=name): peak for name, peak in (("LC-1", 100.0), ("LC-2", 130.0))}
    peaks = {run: peaks_by_hand(run, {13: held, 14: 2 * held}) for run, held in runs.items()}
    found = judged(peaks, [{"action": "report_run", "run_id": "LC-2"}])
    assert found.sample_id.tolist() == ["S1", "S2"]
    assert set(found.status_without) == {"needs_decision"}
    assert_allclose(found.value_with, [130 * PER_GRAM / 1000, 260 * PER_GRAM / 1000], rtol=1e-9)


def test_an_integration_by_hand_in_the_value_of_its_sample():
    # 110 ng/mL by hand, 100 by itself
    run = run_by_hand([*calibrators(), *QCS, unknown("S1"), unknown("S2")])
    peaks = peaks_by_hand(run, {13: 110.0, 14: 50.0}, automatic={13: 100.0})
    decision = {"action": "integrate", "run_id": "LC-1", "position": 13, "left_min": 3.0, "right_min": 3.2}
    (row,) = judged({run: peaks}, [decision]).itertuples()
    assert (row.sample_id, row.unit) == ("S1", "ug/g")
    assert_allclose([row.value_with, row.value_without], [110 * PER_GRAM / 1000, 100 * PER_GRAM / 1000])
    assert_allclose(row.change_percent, 10.0)


def test_a_sample_excluded_and_a_run_that_rests_on_an_exclusion():
    # of 7 QCs one of each level reads 20 % high: without D1 the run fails and no sample of it has a value
    run = run_by_hand([*calibrators(), *controls(LQC=3, MQC=2, HQC=2), unknown("S1"), unknown("S2")])
    peaks = peaks_by_hand(run, {7: 18.0, 10: 2400.0, 12: 4800.0, 14: 100.0, 15: 200.0})
    decisions = [{"action": "exclude", "run_id": "LC-1", "position": number} for number in (7, 15)]
    table = judged({run: peaks}, decisions).set_index(["decision_id", "sample_id"])
    assert list(table.index) == [("D1", "S1"), ("D2", "S2"), ("D1;D2", "S1")]
    assert list(table.status_with) == ["quantified", "not_reported", "quantified"]
    assert list(table.status_without) == ["not_reported", "quantified", "not_reported"]
    assert_allclose(table.value_without["D2", "S2"], 200 * PER_GRAM / 1000)


def test_a_decision_that_changes_nothing_has_its_row():
    run = run_by_hand([{"sample_type": "blank"}, *calibrators(), *QCS, unknown("S1")])
    decision = {"action": "exclude", "run_id": "LC-1", "position": 1}
    (row,) = judged({run: peaks_by_hand(run, {14: 100.0})}, [decision]).itertuples()
    assert (row.decision_id, row.sample_id, row.note) == ("D1", "", "changes no reported value")


def test_a_decision_in_a_run_of_incurred_samples_alone_has_its_row():
    first = run_by_hand([*calibrators(), *QCS, unknown("S1")], run_id="LC-1")
    again = run_by_hand([*calibrators(), *QCS, {**unknown("S1"), "sample_type": "incurred"}], run_id="LC-2")
    peaks = {first: peaks_by_hand(first, {13: 100.0}), again: peaks_by_hand(again, {13: 104.0}, automatic={13: 90.0})}
    decision = {"action": "integrate", "run_id": "LC-2", "position": 13, "left_min": 3.0, "right_min": 3.2}
    (row,) = judged(peaks, [decision]).itertuples()
    assert (row.decision_id, row.note) == ("D1", "changes no reported value")
