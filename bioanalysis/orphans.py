"""Jobs that were killed, and those of a workflow that was: these live on, and would write beside who resumes it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

MARK = "--target-jobs"  # what Snakemake starts a job with that is a Snakemake of its own, as on a cluster
KILLED = re.compile(  # of its script; where a shell stands between, by its exit status
    r"/\w+\.(\w+)\.py' (?:died with <Signals\.(SIGKILL|SIGTERM|SIGHUP|SIGINT)|returned non-zero exit status "
    r"(137|143|129|130)\b)"
)
FAILED = "Error in rule "
SIGNALS = {"137": "SIGKILL", "143": "SIGTERM", "129": "SIGHUP", "130": "SIGINT"}  # a shell adds 128
SCRIPTS = ".snakemake/scripts/"  # where the script of a job lies that it starts itself


def killed_from_outside(output: str) -> str:
    """Return in words that jobs were killed, by the output of the workflow; empty where none was, or another failed."""
    killed = KILLED.findall(output)
    if not killed or len(killed) < output.count(FAILED):
        return ""
    name, signal, status = killed[0]
    return (
        f"the workflow stopped: the job {name} was killed from outside ({signal or SIGNALS[status]}), as the system "
        "does where memory runs out; finished results stand, and the next run goes on from them"
    )


def end_orphans(folder: Path) -> int:
    """End jobs that work in `folder` and whose workflow is dead; return how many there were."""
    import psutil

    orphans = [process for process in psutil.process_iter() if _is_orphan(process, folder)]
    family = [member for orphan in orphans for member in _with_children(orphan)]
    for act in (psutil.Process.suspend, psutil.Process.kill):  # first none may start another
        for member in family:
            with contextlib.suppress(psutil.Error):
                act(member)
    psutil.wait_procs(family, timeout=60)
    return len(orphans)


def _is_orphan(process: object, folder: Path) -> bool:
    import psutil

    assert isinstance(process, psutil.Process)
    with contextlib.suppress(psutil.Error, OSError):
        if not _is_job(process.cmdline(), folder) or Path(process.cwd()) != folder:
            return False
        parent = process.parent()
        while parent is not None:  # a shell may stand between a job and its workflow, and names what it runs
            if is_workflow(parent.cmdline()) and Path(parent.cwd()) == folder:
                return False
            parent = parent.parent()
        return True
    return False


def _is_job(words: list[str], folder: Path) -> bool:
    """Whether a command is a Snakemake of one job, or Python with the script of one: no editor that shows it."""
    if MARK in words:
        return True
    runs = next((word for word in words[1:] if not word.startswith("-")), "")
    return Path(words[0]).name.startswith("python") and runs.startswith(f"{folder}/{SCRIPTS}") if words else False


def is_workflow(words: list[str]) -> bool:
    """Whether a command is a Snakemake, by one of its words."""
    return any(word == "snakemake" or word.endswith("/snakemake") for word in words)


def _with_children(process: object) -> list:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]
