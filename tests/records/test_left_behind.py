"""Results of a run that the study no longer has are named, taken away and kept: they are not sealed with the others."""

from __future__ import annotations

import pytest
from recorded_study import MEASUREMENTS, entries, record, recorded_study
from small_study import change

from bioanalysis.planning import workflow_folder
from bioanalysis.records.audit import now
from bioanalysis.records.outside import left_behind_message
from bioanalysis.records.recorder import Outcome, Recorder
from bioanalysis.records.standing import raw_now
from bioanalysis.records.verify import verify
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-032")
RUN = "results/runs/EL-01"
CURVE = f"{RUN}/curve.json"


@pytest.fixture
def study(tmp_path):
    """A study whose ELISA run has been taken out since it was recorded."""
    folder = recorded_study(tmp_path / "study")
    take_out(folder)
    return folder


def take_out(folder):
    """Take the ELISA run out of the study."""
    change(folder, "config/runs.tsv", ("EL-01 ASO-ELISA-01 2026-03-12 KM raw/EL-01.csv", ""))
    (folder / "config/worklists/EL-01.tsv").unlink()
    (folder / "config/decisions.tsv").unlink()  # on that run


def with_figures(folder, run):
    """Record the study with three figures of a run, drawn by its workflow; returns their folder."""
    figures = folder / "results/runs" / run / "figures"
    figures.mkdir()
    for name in ("a", "b", "c", ".snakemake_timestamp"):
        (figures / (name if name.startswith(".") else f"{name}.svg")).write_text(name)
    record(folder)
    return figures


def set_aside(study):
    """Set aside what a run does before its workflow starts; returns what is said of runs left behind."""
    records = recorder(study)
    records.set_aside_what_changed_outside()
    return records.set_aside_what_was_left_behind(Study.load(study))


def recorder(study):
    return Recorder(study, workflow_folder())


def last(study, action):
    return [entry for entry in entries(study) if entry["action"] == action][-1]


def test_the_plan_names_the_run(study):
    said = recorder(study).plan(Study.load(study), "").splitlines()
    assert said[-2:] == ["no longer in the study:", "  run EL-01: its results would be set aside"]
    assert (study / CURVE).is_file()


def test_its_results_are_kept_elsewhere_and_an_entry_says_so(study):
    content, records = (study / CURVE).read_bytes(), recorder(study)
    assert records.set_aside_what_was_left_behind(Study.load(study)) == {"EL-01": []}
    assert not (study / "results/runs/EL-01").exists()
    entry = last(study, "results_set_aside")
    assert (entry["object"], entry["reason"]) == ("EL-01", "no longer among the runs of the study")
    assert (study / entry["after"]["set_aside"] / CURVE).read_bytes() == content
    loaded = Study.load(study)
    records.write(loaded, Outcome(True, now(), "done"), raw_now(study, loaded))
    assert last(study, "results_removed")["reason"] == "no longer among the runs of the study"
    assert verify(study)[0] == []
    assert recorder(study).plan(Study.load(study), "") == ""


def test_results_of_runs_the_study_has_stay(study):
    before = (study / "results/runs/LC-01/measurements.tsv").read_bytes()
    recorder(study).set_aside_what_was_left_behind(Study.load(study))
    assert (study / "results/runs/LC-01/measurements.tsv").read_bytes() == before


def test_whoever_is_killed_before_they_are_taken_away_takes_them_away_later(study):
    records, content = recorder(study), (study / CURVE).read_bytes()
    records.set_aside_what_was_left_behind(Study.load(study))
    (study / CURVE).parent.mkdir()
    (study / CURVE).write_bytes(content)  # as it stood before it was taken away
    again = recorder(study)
    assert again.changed_outside() == []
    assert again.set_aside_what_was_left_behind(Study.load(study)) == {"EL-01": []}
    loaded = Study.load(study)
    again.write(loaded, Outcome(True, now(), "done"), raw_now(study, loaded))
    assert verify(study)[0] == []


def test_what_nobody_vouches_for_is_told_as_such_alone(study):
    foreign = study / "results/runs/LC-77/measurements.tsv"
    foreign.parent.mkdir()
    foreign.write_text(MEASUREMENTS)
    plan = recorder(study).plan(Study.load(study), "")
    assert "results/runs/LC-77/measurements.tsv was written by no run: would be set aside" in plan
    assert "run LC-77" not in plan


def test_figures_beside_a_missing_one_are_kept_where_the_run_left_the_study(tmp_path):
    study = recorded_study(tmp_path / "study")
    figures = with_figures(study, "EL-01")
    take_out(study)
    (figures / "a.svg").unlink()
    assert set_aside(study) == {"EL-01": []}
    place = study / last(study, "results_set_aside")["after"]["set_aside"] / RUN / "figures"
    assert {path.name: path.read_text() for path in place.iterdir()} == {"b.svg": "b", "c.svg": "c"}
    assert last(study, "results_removed_outside")["object"] == f"{RUN}/figures/a.svg"
    assert not (study / RUN).exists()


def test_figures_beside_a_missing_one_are_made_again_where_the_study_has_the_run(tmp_path):
    study = recorded_study(tmp_path / "study")
    figures = with_figures(study, "LC-01")
    take_out(study)
    (figures / "a.svg").unlink()
    set_aside(study)
    assert not figures.exists()


def test_what_is_no_result_stays_and_is_named(study):
    (study / RUN / "~$curve.xlsx").write_text("KM")
    (study / RUN / "notes").mkdir()
    (study / RUN / "notes/.draft").write_text("ask QA")
    (study / RUN / "nothing").mkdir()
    (study / RUN / "dead").symlink_to("nowhere")
    stays = [f"{RUN}/{name}" for name in ("dead", "notes/.draft", "~$curve.xlsx")]
    said = set_aside(study)
    assert said == {"EL-01": stays}
    assert left_behind_message(said).endswith(f"; no results, and left where they are: {', '.join(stays)}")
    assert (study / RUN / "notes/.draft").read_text() == "ask QA"
    assert not (study / RUN / "nothing").exists()
    assert set_aside(study) == {}


def test_the_folder_of_the_run_may_be_a_link(study):
    store = study / "store"
    (study / RUN).rename(store)
    (study / RUN).symlink_to(store)
    content = (store / "curve.json").read_bytes()
    assert set_aside(study) == {"EL-01": []}
    assert not (study / RUN).is_symlink()
    assert list(store.iterdir()) == []
    assert (study / last(study, "results_set_aside")["after"]["set_aside"] / CURVE).read_bytes() == content
    assert set_aside(study) == {}
