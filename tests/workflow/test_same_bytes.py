"""The demonstration study gives the same bytes wherever and however it is run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIOANALYSIS = Path(sys.executable).with_name("bioanalysis")
HERE = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "1"}
ELSEWHERE = {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "271828"}
pytestmark = [pytest.mark.workflow, pytest.mark.requirement("UR-037")]


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every result; records of who ran it and when are left out."""
    files = (path for path in (folder / "results").rglob("*") if path.is_file() and "provenance" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run_demonstration(folder: Path, cores: int, surroundings: dict[str, str]) -> dict[str, str]:
    for name in ("config", "test_data"):
        shutil.copytree(ROOT / name, folder / name)
    command = [BIOANALYSIS, "run", str(folder), "--cores", str(cores)]
    done = subprocess.run(command, env=os.environ | surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return digests(folder)


def test_cores_locale_time_zone_hash_seed_and_folder_change_no_byte(tmp_path):
    here = run_demonstration(tmp_path / "here", 2, HERE)
    there = run_demonstration(tmp_path / "elsewhere in a longer, földer", 1, ELSEWHERE)
    kinds = {".tsv", ".json", ".html", ".svg", ".pdf", ".xlsx", ".xpt", ".xml"}
    assert {Path(name).suffix for name in here if Path(name).name != ".snakemake_timestamp"} == kinds
    assert {name for name in here | there if here.get(name) != there.get(name)} == set()
