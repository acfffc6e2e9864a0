"""The packages that results are computed with: their versions here, and where they are not those of the lock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAME, LOCK = "bioanalysis", "requirements.lock"
_LINE = re.compile(r"^([A-Za-z0-9][\w.\-\[\]]*==[^\\]+)", re.MULTILINE)


def locked_versions(text: str, about: dict[str, str] | None = None) -> dict[str, str]:
    """Return the locked version of each package whose marker holds here, or where the environment is as in `about`."""
    wanted = [Requirement(line.strip()) for line in _LINE.findall(text)]
    return {
        canonicalize_name(wish.name): str(next(iter(wish.specifier)).version)
        for wish in wanted
        if wish.marker is None or wish.marker.evaluate(about)
    }


def needed_by(root: str) -> set[str]:
    """Return the packages that `root` needs to run, itself included, whether they are installed or not."""
    needed: set[str] = set()
    waiting = [Requirement(root)]
    while waiting:
        wish = waiting.pop()
        name = canonicalize_name(wish.name)
        if name in needed:
            continue
        needed.add(name)
        try:
            wishes = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [each for each in map(Requirement, wishes) if _holds(each)]
    return needed


def _holds(wish: Requirement) -> bool:
    return wish.marker is None or wish.marker.evaluate({"extra": ""})


@cache
def installed_versions() -> Mapping[str, str]:
    """Return the version of each package, by name; of two on the path the first, which is the one Python loads.

    Read once, since a process keeps what it was started with.
    """
    versions: dict[str, str] = {}
    for distribution in metadata.distributions():
        if name := distribution.metadata["Name"]:
            versions.setdefault(canonicalize_name(name), distribution.version)
    return dict(sorted(versions.items()))


@cache
def computing_versions() -> Mapping[str, str]:
    """Return the version of each installed package that results are computed with, by name."""
    needed = needed_by(NAME) - {NAME}
    return {name: version for name, version in installed_versions().items() if name in needed}


def packages_digest() -> str:
    """Return one SHA-256 over the packages that results are computed with."""
    text = "".join(f"{name}=={version}\n" for name, version in computing_versions().items())
    return hashlib.sha256(text.encode()).hexdigest()


def note_on_packages(workflow_folder: Path) -> str:
    """Return in words which packages are not those of the lock, empty where all are, or no lock is there."""
    lock = workflow_folder / LOCK
    locked = locked_versions(lock.read_text(encoding="utf-8")) if lock.is_file() else {}
    used = computing_versions()
    other = [
        f"{name} {used[name]} (locked: {locked[name]})" for name in used if locked.get(name, used[name]) != used[name]
    ]
    return f"packages other than those this version was tested with: {', '.join(other)}" if other else ""
