"""The words of the document for signature."""

from __future__ import annotations

import pytest
from small_study import change, make_small_study

from bioanalysis.export.parts import section
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
