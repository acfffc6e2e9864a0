"""Packages that results are computed with: the version Python loads counts, and another than the lock's is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bioanalysis.installed import computing_versions, installed_versions, needed_by, note_on_packages
from bioanalysis.planning import code_digest, software_digest, workflow_folder

ASKED = """
from bioanalysis.installed import installed_versions, note_on_packages
from bioanalysis.planning import code_digest, software_digest, workflow_folder
print(installed_versions()["rich"])
print(code_digest(workflow_folder()))
print(software_digest(workflow_folder()))
print(note_on_packages(workflow_folder()))
"""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH, as modules of a cluster set it: what pip would leave of another version of a package."""
    (tmp_path / "rich-1.0.dist-info").mkdir()
    (tmp_path / "rich-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: Rich\nVersion: 1.0\n")
    return tmp_path


@pytest.mark.requirement("UR-038")
@pytest.mark.requirement("UR-070")
def test_the_version_that_comes_first_on_the_path_counts_changes_the_software_and_is_said(foreign, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(foreign), prepend=":")
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    version, code, software, note = done.stdout.splitlines()
    assert version == "1.0"
    assert code == code_digest(workflow_folder())
    assert software != software_digest(workflow_folder())
    assert f"rich 1.0 (locked: {installed_versions()['rich']})" in note


@pytest.mark.requirement("UR-070")
def test_of_the_locked_packages_nothing_is_said_nor_without_a_lock(tmp_path):
    lock = "".join(f"{name}=={version} \\\n    --hash=sha256:aa\n" for name, version in computing_versions().items())
    (tmp_path / "requirements.lock").write_text(lock)
    assert note_on_packages(tmp_path) == ""
    assert note_on_packages(tmp_path / "no-lock") == ""
    version = computing_versions()["numpy"]
    (tmp_path / "requirements.lock").write_text(lock.replace(f"numpy=={version}", "numpy==0.1"))
    assert note_on_packages(tmp_path).endswith(f": numpy {version} (locked: 0.1)")


def test_what_computes_is_counted_and_what_serves_tests_alone_is_not():
    assert {"numpy", "scipy", "pandas", "pyopenms", "snakemake"} <= set(computing_versions())
    assert not {"pytest", "ruff", "mypy"} & set(computing_versions())
    assert "numpy" in needed_by("scipy")
    assert needed_by("no-such-package") == {"no-such-package"}
