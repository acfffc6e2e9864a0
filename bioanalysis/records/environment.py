"""The software a study was computed with."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

from bioanalysis.installed import (
    LOCK,
    NAME,
    computing_versions,
    installed_versions,
    needed_to_compute,
    packages_digest,
)
from bioanalysis.planning import code_digest
from bioanalysis.records.digests import sha256_or_reason
from bioanalysis.records.places import ENVIRONMENT

BESIDE, NOT_THERE = "packages_beside", "not there"


def environment(workflow_folder: Path) -> dict[str, object]:
    """Return versions, the digest of the code and of the lock, and the platform.

    The digest of packages is that of `packages`, those that results are computed with; beside them stand the others.
    """
    lock, computing = workflow_folder / LOCK, computing_versions()
    return {
        "software": software(workflow_folder),
        "lock_sha256": sha256_or_reason(lock) if lock.is_file() else "not installed from the repository",
        "packages": dict(computing),
        BESIDE: {name: number for name, number in installed_versions().items() if name not in computing},
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": {
            "system": platform.platform(),
            "machine": platform.machine(),
            "processor": _processor(),
            "byte_order": sys.byteorder,
        },
        "time": "clock of this computer, in UTC",
    }


def _processor() -> str:
    """Return the model of the processor, as Linux names it, else what Python knows of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "not told")


def software(workflow_folder: Path) -> dict[str, str]:
    """Return what results are computed with: version, digest of the code, digest of the packages it needs."""
    return {NAME: version(), "code_sha256": code_digest(workflow_folder), "packages_sha256": packages_digest()}


def changed_packages(folder: Path) -> list[str]:
    """Return in words which packages that results are computed with are not those of the last recorded environment."""
    try:
        recorded = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
        counted, beside = _canonical(recorded["packages"]), _canonical(recorded.get(BESIDE, {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    # records of earlier versions of this software hold all packages: what is gone from them need not have computed
    counting = needed_to_compute() | (set(counted) if BESIDE in recorded else set())
    before, here = {**beside, **counted}, installed_versions()
    return [
        f"package {name}: {before.get(name, NOT_THERE)} -> {here.get(name, NOT_THERE)}"
        for name in sorted(counting)
        if before.get(name) != here.get(name)
    ]


def _canonical(versions: dict[str, str]) -> dict[str, str]:
    return {canonicalize_name(name): str(number) for name, number in versions.items()}


def environment_text(content: dict[str, object]) -> bytes:
    """Return the environment as JSON."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def version() -> str:
    """Return the version of the software."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "not installed"
