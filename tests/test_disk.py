"""A disk that is full or may not be written to is said in plain words; nothing is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_study import make_small_study

from bioanalysis.disk import disk_trouble, plain_disk_errors, require_writable
from bioanalysis.errors import BatchError
from bioanalysis.records.commands import archive_study, seal_study, sign_study

pytestmark = pytest.mark.requirement("UR-061")


def test_folders_that_can_be_written_to_are_left_as_they_were(tmp_path):
    require_writable(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_results_that_cannot_be_written_to_are_named(tmp_path):
    (tmp_path / "results").symlink_to("/proc/self/fdinfo")  # the system's own: nobody writes there, root neither
    with pytest.raises(BatchError, match=r"results/study cannot be used:\n  cannot be written to"):
        require_writable(tmp_path)


def test_a_full_disk_is_no_fault_of_the_software():
    with pytest.raises(BatchError, match="No space left on device"), plain_disk_errors():
        Path("/dev/full").write_bytes(b"x")


@pytest.mark.parametrize(
    "act",
    [
        lambda study: seal_study(study, ""),
        lambda study: sign_study(study, study / "key", "AL", "authored"),
        lambda study: archive_study(study, study.parent / "a.zip"),
    ],
    ids=["seal", "sign", "archive"],
)
def test_sealing_signing_and_archiving_say_so_too(tmp_path, act):
    study = make_small_study(tmp_path / "study")
    (study / "config/config.yaml").open("a").write("allowed_roots: [/sys/kernel]\n")
    (study / "work").symlink_to("/sys/kernel")  # the system's own: nobody makes a file there, root neither
    with pytest.raises(BatchError, match=r"run.guard cannot be used:\n  cannot be written \("):
        act(study)


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), plain_disk_errors():
        (tmp_path / "missing").read_bytes()


def test_a_workflow_that_met_a_full_disk_says_so():
    said = disk_trouble(f"OSError: [Errno 28] {os.strerror(28)}: 'results/runs/LC-01/peaks.tsv'")
    assert said.startswith("the workflow stopped: No space left on device")
    assert disk_trouble("ZeroDivisionError: division by zero") == ""
