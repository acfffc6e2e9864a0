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
    while not job.cmdline():  # the kernel tells its start a moment before its words
        time.sleep(0.01)
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


OUTPUT = "Error in rule {0}:\nCommand 'set -euo pipefail;  python /s/.snakemake/scripts/tmp1.{0}.py' {1}.\n"


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([("judge_run", "returned non-zero exit status 137")], "the job judge_run was killed from outside (SIGKILL)"),
        ([("judge_run", "returned non-zero exit status 1")], ""),
        ([("judge_run", "died with <Signals.SIGKILL: 9>"), ("report_run", "returned non-zero exit status 1")], ""),
    ],
)
def test_a_kill_is_told_through_a_shell_and_hides_no_other_failure(jobs, words):
    said = killed_from_outside("".join(OUTPUT.format(*job) for job in jobs))
    assert bool(said) == bool(words)
    assert words in said


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


@pytest.mark.parametrize("shell", [True, False])
def test_a_script_whose_shell_lives_on_is_found_and_one_that_is_only_shown_is_not(tmp_path, shell):
    script = tmp_path / ".snakemake/scripts/tmp1.judge_run.py"
    script.parent.mkdir(parents=True)
    script.write_text("import time; print('up', flush=True); time.sleep(600)")
    job = f"{sys.executable} {script}"  # a shell that is to do something after it cannot become it
    words = ["bash", "-c", f"set -e; {job}; true"] if shell else job.split()
    runs = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    shown = subprocess.Popen(["tail", "-f", str(script)], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        assert runs.stdout.readline() == "up\n"
        assert end_orphans(tmp_path) == 1
        runs.wait(timeout=20)
        assert shown.poll() is None
    finally:
        for one in (runs, shown):
            one.kill()
            one.wait()
        runs.stdout.close()


def test_a_job_of_a_living_workflow_and_one_of_another_study_are_left_alone(workflow, tmp_path):
    process, job = workflow
    assert end_orphans(tmp_path) == 0
    process.kill()
    process.wait()
    assert end_orphans(tmp_path / "other") == 0
    assert job.is_running()
