"""The software a study was computed with."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from bioanalysis.planning import code_digest
from bioanalysis.records.digests import digest_of_list, sha256_or_reason

NAME = "bioanalysis"


def environment(workflow_folder: Path) -> dict[str, object]:
    """Return versions, the digest of the code and of the lock, and the platform."""
    packages = _packages()
    lock = workflow_folder / "requirements.lock"
    return {
        "software": {NAME: version(), "code_sha256": code_digest(workflow_folder)},
        "lock_sha256": sha256_or_reason(lock) if lock.is_file() else "not installed from the repository",
        "packages_sha256": digest_of_list({f"{name} {number}": "0" * 64 for name, number in packages.items()}),
        "packages": dict(sorted(packages.items())),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": {"system": platform.platform(), "machine": platform.machine(), "byte_order": sys.byteorder},
    }


@cache
def _packages() -> Mapping[str, str]:
    """Return the version of each package; read once, since a process keeps what it was started with."""
    return {
        str(d.metadata["Name"]).lower(): d.version for d in metadata.distributions() if d.metadata["Name"] is not None
    }


def environment_text(content: dict[str, object]) -> bytes:
    """Return the environment as JSON."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def version() -> str:
    """Return the version of the software."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "not installed"
