"""Changes of tables and settings, cell by cell."""

from __future__ import annotations

import pytest

from bioanalysis.records.changes import Change, changes_between, read_changes, text_of

pytestmark = pytest.mark.requirement("UR-034")


def said(file, before, after):
    return [str(change) for change in changes_between(file, before.encode(), after.encode())]


def test_a_cell_is_told_by_the_key_of_its_row():
    before = "position\tsample_id\tlevel\n1\tS1\t\n2\tS2\t\n"
    after = before.replace("S2\t", "S2\tLQC")
    assert said("config/worklists/R1.tsv", before, after) == ["config/worklists/R1.tsv, 2: level empty -> LQC"]


def test_rows_that_came_and_went_are_told_whatever_the_order():
    before, after = "sample_id\tmass\nS1\t1\nS2\t2\n", "sample_id\tmass\nS3\t3\nS1\t1\n"
    assert said("config/samples.tsv", before, after) == [
        "config/samples.tsv, S2: removed",
        "config/samples.tsv, S3: added",
    ]


def test_settings_are_told_by_their_place():
    before = "analytes:\n  - {name: aso, lloq_ng_ml: 5}\nplate: {reader: auto}\n"
    after = before.replace("5", "2").replace("auto", "grid")
    assert said("config/methods/m.yaml", before, after) == [
        "config/methods/m.yaml, analytes[aso].lloq_ng_ml: value 5 -> 2",
        "config/methods/m.yaml, plate.reader: value auto -> grid",
    ]


def test_what_cannot_be_read_has_no_cells_and_is_no_crash():
    assert changes_between("config/samples.tsv", b"\xff", b"a\nb\n") == []
    assert changes_between("config/m.yaml", b"a: *b", b"a: 1") == []


def test_changes_come_back_from_their_table():
    changes = [Change("config/samples.tsv", "S1", "comment", "", "two\twords")]
    assert read_changes(text_of(changes)) == [Change("config/samples.tsv", "S1", "comment", "", "two words")]
