"""What a job leaves where it refuses its input: a refusal is an outcome, and nothing is computed after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bioanalysis.errors import BatchError, Fault
from bioanalysis.workflow import admit, plain_errors

FAULT = Fault("raw/LC-01/s1.mzML", "cut off", "a whole file")


class Outputs(list):
    """The outputs of a job, some of them named, as the workflow hands them over."""

    def __init__(self, **named):
        super().__init__(named.values())
        vars(self).update(named)


class Job:
    def __init__(self, log, **outputs):
        self.log, self.output = [log], Outputs(**outputs)


@pytest.fixture(autouse=True)
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reading(run):
    return Job(f"logs/{run}/read.log", traces=f"work/{run}/traces.npz", refused=f"work/{run}/refused.json")


def refuse(job, name="read"):
    with plain_errors(job, name):
        raise BatchError([FAULT])


def test_a_job_that_reads_ends_well_where_it_refuses_and_no_run_is_admitted():
    refuse(reading("LC-01"), "read_LC-01")  # does not raise: a cluster would try it again
    with plain_errors(reading("LC-02")):
        Path("work/LC-02/traces.npz").parent.mkdir(parents=True)
        Path("work/LC-02/traces.npz").write_bytes(b"traces")
    both = [Path(f"work/{run}/refused.json") for run in ("LC-01", "LC-02")]
    assert [len(json.loads(path.read_text())) for path in both] == [1, 0]
    with pytest.raises(BatchError, match=r"raw/LC-01/s1\.mzML cannot be used"):
        admit(both, Path("work/admitted"))
    assert not Path("work/admitted").exists()
    assert [path.exists() for path in both] == [False, True]  # what was refused is read again, the rest is not


def test_runs_are_admitted_where_nothing_was_refused():
    with plain_errors(reading("LC-02")):
        Path("work/LC-02").mkdir(parents=True)
        Path("work/LC-02/traces.npz").write_bytes(b"traces")
    admit([Path("work/LC-02/refused.json")], Path("work/admitted"))
    assert Path("work/admitted").exists()


def test_what_was_never_read_is_not_admitted():
    with pytest.raises(FileNotFoundError):
        admit([Path("work/LC-03/refused.json")], Path("work/admitted"))


def test_any_other_job_that_refuses_fails_with_two():
    with pytest.raises(SystemExit) as ended:
        refuse(Job("logs/judge_study.log", table="results/study/flags.tsv"))
    assert ended.value.code == 2
    assert json.loads(Path("work/refused/read.json").read_text())[0]["found"] == "cut off"
