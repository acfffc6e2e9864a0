"""Where the studies, tests and requirements that are shipped with the software lie."""

from __future__ import annotations

import shutil
from pathlib import Path

from bioanalysis.errors import BatchError, Fault

PARTS = ("config", "test_data", "tests", "benchmarks", "docs/requirements.tsv", "pyproject.toml")


def shipped_folder() -> Path:
    """Return the folder that holds `PARTS`: inside an installed package, else the repository."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_qualification"
    return inside if inside.is_dir() else package.parent


def require_shipped(folder: Path) -> None:
    """Raise BatchError where what an operational qualification runs is not there."""
    missing = [name for name in PARTS if not (folder / name).exists()]
    if missing:
        expected = "an installation from the wheel or from the repository, which hold them"
        raise BatchError([Fault(str(folder / name), "missing", expected) for name in missing])


def copy_shipped(folder: Path, target: Path) -> None:
    """Copy what is shipped to `target`: nothing is ever run where it is installed."""
    for name in PARTS:
        source = folder / name
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
