"""The software a study was computed with."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

from bioanalysis.installed import LOCK, NAME, computing_versions, installed_versions, packages_digest
from bioanalysis.planning import code_digest
from bioanalysis.records.digests import sha256_or_reason
from bioanalysis.records.places import ENVIRONMENT


def environment(workflow_folder: Path) -> dict[str, object]:
    """Return versions, the digest of the code and of the lock, and the platform."""
    lock = workflow_folder / LOCK
    return {
        "software": software(workflow_folder),
        "lock_sha256": sha256_or_reason(lock) if lock.is_file() else "not installed from the repository",
        "packages": dict(installed_versions()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": {"system": platform.platform(), "machine": platform.machine(), "byte_order": sys.byteorder},
    }


def software(workflow_folder: Path) -> dict[str, str]:
    """Return what results are computed with: version, digest of the code, digest of the packages it needs."""
    return {NAME: version(), "code_sha256": code_digest(workflow_folder), "packages_sha256": packages_digest()}


def changed_packages(folder: Path) -> list[str]:
    """Return in words which packages that results are computed with are not those of the last recorded environment."""
    try:
        recorded = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    before: dict[str, str] = {canonicalize_name(name): number for name, number in recorded.items()}
    here = computing_versions()
    changed = [name for name, number in here.items() if before.get(name) != number]
    return [f"package {name}: {before.get(name, 'not there')} -> {here[name]}" for name in changed]


def environment_text(content: dict[str, object]) -> bytes:
    """Return the environment as JSON."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def version() -> str:
    """Return the version of the software."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "not installed"
