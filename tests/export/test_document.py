"""The words of the document for signature."""

from __future__ import annotations

import pytest
from made_results import make_results
from small_study import change, make_small_study

from bioanalysis.export.parts import controls_table, runs_table, section
from bioanalysis.export.pdf import NOT_GIVEN, _about
from bioanalysis.report.sections import shown
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-051")


@pytest.mark.parametrize(
    ("cell", "words"),
    [("12.3456", "12.3"), ("0.0123456", "0.0123"), ("29", "29"), ("BLQ", "BLQ"), ("", ""), ("1234.5", "1234")],
)  # fmt: skip
def test_numbers_are_shown_with_three_digits_and_words_as_they_are(cell, words):
    assert shown(cell) == words


def test_a_table_without_rows_says_so():
    assert section("Decisions", ["decision"], [])["note"] == "none"


def test_fields_nobody_filled_in_are_said_to_be_not_given(tmp_path):
    make_small_study(tmp_path)
    change(tmp_path, "config/config.yaml", ("tissues:", "report: {sponsor: A Sponsor}\ntissues:"))
    fields = dict(_about(Study.load(tmp_path)))
    assert fields["Sponsor"] == "A Sponsor"
    assert fields["Quality assurance statement"] == NOT_GIVEN
    assert fields["Runs"] == "2026-03-10 to 2026-03-12 (first and last run)"


def test_a_quality_control_without_a_value_has_no_bias(tmp_path):
    # as where its injection was not acquired, was excluded, or its tissue has no recovery factor
    folder = make_results(tmp_path)
    path = folder / "results/runs/R1/measurements.tsv"
    path.write_text(path.read_text().replace("\t4.0\t", "\t\t"))
    rows = controls_table(Study.load(folder), folder / "results")["rows"]
    assert [(row[0], row[2], row[4], row[-1]) for row in rows] == [("R0", "LQC", "1", "+4.0"), ("R1", "LQC", "1", "")]


def test_wells_are_not_counted_as_samples(tmp_path):
    # the plate holds one sample in two wells, the sequence two samples
    rows = runs_table(Study.load(make_small_study(tmp_path)))["rows"]
    assert [(row[0], row[-1]) for row in rows] == [("LC-01", "2"), ("EL-01", "1")]
