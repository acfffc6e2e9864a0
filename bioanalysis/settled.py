"""Whether a study stands as its last finished run left it, told from sizes and times of its files alone.

Where it does, there is nothing to plan: a study of 10 000 raw files is known to be done about as soon as one of 100.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from bioanalysis.lock import GUARD, HELD, LOCK
from bioanalysis.planning import PLAN, Plan, code_digest, raw_digests_file
from bioanalysis.text_files import write_whole

SETTLED = "work/settled.json"
WATCHED = ("config", "results", "work")
NOT_WATCHED = (SETTLED, LOCK, GUARD, HELD)


def note_settled(folder: Path, workflow_folder: Path, summary: str) -> None:
    """Write down how the study in `folder` stands after a finished run, and what that run said of it."""
    content = {"standing": _standing(folder, workflow_folder), "summary": summary}
    write_whole(folder / SETTLED, json.dumps(content).encode("utf-8"))


def settled_summary(folder: Path, workflow_folder: Path) -> str | None:
    """Return what the last finished run said, if all is as it left it and nobody works on it; None otherwise."""
    if (folder / LOCK).exists():
        return None
    try:
        noted = json.loads((folder / SETTLED).read_text(encoding="utf-8"))
        return str(noted["summary"]) if noted["standing"] == _standing(folder, workflow_folder) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _standing(folder: Path, workflow_folder: Path) -> str:
    """Return one SHA-256 over software, and size, times and place on the disk of every file that matters."""
    whole = hashlib.sha256(code_digest(workflow_folder).encode())
    packages = [(place, _time_of(place)) for place in sys.path]  # a package of another version has files of other names
    whole.update(f"{sys.version}\0{packages}\n".encode("utf-8", "surrogateescape"))
    for name, stat in _stats(folder, chain(_watched(folder), _raw(folder))):
        # the time of the last change of a file's entry cannot be set back by the tools that set its other times
        key = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        whole.update(f"{name}\0{key}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _time_of(place: str) -> int | None:
    try:
        return os.stat(place).st_mtime_ns
    except OSError:
        return None


def _watched(folder: Path) -> Iterator[str]:
    for top in WATCHED:
        for place, folders, files in os.walk(folder / top, followlinks=True):
            folders.sort()
            below = os.path.relpath(place, folder)
            yield from (name for file in sorted(files) if (name := f"{below}/{file}") not in NOT_WATCHED)


def _raw(folder: Path) -> Iterator[str]:
    for run_id in Plan.from_json((folder / PLAN).read_text(encoding="utf-8")).run_ids:
        yield from json.loads((folder / raw_digests_file(run_id)).read_text(encoding="utf-8"))


def _stats(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    root = str(folder)
    return ((name, os.stat(os.path.join(root, name))) for name in names)
