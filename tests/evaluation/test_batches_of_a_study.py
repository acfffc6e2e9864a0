"""Whole runs and studies in which extraction batches have recoveries of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from elisa_study import METHOD as ELISA
from elisa_study import Plate, evaluated, response
from numpy.testing import assert_allclose
from run_by_hand import METHOD, calibrators, peaks_by_hand, run_by_hand

from bioanalysis.evaluation.choice import choose
from bioanalysis.evaluation.run import RunEvaluation, evaluate_run
from bioanalysis.evaluation.study import RunTables, gather
from bioanalysis.evaluation.study_flags import factor_flags
from bioanalysis.evaluation.study_rules import _reanalyses
from bioanalysis.evaluation.variance import with_factors
from bioanalysis.method import read_method
from bioanalysis.recovery.applied import factor_of_several
from bioanalysis.recovery.study import study_batches
from bioanalysis.responses import responses_from_peaks
from bioanalysis.study import Run

pytestmark = pytest.mark.requirement("UR-013")

TRUE = {"B1": 0.5, "B2": 0.6, "B3": 0.7, "B4": 0.8}
OFF = 0.02
NOT_STORED = pd.DataFrame({"sample_type": [], "sample_id": [], "run_id": [], "verdict": []})


def evaluated_run(
    with_rows: list[str], batches: list[str], source: str = "run", run_id: str = "LC-1", tissue_of_rows: str = "liver"
) -> tuple[Run, RunEvaluation]:
    """A run of liver in these batches: each with QCs in liver and a sample of 1000 ng/mL in homogenate, before loss."""
    method = read_method(METHOD, METHOD.name)
    method = method.model_copy(update={"recovery": method.recovery.model_copy(update={"source": source})})
    rows, held = [*calibrators(times=2)], {}

    def add(true: float, **row: object) -> None:
        rows.append({"tissue": "liver", **row})
        held[len(rows)] = true

    for batch in batches:
        for level, nominal in (("LQC", 15.0), ("MQC", 2000.0), ("HQC", 4000.0)):
            for _ in range(2):
                add(nominal * TRUE[batch], sample_type="qc", level=level, nominal_ng_ml=nominal, batch=batch)
        add(1000 * TRUE[batch], sample_type="unknown", sample_id=f"S-{run_id}-{batch}", batch=batch)
    for batch in with_rows:
        for sign in (-1, 1):
            shares = (("recovery_pre", TRUE[batch]), ("recovery_post", 1.0))
            for kind, share in shares:
                add(300 * share * np.exp(sign * OFF), sample_type=kind, level="M", nominal_ng_ml=300.0, batch=batch,
                    tissue=tissue_of_rows)  # fmt: skip
    run = run_by_hand(rows, method=method, run_id=run_id)
    return run, evaluate_run(run, responses_from_peaks(run, peaks_by_hand(run, held)))


def samples(evaluation: RunEvaluation) -> pd.DataFrame:
    rows = evaluation.reportable
    return rows[rows.sample_type == "unknown"].set_index("batch")


def test_each_batch_of_four_is_judged_and_corrected_by_its_own_factor():
    _, found = evaluated_run(list(TRUE), list(TRUE))
    table = found.recovery[(found.recovery.level == "all")].set_index("batch")
    factors = samples(found).recovery_factor
    assert_allclose(factors, list(TRUE.values()), rtol=0.02)  # drawn a little towards 0.64
    assert_allclose(factors, table.factor[[f"LC-1:{batch}" for batch in TRUE]])
    qcs = found.reportable[found.reportable.sample_type == "qc"]
    assert set(qcs.status) == {"pass"}
    corrected = found.measurements[found.measurements.sample_type == "qc"]
    assert_allclose(corrected.corrected_ng_ml, corrected.nominal_ng_ml, rtol=0.02)
    # one factor of the run would be 0.64: the QCs of the first batch would lie 22 % low and fail
    assert np.exp(np.mean(np.log(list(TRUE.values())))) > 0.5 * 1.2


def test_two_batches_share_a_factor_and_its_uncertainty_is_of_their_scatter():
    _, found = evaluated_run(["B1", "B2"], ["B1", "B2"])
    rows = samples(found)
    assert_allclose(rows.recovery_factor, np.sqrt(0.5 * 0.6))
    assert_allclose(rows.recovery_relative_uncertainty, np.log(0.6 / 0.5) / 2)
    assert (rows.recovery_degrees_of_freedom == 1).all()


def test_rows_in_one_of_three_batches_correct_all_and_the_others_say_what_is_not_known():
    _, found = evaluated_run(["B2"], ["B1", "B2", "B3"])
    rows = samples(found)
    assert_allclose(rows.recovery_factor, 0.6)
    own, between = rows.recovery_relative_uncertainty["B2"], 0.01  # the method's between_batch_cv
    assert_allclose(rows.recovery_relative_uncertainty[["B1", "B3"]] ** 2, own**2 + 2 * between**2)
    # so corrected the QCs of B1 lie 17 % low and those of B3 as much high, and the run says so
    assert rows.reason.str.startswith("RUN_FAIL").all()
    qcs = found.reportable[found.reportable.sample_type == "qc"]
    assert qcs.groupby("batch").status.unique().map(list).to_dict() == {"B1": ["fail"], "B2": ["pass"], "B3": ["fail"]}
    # what they were judged with stays in the table of the failed run, and is no longer applied
    judged_with = found.recovery[found.recovery.level == "all"].set_index("batch")
    assert_allclose(judged_with.factor[["LC-1", "LC-1:B1", "LC-1:B2", "LC-1:B3"]], 0.6)
    assert not judged_with.used.any()


def test_without_rows_of_the_tissue_nothing_is_judged_nor_reported():
    _, found = evaluated_run(["B1", "B2"], ["B1", "B2"], tissue_of_rows="kidney")
    assert set(samples(found).status) == {"not_reported"}
    assert samples(found).reason.str.startswith("no recovery factor for liver").all()
    qcs = found.reportable[found.reportable.sample_type == "qc"]
    assert qcs.reason.str.startswith("not assessable").all()


class OfStudy:
    """As much of a study as `gather` reads."""

    def __init__(self, runs: list[Run]):
        self.runs = tuple(runs)


def gathered(*runs: tuple[Run, RunEvaluation]) -> pd.DataFrame:
    names = RunTables.__dataclass_fields__
    tables = {run.run_id: RunTables(**{name: getattr(found, name) for name in names}) for run, found in runs}
    return gather(OfStudy([run for run, _ in runs]), tables)


def test_a_study_of_two_runs_and_four_batches_and_a_later_run_without_rows():
    first = evaluated_run(["B1", "B2"], ["B1", "B2"], "study", "LC-1")
    second = evaluated_run(["B3", "B4"], ["B3", "B4"], "study", "LC-2")
    third = evaluated_run([], ["B1"], "study", "LC-3")
    reportable, contexts = gathered(first, second, third)
    rows = reportable[reportable.sample_type == "unknown"].set_index("sample_id")
    own = rows.loc[["S-LC-1-B1", "S-LC-1-B2", "S-LC-2-B3", "S-LC-2-B4"]]
    assert_allclose(own.recovery_factor, list(TRUE.values()), rtol=0.02)
    logs = np.log(list(TRUE.values()))
    unseen = rows.loc["S-LC-3-B1"]  # B1 of LC-3 is not B1 of LC-1
    assert_allclose(unseen.recovery_factor, np.exp(logs.mean()) / np.cosh(OFF))  # the mean of two extracts
    assert unseen.recovery_relative_uncertainty > logs.std(ddof=1)
    assert own.recovery_words.eq("provisional").all()
    assert unseen.recovery_words == "recovery_needs_sign_off;provisional"  # its uncertainty is 22.5 %
    (context,) = contexts.values()
    said = context.recovery.table.set_index("batch").note
    assert said["study:LC-3:B1"].startswith("no recovery rows in this batch: mean of 4 batches (REML)")
    assert said["study:LC-1:B1"].startswith("drawn towards the mean")
    assert own.recovery_shared_by.eq("batches of the study").all()
    (raised,) = factor_flags(context)
    assert (raised["flag"], raised["tissue"], raised["analyte"]) == ("recovery_needs_sign_off", "liver", "mipomersen")
    # the logs' variance is V = 0.041, of which 0.0008 is of rows and references: tau^2 + V/4 = 0.0402 + 0.0102
    assert raised["observed"].startswith("ASO-LCMS-01, LC-3:B1: relative uncertainty 22.5 % above the limit of 20 %")
    # a value of two batches carries the words of both
    both = factor_of_several(rows.loc[["S-LC-1-B1", "S-LC-3-B1"]], 1.0, 1.0, np.array([0.5, 0.5]))
    assert set(both["recovery_words"].split(";")) == {"recovery_needs_sign_off", "provisional"}


def test_a_study_without_recovery_rows_has_no_factor_to_sign_for():
    reportable, contexts = gathered(evaluated_run([], ["B1"], "study"))
    assert set(reportable[reportable.sample_type == "unknown"].recovery_problem) == {
        "no recovery factor for liver in the study"
    }
    assert factor_flags(contexts["ASO-LCMS-01"]) == []


def test_qcs_keep_the_factor_of_their_own_run_whatever_comes_later():
    alone = evaluated_run(["B1"], ["B1"], "study", "LC-1")
    later = evaluated_run(["B4"], ["B4"], "study", "LC-2")
    reportable, _ = gathered(alone, later)
    qcs = reportable[(reportable.sample_type == "qc") & (reportable.run_id == "LC-1")]
    assert_allclose(qcs.recovery_factor, 0.5)
    sample = reportable[(reportable.sample_type == "unknown") & (reportable.run_id == "LC-1")].iloc[0]
    assert_allclose(sample.recovery_factor, np.sqrt(0.5 * 0.8))


def test_readings_behind_the_variance_are_divided_by_the_factor_of_the_value():
    first = evaluated_run(["B1"], ["B1"], "study", "LC-1")
    third = evaluated_run([], ["B2"], "study", "LC-3")
    reportable, _ = gathered(first, third)
    measured = pd.concat([found.measurements for _, found in (first, third)], ignore_index=True)
    assert_allclose(with_factors(measured, reportable).recovery_factor, 0.5)  # LC-3 has none of its own


def test_a_label_in_the_run_table_names_a_batch_of_the_study_and_others_stay_in_their_run():
    runs = [evaluated_run(["B1"], ["B1"], run_id=name)[0] for name in ("LC-1", "LC-2", "LC-3")]
    assert study_batches(runs)["LC-2", "B1"] == "LC-2:B1"
    named = [replace(runs[0], extraction_batch="B1", extraction_date="2026-01-02"), *runs[1:]]
    assert study_batches(named)["LC-2", "B1"] == "B1"  # extracted with LC-1, measured again in LC-2
    again = [named[0], replace(runs[1], extraction_batch="B1", extraction_date="2026-01-09"), runs[2]]
    assert study_batches(again)["LC-2", "B1"] == "LC-2:B1"  # another day: another batch of the same name


def test_extractions_in_two_batches_are_compared_and_combined_after_each_one_s_correction():
    _, found = evaluated_run(list(TRUE), list(TRUE))
    rows = samples(found).reset_index().iloc[[0, 3]].assign(sample_id="S", method_id="M")
    method = read_method(METHOD, METHOD.name)
    plan = method.replicates.model_copy(update={"extractions": 2, "max_cv_percent": 5.0})
    method = method.model_copy(update={"replicates": plan})
    chosen = choose(rows, pd.DataFrame(columns=["action"]), method)
    # 500 and 800 of 1000 extracted: 46 % apart as they read, within 3 % once each is divided by its own factor
    assert chosen.status == "quantified"
    assert_allclose(chosen.result.homogenate_ng_ml, np.sqrt(500 * 800), rtol=1e-6)
    assert_allclose(chosen.result.homogenate_ng_ml / chosen.result.recovery_factor, 1000, rtol=0.02)
    own = (rows.recovery_relative_uncertainty**2 - rows.recovery_shared_uncertainty**2).sum() / 4
    shared = (rows.recovery_shared_uncertainty.sum() / 2) ** 2
    assert_allclose(chosen.result.recovery_relative_uncertainty**2, own + shared)
    assert factor_of_several(rows.iloc[:1], 1.0, 1.0, np.ones(1)) == {}


def test_apparent_recovery_of_a_plate_is_of_each_batch(tmp_path):
    method = ELISA.replace("calibrators_extracted: true", "calibrators_extracted: false")
    method = method.replace("recovery_correction: none", "recovery_correction: apparent")
    method = method.replace("ich_m10_ligand_binding", "exploratory")
    plate = Plate().calibrators()
    for batch, share in (("B1", 0.5), ("B2", 0.6), ("B3", 0.7), ("B4", 0.8)):
        for off in (0.98, 1.02):
            signal = response(100 * share * off)
            plate.add("recovery_pre", "", signal, signal, level="M", nominal_ng_ml=100, tissue="liver", batch=batch,
                      lot=f"L{off}")  # fmt: skip
        signal = response(100 * share)
        plate.add("unknown", f"S{batch}", signal, signal, batch=batch)
    found = evaluated(tmp_path, [plate], method=method)
    rows = found.reportable[found.reportable.sample_type == "unknown"]
    assert_allclose(rows.recovery_factor, [0.5, 0.6, 0.7, 0.8], rtol=0.02)
    assert_allclose(rows.reading_ng_ml / rows.recovery_factor, 100, rtol=0.03)


def test_a_reanalysis_in_another_batch_is_compared_after_the_correction_of_its_own():
    first = evaluated_run(["B1"], ["B1"], "study", "LC-1")
    others = [evaluated_run([name], [name], "study", f"LC-{name}") for name in ("B2", "B3", "B4")]
    reportable, _ = gathered(first, *others)
    rows = reportable[reportable.sample_type == "unknown"].assign(sample_type="incurred")
    rows = rows.assign(homogenate_ng_ml=rows.reading_ng_ml * rows.dilution_factor)
    # 500 to 800 ng/mL are read of the same 1000: 46 % apart by themselves
    assert_allclose(_reanalyses(rows, NOT_STORED).value_ng_ml, 1000, rtol=0.02)


def test_a_reanalysis_that_needs_a_factor_and_has_none_is_not_compared():
    _, found = evaluated_run([], ["B1"])
    rows = found.reportable[found.reportable.sample_type == "unknown"].assign(sample_type="incurred")
    rows = rows.assign(homogenate_ng_ml=rows.reading_ng_ml * rows.dilution_factor)
    assert_allclose(rows.homogenate_ng_ml, 500, rtol=0.02)  # of 1000: a factor of 0.5 is lacking
    assert np.isnan(_reanalyses(rows, NOT_STORED).value_ng_ml).all()


def test_a_mean_that_divides_no_sample_raises_no_sign_off():
    # batches from 0.5 to 0.8: a batch without rows would be uncertain by 22.5 %, but each has rows of its own
    _, found = evaluated_run(list(TRUE), list(TRUE))
    table = found.recovery[found.recovery.level == "all"].set_index("batch")
    assert table.relative_uncertainty["LC-1"] > 0.2 > table.relative_uncertainty["LC-1:B1"]
    assert (table.sign_off == "").all()
    assert "recovery_needs_sign_off" not in ";".join(samples(found)["flags"])
