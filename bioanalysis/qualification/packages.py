"""What is installed against what was locked, and each file against the digest its wheel recorded."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from bioanalysis.installed import LOCK, NAME, installed_versions, locked_versions, needed_by
from bioanalysis.planning import code_digest, workflow_folder
from bioanalysis.qualification.checks import FAIL, NOTED, PASS, Check

PART_PACKAGES, PART_FILES = "Packages against the lock", "Files against their recorded digests"
REQUIREMENT = "UR-070;UR-038"
SOURCES = ("bioanalysis", "workflow", "profiles", "Snakefile", LOCK)
MOST_NAMED = 5


def package_checks() -> Iterator[Check]:
    """Yield one check per locked package, and name what is installed beyond the lock."""
    lock = workflow_folder() / LOCK
    if not lock.is_file():
        found = f"{lock} is missing"
        yield Check(PART_PACKAGES, REQUIREMENT, LOCK, "lies beside the workflow", found, FAIL)
        return
    locked = locked_versions(lock.read_text(encoding="utf-8"))
    needed = needed_by(NAME)
    for name, version in locked.items():
        yield _locked_check(name, version, needed)
    beyond = sorted(set(installed_versions()) - set(locked) - {NAME})
    found = ", ".join(beyond) or "none"
    yield Check(PART_PACKAGES, REQUIREMENT, "packages beyond the lock", "for the file: not locked", found, NOTED)


def _locked_check(name: str, version: str, needed: set[str]) -> Check:
    """Return the check of one package: its version, and that its files are those of its wheel."""
    here = installed_versions().get(name)
    if here is None:
        if name in needed:
            return Check(PART_PACKAGES, REQUIREMENT, name, version, "not installed", FAIL, LOCK)
        found = "not installed; serves tests and the making of packages only"
        return Check(PART_PACKAGES, REQUIREMENT, name, version, found, NOTED, LOCK)
    if here != version:
        return Check(PART_PACKAGES, REQUIREMENT, name, version, here, FAIL, LOCK)
    number, wrong = recorded_files(metadata.distribution(name))
    expected = f"{version}, files as recorded"
    if wrong:
        return Check(PART_PACKAGES, REQUIREMENT, name, expected, _listed(wrong), FAIL, f"{LOCK}, RECORD")
    found = f"{version}, {number} files as recorded"
    return Check(PART_PACKAGES, REQUIREMENT, name, expected, found, PASS, f"{LOCK}, RECORD")


def recorded_files(distribution: metadata.Distribution) -> tuple[int, list[str]]:
    """Return how many files a distribution has digests of, and what is wrong with which of them."""
    number, wrong = 0, []
    for file in distribution.files or []:
        if file.hash is None or file.suffix == ".pyc":
            continue
        number += 1
        path = Path(str(distribution.locate_file(file)))
        if not path.is_file():
            if file.parts[0] != "..":  # a start script; installed to a folder of its own, pip puts it elsewhere
                wrong.append(f"{file} is missing")
        elif _digest(path, file.hash.mode) != file.hash.value:
            wrong.append(f"{file} is not what was recorded")
    return number, wrong


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, kind).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def file_checks(noted: str = "") -> Iterator[Check]:
    """Yield the checks of our own files: by the wheel's record, else the repository, and by a digest noted before."""
    package = Path(__file__).resolve().parents[1]
    yield _wheel_check(package) if (package / "_workflow").is_dir() else _repository_check(package.parent)
    digest = code_digest(workflow_folder())
    expected, verdict = "noted by the laboratory, and given next time as --code", NOTED
    if noted:
        expected, verdict = noted, PASS if noted.lower() == digest else FAIL
    yield Check(PART_FILES, "UR-070", "digest of all code", expected, digest, verdict, "the laboratory")


def _wheel_check(package: Path) -> Check:
    checked, expected = f"files of {NAME}", "those the wheel recorded, and no other"
    distribution = metadata.distribution(NAME)
    number, wrong = recorded_files(distribution)
    recorded = {Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or []}
    found = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    wrong += [f"{path.relative_to(package.parent)} is in no record" for path in sorted(found) if path not in recorded]
    if number == 0:
        wrong = ["no digests are recorded"]
    observed = _listed(wrong) or f"{number} files as recorded"
    return Check(PART_FILES, "UR-070", checked, expected, observed, FAIL if wrong else PASS, "RECORD of the wheel")


def _repository_check(repository: Path) -> Check:
    checked, expected = f"files of {NAME}, in a repository", "those of its commit"
    where = _git(repository, "rev-parse", "--show-toplevel", "HEAD")
    if where is None or Path(where.splitlines()[0]).resolve() != repository:
        observed = "no git repository: there is no record to hold the files against but the digest below"
        return Check(PART_FILES, "UR-070", checked, expected, observed, NOTED)
    commit = where.splitlines()[1]
    changed = (_git(repository, "status", "--porcelain", "--", *SOURCES) or "").splitlines()
    observed = _listed([f"{line[3:]} differs from it" for line in changed]) or f"those of commit {commit}"
    return Check(PART_FILES, "UR-070", checked, expected, observed, FAIL if changed else PASS, f"commit {commit}")


def _git(folder: Path, *words: str) -> str | None:
    """Return what git says, None where it cannot."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _listed(wrong: list[str]) -> str:
    more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    return "; ".join(wrong[:MOST_NAMED]) + more
