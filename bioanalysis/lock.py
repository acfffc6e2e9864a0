"""The lock of a study: one run at a time; a dead owner's is taken over, a living one is respected.

Whether the owner lives is known only where the kernel is the same. In the same process table (PID namespace) its
processes are looked up; from another container of the machine, and where another user's processes are hidden, a file
that the owner keeps locked tells, and the kernel lets go of it when the owner dies. A host name alone tells neither:
containers share one, or have another at each start.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.text_files import write_whole

LOCK = "work/run.lock"  # who owns the study
GUARD = "work/run.guard"  # locked while the owner is judged
HELD = "work/run.held"  # locked as long as the owner or its workflow lives
WORKFLOWS_OWN = ".snakemake/locks"  # what the workflow locks for itself: nothing where it ended in order
FIRST_NAMESPACE = "pid:[4026531836]"  # the process table of a machine itself, no container's (Linux, proc_ns.h)
DEAD, ALIVE, ELSEWHERE = "dead", "alive", "elsewhere"  # elsewhere: not to be told from here
EARLIER = "an earlier run ended before it was done"
KEEPS_LOCKS = "a study on a file system that keeps locks (flock), so that no two runs write to one study"


@contextlib.contextmanager
def locked(folder: Path, *, resumes: bool = False, insists: bool = False) -> Iterator[str]:
    """Hold the study's lock; yields in words what was taken over, empty where nothing was.

    Only who resumes the work (`resumes`) takes over; others ask for the run that does. Who `insists` vouches for the
    end of an owner that cannot be seen from here; one that is seen to live is respected all the same.
    """
    (folder / LOCK).parent.mkdir(parents=True, exist_ok=True)
    _require_files(folder)
    with _flock(folder / GUARD, fcntl.LOCK_EX):
        taken_over = _taken_over(folder, resumes, insists)
        write_whole(folder / LOCK, json.dumps(owner_of(os.getpid())).encode())
        # a workflow started without us may hold the study as well: its lock is not for us to take away
        others = set() if taken_over else workflow_locks(folder)
        held = contextlib.ExitStack()
        os.set_inheritable(held.enter_context(_flock(folder / HELD, fcntl.LOCK_SH)), True)  # by the workflow
    if taken_over:
        print(f"{taken_over}: taking over and resuming", flush=True)
    with held:
        stays = False
        try:
            yield taken_over
        except BaseException:  # somebody has to take over the lock of our workflow, or of the dead owner's, that stands
            stays = resumes and bool(workflow_locks(folder) - others)
            raise
        finally:
            if not stays:
                (folder / LOCK).unlink(missing_ok=True)


def _require_files(folder: Path) -> None:
    """Raise BatchError where something else stands in the place of a file of the lock, as in a copied study it may."""
    others = [name for name in (LOCK, GUARD, HELD) if os.path.lexists(folder / name) and not (folder / name).is_file()]
    if others:
        raise BatchError([Fault(name, "is no file", "a file of the lock, or nothing: remove it") for name in others])


def _taken_over(folder: Path, resumes: bool, insists: bool) -> str:
    """Return in words the owner whose place is free to take, empty where there is none.

    Raises
    ------
    BatchError
        Where the owner lives, may live, or left work that only `run` ends.
    """
    if not (folder / LOCK).exists():
        return ""
    owner = _read(folder)
    state = _state_of(folder, owner)
    if state == ALIVE:
        what = "no other run on this study: wait for it, or end it, then start again"
        raise BatchError([Fault(LOCK, _in_words(owner), what)])
    if state == ELSEWHERE and not insists:
        what = (
            "a run that has ended; from here nobody can tell: start again there, "
            "or, where you have seen to its end, with `bioanalysis run --take-over`"
        )
        raise BatchError([Fault(LOCK, _in_words(owner), what)])
    if not resumes:
        raise BatchError([Fault(LOCK, EARLIER, "`bioanalysis run` first: it takes over and ends what was begun")])
    return f"the earlier run ({_who(owner)}) is said to have ended" if state == ELSEWHERE else EARLIER


@contextlib.contextmanager
def _flock(path: Path, how: int) -> Iterator[int]:
    """Hold a lock of the kernel on a file; yields its number. It ends when all who hold it have died.

    Raises
    ------
    BatchError
        Where the file system keeps no locks.
    """
    # NFS gives a shared lock on what may be read, an exclusive one on what may be written
    with path.open("a+") as file:
        try:
            fcntl.flock(file, how)
        except OSError as error:
            name = path.relative_to(path.parents[1]).as_posix()
            raise BatchError([Fault(name, f"cannot be locked ({error.strerror})", KEEPS_LOCKS)]) from error
        yield file.fileno()


def owner_of(*pids: int) -> dict[str, object]:
    """Return who holds the lock: the host, its kernel's start and process table, each process with its start.

    A process number is used again. Its start is written twice: as a time, for people, and as the kernel counts it, in
    ticks, which no clock that is set moves.
    """
    import psutil  # here, so that `verify` starts without it

    processes = [[pid, psutil.Process(pid).create_time(), _ticks(pid)] for pid in pids]
    return {"host": os.uname().nodename, **_kernel(), "processes": processes}


def _kernel() -> dict[str, str]:
    """Return which start of a kernel this is, and in which process table we are; empty where there is no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return {"boot_id": boot, "pid_namespace": os.readlink("/proc/self/ns/pid")}
    except OSError:  # no Linux
        return {"boot_id": "", "pid_namespace": ""}


