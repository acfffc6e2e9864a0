"""The life of a sample: what it was weighed, read and reported as, and every change of it."""

from __future__ import annotations

import pytest
from recorded_study import record, recorded_study, write_results
from small_study import change

from bioanalysis.errors import BatchError
from bioanalysis.records.beside import DRAWN, recorded_beside
from bioanalysis.records.history import history

pytestmark = pytest.mark.requirement("UR-032")


@pytest.fixture
def study(tmp_path):
    return recorded_study(tmp_path / "study")


def test_manifest_reading_and_result_stand_together(study):
    said = history(study, "S1")
    assert "line 2 of the sample manifest: subject_id R1, tissue liver" in said
    assert "run LC-01 (2026-03-10, AL, ASO-LCMS-01 version 2) position 8 mipomersen: 2.5 ng/mL, quantified" in said
    assert "raw raw/LC-01/s1.mzML " in said
    assert "mipomersen by ASO-LCMS-01: quantified 2.5 ug/g (0.5 to 9.5), run LC-01" in said


def test_every_change_of_a_value_is_told_with_its_reason(study):
    change(study, "config/samples.tsv", ("liver 29 100.5", "liver 29 125.625"))
    write_results(study, {"S1": "2.0", "S2": "0.75", "S3": "3.125"})
    record(study, "balance recalibrated")
    said = history(study, "S1")
    assert "tissue_mass_mg 100.5 -> 125.625" in said
    assert "value 2.5 -> 2.0" in said
    assert "125.625" not in history(study, "S2")


def test_a_decision_on_a_well_of_the_sample_is_told(study):
    assert "D1: exclude by KM, 2026-03-12T10:00:00Z: SPILL, spilt" in history(study, "S3")
    assert "D1" not in history(study, "S1")


def test_a_decision_on_a_well_stands_in_the_trail_of_its_sample_also_once_it_is_withdrawn(study):
    assert "decision_taken D1 (SPILL: spilt)" in history(study, "S3")
    decisions = study / "config/decisions.tsv"
    decisions.write_text(decisions.read_text().splitlines()[0] + "\n")
    record(study, "the well was not spilt")
    said = history(study, "S3")
    assert "decision_taken D1" in said
    assert "decision_withdrawn D1" in said
    assert "D1" not in history(study, "S1")


def test_a_change_that_names_another_sample_is_not_told(study):
    for label in ("S2-1", "S2"):
        change(study, "config/worklists/LC-01.tsv", ("b.mzML blank ", f"b.mzML blank {label}"))
        record(study)
        told = [line for line in history(study, "S2").splitlines() if "config/worklists" in line]
        assert len(told) == (label == "S2")
        change(study, "config/worklists/LC-01.tsv", (f"b.mzML blank {label}", "b.mzML blank "))


def test_a_sample_that_is_drawn_for_reanalysis_is_told_so(study):
    with recorded_beside(study, DRAWN, "incurred/*.tsv", "seed 7"):
        (study / "incurred").mkdir()
        (study / "incurred/M_seed-7.tsv").write_text("position\tsample_type\tsample_id\n\tincurred\tS2\n")
    assert "incurred_drawn incurred/M_seed-7.tsv (seed 7)" in history(study, "S2")
    assert "incurred_drawn" not in history(study, "S1")


def test_a_sample_that_left_the_study_or_got_another_name_is_still_told_of(study):
    change(study, "config/samples.tsv", ("S1 R1", "S9 R1"))
    change(study, "config/worklists/LC-01.tsv", ("unknown S1 ", "unknown S9 "))
    write_results(study, {"S9": "2.5", "S1": "9.9", "S2": "0.75", "S3": "3.125"})
    path = study / "results/study/tissue_concentrations.tsv"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("S1\t")))
    record(study, "label misread")
    said = history(study, "S1")
    assert "no longer among the samples of the study" in said
    assert (
        "config/samples.tsv, S1: removed (subject_id R1; tissue liver; collection_day 29; tissue_mass_mg 100.5" in said
    )
    assert "sample_id S1 -> S9" in said
    assert "S1 mipomersen ASO-LCMS-01: removed (status quantified; value 2.5; unit ug/g" in said
    assert "sample_id S1 -> S9" in history(study, "S9")


def test_an_unknown_sample_is_refused_with_the_nearest(study):
    with pytest.raises(BatchError, match=r"no sample 's1'.*did you mean 'S1'"):
        history(study, "s1")
