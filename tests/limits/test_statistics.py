"""Levels of the study's statistics are data: each has a meaning, a standing and a source."""

from __future__ import annotations

import csv
from importlib.resources import files

from bioanalysis.evaluation import conclusions, outliers
from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.recovery import batches


def test_every_level_says_what_it_means_and_whence():
    text = (files("bioanalysis.limits") / "statistics.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["name"] for row in rows] == list(statistical_limits())
    assert all(row["meaning"] and row["source"].startswith("house") and row["standing"] == "house" for row in rows)
    assert all(value > 0 for value in statistical_limits().values())


def test_levels_in_force_are_those_of_the_table():
    levels = statistical_limits()
    assert (levels["outlier_alarms"], levels["cause_alarms"]) == (outliers.ALPHA, conclusions.ALPHA)
    assert levels["few_batches"] == batches.FEW_BATCHES
