"""The workbook holds what the tables hold: numbers as numbers, text as text."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from python_calamine import CalamineWorkbook
from small_study import make_small_study

from bioanalysis.export.columns_of_sheets import Columns, is_number
from bioanalysis.export.sources import STUDY_TABLES
from bioanalysis.export.workbook import MOST_CHARACTERS, number_format, sheet_names, whole_or_cut, write_workbook
from bioanalysis.planning import workflow_folder

pytestmark = pytest.mark.requirement("UR-051")

FLAGS = "flag\tsample_id\tobserved\tvalue\n=cmd|' /C calc'!A1\t007\t+1\t0.123456789012345\n@SUM(1)\t-5\t-x\t\n"


@pytest.fixture
def folder(tmp_path):
    make_small_study(tmp_path)
    (tmp_path / "results/study").mkdir(parents=True)
    (tmp_path / "results/study/flags.tsv").write_text(FLAGS)
    return tmp_path


def add_runs(folder) -> None:
    """Two peaks of one run and one of another, which has a column of its own."""
    texts = {"LC-01": "position\tarea\n1\t10.5\n2\t\n", "EL-01": "position\tarea\tflags\n1\t7.25\tweak\n"}
    for run, text in texts.items():
        (folder / f"results/runs/{run}").mkdir(parents=True)
        (folder / f"results/runs/{run}/peaks.tsv").write_text(text)


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
    assert contents[5][2:] == [2, "results/study/flags.tsv"]


def test_a_table_longer_than_a_sheet_says_that_it_is_cut(folder, monkeypatch):
    monkeypatch.setattr("bioanalysis.export.workbook.MOST_ROWS", 1)  # of the two rows of flags.tsv
    add_runs(folder)
    workbook = book(folder)
    assert len(workbook.get_sheet_by_name("flags").to_python()) == 2
    contents = workbook.get_sheet_by_name("Contents").to_python()
    assert "CUT: the first 1 of 2 rows" in contents[5][1]
    assert "CUT: the first 1 of 3 rows" in contents[6][1]  # of both runs together


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


def gathered(name: str, *cells: str) -> bool:
    columns = Columns()
    for cell in cells:
        columns.take({name: cell})
    return columns.holds_numbers(name)


def test_names_that_look_like_numbers_are_names():
    assert not gathered("sample_id", "7")
    assert not gathered("position", "12")
    assert not gathered("observed", "12", "12 %")
    assert not gathered("observed", "12 %", "12")
    assert not gathered("empty", "", "")
    assert gathered("value", "12", "")


@pytest.mark.parametrize(
    ("cell", "is_one"),
    [("0", True), ("-0.5", True), (".5", True), ("5.", True), ("1e-7", True), ("1.5E+09", True),
     ("123456789012345", True),
     ("007", False), ("1234567890123456", False), ("1e999", False), (".", False), ("-", False), ("", False),
     ("nan", False), ("inf", False), ("1,5", False), ("+1", False), ("\u0661", False), ("=1", False)],
)  # fmt: skip
def test_only_what_a_spreadsheet_keeps_is_a_number(cell, is_one):
    # 16 digits of a whole number do not fit, 007 would become 7, 1e999 is no finite number
    assert is_number(cell) == is_one


def test_the_runs_share_one_sheet_of_each_kind_with_the_run_in_front(folder):
    add_runs(folder)
    workbook = book(folder)
    assert workbook.sheet_names == ["Contents", "flags", "peaks"]
    assert workbook.get_sheet_by_name("peaks").to_python() == [
        ["run_id", "position", "area", "flags"],
        ["LC-01", "1", 10.5, ""], ["LC-01", "2", "", ""], ["EL-01", "1", 7.25, "weak"],
    ]  # fmt: skip
    assert workbook.get_sheet_by_name("Contents").to_python()[6][2:] == [3, "results/runs/<run_id>/peaks.tsv"]


@pytest.mark.parametrize("more", [0, 1, 200_000])
def test_a_text_longer_than_a_cell_says_that_it_is_cut(folder, more):
    comment = "c" * (MOST_CHARACTERS + more)
    (folder / "results/study/flags.tsv").write_text(f"flag\tobserved\nx\t{comment}\n")
    workbook = book(folder)
    shown = workbook.get_sheet_by_name("flags").to_python()[1][1]
    assert len(shown) == MOST_CHARACTERS
    assert shown == (comment if not more else whole_or_cut(comment))
    assert shown.endswith(f"[CUT: {len(comment)} characters]") == bool(more)
    assert ("CUT: cells" in workbook.get_sheet_by_name("Contents").to_python()[5][1]) == bool(more)


@pytest.mark.parametrize("odd", ["\x01\x1f", "_x0041_", "a\u2028b", "\U0001f9ea", "  two  blanks ", "&amp;<b>"])
def test_odd_characters_come_back_as_they_were(folder, odd):
    (folder / "results/study/flags.tsv").write_text(f"flag\tobserved\nx\t{odd}\n", encoding="utf-8")
    assert book(folder).get_sheet_by_name("flags").to_python()[1][1] == odd


def test_no_table_of_the_study_is_made_beside_or_after_the_workbook_that_holds_it(tmp_path):
    make_small_study(tmp_path)
    command = [sys.executable, "-P", "-m", "snakemake", "--snakefile", workflow_folder() / "Snakefile", "--cores", "2"]
    said = subprocess.run(
        [*command, "--directory", tmp_path, "--dry-run", "results/study/report.xlsx"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (inputs,) = re.findall(r"rule export_study:\n +input: (.*)", said)
    tables = {f"results/study/{name}.tsv" for name in STUDY_TABLES if name != "validation"}  # which no study has
    assert tables - set(inputs.split(", ")) == set()
