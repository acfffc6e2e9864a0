"""Results nobody vouches for are never taken for a run's own; what a killed run finished is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from recorded_study import entries, record, recorded_study

from bioanalysis.planning import workflow_folder
from bioanalysis.records.audit import AuditTrail
from bioanalysis.records.made import note_begun, note_made
from bioanalysis.records.outside import changed_since_killed, half_made, output_of, set_aside
from bioanalysis.records.places import CONCENTRATIONS
from bioanalysis.records.recorder import Recorder
from bioanalysis.records.verify import verify

REPORT, CURVE = "results/study/report.html", "results/runs/EL-01/curve.json"
WELLS = "work/EL-01/wells.tsv"


@pytest.fixture
def study(tmp_path, monkeypatch):
    folder = recorded_study(tmp_path / "study")
    monkeypatch.chdir(folder)  # as the jobs of the workflow do
    return folder


def started(study, *, killed=False):
    recorder = Recorder(study, workflow_folder())
    if killed:
        recorder.note_interruption("an earlier run ended before it was done")
    return recorder


def job_wrote(study, job, **texts):
    """Let a job write its files and note them."""
    log = Path("logs", f"{job}.log")
    names = [name.replace("__", "/") for name in texts]
    note_begun(log, names)
    for name, text in zip(names, texts.values(), strict=True):
        (study / name).parent.mkdir(parents=True, exist_ok=True)
        (study / name).write_text(text)
    note_made(log, names)


def test_what_a_killed_run_finished_is_kept_and_what_it_left_half_made_is_not(study):
    job_wrote(study, "EL-01/judge_run", **{"results__runs__EL-01__curve.json": '{"new": 1}\n'})
    note_begun(Path("logs/report_study.log"), [REPORT])
    (study / REPORT).write_text("<p>half")
    recorder = started(study, killed=True)
    assert recorder.set_aside_what_changed_outside() == []
    assert (study / CURVE).exists()
    assert not (study / REPORT).exists()


def test_a_result_edited_after_a_kill_is_told_from_what_the_run_finished(study):
    job_wrote(study, "EL-01/judge_run", **{"results__runs__EL-01__curve.json": '{"new": 1}\n'})
    (study / CURVE).write_text('{"new": 2}\n')
    recorder = started(study, killed=True)
    assert recorder.set_aside_what_changed_outside() == [CURVE]
    assert entries(study)[-1]["action"] == "results_changed_outside"
    assert '"new": 2' in (study / entries(study)[-1]["after"]["set_aside"]).read_text()


def test_a_result_edited_before_the_kill_is_held_against_the_last_record(study):
    (study / CONCENTRATIONS).write_text((study / CONCENTRATIONS).read_text().replace("2.5", "9.5"))
    assert started(study, killed=True).set_aside_what_changed_outside() == [CONCENTRATIONS]


def test_by_hand_what_a_killed_run_leaves():
    recorded = {"old": "1", "redone": "1", "begun": "1", "edited": "1", "gone": "1"}
    noted = {"redone": "2", "begun": "", "edited": "2"}
    now = {"old": "1", "redone": "2", "begun": "9", "edited": "1", "strange": "9"}
    found = [(one.name, one.made, one.now) for one in changed_since_killed(recorded, noted, now)]
    assert found == [("edited", "2", "1"), ("strange", None, "9")]


def test_a_file_no_run_wrote_is_set_aside_and_no_result(study):
    (study / "results/study/invented.tsv").write_text("sample_id\tvalue\n")
    recorder = started(study)
    assert recorder.set_aside_what_changed_outside() == ["results/study/invented.tsv"]
    assert entries(study)[-1]["action"] == "results_added_outside"
    assert not (study / "results/study/invented.tsv").exists()
    assert [finding.file for finding in verify(study)[0]] == []


@pytest.mark.parametrize("name", ["~$report.xlsx", ".~lock.report.xlsx#"])
def test_the_lock_of_a_workbook_somebody_has_open_is_no_result(study, name):
    lock = study / "results/study" / name
    lock.write_bytes(b"KM")
    assert started(study).changed_outside() == []
    record(study, "opened while it ran")
    lock.unlink()
    assert verify(study)[0] == []


def test_whoever_is_killed_while_setting_aside_finds_it_again(study, monkeypatch):
    (study / CURVE).write_text("{}  \n")
    found = started(study).changed_outside()
    audit = AuditTrail(study)
    monkeypatch.setattr(audit, "_append", lambda lines: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        set_aside(study, audit, found)
    assert (study / CURVE).read_text() == "{}  \n"
    assert started(study).set_aside_what_changed_outside() == [CURVE]
    assert not [finding for finding in verify(study)[0] if "set_aside" in finding.file]


def test_edited_readings_are_read_again(study):
    job_wrote(study, "EL-01/read_wells", **{"work__EL-01__wells.tsv": "well\tsignal\nA1\t0.5\n"})
    record(study)
    assert started(study).changed_readings() == []
    (study / WELLS).write_text("well\tsignal\nA1\t0.9\n")
    assert started(study).changed_readings() == [WELLS]
    started(study).set_aside_what_changed_outside()
    assert not (study / WELLS).exists()


def test_readings_edited_together_with_their_note_are_held_against_the_trail(study):
    job_wrote(study, "EL-01/read_wells", **{"work__EL-01__wells.tsv": "well\tsignal\nA1\t0.5\n"})
    record(study)
    job_wrote(study, "EL-01/read_wells", **{"work__EL-01__wells.tsv": "well\tsignal\nA1\t0.9\n"})
    assert started(study).changed_readings() == [WELLS]


def test_a_torn_note_vouches_for_nothing(study):
    job_wrote(study, "EL-01/read_wells", **{"work__EL-01__wells.tsv": "well\tsignal\nA1\t0.5\n"})
    path = study / "work/.made/EL-01/read_wells.json"
    path.write_text(json.dumps({WELLS: "0" * 64})[:20])
    assert started(study, killed=True).changed_readings() == [WELLS]


def test_results_put_back_together_with_their_records_are_not_taken_for_those_of_the_last_run(study, tmp_path):
    job_wrote(study, "EL-01/judge_run", **{"results__runs__EL-01__curve.json": '{"position": 77}\n'})
    record(study)
    shutil.copytree(study / "results", tmp_path / "backup")
    job_wrote(study, "EL-01/judge_run", **{"results__runs__EL-01__curve.json": '{"position": 78}\n'})
    record(study)
    assert started(study).changed_outside() == []
    shutil.rmtree(study / "results")
    shutil.copytree(
        tmp_path / "backup", study / "results", copy_function=shutil.copyfile
    )  # their times are those of now
    assert verify(study)[0] == []  # what was put back is whole in itself
    recorder = started(study)
    assert [str(one) for one in recorder.changed_outside()] == [
        f"{CURVE} is not what the last run wrote: would be made again"
    ]
    assert recorder.would_be_made_again() == [CURVE]
    recorder.set_aside_what_changed_outside()
    assert not (study / CURVE).exists()


def test_of_two_notes_on_one_file_the_later_holds(study):
    for job in ("EL-01/zz_renamed_since", "EL-01/judge_run"):
        job_wrote(study, job, **{"results__runs__EL-01__curve.json": json.dumps(job)})
    record(study)
    assert started(study).changed_outside() == []


def test_a_plan_says_in_words_what_was_edited_removed_and_invented(study):
    (study / CURVE).write_text("{}  \n")
    (study / REPORT).unlink()
    (study / "results/study/invented.tsv").write_text("x\n")
    said = [str(one) for one in started(study).changed_outside()]
    assert said == [
        f"{CURVE} is not what the last run wrote: would be made again",
        "results/study/invented.tsv was written by no run: would be set aside",
        f"{REPORT} is missing, though the last run wrote it: would be made again",
    ]


def test_of_figures_half_drawn_none_is_kept_and_of_figures_finished_each_is_held_against_its_own_digest():
    noted = {"a/figures": "", "b/figures/1.svg": "1", "b/figures/2.svg": "2"}
    now = {"a/figures/1.svg": "9", "b/figures/1.svg": "1", "b/figures/2.svg": "3"}
    assert half_made(noted, now) == ["a/figures/1.svg"]
    assert [one.name for one in changed_since_killed({}, noted, now)] == ["b/figures/2.svg"]
    assert output_of("results/study/figures/2.svg") == "results/study/figures"
