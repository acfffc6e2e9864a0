"""Studies that several files of tests start from, each run once for all of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from elisa_study import make_study, whole_plate

ROOT = Path(__file__).parents[2]
BIOANALYSIS = Path(sys.executable).with_name("bioanalysis")
HERE = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "1"}


def made_once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder that `make` fills; where several processes share the tests, one makes it for all.

    Nobody may change it: tests work on copies.
    """
    shared = temporary.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, whole = shared / name, shared / f"{name}.whole"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            whole.touch()
    return folder


def run(folder: Path, *words: str) -> None:
    command = [BIOANALYSIS, "run", folder, *words]
    done = subprocess.run(command, env=os.environ | HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration study, run to its end."""

    def make(folder: Path) -> None:
        for name in ("config", "test_data"):
            shutil.copytree(ROOT / name, folder / name)
        run(folder, "--cores", "2")

    return made_once(tmp_path_factory, "demonstrated", make)


@pytest.fixture(scope="session")
def plate_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ELISA study of two samples on one plate, run to its end."""

    def make(folder: Path) -> None:
        make_study(folder, [whole_plate("1", ("S1", 60.0), ("S2", 150.0))])
        run(folder)

    return made_once(tmp_path_factory, "plate_of_two", make)
