"""What a run writes down: every change of settings, methods, raw data, decisions, results; nothing for nothing."""

from __future__ import annotations

import pytest
from recorded_study import actions, entries, record, recorded_study, write_results
from small_study import change

from bioanalysis.errors import RecordsDamaged
from bioanalysis.planning import workflow_folder
from bioanalysis.records.audit import now
from bioanalysis.records.places import CONCENTRATIONS, HEAD, MANIFEST, TRAIL
from bioanalysis.records.recorder import Outcome, Recorder
from bioanalysis.records.standing import raw_now
from bioanalysis.records.verify import verify
from bioanalysis.study import Study


@pytest.fixture
def study(tmp_path):
    return recorded_study(tmp_path / "study")


def new_actions(study):
    before = len(actions(study))
    record(study, "second weighing")
    return actions(study)[before:]


def last(study, action):
    return [entry for entry in entries(study) if entry["action"] == action][-1]


@pytest.mark.requirement("UR-032")
def test_the_first_run_records_all_there_is(study):
    said = actions(study)
    assert said[0] == "study_recorded SMALL-1"
    for entry in (
        "code_recorded bioanalysis", "environment_recorded environment", "config_added config/samples.tsv",
        "method_recorded ASO-LCMS-01", "decision_taken D1", "raw_added LC-01", "raw_added EL-01",
        "computed LC-01", "computed study",
    ):  # fmt: skip
        assert entry in said
    assert said[-1] == "run_finished workflow"


def test_a_run_that_changed_nothing_writes_nothing(study):
    before = (study / TRAIL).read_bytes()
    record(study)
    assert (study / TRAIL).read_bytes() == before


@pytest.mark.requirement("UR-032")
def test_a_changed_mass_is_told_cell_by_cell_with_its_reason(study):
    change(study, "config/samples.tsv", ("liver 29 100.5", "liver 29 99.5"))
    assert new_actions(study) == ["config_changed config/samples.tsv", "run_finished workflow"]
    entry = last(study, "config_changed")
    assert entry["after"]["cells"] == ["config/samples.tsv, S1: tissue_mass_mg 100.5 -> 99.5"]
    assert entry["reason"] == "second weighing"


@pytest.mark.requirement("UR-039")
def test_a_changed_method_is_told_with_its_version(study):
    change(study, "config/methods/lcms.yaml", ('version: "2"', 'version: "3"'))
    assert "method_changed ASO-LCMS-01" in new_actions(study)
    entry = last(study, "method_changed")
    assert (entry["before"]["version"], entry["after"]["version"]) == ("2", "3")
    assert "config/methods/lcms.yaml, version: value 2 -> 3" in last(study, "config_changed")["after"]["cells"]


@pytest.mark.requirement("UR-041")
def test_that_a_flag_is_closed_and_opened_again_are_entries_with_author_and_reason(study):
    decisions = study / "config/decisions.tsv"
    before = decisions.read_text()
    closing = "D2 accept_flag LC-01 8 TECHNICAL_CAUSE_EXCLUDED serviced AL 2026-03-13T10:00:00Z"
    decisions.write_text(before + "\t".join(closing.split()) + "\n")
    assert "decision_taken D2" in new_actions(study)
    taken = last(study, "decision_taken")
    assert taken["reason"] == "TECHNICAL_CAUSE_EXCLUDED: serviced"
    assert (taken["after"]["action"], taken["after"]["author"]) == ("accept_flag", "AL")
    decisions.write_text(before)
    assert "decision_withdrawn D2" in new_actions(study)
    assert last(study, "decision_withdrawn")["before"] == taken["after"]


@pytest.mark.requirement("UR-031")
def test_a_decision_is_told_with_author_and_reason_and_its_withdrawal_too(study):
    taken = last(study, "decision_taken")
    assert (taken["after"]["author"], taken["reason"]) == ("KM", "SPILL: spilt")
    lines = (study / "config/decisions.tsv").read_text().splitlines(keepends=True)
    (study / "config/decisions.tsv").write_text(lines[0])
    assert "decision_withdrawn D1" in new_actions(study)


@pytest.mark.requirement("UR-005")
def test_a_changed_raw_file_is_told(study):
    (study / "raw/LC-01/s1.mzML").write_text("<mzML></mzML>")
    assert new_actions(study) == ["raw_changed raw/LC-01/s1.mzML", "run_finished workflow"]


def test_changed_values_are_listed_by_sample_and_analyte(study):
    write_results(study, {"S1": "2.4", "S2": "0.75", "S3": "3.125"})
    assert new_actions(study) == [
        "recomputed LC-01", "recomputed study", f"values_changed {CONCENTRATIONS}", "run_finished workflow",
    ]  # fmt: skip
    entry = last(study, "values_changed")
    assert entry["after"]["results"] == 1
    listed = (study / entry["after"]["listed_in"]).read_text()
    assert f"{CONCENTRATIONS}\tS1 mipomersen ASO-LCMS-01\tvalue\t2.5\t2.4" in listed


def test_a_run_that_failed_leaves_settings_for_the_next(study):
    change(study, "config/samples.tsv", ("liver 29 100.5", "liver 29 99.5"))
    write_results(study, {"S1": "2.4", "S2": "0.75", "S3": "3.125"})
    recorder = Recorder(study, workflow_folder())
    loaded = Study.load(study)
    recorder.write(loaded, Outcome(False, now(), "stopped"), raw_now(study, loaded))
    assert actions(study)[-1] == "run_failed workflow"
    assert "config_changed config/samples.tsv" not in actions(study)
    assert "config_changed config/samples.tsv" in new_actions(study)


@pytest.mark.requirement("UR-033")
def test_results_changed_without_an_entry_are_told_and_set_aside(study):
    path = study / CONCENTRATIONS
    path.write_text(path.read_text().replace("2.5", "9.5"))
    recorder = Recorder(study, workflow_folder())
    assert recorder.set_aside_what_changed_outside() == [CONCENTRATIONS]
    assert not path.exists()
    entry = last(study, "results_changed_outside")
    assert "9.5" in (study / entry["after"]["set_aside"]).read_text()
    assert entry["before"]["sha256"] != entry["after"]["sha256"]


def test_a_manifest_that_was_edited_stops_the_next_run_until_a_reason_is_given(study):
    with (study / MANIFEST).open("a") as stream:
        stream.write("0" * 64 + "  results/extra.tsv\n")
    with pytest.raises(RecordsDamaged, match=r"manifest\.sha256"):
        Recorder(study, workflow_folder())
    record(study, "the disk was restored")
    assert actions(study)[0] == f"trail_restarted {TRAIL}"
    assert "study_recorded SMALL-1" in actions(study)


def test_a_trail_taken_away_as_a_whole_stops_the_next_run_until_a_reason_is_given(study):
    for name in (TRAIL, HEAD):
        (study / name).unlink()
    with pytest.raises(RecordsDamaged, match="is missing, though records it vouched for are there"):
        Recorder(study, workflow_folder())
    record(study, "lost in a move to another disk")
    assert actions(study)[0] == f"trail_restarted {TRAIL}"
    said = ": lost in a move to another disk"
    assert [remark for remark in verify(study)[1] if "begun anew" in remark and remark.endswith(said)]
