"""The workflow through a real SLURM of one node: same bytes as here, failure and retry, kill and resume.

Not part of the usual test run: `pytest -m slurm` as root, after `make hpc`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from elisa_study import make_study, whole_plate

ROOT = Path(__file__).parents[2]
BIOANALYSIS = [sys.executable, "-c", "from bioanalysis.cli import main; main()"]
FAKE = """
rule flaky:
    output: "done"
    resources: mem_mb=lambda wildcards, attempt: 600 * attempt
    shell: "echo {resources.mem_mb} $SLURM_JOB_ID >> tries; [ {resources.mem_mb} -ge 1200 ] && touch {output}"
"""
pytestmark = [pytest.mark.slurm, pytest.mark.requirement("UR-062")]


@pytest.fixture(scope="session", autouse=True)
def slurm():
    """SLURM itself; where it cannot be had, the tests are skipped with the reason in words."""
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("snakemake-executor-plugin-slurm is not installed: make hpc")
    started = subprocess.run([ROOT / "tests/slurm/start_slurm.sh"], capture_output=True, text=True, check=False)
    if started.returncode == 77:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stderr


@pytest.fixture(scope="session")
def profile(tmp_path_factory) -> Path:
    """Our profile with what a site without accounting adds, and less waiting."""
    settings = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
    site = {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 5, "latency-wait": 10}
    folder = tmp_path_factory.mktemp("site")
    (folder / "profile.yaml").write_text(yaml.safe_dump(settings | site))
    return folder


@pytest.fixture
def plate(tmp_path) -> Path:
    return make_study(tmp_path / "study", [whole_plate("1", ("S1", 60.0), ("S2", 150.0))])


def run(study: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*BIOANALYSIS, "run", study, *words], capture_output=True, text=True, check=False)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in (folder / "results").rglob("*") if path.is_file() and "provenance" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def queued(run_id: str) -> list[str]:
    return subprocess.run(
        ["squeue", "-h", "--name", run_id, "-o", "%i"], capture_output=True, text=True, check=True
    ).stdout.split()


def test_the_demonstration_gives_the_same_bytes_as_here_in_three_submissions(tmp_path, profile):
    for place in ("here", "there"):
        for name in ("config", "test_data"):
            shutil.copytree(ROOT / name, tmp_path / place / name)
    done = run(tmp_path / "there", "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert "to end them: scancel --name" in done.stdout
    log = (tmp_path / "there/logs/snakemake.log").read_text()
    assert log.count("has been submitted with SLURM jobid") == 3
    assert run(tmp_path / "here").returncode == 0
    assert digests(tmp_path / "there") == digests(tmp_path / "here")


def test_a_job_that_failed_is_submitted_again_with_more_memory(tmp_path, profile):
    (tmp_path / "Snakefile").write_text(FAKE)
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", profile]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (first_mb, first_job), (second_mb, second_job) = (
        line.split() for line in (tmp_path / "tries").read_text().splitlines()
    )
    assert (first_mb, second_mb) == ("600", "1200")
    assert first_job != second_job
    shown = subprocess.run(["scontrol", "show", "job", second_job], capture_output=True, text=True, check=True).stdout
    assert "MinMemoryNode=1200M" in shown


@pytest.fixture
def full_node():
    """A node with no room: what is submitted waits until the job that fills it is cancelled."""
    fills = ["sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap=sleep 3600"]
    job = subprocess.run(fills, capture_output=True, text=True, check=True).stdout.strip()
    yield job
    subprocess.run(["scancel", job], check=True)


def test_a_killed_run_is_resumed_its_jobs_ended_and_the_bytes_are_those_of_a_run_here(plate, profile, full_node):
    here = plate.parent / "here"
    shutil.copytree(plate, here)
    assert run(here).returncode == 0
    command = [*BIOANALYSIS, "run", plate, "--profile", profile]
    killed = subprocess.Popen(command, start_new_session=True)
    kept = plate / "work/slurm_run_id"
    while not (kept.is_file() and queued(kept.read_text())):
        assert killed.poll() is None
        time.sleep(0.2)
    left_behind = kept.read_text()
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    resumed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while queued(left_behind):
        assert resumed.poll() is None
        time.sleep(0.2)
    subprocess.run(["scancel", full_node], check=True)
    said, _ = resumed.communicate()
    assert resumed.returncode == 0
    assert "taking over and resuming" in said
    assert f"scancel --name {left_behind}" in said
    assert digests(plate) == digests(here)


def test_a_raw_file_that_cannot_be_read_is_refused_in_the_same_words_as_here(plate, profile):
    raw = next(path for path in (plate / "raw").rglob("*") if path.is_file())
    raw.write_text(raw.read_text()[:40])
    here, there = run(plate), run(plate, "--profile", profile)
    assert (here.returncode, there.returncode) == (2, 2)
    assert there.stderr == here.stderr
    assert raw.name in there.stderr
    log = (plate / "logs/snakemake.log").read_text()
    assert log.count("has been submitted with SLURM jobid") == 1  # a refusal is final: nothing is tried again
