"""Rules and requirements by the tests that hold them."""

from __future__ import annotations

import pytest

from bioanalysis.limits import read_catalogue, sides_needed
from bioanalysis.qualification.boundaries import (
    boundary_checks,
    requirement_checks,
    run_shipped_tests,
    unreadable_checks,
)

pytestmark = pytest.mark.requirement("UR-071")

TEST = """
import pytest
pytestmark = pytest.mark.requirement("UR-020")

@pytest.mark.parametrize("found", [
    pytest.param(115.0, marks=pytest.mark.rule("CAL-CC-02", "on")),
    pytest.param(114.9, marks=pytest.mark.rule("CAL-CC-02", "inside")),
])
def test_within_15(found):
    assert found < 115

@pytest.mark.workflow
@pytest.mark.rule("CAL-CC-02", "outside")
def test_of_a_whole_study():
    raise AssertionError
"""


@pytest.fixture(scope="module", params=[1, 2])
def outcomes(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    (folder / "tests").mkdir()
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["rule", "requirement", "workflow"]\n')
    (folder / "tests/test_one.py").write_text(TEST)
    (folder / "tests/test_other.py").write_text("def test_of_nothing():\n    assert False\n")
    (folder / "tests/test_broken.py").write_text("import no_such_module\n")
    return run_shipped_tests(folder, request.param)


def verdicts(checks):
    return {check.checked.split(" (")[0]: check for check in checks}


def test_a_rule_passes_or_fails_with_the_tests_at_its_boundary(outcomes):
    found = verdicts(boundary_checks(outcomes))
    assert found["CAL-CC-02 just inside its limit"].verdict == "pass"
    on = found["CAL-CC-02 on its limit"]
    assert (on.verdict, on.expected, on.requirement) == ("fail", "pass", "UR-020")
    assert "test_within_15[115.0]" in on.observed
    # the test of a whole study is not run here: nobody may take that for a pass
    assert found["CAL-CC-02 just outside its limit"].verdict == "not_assessable"


def test_every_side_of_every_rule_has_a_row(outcomes):
    assert len(boundary_checks(outcomes)) == sum(len(sides_needed(rule)) for rule in read_catalogue().values())


def test_a_requirement_fails_with_one_of_its_tests(outcomes):
    (check,) = requirement_checks(outcomes)
    assert (check.requirement, check.verdict) == ("UR-020", "fail")


def test_a_file_of_tests_that_cannot_be_read_fails(outcomes):
    (check,) = unreadable_checks(outcomes)
    assert (check.checked, check.verdict) == ("tests in tests/test_broken.py", "fail")


def test_without_tests_nothing_is_passed():
    assert [check.verdict for check in unreadable_checks([])] == ["not_assessable"]
    assert {check.verdict for check in boundary_checks([])} == {"not_assessable"}
