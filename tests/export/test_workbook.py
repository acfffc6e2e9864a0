"""The workbook holds what the tables hold: numbers as numbers, text as text."""

from __future__ import annotations

import pytest
from python_calamine import CalamineWorkbook
from small_study import make_small_study

from bioanalysis.export.workbook import is_numeric, number_format, sheet_names, write_workbook

pytestmark = pytest.mark.requirement("UR-051")

FLAGS = "flag\tsample_id\tobserved\tvalue\n=cmd|' /C calc'!A1\t007\t+1\t0.123456789012345\n@SUM(1)\t-5\t-x\t\n"


@pytest.fixture
def folder(tmp_path):
    make_small_study(tmp_path)
    (tmp_path / "results/study").mkdir(parents=True)
    (tmp_path / "results/study/flags.tsv").write_text(FLAGS)
    return tmp_path


def book(folder) -> CalamineWorkbook:
    write_workbook(folder, folder / "report.xlsx")
    return CalamineWorkbook.from_path(str(folder / "report.xlsx"))


def test_text_stays_text_whatever_it_begins_with(folder):
    rows = book(folder).get_sheet_by_name("flags").to_python()
    assert rows[1] == ["=cmd|' /C calc'!A1", "007", "+1", 0.123456789012345]
    assert rows[2] == ["@SUM(1)", "-5", "-x", ""]


@pytest.mark.requirement("UR-054")
def test_no_cell_is_a_formula(folder):
    import zipfile

    write_workbook(folder, folder / "report.xlsx")
    with zipfile.ZipFile(folder / "report.xlsx") as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
    assert sheets
    assert not any(b"<f>" in sheet for sheet in sheets)


def test_the_contents_name_every_sheet_and_its_file(folder):
    workbook = book(folder)
    contents = workbook.get_sheet_by_name("Contents").to_python()
    listed = [row[0] for row in contents[5:]]
    assert listed == workbook.sheet_names[1:] == ["flags"]
    assert contents[5][2] == "results/study/flags.tsv"


def test_a_table_longer_than_a_sheet_says_that_it_is_cut(folder, monkeypatch):
    monkeypatch.setattr("bioanalysis.export.workbook.MOST_ROWS", 1)  # of the two rows of flags.tsv
    workbook = book(folder)
    assert len(workbook.get_sheet_by_name("flags").to_python()) == 2
    assert "CUT: the first 1 of 2 rows" in workbook.get_sheet_by_name("Contents").to_python()[5][1]


def test_the_same_results_give_the_same_bytes(folder):
    for name in ("one.xlsx", "two.xlsx"):
        write_workbook(folder, folder / name)
    assert (folder / "one.xlsx").read_bytes() == (folder / "two.xlsx").read_bytes()


def test_sheet_names_are_short_plain_and_unique():
    names = sheet_names(["a/b", "A:B", "x" * 40, "x" * 41, "contents"])
    assert names[:2] == ["a_b", "A_B~2"]
    assert len({name.lower() for name in names}) == 5
    assert max(map(len, names)) <= 31


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("0.0123", "0.0000"), ("1.5", "0.00"), ("12.34", "0.0"), ("1234.5", "0"), ("29", "0"), ("0.0", "0.00"),
     ("0.00001", "0.00E+00"), ("1e9", "0.00E+00")],
)  # fmt: skip
def test_three_digits_are_shown(cell, shown):
    assert number_format(cell) == shown


def test_names_that_look_like_numbers_are_names():
    assert not is_numeric("sample_id", ["007"])
    assert not is_numeric("position", ["12"])
    assert not is_numeric("observed", ["12", "12 %"])
    assert is_numeric("value", ["12", ""])
