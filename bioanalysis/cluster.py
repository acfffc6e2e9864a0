"""Profiles of the workflow, and jobs on a cluster: what must be there before, and jobs a dead run left behind."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import yaml

from bioanalysis.errors import BatchError, Fault
from bioanalysis.planning import workflow_folder
from bioanalysis.text_files import write_whole

RUN_ID = "work/slurm_run_id"
SAID = re.compile(r"SLURM run ID: ([A-Za-z0-9_-]+)")
BUILT_IN = ("local", "dryrun", "touch")
HOW_TO_INSTALL = 'the cluster packages: make hpc, or pip install "bioanalysis[hpc]"'
NO_ACCOUNTS = "`slurm-status-command: squeue` in a profile of your own (docs/cluster.md)"
PATIENCE_S = 60
ANSWER_S = 20  # SLURM, or its database, may be down, and nobody would be told why nothing begins


def find_profile(name: str) -> Path:
    """Return the folder of a profile: one of ours by its name, one of the user's by its path (with a slash).

    Raises
    ------
    BatchError
        Where there is none, or where what it starts jobs with is not here.
    """
    ours = workflow_folder() / "profiles"
    folder = Path(name).expanduser().resolve() if os.sep in name else ours / name
    if not (folder / "profile.yaml").is_file():
        known = ", ".join(sorted(path.name for path in ours.iterdir()))
        raise BatchError(
            [Fault(f"profile {name}", "no such profile", f"one of {known}, or a folder with profile.yaml")]
        )
    require_executor(name, folder)
    return folder


def require_executor(name: str, folder: Path) -> None:
    """Raise BatchError where the profile's jobs cannot be started from here."""
    settings = yaml.safe_load((folder / "profile.yaml").read_text(encoding="utf-8")) or {}
    executor = settings.get("executor", "local")
    if executor in BUILT_IN:
        return
    faults = []
    if importlib.util.find_spec("snakemake_executor_plugin_" + executor.replace("-", "_")) is None:
        faults.append(
            Fault(f"profile {name}", f"snakemake-executor-plugin-{executor} is not installed", HOW_TO_INSTALL)
        )
    if executor == "slurm" and not shutil.which("sbatch"):
        faults.append(Fault(f"profile {name}", "there is no sbatch here", "a machine that submits jobs to SLURM"))
    elif executor == "slurm" and settings.get("slurm-status-command") != "squeue" and (lack := _lack_of_accounts()):
        found = f"this SLURM {lack} (sacct), so that no job would be seen to end"
        faults.append(Fault(f"profile {name}", found, NO_ACCOUNTS))
    if "$BIOANALYSIS_SUBMIT" in str(settings) and not os.environ.get("BIOANALYSIS_SUBMIT"):
        expected = "a script that submits the job script given to it and prints the job's id (docs/cluster.md)"
        faults.append(Fault(f"profile {name}", "BIOANALYSIS_SUBMIT is not set", expected))
    if faults:
        raise BatchError(faults)


def _lack_of_accounts() -> str:
    """Return in words that `sacct`, which is asked how jobs ended, would tell of none; empty where it answers."""
    if not shutil.which("sacct"):
        return ""  # then squeue is asked
    asked = _asked("sacct", "--noheader", "--name", "none")
    if asked is None:
        return f"tells of no accounts within {ANSWER_S} s"
    return "keeps no accounts" if "accounting storage is disabled" in asked.stderr.lower() else ""


def note_run_id(folder: Path, line: str) -> None:
    """Keep the name that all SLURM jobs of this run carry, and say it, where a line of the workflow tells it."""
    if found := SAID.search(line):
        write_whole(folder / RUN_ID, found[1].encode())
        print(f"SLURM jobs of this run carry the name {found[1]}; to end them: scancel --name {found[1]}", flush=True)


def end_jobs_left_behind(folder: Path) -> None:
    """End the SLURM jobs of a run that was killed: they would write beside the jobs that resume its work.

    Raises
    ------
    BatchError
        Where they cannot be ended from here.
    """
    path = folder / RUN_ID
    if not path.is_file():
        return
    run_id = path.read_text(encoding="utf-8")
    if not shutil.which("scancel"):
        raise _still_there(run_id, "jobs of the killed run may still wait or run, and there is no scancel here")
    if _queued(run_id):
        print(f"ending the SLURM jobs the killed run left behind: scancel --name {run_id}")
        _asked("scancel", "--name", run_id)
        _wait_for_the_end(run_id)
    path.unlink()


def forget_run_id(folder: Path) -> None:
    """Forget the name of the SLURM jobs: the workflow has ended, and they with it."""
    (folder / RUN_ID).unlink(missing_ok=True)


def _wait_for_the_end(run_id: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if not _queued(run_id):
            return
        time.sleep(1)
    raise _still_there(run_id, f"jobs of the killed run do not end within {PATIENCE_S} s")


def _queued(run_id: str) -> bool:
    """Return whether SLURM still holds jobs of this name; True where it does not answer."""
    asked = _asked("squeue", "--noheader", "--name", run_id, "--format", "%i")
    return asked is None or asked.returncode != 0 or bool(asked.stdout.strip())


def _asked(*command: str) -> subprocess.CompletedProcess[str] | None:
    """Return what a command of SLURM answered; None where it did not in time."""
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=ANSWER_S)
    except subprocess.TimeoutExpired:
        return None


def _still_there(run_id: str, found: str) -> BatchError:
    expected = f"no such jobs: scancel --name {run_id}, wait for their end, remove {RUN_ID}, then start again"
    return BatchError([Fault(RUN_ID, found, expected)])
