"""What is said of raw files that change while a study is run."""

from __future__ import annotations

import shutil

import pytest
from small_study import make_small_study

from bioanalysis.records.standing import raw_changed_since, raw_now
from bioanalysis.study import Study


@pytest.fixture
def folder(tmp_path):
    return make_small_study(tmp_path)


def test_nothing_changed(folder):
    study = Study.load(folder)
    assert raw_changed_since(raw_now(folder, study), folder, study) == []


def test_changed_and_removed_files_are_named_in_the_order_of_the_runs(folder):
    study = Study.load(folder)
    before = raw_now(folder, study)
    (folder / "raw/EL-01.csv").write_text("well,signal\nA1,1\n")
    (folder / "raw/LC-01/s1.mzML").unlink()
    (folder / "raw/LC-01/c2.mzML").write_text("<mzML>other</mzML>")
    expected = ["raw/LC-01/c2.mzML", "raw/LC-01/s1.mzML", "raw/EL-01.csv"]
    assert raw_changed_since(before, folder, study) == expected


def test_a_folder_that_is_gone_takes_every_file_with_it(folder):
    study = Study.load(folder)
    before = raw_now(folder, study)
    shutil.rmtree(folder / "raw/LC-01")
    assert raw_changed_since(before, folder, study) == [name for name in before if name.startswith("raw/LC-01/")]


def test_a_file_that_two_runs_read_is_named_once(folder):
    rows = (folder / "config/worklists/EL-01.tsv").read_text().splitlines()
    calibrators = [row for row in rows if "unknown" not in row]  # no sample is read twice
    (folder / "config/worklists/EL-02.tsv").write_text("\n".join(calibrators))
    runs = folder / "config/runs.tsv"
    runs.write_text(runs.read_text() + "EL-02\tASO-ELISA-01\t2026-03-12\tKM\traw/EL-01.csv\n")
    study = Study.load(folder)
    before = raw_now(folder, study)
    (folder / "raw/EL-01.csv").write_text("well,signal\nA1,1\n")
    assert raw_changed_since(before, folder, study) == ["raw/EL-01.csv"]
