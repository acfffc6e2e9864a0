"""The packages that results are computed with: their versions here, and where they are not those of the lock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from functools import cache
from importlib import metadata
from itertools import chain
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

NAME, LOCK = "bioanalysis", "requirements.lock"
STARTERS = ("snakemake", "typer", "rich")  # they start jobs and show words: no result is computed by them
_LINE = re.compile(r"^([A-Za-z0-9][\w.\-\[\]]*==[^\\#\n]+)", re.MULTILINE)


def locked_versions(text: str, about: dict[str, str] | None = None) -> dict[str, str]:
    """Return the locked version of each package whose marker holds here, or where the environment is as in `about`."""
    wanted = [Requirement(line.strip()) for line in _LINE.findall(text)]
    return {
        canonicalize_name(wish.name): str(next(iter(wish.specifier)).version)
        for wish in wanted
        if wish.marker is None or wish.marker.evaluate(about)
    }


def needed_by(root: str, without: Collection[str] = ()) -> set[str]:
    """Return the packages that `root` needs, itself included, whether they are installed or not.

    Those `without` are left out, and what they alone need.
    """
    needed: set[str] = set()
    waiting = [root]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in needed and name not in without:
            needed.add(name)
            waiting += _needs(name)
    return needed


def _needs(name: str) -> list[str]:
    """Return the packages that `name` itself asks for here; what is no requirement by the standard asks for nothing."""
    needs = []
    for text in chain.from_iterable(one.requires or [] for one in _found().get(name, {}).values()):
        try:
            wish = Requirement(text)
        except InvalidRequirement:
            continue
        if wish.marker is None or wish.marker.evaluate({"extra": ""}):
            needs.append(wish.name)
    return needs


@cache
def _found() -> Mapping[str, Mapping[str, metadata.Distribution]]:
    """Return what is installed of each package, by name and version.

    Of two places on the path the first counts, from which Python loads. Two versions in one place, as an update that
    was cut off leaves them, both count: whose files they are nobody can tell. Read once, until `read_anew`.
    """
    found: dict[str, tuple[str, dict[str, metadata.Distribution]]] = {}
    for distribution in metadata.distributions():
        name, version = _name_and_version(distribution)
        if name:
            place = str(distribution.locate_file(""))
            first, versions = found.setdefault(canonicalize_name(name), (place, {}))
            if place == first:
                versions[version] = distribution
    return {name: versions for name, (_, versions) in sorted(found.items())}


def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str]:
    """Return name and version by a package's own metadata; no name where they are broken or are left over."""
    if Path(str(getattr(distribution, "_path", ""))).name.startswith("~"):  # what pip moves aside and could not remove
        return "", ""
    try:
        about = distribution.metadata
    except ValueError:  # no text
        return "", ""
    name, version = ((about.get_all(key) or [""])[0] for key in ("Name", "Version"))
    return name, version or "of no version"


@cache
def installed_versions() -> Mapping[str, str]:
    """Return the version of each package, by name."""
    return {name: " or ".join(sorted(versions)) for name, versions in _found().items()}


@cache
def needed_to_compute() -> frozenset[str]:
    """Return the packages that results are computed with; all that are installed where nothing says which those are."""
    return frozenset(needed_by(NAME, STARTERS) if NAME in _found() else _found()) - {NAME}


@cache
def computing_versions() -> Mapping[str, str]:
    """Return the version of each installed package that results are computed with, by name."""
    return {name: version for name, version in installed_versions().items() if name in needed_to_compute()}


def read_anew() -> None:
    """Forget which packages were found: jobs, which start later than this process, load what is there by then."""
    for read in (_found, installed_versions, needed_to_compute, computing_versions):
        read.cache_clear()


def packages_digest() -> str:
    """Return one SHA-256 over the packages that results are computed with."""
    text = "".join(f"{name}=={version}\n" for name, version in computing_versions().items())
    return hashlib.sha256(text.encode()).hexdigest()


def note_on_packages(workflow_folder: Path) -> str:
    """Return in words which packages are not those of the lock, empty where all are, or no lock is there."""
    lock = workflow_folder / LOCK
    try:
        locked = locked_versions(lock.read_text(encoding="utf-8")) if lock.is_file() else {}
    except (OSError, ValueError) as error:  # no right to read it, no text, no requirements
        return f"{LOCK} cannot be read, and packages not be held against it: {str(error).splitlines()[0]}"
    used, needed = installed_versions(), needed_by(NAME) | needed_to_compute()
    other = [
        f"{name} {used.get(name, 'is missing')} (locked: {version})"
        for name, version in sorted(locked.items())
        if name in needed and used.get(name) != version
    ]
    return f"packages other than those this version was tested with: {', '.join(other)}" if other else ""
