"""The lock of a study: one run at a time; a dead owner's is taken over, a living one is respected."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.text_files import write_whole

LOCK = "work/run.lock"


@contextlib.contextmanager
def locked(folder: Path, *, resumes: bool = False) -> Iterator[bool]:
    """Hold the study's lock; yields True where a dead owner's was taken over.

    Only who resumes the work (`resumes`) takes over; others ask for the run that does.
    """
    path = folder / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(path):
        taken_over = path.exists()
        if taken_over and not _owner_is_dead(path):
            what = "no other run on this study: wait for it, or end it, then start again"
            raise BatchError([Fault(LOCK, _owner_in_words(path), what)])
        if taken_over and not resumes:
            what = "`bioanalysis run` first: it takes over and ends what was begun"
            raise BatchError([Fault(LOCK, "an earlier run ended before it was done", what)])
        write_whole(path, json.dumps(owner_of(os.getpid())).encode())
    if taken_over:
        print("an earlier run ended before it was done: taking over and resuming")
    try:
        yield taken_over
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let nobody else look at the lock while it is judged and taken: two starters never both find it free."""
    with path.with_suffix(".guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def owner_of(*pids: int) -> dict[str, object]:
    """Return who holds the lock: the host, and each process with its start (a process number is used again)."""
    import psutil  # here, so that `verify` starts without it

    return {"host": socket.gethostname(), "processes": [[pid, psutil.Process(pid).create_time()] for pid in pids]}


def _owner_is_dead(path: Path) -> bool:
    """Return whether the lock's owner ran on this host and neither it nor its workflow is alive."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        host, processes = owner["host"], [(int(pid), float(started)) for pid, started in owner["processes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return True  # a lock is written whole or not at all: this one is none
    return host == socket.gethostname() and not any(_is_alive(*process) for process in processes)


def _is_alive(pid: int, started: float) -> bool:
    import psutil

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


def share_lock(folder: Path, pid: int) -> None:
    """Make another process an owner of the lock as well: a workflow outlives us where we are killed."""
    write_whole(folder / LOCK, json.dumps(owner_of(os.getpid(), pid)).encode())


def living_owner(folder: Path) -> str:
    """Return in words who works on the study now, empty where nobody does."""
    path = folder / LOCK
    return _owner_in_words(path) if path.exists() and not _owner_is_dead(path) else ""
