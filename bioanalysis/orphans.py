"""Jobs that were killed, and those of a workflow that was: these live on, and would write beside who resumes it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

MARK = "--target-jobs"  # what Snakemake starts a job with that is a Snakemake of its own, as on a cluster
KILLED = re.compile(r"/\w+\.(\w+)\.py' died with <Signals\.(SIGKILL|SIGTERM|SIGHUP|SIGINT)")  # of its script
SCRIPTS = ".snakemake/scripts/"  # where the script of a job lies that it starts itself


def killed_from_outside(output: str) -> str:
    """Return in words that a job was killed, by the output of the workflow; empty where none was."""
    if not (found := KILLED.search(output)):
        return ""
    return (
        f"the workflow stopped: the job {found[1]} was killed from outside ({found[2]}), as the system does where "
        "memory runs out; finished results stand, and the next run goes on from them"
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
        words = process.cmdline()
        job = MARK in words or any(word.startswith(f"{folder}/{SCRIPTS}") for word in words)
        if not job or Path(process.cwd()) != folder:
            return False
        parent = process.parent()
        while parent is not None:  # a shell may stand between a job and its workflow
            if "snakemake" in " ".join(parent.cmdline()) and Path(parent.cwd()) == folder:
                return False
            parent = parent.parent()
        return True
    return False


def _with_children(process: object) -> list:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]
