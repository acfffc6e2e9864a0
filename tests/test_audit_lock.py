"""What is said of a lock file by a database of vulnerabilities, and what where none answers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bioanalysis.planning import workflow_folder

SCRIPT = workflow_folder() / ".ci/audit_lock.py"
pytestmark = [pytest.mark.repository, pytest.mark.requirement("UR-064")]

FOUND = {"id": "PYSEC-2026-1", "fix_versions": ["1.2.4"], "aliases": [], "description": "..."}
GOOD = {"name": "numpy", "version": "2.4.6", "vulns": []}
BAD = {"name": "pyyaml", "version": "5.3", "vulns": [FOUND]}
SKIPPED = {"name": "yte", "skip_reason": "Dependency not found on PyPI and could not be audited: yte (1.9.4)"}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("audit_lock", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(*packages: dict) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_all_looked_up_and_nothing_known_is_good(script):
    code, lines = script.judge({"a.lock": answer(GOOD, GOOD), "b.lock": answer(GOOD)})
    assert (code, lines) == (0, ["3 locked packages looked up: no known vulnerability"])


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it(script):
    code, lines = script.judge({"a.lock": answer(GOOD, BAD), "b.lock": answer(SKIPPED)})
    assert code == 1
    assert lines[:2] == ["1 known vulnerabilities:", "  a.lock: pyyaml 5.3: PYSEC-2026-1; mended in 1.2.4"]
    assert "yte" in lines[2]


@pytest.mark.parametrize("packages", [[SKIPPED, SKIPPED], [GOOD, SKIPPED], []])
def test_what_was_not_looked_up_is_not_good(script, packages):
    code, lines = script.judge({"a.lock": answer(*packages)})
    assert code == 2
    assert lines[0].startswith("NOT AUDITED")


def test_a_database_out_of_reach_is_said(script):
    code, lines = script.judge({"a.lock": "ConnectionError: failed to resolve"})
    assert (code, lines[1]) == (2, "  a.lock: ConnectionError: failed to resolve")


@pytest.mark.parametrize(("word", "code"), [([], 2), (["--warn-if-unreachable"], 0)])
def test_only_where_it_is_asked_for_is_that_a_warning(tmp_path, word, code):
    program = tmp_path / "bin/pip-audit"  # stands where pip-audit stands beside the interpreter
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'ConnectionError: failed to resolve' >&2; exit 1\n")
    program.chmod(0o755)
    (tmp_path / "bin/python").symlink_to(sys.executable)
    done = subprocess.run(
        [tmp_path / "bin/python", SCRIPT, "a.lock", *word], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert ("WARNING" in done.stdout) == bool(word)


def test_every_lock_of_the_repository_is_asked_about():
    makefile = (workflow_folder() / "Makefile").read_text()
    line = next(line for line in makefile.splitlines() if ".ci/audit_lock.py" in line)
    assert {path.name for path in Path(workflow_folder()).glob("*.lock")} <= set(line.split())
