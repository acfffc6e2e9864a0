"""The demonstration study gives the same bytes wherever and however it is run."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
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


def run_demonstration(folder: Path, cores: int, surroundings: dict[str, str], killed_by: int = 0) -> dict[str, str]:
    """Run the demonstration in `folder`; with `killed_by`, kill it once the first run of it is judged, then resume."""
    for name in ("config", "test_data"):
        shutil.copytree(ROOT / name, folder / name)
    command, env = [BIOANALYSIS, "run", str(folder), "--cores", str(cores)], os.environ | surroundings
    if killed_by:
        first = subprocess.Popen(command, env=env, start_new_session=True, stdout=subprocess.DEVNULL)
        while not list(folder.glob("results/runs/*/acceptance.tsv")):
            assert first.poll() is None
            time.sleep(0.05)
        os.killpg(first.pid, killed_by)
        assert first.wait() == -killed_by
        assert not list(folder.glob("results/study/*.tsv"))
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("taking over and resuming" in done.stdout) == bool(killed_by)
    return digests(folder)


def test_cores_locale_time_zone_hash_seed_folder_and_an_interruption_change_no_byte(tmp_path):
    here = run_demonstration(tmp_path / "here", 2, HERE)
    there = run_demonstration(tmp_path / "elsewhere in a longer, földer", 1, ELSEWHERE, killed_by=signal.SIGKILL)
    kinds = {".tsv", ".json", ".html", ".svg", ".pdf", ".xlsx", ".xpt", ".xml"}
    assert {Path(name).suffix for name in here if Path(name).name != ".snakemake_timestamp"} == kinds
    assert {name for name in here | there if here.get(name) != there.get(name)} == set()
