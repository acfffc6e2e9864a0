"""Start Snakemake for a study: lock, progress bar, one plain message where the input must be put right."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bioanalysis.errors import BatchError, Fault, plain_message, read_refusals
from bioanalysis.planning import load_with_runs
from bioanalysis.study import Study
from bioanalysis.tables import write_whole

PROGRESS = re.compile(r"^(\d+) of (\d+) steps")
NOTHING = "nothing to do: results are up to date"
LOCK = "work/run.lock"


def workflow_folder() -> Path:
    """Return the folder with Snakefile, workflow and profiles: inside an installed package, else the repository."""
    package = Path(__file__).resolve().parent
    inside = package / "_workflow"
    return inside if inside.is_dir() else package.parent


def run_study(folder: Path, *, cores: int, profile: str, dry_run: bool) -> int:
    """Run (or plan) the workflow on a study and return the exit code.

    Raises
    ------
    BatchError
        Where tables or methods must be put right, or another run holds the study.
    """
    profile_folder = workflow_folder() / "profiles" / profile
    if not profile_folder.is_dir():
        known = ", ".join(sorted(p.name for p in profile_folder.parent.iterdir()))
        raise BatchError([Fault(f"profile {profile}", "no such profile", f"one of {known}")])
    study = load_with_runs(folder)
    with _locked(folder) as taken_over:
        shutil.rmtree(folder / "work" / "refused", ignore_errors=True)
        command = _command(folder, profile_folder, cores)
        if taken_over:
            subprocess.run([*command, "--unlock"], env=_environment(), capture_output=True, check=False)
        code, output = _snakemake([*command, *(["--dry-run"] if dry_run else [])], folder, show=not dry_run)
        if faults := read_refusals(folder / "work" / "refused"):
            print(plain_message(faults), file=sys.stderr)
            return 2
    if code:
        print(output[-4000:], file=sys.stderr)
        print("the workflow stopped by a fault of the software; the logs are in logs/", file=sys.stderr)
        return 1
    if "Nothing to be done" in output:
        print(NOTHING)
    elif dry_run:
        print(_plan_in_words(output))
    if not dry_run:
        _summarise(study, folder)
    return 0


def _command(folder: Path, profile: Path, cores: int) -> list[str]:
    return [
        sys.executable, "-m", "snakemake", "--snakefile", str(workflow_folder() / "Snakefile"),
        "--directory", str(folder), "--workflow-profile", str(profile), "--cores", str(cores), "--rerun-incomplete",
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    """Return the environment without settings that would slip a foreign profile into Snakemake."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SNAKEMAKE_")}


def _snakemake(command: list[str], folder: Path, *, show: bool) -> tuple[int, str]:
    """Run Snakemake with a progress bar; return its exit code and output."""
    from rich.progress import Progress

    lines: list[str] = []
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    # the workflow outlives us where we are killed: it is an owner of the lock as well
    write_whole(folder / LOCK, json.dumps(_owner(os.getpid(), process.pid)).encode())
    with Progress(disable=not (show and sys.stdout.isatty())) as progress:
        task = progress.add_task("running", total=None)
        for line in process.stdout or ():
            lines.append(line)
            if found := PROGRESS.match(line):
                progress.update(task, completed=int(found[1]), total=int(found[2]))
    code = process.wait()
    log = folder / "logs" / "snakemake.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("".join(lines), encoding="utf-8")
    return code, "".join(lines)


def _plan_in_words(output: str) -> str:
    rows = re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)
    jobs = dict((name, count) for name, count in rows if name not in ("total", "all"))
    return "would run: " + ", ".join(f"{count} x {name}" for name, count in jobs.items())


def _summarise(study: Study, folder: Path) -> None:
    """Print runs accepted, samples by status, and where the report is."""
    import pandas as pd

    results = folder / "results"
    for run in study.runs:
        table = pd.read_csv(
            results / "runs" / run.run_id / "acceptance.tsv", sep="\t", dtype=str, keep_default_na=False
        )
        for row in table[table.rule_id == "RUN"].itertuples():
            plate = f" plate {row.plate}" if row.plate else ""
            word = "accepted" if row.verdict == "pass" else "FAILED"
            print(f"run {run.run_id}{plate} {row.analyte}: {word} ({row.observed})")
    table = pd.read_csv(results / "study" / "tissue_concentrations.tsv", sep="\t", dtype=str, keep_default_na=False)
    print("samples: " + ", ".join(f"{count} {status}" for status, count in table.status.value_counts().items()))
    print(f"report: {results / 'study' / 'report.html'}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the study's lock; yields True where a dead owner's was taken over."""
    path = folder / LOCK
    taken_over = path.exists() and _owner_is_dead(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if taken_over:
        print("an earlier run ended before it was done: taking over and resuming")
        path.unlink(missing_ok=True)
    try:
        with path.open("x", encoding="utf-8") as stream:
            json.dump(_owner(os.getpid()), stream)
    except FileExistsError:
        what = "no other run on this study: wait for it, or end it, then start again"
        raise BatchError([Fault(LOCK, _owner_in_words(path), what)]) from None
    try:
        yield taken_over
    finally:
        path.unlink(missing_ok=True)


def _owner(*pids: int) -> dict[str, object]:
    """Return who holds the lock: the host, and each process with its start (a process number is used again)."""
    return {"host": socket.gethostname(), "processes": [[pid, psutil.Process(pid).create_time()] for pid in pids]}


def _owner_is_dead(path: Path) -> bool:
    """Return whether the lock's owner ran on this host and neither it nor its workflow is alive."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return owner["host"] == socket.gethostname() and not any(_is_alive(*process) for process in owner["processes"])


def _is_alive(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) <= 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _owner_in_words(path: Path) -> str:
    owner = json.loads(path.read_text(encoding="utf-8"))
    pid, started = owner["processes"][0]
    since = datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds")
    return f"another run works on this study: process {pid} on {owner['host']}, since {since}"
