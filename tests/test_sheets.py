"""Cells come out of a file as a person sees them there, or the file is refused."""

from __future__ import annotations

import random

import pytest
from workbook import workbook

from bioanalysis.errors import BatchError
from bioanalysis.sheets import Sheet, find_sheet, read_sheet
from bioanalysis.text_files import AS_UTF8

pytestmark = pytest.mark.requirement("UR-003")

ROWS = [["id", "mass", "note"], ["S1", "1.5", "a;b, c"], ["S2", "", ""]]


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, name: str = "samples.tsv") -> Sheet:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_sheet(path, f"config/{name}")

    return read


@pytest.fixture
def refusal(read):
    def refusal(content: str | bytes, name: str = "samples.tsv") -> list[str]:
        with pytest.raises(BatchError) as error:
            read(content, name)
        return [str(fault) for fault in error.value.faults]

    return refusal


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("separator", "name"), [("\t", "samples.tsv"), (",", "samples.csv"), (";", "samples.csv"), ("\t", "samples.csv")]
)
def test_one_table_in_many_spellings(read, bom, end, separator, name):
    quoted = [[f'"{cell}"' if ";" in cell or "," in cell else f" {cell} " for cell in row] for row in ROWS]
    sheet = read(bom + end.join(separator.join(row) for row in quoted), name)
    assert [list(sheet.header), *sheet.rows] == ROWS
    assert sheet.lines == [2, 3]
    assert sheet.decimal_comma == (separator == ";")


def test_blank_lines_are_skipped_and_counted(read):
    sheet = read("\n\nid\tmass\n\nS1\t1\n\t\nS2\t2\n\n")
    assert (sheet.header_line, sheet.lines) == (3, [5, 7])


def test_a_cell_of_two_lines_does_not_shift_the_count(read):
    sheet = read('id,note\nS1,"one\ntwo"\nS2,x\n', "samples.csv")
    assert sheet.lines == [2, 4]
    assert sheet.rows[0] == ["S1", "one\ntwo"]


def test_short_rows_are_filled_and_empty_cells_too_many_are_no_fault(read):
    sheet = read("id\tmass\t\t\nS1\nS2\t2\t\t\t\n")
    assert sheet.header == ("id", "mass")
    assert sheet.rows == [["S1", ""], ["S2", "2"]]


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("", ["empty; expected a header line with column names"]),
        ("id\tmass\tid\n", ["line 1, id: a column twice; expected each column once"]),
        ("id\t\tmass\n", ["line 1: column 2 has no name; expected a name in each cell of the header"]),
        ("id\tmass\nS1\t1\t2\nS2\t1\nS3\t1\t\t3\n", [
            "line 2: 3 cells; expected at most 2, as in the header",
            "line 4: 4 cells; expected at most 2, as in the header",
        ]),
        ('id\tmass\nS1\t"1\n', ["line 2: cells that cannot be told apart (unexpected end of data)"]),
        ("id\nS1\n\xe9".encode("latin-1"), [f"line 3: byte 0xe9 is not UTF-8; expected {AS_UTF8}"]),
        ("id\nS1\n".encode("utf-16-le"), ["not UTF-8 (it looks like UTF-16 or a binary file)"]),
        ("id\n" + "x" * 200_000, ["line 2: cells that cannot be told apart (field larger"]),
    ],
    ids=["empty", "twice", "nameless", "too many", "quote", "latin-1", "utf-16", "endless"],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_refused(refusal, content, faults):
    assert [said.startswith(fault) for said, fault in zip(refusal(content), faults, strict=True)] == [True] * len(
        faults
    )


