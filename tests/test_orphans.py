"""Jobs that outlive their workflow are ended; those of a living workflow, and of another study, are left alone."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from bioanalysis.orphans import end_orphans, killed_from_outside

SLEEPS = "import sys, time; time.sleep(600)"
STARTS = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {SLEEPS!r}, "--target-jobs", "judge_run:run=R1"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def workflow(tmp_path):
    """A process that looks like a workflow in the folder, and the number of its job."""
    command = [sys.executable, "-c", STARTS, "snakemake"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    job = psutil.Process(int(process.stdout.readline()))
    yield process, job
    for one in (process, job):
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
    process.stdout.close()


def test_a_job_whose_workflow_is_dead_is_ended(workflow, tmp_path):
    process, job = workflow
    process.kill()
    process.wait()
    while job.is_running() and job.ppid() == process.pid:
        time.sleep(0.01)
    assert end_orphans(tmp_path) == 1
    assert not job.is_running()


def script_in(folder):
    """Return the script of a job that works in `folder`, None where none does."""
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and ".snakemake/scripts" in str(process.cmdline()):
                return process
        except psutil.Error:
            continue
    return None


@pytest.mark.parametrize(("signal", "words"), [(9, "the job sleeps was killed from outside (SIGKILL)"), (11, "")])
def test_a_job_that_was_killed_is_no_fault_of_the_software(tmp_path, signal, words):
    (tmp_path / "sleeps.py").write_text(f"import os; os.kill(os.getpid(), {signal})")
    (tmp_path / "Snakefile").write_text('rule sleeps:\n    output: "slept"\n    script: "sleeps.py"\n')
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--directory", str(tmp_path)]
    done = subprocess.run(
        [*command, "--snakefile", str(tmp_path / "Snakefile")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert killed_from_outside(done.stderr).startswith(f"the workflow stopped: {words}" if words else "")
    assert bool(killed_from_outside(done.stderr)) == bool(words)


def test_the_script_of_a_job_is_ended_whose_snakemake_was_killed(tmp_path):
    (tmp_path / "sleeps.py").write_text("import time; time.sleep(600)")
    (tmp_path / "Snakefile").write_text('rule sleeps:\n    output: "slept"\n    script: "sleeps.py"\n')
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--directory", str(tmp_path)]
    workflow = subprocess.Popen([*command, "--snakefile", str(tmp_path / "Snakefile")], stderr=subprocess.DEVNULL)
    while (script := script_in(tmp_path)) is None and workflow.poll() is None:
        time.sleep(0.05)
    assert end_orphans(tmp_path) == 0
    workflow.kill()
    workflow.wait()
    assert end_orphans(tmp_path) == 1
    assert not script.is_running()


def test_a_job_of_a_living_workflow_and_one_of_another_study_are_left_alone(workflow, tmp_path):
    process, job = workflow
    assert end_orphans(tmp_path) == 0
    process.kill()
    process.wait()
    assert end_orphans(tmp_path / "other") == 0
    assert job.is_running()
