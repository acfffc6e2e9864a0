"""Packages against the lock, files against what their wheel recorded."""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import PathDistribution

import pytest

from bioanalysis.installed import installed_versions, locked_versions
from bioanalysis.qualification import packages
from bioanalysis.qualification.checks import FAIL
from bioanalysis.qualification.packages import file_checks, package_checks, recorded_files

pytestmark = pytest.mark.requirement("UR-070")

LOCK = """\
numpy==2.4.6 ; python_full_version < '3.0' \\
    --hash=sha256:aaaa
numpy==2.5.5 ; python_full_version >= '3.0' \\
    --hash=sha256:bbbb
Ruamel_Yaml==0.18 \\
    --hash=sha256:cccc
"""


def test_the_lock_names_the_versions_that_hold_for_this_interpreter():
    assert locked_versions(LOCK) == {"numpy": "2.5.5", "ruamel-yaml": "0.18"}


def test_of_two_versions_in_one_place_none_is_taken_for_the_locked_one(monkeypatch):
    here = {**installed_versions(), "rich": f"1.0 or {installed_versions()['rich']}"}
    monkeypatch.setattr(packages, "installed_versions", lambda: here)
    check = next(one for one in package_checks() if one.checked == "rich")
    assert (check.verdict, check.observed) == (FAIL, here["rich"])


@pytest.fixture
def installed(tmp_path):
    """A package of two files as a wheel leaves it."""
    lines = []
    for name in ("thing/a.py", "thing/b.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
        digest = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")
        lines.append(f"{name},sha256={digest},{len(name)}")
    (tmp_path / "thing-1.dist-info").mkdir()
    (tmp_path / "thing-1.dist-info/METADATA").write_text("Name: thing\nVersion: 1\n")
    (tmp_path / "thing-1.dist-info/RECORD").write_text("\n".join([*lines, "thing-1.dist-info/RECORD,,"]))
    return tmp_path


def wrong(folder):
    return recorded_files(PathDistribution(folder / "thing-1.dist-info"))


def test_untouched_files_are_as_recorded(installed):
    assert wrong(installed) == (2, [])


def test_one_changed_byte_and_a_missing_file_are_named(installed):
    (installed / "thing/a.py").write_bytes(b"thing/a.pz")
    (installed / "thing/b.py").unlink()
    assert wrong(installed) == (2, ["thing/a.py is not what was recorded", "thing/b.py is missing"])


def test_another_digest_than_the_one_noted_fails_and_the_same_passes():
    *_, noted = file_checks()
    assert noted.verdict == "noted"
    assert [*file_checks(noted.observed)][-1].verdict == "pass"
    assert [*file_checks("0" * 64)][-1].verdict == "fail"