class TestWorkbook:
    """A spreadsheet is read as if it had been saved as text."""

    def test_cells_are_what_a_person_would_have_typed(self, read):
        sheet = read(
            workbook([["id", "mass", "ok", "n"], ["S1", 0.1, True, 3], [None], ["007", 1e-9, False, "x & y"]]), "s.xlsx"
        )
        assert sheet.rows == [["S1", "0.1", "true", "3"], ["007", "1e-09", "false", "x & y"]]
        assert sheet.lines == [2, 4]
        assert not sheet.decimal_comma

    def test_dates_are_written_as_iso(self, read):
        # spreadsheets count days: 45000 is 2023-03-15, 45000.25 six o'clock
        cells = '<c r="A2" s="1"><v>45000</v></c><c r="B2" s="2"><v>45000.25</v></c><c r="C2" s="2"><v>45000</v></c>'
        head = "".join(f'<c r="{letter}1" t="inlineStr"><is><t>{letter}</t></is></c>' for letter in "ABC")
        sheet = read(workbook(f'<row r="1">{head}</row><row r="2">{cells}</row>'), "s.xlsx")
        assert sheet.rows == [["2023-03-15", "2023-03-15T06:00:00", "2023-03-15"]]

    def test_rows_keep_their_numbers_wherever_the_table_begins(self, read):
        xml = '<row r="4"><c r="C4" t="inlineStr"><is><t>id</t></is></c></row><row r="9"><c r="C9"><v>1</v></c></row>'
        with pytest.raises(BatchError, match="line 4: column 1 has no name"):
            read(workbook(xml), "s.xlsx")
        sheet = read(workbook(xml.replace('"C', '"A')), "s.xlsx")
        assert (sheet.header_line, sheet.lines) == (4, [9])

    def test_two_sheets_are_refused(self, refusal):
        assert refusal(workbook(ROWS, ROWS), "s.xlsx") == ["2 sheets (Sheet1, Sheet2); expected exactly one sheet"]

    @pytest.mark.parametrize(
        ("cell", "found"),
        [
            ('<c r="B7" t="e"><v>#N/A</v></c>', "an error such as #N/A"),
            ('<c r="B7"><f>A1+1</f></c>', "a formula without a stored result"),
            ('<c r="B7"><f>A1+1</f><v></v></c>', "a formula without a stored result"),
            ('<c r="B7"><f>A1+1</f><v/></c>', "a formula without a stored result"),
        ],
    )
    def test_a_cell_that_would_read_as_empty_is_refused(self, refusal, cell, found):
        assert refusal(workbook(f'<row r="7">{cell}</row>'), "s.xlsx") == [
            f"line 7, column B: {found}; expected a value"
        ]

    def test_a_formula_with_its_result_is_a_value(self, read):
        head = '<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>'
        assert read(workbook(head + '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'), "s.xlsx").rows == [["2"]]

    def test_a_stray_cell_far_away_does_not_fill_the_memory(self, refusal):
        far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        assert refusal(workbook(far), "s.xlsx") == [
            "cells as far as row 1048576 and column 16384; "
            "expected a sheet without stray cells far below or to the right"
        ]

    def test_a_damaged_workbook_is_refused_or_read_and_nothing_else(self, read):
        whole, chance = workbook(ROWS), random.Random(20260301)
        for _ in range(300):
            damaged = bytearray(whole[: chance.randrange(len(whole)) if chance.random() < 0.3 else None])
            for _ in range(min(len(damaged), 3)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                read(bytes(damaged), "s.xlsx")
            except BatchError:
                continue


def test_one_table_has_one_file(tmp_path):
    assert find_sheet(tmp_path, "samples") is None
    (tmp_path / "samples.csv").write_text("id\n")
    assert find_sheet(tmp_path, "samples") == tmp_path / "samples.csv"
    (tmp_path / "samples.xlsx").write_text("")
    with pytest.raises(BatchError, match=r"samples.csv, samples.xlsx; expected one of them"):
        find_sheet(tmp_path, "samples")


def test_lines_of_empty_cells_count_for_nothing(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text("sample_id,tissue\nS1,liver\n" + ",,,,,,,,,\n" * 600_000 + "S2,kidney\n")  # 6 million empty cells
    sheet = read_sheet(path, "samples.csv")
    assert (sheet.rows, sheet.lines) == ([["S1", "liver"], ["S2", "kidney"]], [2, 600_003])
