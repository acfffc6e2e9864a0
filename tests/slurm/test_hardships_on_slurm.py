"""One study through a real SLURM and all that can befall it there: killed, resumed, a job lost, tried again, finished.

Not part of the usual test run, but of `.ci/run` where SLURM can be had: `make test-slurm` as root.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.requirement("UR-061"), pytest.mark.requirement("UR-062")]


def said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def queued(run_id: str, state: str = "all") -> list[str]:
    """Return the SLURM jobs of a run."""
    return said_by("squeue", "-h", "--name", run_id, "--states", state, "-o", "%i").split()


def memory_of(job: str) -> int:
    """Return what a SLURM job asked for, in MB."""
    return int(re.search(r"MinMemoryNode=(\d+)M", said_by("scontrol", "show", "job", job))[1])


def waiting_for(process, found):
    """Return what is found, once it is; the process has to live so long."""
    while not (it := found()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    return it


@pytest.fixture
def full_node(slurm):
    """A node with no room: what is submitted waits until the job that fills it is cancelled."""
    job = said_by("sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap=sleep 3600")
    yield job
    subprocess.run(["scancel", job], check=True)


def test_a_killed_run_is_resumed_a_lost_job_tried_again_with_more_memory_and_the_bytes_are_those_of_a_run_here(
    plate, profile, full_node, bioanalysis, run, digests
):
    here = shutil.copytree(plate, plate.parent / "here")
    command = [*bioanalysis, "run", plate, "--profile", profile]
    kept = plate / "work/slurm_run_id"

    killed = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    left_behind = waiting_for(killed, lambda: kept.is_file() and queued(kept.read_text()) and kept.read_text())
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert queued(left_behind, "pending")

    resumed = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    again = waiting_for(resumed, lambda: kept.is_file() and (new := kept.read_text()) != left_behind and new)
    assert not queued(left_behind, "pending,running")
    said_by("scancel", full_node)
    (lost,) = waiting_for(resumed, lambda: queued(again, "running"))
    said_by("scancel", lost)
    (tried_again,) = waiting_for(resumed, lambda: [job for job in queued(again, "pending,running") if job != lost])
    assert memory_of(tried_again) == 2 * memory_of(lost) > 0
    said, _ = resumed.communicate()
    assert resumed.returncode == 0, said
    assert "taking over and resuming" in said
    assert f"scancel --name {left_behind}" in said

    assert run(here).returncode == 0
    assert digests(plate) == digests(here)
    assert {path.name for path in (plate / "logs/R1").iterdir()} == {path.name for path in (here / "logs/R1").iterdir()}
    (log_of_the_lost,) = (plate / "logs/slurm").rglob("*.log")
    assert log_of_the_lost.name == f"{lost}.log"
    assert f"{log_of_the_lost} (check log file(s) for error details)" in (plate / "logs/snakemake.log").read_text()
    assert run(plate).stdout.startswith("nothing to do")
