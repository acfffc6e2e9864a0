"""Dates of samples and preparation of standards, on a small study with a few of them given."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from small_study import change, make_small_study

from bioanalysis.report.tracking import preparation_section, prepared, tracking_section
from bioanalysis.study import Study

DATES = ("not_available_reason", "not_available_reason collected_at received_at"), (
    "100.5 900 ", "100.5 900  2026-03-01 2026-03-03",
)  # fmt: skip


@pytest.fixture
def study(tmp_path):
    make_small_study(tmp_path)
    change(tmp_path, "config/samples.tsv", *DATES)
    change(
        tmp_path, "config/worklists/LC-01.tsv", ("dilution_factor tissue", "dilution_factor tissue stock prepared_on")
    )
    change(
        tmp_path,
        "config/worklists/LC-01.tsv",
        ("C1 5  ", "C1 5   S-7 2026-03-08"),
        ("LQC 15  ", "LQC 15   S-8 2026-03-09"),
    )
    return Study.load(tmp_path)


def plain_rows(found) -> list[list[str]]:
    """Return the cells of a section's rows as text."""
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in found["rows"]]


def test_days_until_the_first_analysis_are_counted_and_a_missing_date_is_said(study):
    # collected on 1 March, run on 10 March
    results = pd.DataFrame({"sample_id": ["S1", "S2"], "run_id": ["LC-01", "LC-01"]})
    found = tracking_section(study, results)
    assert "Of 4 samples, 1 have a time of collection and 1 one of receipt." in found["text"]
    rows = {words[0]: words for words in plain_rows(found)}
    assert rows["S1"][-2:] == ["2026-03-10", "9"]
    assert rows["S2"][-2:] == ["2026-03-10", "not given"]
    assert "lost" in rows["S4"]


def test_stocks_and_days_of_preparation_stand_by_run(study):
    section = preparation_section([row for run in study.runs for row in prepared(run, run.worklist)])
    rows = {(words[0], words[2]): words for words in plain_rows(section)}
    assert rows["LC-01", "calibrators and QCs"][-2:] == ["S-7, S-8", "2026-03-08, 2026-03-09"]
    assert rows["EL-01", "calibrators and QCs"][-2:] == ["not given", "not given"]
