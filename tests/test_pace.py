"""How seldom Snakemake looks for jobs to start: with many runs its looks took a fifth of the time."""

from __future__ import annotations

import pytest
from snakemake.settings.types import MaxJobsPerTimespan

from bioanalysis.launch import _pace


@pytest.mark.parametrize(("runs", "seconds"), [(40, 2), (100, 5), (1000, 50)])
def test_the_more_runs_the_longer_between_looks_and_no_job_waits_for_a_number(runs, seconds):
    (word,) = _pace("default", runs)
    option, _, value = word.partition("=")
    asked = MaxJobsPerTimespan.parse_choice(value)
    assert option == "--max-jobs-per-timespan"
    assert asked.timespan == seconds
    assert asked.max_jobs > 4 * runs


@pytest.mark.parametrize(("profile", "runs"), [("default", 1), ("default", 39), ("slurm", 1000), ("sites/ours/", 1000)])
def test_a_small_study_and_a_profile_with_settings_of_its_own_keep_theirs(profile, runs):
    assert _pace(profile, runs) == []
