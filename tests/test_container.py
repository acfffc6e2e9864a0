"""The container recipes: what the wheel is made of is copied into them."""

from __future__ import annotations

import shutil
import subprocess
import tomllib

import pytest

from bioanalysis.planning import workflow_folder

ROOT = workflow_folder()


@pytest.mark.parametrize("recipe", ["Dockerfile", "apptainer.def"])
def test_all_that_the_wheel_holds_is_copied(recipe):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], "README.md", "LICENSE", "requirements-hpc.lock"}
    words = {word for line in (ROOT / "container" / recipe).read_text().splitlines() for word in line.split()}
    assert needed <= words


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize("script", sorted((ROOT / "container").glob("*.sh")), ids=lambda path: path.name)
def test_a_script_that_executes_a_recipe_is_sound_bash(script):
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
