"""The demonstration's first LC-MS/MS run, changed in one place at a time: what its rules, flags and values then say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.instruments.run import read_traces_of, read_wells_of
from bioanalysis.limits import limits_for
from bioanalysis.report.injections import carry_over_figures, standard_figures
from bioanalysis.responses import responses_from_peaks, responses_from_wells
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-022")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study():
    return Study.load(ROOT)


@pytest.fixture(scope="module")
def lcms(study):
    run = next(run for run in study.runs if run.run_id == "LC-01")
    return run, peaks_of(run, read_traces_of(run, study.folder))


def verdict(evaluation, rule_id: str, analyte: str = "mipomersen") -> str:
    rows = evaluation.acceptance[
        (evaluation.acceptance.rule_id == rule_id) & (evaluation.acceptance.analyte == analyte)
    ]
    return " ".join(dict.fromkeys(rows.verdict))


def changed(lcms, factor: float, where) -> pd.DataFrame:
    """Peaks with the areas at `where` (a function of the peaks joined with the worklist) multiplied."""
    run, peaks = lcms
    known = peaks.join(run.worklist.set_index("position")[["sample_type", "level"]], on="position")
    return peaks.assign(area=peaks.area.mask(where(known), peaks.area * factor))


def first_sample(run) -> str:
    return str(run.worklist.position[run.worklist.sample_type == "unknown"].iloc[0])


def test_a_weak_internal_standard_is_flagged_with_its_limit_and_goes_with_the_value(lcms):
    run, _ = lcms
    position = first_sample(run)
    peaks = changed(lcms, 0.3, lambda p: (p.position == position) & (p.transition == "is_quan"))
    found = evaluate_run(run, responses_from_peaks(run, peaks))
    raised = found.flags[(found.flags["flag"] == "is_response_outside") & (found.flags.position == position)]
    assert (raised.limit.item(), raised.source.item()) == ("50 to 150 %", "IS-03")
    assert float(raised.observed.item().split()[0]) < 50
    assert position in found.acceptance[found.acceptance.rule_id == "IS-03"].position.item().split(";")
    for table in (found.measurements, found.reportable):
        assert "is_response_outside" in table["flags"][table.position == position].item().split(";")


def test_a_blank_full_of_carry_over_flags_the_weak_sample_after_a_strong_one(lcms):
    run, _ = lcms
    peaks = changed(lcms, 1000, lambda p: (p.sample_type == "carryover_blank") & (p.transition == "mipomersen_quan"))
    found = evaluate_run(run, responses_from_peaks(run, peaks))
    assert verdict(found, "CAR-CC-01").split()[0] == "fail"
    assert verdict(found, "CAR-CC-02") == "fail"
    table = found.carry_over
    suspected = table[table["flag"] == "carry_over_suspected"]
    raised = found.flags[found.flags["flag"] == "carry_over_suspected"]
    assert len(suspected)
    assert set(suspected.position) == set(raised.position)
    assert verdict(found, "RUN") == "pass"


def test_a_hand_integration_without_a_decision_is_found(lcms):
    run, peaks = lcms
    assert verdict(evaluate_run(run, responses_from_peaks(run, peaks)), "INT-01") == "pass"
    by_hand = (peaks.position == first_sample(run)) & (peaks.transition == "mipomersen_quan")
    found = evaluate_run(run, responses_from_peaks(run, peaks.assign(manual=by_hand)))
    assert (verdict(found, "INT-01"), verdict(found, "INT-02"), verdict(found, "INT-03")) == ("fail", "pass", "fail")
    raised = found.flags[(found.flags["flag"] == "rule_failed") & (found.flags.source == "INT-01")]
    assert raised.position.item() == first_sample(run)


def test_a_run_passes_for_one_analyte_and_fails_for_another(lcms):
    run, peaks = lcms
    twin = run.method.analytes[0].model_copy(update={"name": "metabolite"})
    ours = [t for t in run.method.transitions if t.analyte]
    theirs = [t.model_copy(update={"name": f"twin_{t.name}", "analyte": "metabolite"}) for t in ours]
    method = run.method.model_copy(
        update={"analytes": (*run.method.analytes, twin), "transitions": (*run.method.transitions, *theirs)}
    )
    bad = changed(lcms, 2.0, lambda p: (p.sample_type == "qc") & (p.transition == "mipomersen_quan"))
    copied = bad[bad.transition != "is_quan"].assign(transition=lambda p: "twin_" + p.transition)
    run = replace(run, method=method)
    found = evaluate_run(run, responses_from_peaks(run, pd.concat([peaks, copied])))
    assert verdict(found, "RUN") == "pass"
    assert verdict(found, "RUN", "metabolite") == "fail"
    assert verdict(found, "CAL-CC-17", "metabolite") == "pass"
    samples = found.reportable[found.reportable.sample_type == "unknown"]
    assert set(samples.status[samples.analyte == "metabolite"]) == {"not_reported", "not_analysed"}
    assert (samples.status[samples.analyte == "mipomersen"] == "quantified").any()
    assert set(found.internal_standard.analyte) == {"mipomersen", "metabolite"}


def test_every_injection_has_its_row_and_its_mark_in_the_figures(lcms):
    run, peaks = lcms
    found = evaluate_run(run, responses_from_peaks(run, peaks))
    acquired = run.worklist[run.worklist.not_acquired_reason == ""]
    assert found.carry_over.position.tolist() == acquired.position.tolist()
    with_standard = acquired[~acquired.sample_type.isin(["blank", "carryover_blank"])]
    assert found.internal_standard.position.tolist() == with_standard.position.tolist()
    (figure,) = standard_figures(found.internal_standard, limits_for(run.method))
    assert len(figure.drawing.marks) == found.internal_standard.percent_of_mean.notna().sum()
    assert len(figure.drawing.guides) == 5
    (figure,) = carry_over_figures(found.carry_over)
    assert len(figure.drawing.marks) == found.carry_over.sample_type.isin(["unknown", "incurred"]).sum()


def test_a_plate_has_neither_chromatograms_nor_an_internal_standard(study):
    run = next(run for run in study.runs if run.platform == "elisa")
    found = evaluate_run(run, responses_from_wells(run, read_wells_of(run, study.folder).wells))
    for rule_id in ("IS-01", "IS-03", "CHR-01", "INT-01", "SST-01"):
        assert verdict(found, rule_id) == "not_applicable"
    assert verdict(found, "BLK-LBA-01") == "pass"
    assert found.carry_over.empty
    assert found.internal_standard.empty
    assert "percent_of_mean" in found.internal_standard


def test_what_the_worklist_does_not_say_is_not_assessable_and_counted(lcms):
    said, peaks = lcms
    run = replace(said, worklist=said.worklist.assign(stock="", prepared_on=""))
    found = evaluate_run(run, responses_from_peaks(run, peaks))
    assert verdict(found, "CAL-GEN-01") == verdict(found, "QC-18") == "not_assessable"
    assert {"pass", "fail", "not_assessable", "not_applicable"} == set(found.acceptance.verdict)
