"""A disk that is full or may not be written to: said in plain words, before work starts where that is possible."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from bioanalysis.errors import BatchError, Fault

TROUBLES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
WORDS = (*(os.strerror(number) for number in TROUBLES[:3]), "Write-protected output")
WRITTEN_TO = ("work", "logs", "results", "results/runs", "results/study", "results/study/provenance")
EXPECTED = "a disk with room that may be written to; finished results stand, and the next run goes on from them"


def require_writable(folder: Path) -> None:
    """Raise BatchError where a folder the workflow writes to cannot be written to: nothing is touched then."""
    faults = []
    for name in WRITTEN_TO:
        probe = folder / name / f".probe.{os.getpid()}.part"
        try:
            probe.parent.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"x")
        except OSError as error:
            faults.append(Fault(str(name), f"cannot be written to ({error.strerror})", EXPECTED))
        finally:
            with contextlib.suppress(OSError):
                probe.unlink()
    if faults:
        raise BatchError(faults)


@contextlib.contextmanager
def plain_disk_errors() -> Iterator[None]:
    """Turn a disk that refuses to be written to into a `BatchError`; any other error stays what it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in TROUBLES:
            raise
        # of two files, as when one is copied or renamed, the second is the one that is written
        name = error.filename2 or error.filename or "the disk"
        raise BatchError([Fault(name, f"cannot be written ({error.strerror})", EXPECTED)]) from error


def disk_trouble(output: str) -> str:
    """Return in words what the disk refused during a workflow, by its output; empty where it did not."""
    found = [word for word in WORDS if word in output]
    return f"the workflow stopped: {found[0]}; expected {EXPECTED}" if found else ""
