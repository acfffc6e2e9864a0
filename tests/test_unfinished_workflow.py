"""A workflow that ends as if all were done, with steps left, is started again, and never taken for done."""

from __future__ import annotations

import pytest
from elisa_study import make_study, whole_plate

from bioanalysis import launch
from bioanalysis.errors import BatchError
from bioanalysis.installed import read_anew
from bioanalysis.launch import is_whole, run_study
from bioanalysis.records.audit import AuditTrail
from bioanalysis.settled import SETTLED

pytestmark = pytest.mark.requirement("UR-037")

LEFT = "Finished jobid: 3 (Rule: read_wells)\n3 of 7 steps (43%) done\nComplete log(s): x\n"


@pytest.mark.parametrize(
    ("output", "whole"),
    [
        ("6 of 7 steps (86%) done\nFinished jobid: 0\n7 of 7 steps (100%) done\nComplete log(s): x\n", True),
        ("Nothing to be done (all requested files are present and up to date).\n", True),
        ("Using workflow specific profile\n", True),  # a profile of one's own with `quiet: all`
        (LEFT, False),
        ("Building DAG of jobs...\nJob stats:\ntotal 7\nSelect jobs to execute...\n", False),  # not one was begun
    ],
)
def test_whether_all_steps_were_done_is_known_by_the_workflows_own_count(output, whole):
    assert is_whole(output) == whole


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study", [whole_plate("1", ("S1", 60.0), ("S2", 150.0))])


def ends_early(monkeypatch, times: int) -> None:
    """Let the workflow end so often with steps left, which its scheduler seldom does, then work."""
    works, ended = launch._snakemake, []

    def snakemake(command, folder, plan, *, show):
        ended.append(folder)
        return (0, LEFT) if len(ended) <= times else works(command, folder, plan, show=show)

    monkeypatch.setattr(launch, "_snakemake", snakemake)


def run(study) -> int:
    return run_study(study, cores=2, profile="default", dry_run=False)


@pytest.mark.workflow
def test_a_workflow_that_ends_with_steps_left_is_started_again(study, monkeypatch, capsys):
    ends_early(monkeypatch, times=1)
    assert run(study) == 0
    assert "ended before all its steps were done: going on" in capsys.readouterr().out
    assert (study / "results/study/report.html").exists()


def test_one_that_does_so_again_is_never_taken_for_done(study, monkeypatch, capsys):
    ends_early(monkeypatch, times=2)
    assert run(study) == 1
    said = capsys.readouterr().err
    assert "before all its steps were" in said
    assert "fault of the software" in said


@pytest.mark.requirement("UR-038")
def test_where_packages_are_replaced_under_a_run_it_is_not_taken_for_done_with_either(study, tmp_path, monkeypatch):
    (tmp_path / "modules").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))

    def replaced(*_):
        place = tmp_path / "modules/numpy-9.0.dist-info"
        place.mkdir()
        (place / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.0\n")
        (study / "results/study").mkdir(parents=True, exist_ok=True)
        (study / "results/study/report.html").write_text("<p>report</p>")
        return 0, ""

    monkeypatch.setattr(launch, "_worked_off", replaced)
    try:
        with pytest.raises(BatchError, match="the software cannot be used:\n  changes while the study is run"):
            run(study)
    finally:
        monkeypatch.undo()
        read_anew()
    assert AuditTrail(study).trail.entries[-1]["action"] == "run_failed"
    assert not (study / SETTLED).exists()
