"""A study folder from elsewhere is data: nothing in it is run as code, and nothing of this machine gets into it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from elisa_study import make_study, whole_plate

BIOANALYSIS = str(Path(sys.executable).with_name("bioanalysis"))
pytestmark = [pytest.mark.workflow, pytest.mark.requirement("UR-063")]
MODULES = ("numpy.py", "yaml.py", "pandas.py", "sitecustomize.py", "snakemake/__init__.py", "bioanalysis/__init__.py")
SECRET = "0f5ecr3t-t0ken-of-nobody"


class Touch:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def plant(folder: Path, proof: Path) -> None:
    """Put code wherever Python or Snakemake might look for some."""
    for place in (folder, folder / ".snakemake/scripts"):
        for name in MODULES:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(f"import os; os.makedirs({str(proof)!r}); raise SystemExit('taken over')\n")
    (folder / ".snakemake/iocache").mkdir()
    (folder / ".snakemake/iocache/latest.pkl").write_bytes(pickle.dumps(Touch(proof)))
    (folder / "Snakefile").write_text(f"shell('mkdir {proof}')\n")
    for profile in ("profiles/default", "workflow/profiles/default"):
        (folder / profile).mkdir(parents=True)
        (folder / profile / "config.yaml").write_text("rerun-triggers: nonsense\nexecutor: nonsense\n")


def test_code_in_a_study_folder_is_never_run_and_no_secret_gets_into_it(tmp_path):
    folder, proof = tmp_path / "study", tmp_path / "proof"
    make_study(folder, [whole_plate("1", ("S1", 60.0))])
    plant(folder, proof)
    home = tmp_path / "home-of-nobody"
    home.mkdir()
    environment = {**os.environ, "MY_TOKEN": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET, "HOME": str(home)}
    done = subprocess.run([BIOANALYSIS, "run", "."], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not proof.exists()
    files = [path for path in folder.rglob("*") if path.is_file() and ".snakemake/scripts" not in str(path)]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert not [path for path in files if home.name.encode() in path.read_bytes()]
    assert SECRET not in done.stdout + done.stderr


def test_code_in_a_study_folder_is_not_run_where_a_path_with_a_colon_too_many_means_the_folder_worked_in(tmp_path):
    folder, proof = tmp_path / "study", tmp_path / "proof"
    make_study(folder, [whole_plate("1", ("S1", 60.0))])
    plant(folder, proof)
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "") + os.pathsep}
    command = [BIOANALYSIS, "run", "study", "--dry-run"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not proof.exists()
