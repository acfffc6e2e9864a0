"""The environment of a run: its digest of packages can be taken again, and what changed of them is told by name."""

from __future__ import annotations

import hashlib
import json

import pytest

from bioanalysis.installed import computing_versions, installed_versions
from bioanalysis.planning import workflow_folder
from bioanalysis.records.environment import changed_packages, environment, environment_text
from bioanalysis.records.places import ENVIRONMENT

pytestmark = pytest.mark.requirement("UR-038")


@pytest.fixture
def recorded(tmp_path):
    """Record an environment that is changed by what the test says."""

    def record(change):
        content = json.loads(environment_text(environment(workflow_folder())))
        change(content)
        (tmp_path / ENVIRONMENT).parent.mkdir(parents=True)
        (tmp_path / ENVIRONMENT).write_text(json.dumps(content))
        return tmp_path

    return record


def test_who_has_the_record_alone_can_take_the_digest_of_packages_again():
    record = json.loads(environment_text(environment(workflow_folder())))
    text = "".join(f"{name}=={version}\n" for name, version in sorted(record["packages"].items()))
    assert record["software"]["packages_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert {**record["packages"], **record["packages_beside"]} == installed_versions()


def test_the_processor_and_the_source_of_times_are_told():
    record = environment(workflow_folder())
    assert record["platform"]["processor"].strip()
    assert record["time"].endswith("in UTC")


def test_packages_of_other_versions_new_and_gone_are_named_and_those_beside_are_not(recorded):
    here = computing_versions()

    def change(content):
        content["packages"] |= {"numpy": "1.0", "gone": "2.0"}
        del content["packages"]["scipy"]
        content["packages_beside"] = {"pytest": "0.1"}

    assert changed_packages(recorded(change)) == [
        "package gone: 2.0 -> not there",
        f"package numpy: 1.0 -> {here['numpy']}",
        f"package scipy: not there -> {here['scipy']}",
    ]


def test_a_package_that_is_no_longer_needed_and_is_as_it_was_has_not_changed(recorded):
    pytest_here = installed_versions()["pytest"]
    assert changed_packages(recorded(lambda content: content["packages"].update(pytest=pytest_here))) == []


def test_of_a_record_that_does_not_part_them_what_is_gone_is_not_named(recorded):
    def change(content):  # names as earlier versions of this software wrote them
        content["packages"] |= content.pop("packages_beside")
        content["packages"]["typing_extensions"] = content["packages"].pop("typing-extensions")
        content["packages"] |= {"gone": "2.0", "pytest": "0.1", "numpy": "1.0"}

    assert changed_packages(recorded(change)) == [f"package numpy: 1.0 -> {installed_versions()['numpy']}"]


@pytest.mark.parametrize("content", ["", "[]", '{"packages": 5}', '{"packages": {}, "packages_beside": []}'])
def test_a_record_nobody_can_read_names_nothing(tmp_path, content):
    (tmp_path / ENVIRONMENT).parent.mkdir(parents=True)
    (tmp_path / ENVIRONMENT).write_text(content)
    assert changed_packages(tmp_path) == []
