"""Packages that results are computed with: the version Python loads counts, and another than the lock's is said."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bioanalysis import installed
from bioanalysis.installed import computing_versions, installed_versions, needed_by, note_on_packages
from bioanalysis.launch import _environment
from bioanalysis.planning import code_digest, software_digest, workflow_folder

ASKED = """
import sys
from bioanalysis.installed import installed_versions, note_on_packages
from bioanalysis.planning import code_digest, software_digest, workflow_folder
print(installed_versions()[sys.argv[1]])
print(code_digest(workflow_folder()))
print(software_digest(workflow_folder()))
print(note_on_packages(workflow_folder()))
"""


@pytest.mark.requirement("UR-038")
@pytest.mark.requirement("UR-070")
@pytest.mark.parametrize(("name", "computes"), [("PyPDF", True), ("certifi", False)])  # Snakemake alone asks for this
def test_the_version_that_comes_first_on_the_path_is_said_and_changes_the_software_where_it_computes(
    tmp_path, monkeypatch, name, computes
):
    package = name.lower()
    (tmp_path / f"{package}-1.0.dist-info").mkdir()
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    (tmp_path / f"{package}-1.0.dist-info/METADATA").write_text(about)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")  # as modules of a cluster set it
    done = subprocess.run([sys.executable, "-c", ASKED, package], capture_output=True, text=True, check=True)
    version, code, software, note = done.stdout.splitlines()
    assert version == "1.0"
    assert code == code_digest(workflow_folder())
    assert (software != software_digest(workflow_folder())) == computes
    assert f"{package} 1.0 (locked: {installed_versions()[package]})" in note


ABOUT = "Metadata-Version: 2.1\nName: pypdf\nVersion: {}\n"


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"~ypdf-1.0": ABOUT.format("1.0")}, installed_versions()["pypdf"]),  # pip could not remove what it replaced
        ({"pypdf-1.0": ABOUT.format("1.0"), "pypdf-2.0": ABOUT.format("2.0")}, "1.0 or 2.0"),  # an update was cut off
        ({"pypdf-1.0": ABOUT.format("1.0") + "Requires-Dist: docutils (>=0.10.*)\n"}, "1.0"),  # not of the standard
        ({"pypdf-1.0": "Metadata-Version: 2.1\nName: pypdf\n"}, "of no version"),
        ({"other-1.0": ABOUT.format("1.0") + "Author: M\xfcller\n"}, installed_versions()["pypdf"]),  # no UTF-8
        ({"pypdf-1.0": ""}, installed_versions()["pypdf"]),
    ],
)
def test_broken_metadata_stop_nothing_and_where_two_versions_lie_in_one_place_both_are_named(tmp_path, files, version):
    for name, text in files.items():
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info/METADATA").write_bytes(text.encode("latin-1"))
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", ASKED, "pypdf"], env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[0] == version, done.stderr
    assert (f"pypdf {version} (locked:" in done.stdout) == (version != installed_versions()["pypdf"])


def test_where_nothing_says_what_is_needed_all_that_is_installed_counts(monkeypatch):
    monkeypatch.setattr(installed, "_found", lambda: {"numpy": {}, "pypdf": {}})
    assert installed.needed_to_compute.__wrapped__() == {"numpy", "pypdf"}


def test_jobs_find_the_packages_of_the_process_that_starts_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["modules", "", "/elsewhere", ""]))
    assert _environment()["PYTHONPATH"] == os.pathsep.join([str(tmp_path / "modules"), "/elsewhere"])
    monkeypatch.delenv("PYTHONPATH")
    assert "PYTHONPATH" not in _environment()


@pytest.mark.requirement("UR-070")
def test_a_package_that_is_missing_is_said(tmp_path, monkeypatch):
    there = computing_versions()
    (tmp_path / "requirements.lock").write_text("\r\n".join(f"{name}=={number}" for name, number in there.items()))
    without = {name: number for name, number in there.items() if name != "scipy"}
    monkeypatch.setattr(installed, "installed_versions", lambda: without)
    assert note_on_packages(tmp_path).endswith(f": scipy is missing (locked: {there['scipy']})")


@pytest.mark.requirement("UR-070")
@pytest.mark.parametrize("content", [b"numpy==2.0 # M\xfcller\n", b"numpy==2.0 ; nonsense\n"])
def test_a_lock_that_cannot_be_read_is_said_and_is_no_fault_of_the_study(tmp_path, content):
    (tmp_path / "requirements.lock").write_bytes(content)
    assert note_on_packages(tmp_path).startswith("requirements.lock cannot be read")


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
    assert {"numpy", "scipy", "pandas", "pyopenms", "pydantic-core", "typst"} <= set(computing_versions())
    assert not {"pytest", "ruff", "mypy"} & set(computing_versions())
    assert "numpy" in needed_by("scipy")
    assert needed_by("no-such-package") == {"no-such-package"}
