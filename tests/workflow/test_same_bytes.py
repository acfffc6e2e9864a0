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
OTHER_KERNELS = {  # those of a processor of 2008, which round otherwise
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}
ELSEWHERE = {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "271828", **OTHER_KERNELS}
pytestmark = [pytest.mark.workflow, pytest.mark.requirement("UR-037")]


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every result; records of who ran it and when are left out."""
    files = (path for path in (folder / "results").rglob("*") if path.is_file() and "provenance" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused_killed_and_resumed(folder: Path, surroundings: dict[str, str]) -> dict[str, str]:
    """Run the demonstration: refused with half a raw file, which is put back; killed once a run is judged; resumed."""
    for name in ("config", "test_data"):
        shutil.copytree(ROOT / name, folder / name)
    command, env = [BIOANALYSIS, "run", str(folder), "--cores", "1"], os.environ | surroundings
    raw = folder / "test_data/raw/LC-01/LC-01_010.mzML"
    whole = raw.read_bytes()
    raw.write_bytes(whole[: len(whole) // 2])
    refused = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert raw.name in refused.stderr
    raw.write_bytes(whole)
    first = subprocess.Popen(command, env=env, start_new_session=True, stdout=subprocess.DEVNULL)
    while not list(folder.glob("results/runs/*/acceptance.tsv")):
        assert first.poll() is None
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert not list(folder.glob("results/study/*.tsv"))
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "taking over and resuming" in done.stdout
    return digests(folder)


def test_cores_locale_time_zone_hash_seed_kernels_folder_and_an_interruption_change_no_byte(demonstrated, tmp_path):
    here = digests(demonstrated)  # two at once, in C.UTF-8 and UTC: tests/workflow/conftest.py
    there = refused_killed_and_resumed(tmp_path / "elsewhere in a longer, földer", ELSEWHERE)
    kinds = {".tsv", ".json", ".html", ".svg", ".pdf", ".xlsx", ".xpt", ".xml"}
    assert {Path(name).suffix for name in here if Path(name).name != ".snakemake_timestamp"} == kinds
    assert {name for name in here | there if here.get(name) != there.get(name)} == set()
