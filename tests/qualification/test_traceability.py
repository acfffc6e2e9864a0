"""Requirements, their rules and tests, and the pages made of them."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from bioanalysis.limits import read_catalogue
from bioanalysis.qualification.requirements import requirement_of, requirements

pytestmark = pytest.mark.requirement("UR-073")

ROOT = Path(__file__).parents[2]


def test_every_acceptance_rule_serves_a_requirement():
    assert [rule for rule in read_catalogue() if not requirement_of(rule)] == []


def test_no_requirement_names_rules_that_do_not_exist():
    patterns = [word for row in requirements() for word in row["rules"].split(";") if word.endswith("*")]
    assert [each for each in patterns if not any(fnmatchcase(rule, each) for rule in read_catalogue())] == []


@pytest.mark.repository
def test_the_pages_are_those_the_markers_make():
    script = ROOT / "docs" / "make_traceability.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run python docs/make_traceability.py\n{done.stdout}{done.stderr}"
