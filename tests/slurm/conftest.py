"""A real SLURM of one node, and what the tests that use it share."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from elisa_study import make_study, whole_plate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def slurm():
    """SLURM itself; where it cannot be had, the tests are skipped with the reason in words."""
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("snakemake-executor-plugin-slurm is not installed: make hpc")
    started = subprocess.run([ROOT / "tests/slurm/start_slurm.sh"], capture_output=True, text=True, check=False)
    if started.returncode == 77:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stderr


@pytest.fixture(scope="session")
def profile(slurm, tmp_path_factory) -> Path:
    """Our profile with what a site without accounting adds, and less waiting."""
    settings = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
    site = {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 5, "latency-wait": 10}
    folder = tmp_path_factory.mktemp("site")
    (folder / "profile.yaml").write_text(yaml.safe_dump(settings | site))
    return folder


@pytest.fixture
def plate(tmp_path) -> Path:
    return make_study(tmp_path / "study", [whole_plate("1", ("S1", 60.0), ("S2", 150.0))])


@pytest.fixture(scope="session")
def bioanalysis() -> list[str]:
    return [sys.executable, "-c", "from bioanalysis.cli import main; main()"]


@pytest.fixture(scope="session")
def run(bioanalysis):
    def run(study: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*bioanalysis, "run", study, *words], capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def digests():
    def digests(folder: Path) -> dict[str, str]:
        files = (path for path in (folder / "results").rglob("*") if path.is_file() and "provenance" not in path.parts)
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return digests
