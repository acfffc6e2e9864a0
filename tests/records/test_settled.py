"""A study that stands as its last run left it is known to be done; whatever differs is looked into."""

from __future__ import annotations

import os

import pytest
from recorded_study import recorded_study

from bioanalysis.lock import locked
from bioanalysis.planning import PLAN, plan_study, workflow_folder
from bioanalysis.records.places import CONCENTRATIONS, MANIFEST
from bioanalysis.settled import note_settled, settled_summary

CODE = workflow_folder()


@pytest.fixture
def study(tmp_path):
    folder = recorded_study(tmp_path / "study")
    plan_study(folder, CODE)
    note_settled(folder, CODE, "samples: 3 quantified")
    return folder


def test_a_study_as_it_was_left_is_told_by_the_words_of_its_last_run(study):
    assert settled_summary(study, CODE) == "samples: 3 quantified"


@pytest.mark.parametrize(
    "name",
    [
        "config/samples.tsv",
        "raw/LC-01/s1.mzML",
        CONCENTRATIONS,
        MANIFEST,
        PLAN,
        "work/LC-01/run.json",
        "work/LC-01/raw.json",
    ],
)
def test_a_file_with_other_content_is_seen_even_where_size_and_time_are_set_back(study, name):
    path = study / name
    before = path.stat()
    path.write_bytes(b"x" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert settled_summary(study, CODE) is None


@pytest.mark.parametrize("name", ["config/samples.tsv", "raw/LC-01/s1.mzML", CONCENTRATIONS, MANIFEST])
def test_a_file_that_is_gone_is_seen(study, name):
    (study / name).unlink()
    assert settled_summary(study, CODE) is None


@pytest.mark.parametrize("name", ["config/worklists/LC-09.tsv", "results/runs/LC-01/extra.tsv", "config/decisions.csv"])
def test_a_new_file_is_seen(study, name):
    (study / name).write_text("new\n")
    assert settled_summary(study, CODE) is None


def test_other_software_is_seen(study, tmp_path):
    assert settled_summary(study, tmp_path) is None


def test_another_version_of_a_package_is_seen_wherever_python_looks_for_packages(study, tmp_path, monkeypatch):
    (tmp_path / "modules").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    assert settled_summary(study, CODE) is None
    note_settled(study, CODE, "samples: 3 quantified")
    assert settled_summary(study, CODE) is not None
    (tmp_path / "modules/numpy-9.0.dist-info").mkdir()
    assert settled_summary(study, CODE) is None


def test_a_study_somebody_works_on_is_not_settled(study):
    with locked(study):
        assert settled_summary(study, CODE) is None
    assert settled_summary(study, CODE) is not None


def test_a_study_never_run_is_not_settled(tmp_path):
    assert settled_summary(tmp_path, CODE) is None