def _ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks of the kernel; None where none of that number lives."""
    try:  # proc(5): what follows the name, which may hold anything, begins with the state; the start is field 22
        state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


def _read(folder: Path) -> dict:
    """Return the lock's owner; empty where the file names none: written whole or not at all, it is no lock then."""
    try:
        owner = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        for pid, started, *_ in owner["processes"]:
            int(pid), datetime.fromtimestamp(started, UTC)
        owner["processes"][0], str(owner["host"])
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, IndexError):
        return {}
    return owner


def _state_of(folder: Path, owner: Mapping) -> str:
    """Return whether the owner or its workflow lives: dead, alive, or elsewhere."""
    if not owner:
        return DEAD
    here = _kernel()
    boot, table = owner.get("boot_id"), owner.get("pid_namespace")
    if boot and boot == here["boot_id"]:
        seen = table == here["pid_namespace"] and any(_is_alive(*one) for one in owner["processes"])
        return ALIVE if seen or _held(folder) else DEAD  # processes of others may be hidden (hidepid of /proc)
    if owner["host"] != os.uname().nodename:
        return ELSEWHERE
    if not boot or not here["boot_id"]:
        return ALIVE if any(_is_alive(*one) for one in owner["processes"]) else DEAD
    # the host's name at another start: this machine was started again; but a container's name names no machine
    return DEAD if table == here["pid_namespace"] == FIRST_NAMESPACE else ELSEWHERE


def _is_alive(pid: int, started: float, ticks: int | None = None) -> bool:
    if ticks is not None:
        return _ticks(pid) == ticks
    import psutil

    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) <= 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def workflow_locks(folder: Path) -> set[tuple[str, int]]:
    """Return the files by which workflows lock the study, each with its time of writing: their names are used again."""
    locks = set()
    for path in (folder / WORKFLOWS_OWN).glob("*"):
        with contextlib.suppress(FileNotFoundError):  # a workflow ended just now
            locks.add((path.name, path.stat().st_mtime_ns))
    return locks


def workflows_in(folder: Path) -> list[int]:
    """Return the processes of this machine that are a Snakemake at work in `folder`, its jobs left out.

    Nobody but their user, and root, learns where processes work: those of other users are not found.
    """
    import psutil

    from bioanalysis.orphans import MARK, is_workflow

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = process.cmdline()
            is_one = is_workflow(words) and MARK not in words and process.pid != os.getpid()
            if is_one and Path(process.cwd()) == folder.resolve():
                found.append(process.pid)
    return found


def _held(folder: Path) -> bool:
    """Return whether an owner in whatever container of this machine keeps the study."""
    try:
        with (folder / HELD).open("r+") as file:  # nothing is written; some file systems lock no file opened to be read
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _in_words(owner: Mapping) -> str:
    return f"another run works on this study: {_who(owner)}"


def _who(owner: Mapping) -> str:
    """Return the process, where, and since when."""
    pid, started, *_ = _one_to_name(owner)
    place = "" if owner.get("pid_namespace", "") in ("", FIRST_NAMESPACE) else " in a container"
    since = datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds")
    return f"process {pid} on {owner['host']}{place}, since {since}"


def _one_to_name(owner: Mapping) -> list:
    """Return the process to look for: where the command was killed and its workflow lives, the workflow's."""
    processes = owner["processes"]
    if {key: owner.get(key) for key in _kernel()} != _kernel():
        return processes[0]  # numbers of another process table mean nothing here
    return next((one for one in processes if _is_alive(*one)), processes[0])


def share_lock(folder: Path, pid: int) -> None:
    """Make another process an owner of the lock as well: a workflow outlives us where we are killed."""
    write_whole(folder / LOCK, json.dumps(owner_of(os.getpid(), pid)).encode())


def living_owner(folder: Path) -> str:
    """Return in words who works on the study now, empty where nobody does."""
    owner = _read(folder)
    return "" if _state_of(folder, owner) == DEAD else _in_words(owner)
