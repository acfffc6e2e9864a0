"""The workflow through a real SLURM of one node: the bytes and the refusals of a run here, in few submissions.

Not part of the usual test run: `make test-slurm` as root.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slurm, pytest.mark.requirement("UR-062")]


def test_the_demonstration_gives_the_same_bytes_as_here_in_three_submissions(tmp_path, profile, run, digests):
    for place in ("here", "there"):
        for name in ("config", "test_data"):
            shutil.copytree(ROOT / name, tmp_path / place / name)
    done = run(tmp_path / "there", "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert "to end them: scancel --name" in done.stdout
    log = (tmp_path / "there/logs/snakemake.log").read_text()
    assert log.count("has been submitted with SLURM jobid") == 3
    assert run(tmp_path / "here").returncode == 0
    assert digests(tmp_path / "there") == digests(tmp_path / "here")


def test_slurm_without_accounting_is_refused_before_a_job_is_submitted(plate, slurm, run):
    done = run(plate, "--profile", "slurm")
    assert done.returncode == 2
    assert "this SLURM keeps no accounts" in done.stderr
    assert not (plate / "work").exists()


def test_a_raw_file_that_cannot_be_read_is_refused_in_the_same_words_as_here(plate, profile, run):
    raw = next(path for path in (plate / "raw").rglob("*") if path.is_file())
    raw.write_text(raw.read_text()[:40])
    here, there = run(plate), run(plate, "--profile", profile)
    assert (here.returncode, there.returncode) == (2, 2)
    assert there.stderr == here.stderr
    assert raw.name in there.stderr
    log = (plate / "logs/snakemake.log").read_text()
    assert log.count("has been submitted with SLURM jobid") == 1  # a refusal is final: nothing is tried again
