"""A table keeps its promise, cell by cell, and comes back from its file as it was."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbook import workbook

from bioanalysis.columns import (
    boolean,
    date,
    file_word,
    identifier,
    integer,
    moment,
    nonnegative,
    number,
    one_of,
    positive,
    study_day,
    text,
)
from bioanalysis.sheets import Sheet, read_sheet
from bioanalysis.tables import Table, read_results, write_stretches, write_table, write_whole

pytestmark = pytest.mark.requirement("UR-003")

SAMPLES = Table(
    title="Samples",
    key=("sample_id",),
    families=(positive("nominal_ng_ml", "nominal of one analyte"),),
    columns=(
        identifier("sample_id", "name of the sample", required=True),
        one_of("tissue", "organ", "kidney", "liver", required=True),
        positive("tissue_mass_mg", "mass"),
        positive("dilution_factor", "dilution", default=1.0),
        text("piece", "piece", default="1"),
        text("comment", "remark"),
    ),
)


def sheet(*rows: str, separator: str = "\t") -> Sheet:
    """Return a table drawn with bars; the header is line 1."""
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return Sheet("config/samples.tsv", tuple(cells[0]), 1, cells[1:], list(range(2, len(cells) + 1)), separator)


def said(table: Table, content: Sheet) -> list[str]:
    return [str(fault) for fault in table.check(content)[1]]


def test_columns_are_typed_and_completed():
    frame, faults = SAMPLES.check(sheet("tissue|sample_id|tissue_mass_mg|box", "liver|S1|1.5|b", "kidney|S2||"))
    assert faults == []
    assert list(frame) == ["line", *SAMPLES.names, "box"]
    assert frame["tissue_mass_mg"].tolist()[0] == 1.5
    assert math.isnan(frame["tissue_mass_mg"][1])
    assert frame["dilution_factor"].tolist() == [1.0, 1.0]
    assert frame["piece"].tolist() == ["1", "1"]
    assert frame["comment"].tolist() == ["", ""]
    assert frame["box"].tolist() == ["b", ""]
    assert frame["line"].tolist() == [2, 3]


def test_a_table_of_no_rows_has_its_columns_and_types():
    frame = SAMPLES.empty()
    assert len(frame) == 0
    assert frame.dtypes.astype(str).tolist() == ["int64", "str", "str", "float64", "float64", "str", "str"]


def test_every_bad_cell_is_listed():
    faults = said(
        SAMPLES,
        sheet("sample_id|tissue|tissue_mass_mg|dilution_factor", "S1|Liver|0|1", "|spleen|abc|-2", "S1|liver|1,5|"),
    )
    assert sorted(faults) == [
        "line 2, tissue: 'Liver'; expected one of kidney, liver (did you mean 'liver'?)",
        "line 2, tissue_mass_mg: '0'; expected a number greater than 0",
        "line 3, dilution_factor: '-2'; expected a number greater than 0",
        "line 3, sample_id: empty; expected the name of the sample",
        "line 3, tissue: 'spleen'; expected one of kidney, liver",
        "line 3, tissue_mass_mg: 'abc'; expected a number greater than 0",
        "line 4, sample_id: repeats 'S1' of line 2; expected each once",
        "line 4, tissue_mass_mg: '1,5'; expected a number greater than 0; a point is the decimal sign here",
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("sample_id", "line 1, tissue: no such column; expected a column with the organ"),
        ("sample_id|tissue|tissue_mass_g", "line 1, tissue_mass_g: unknown column (did you mean 'tissue_mass_mg'?)"),
        ("sample_id|tissue|Comment", "line 1, Comment: unknown column (did you mean 'comment'?)"),
        ("sample_id|tissue|Tissue", "line 1, Tissue: a column twice, but for capitals"),
        ("sample_id|tissue|line", "line 1, line: a name kept for the number of the line"),
        (
            "sample_id|tissue|nominal_ng_ml(x)",
            "line 1, nominal_ng_ml(x): unknown column; expected nominal_ng_ml[<analyte>]",
        ),
    ],
)
def test_a_column_that_cannot_be_meant_is_refused(header, message):
    assert any(fault.startswith(message) for fault in said(SAMPLES, sheet(header)))


def test_a_column_unlike_any_known_is_kept():
    assert said(SAMPLES, sheet("sample_id|tissue|thawed_by")) == []


def test_covariates_are_welcome_whatever_their_names():
    subjects = Table("Subjects", (identifier("subject_id", "animal"), text("group", "group")), covariates=True)
    assert said(subjects, sheet("subject_id|groups", "A1|x")) == []


class TestDecimalSign:
    head = "sample_id|tissue|tissue_mass_mg|comment"

    def test_a_comma_counts_where_semicolons_separate(self):
        frame, faults = SAMPLES.check(sheet(self.head, "S1|liver|1,5|1,5", "S2|liver|-,5e1|", separator=";"))
        assert frame["tissue_mass_mg"][0] == 1.5
        assert frame["comment"][0] == "1,5"  # text stays text
        assert [fault.found for fault in faults] == ["'-,5e1'"]  # a number, but not above 0

    def test_a_point_counts_there_too(self):
        assert SAMPLES.check(sheet(self.head, "S1|liver|1.5|", separator=";"))[0]["tissue_mass_mg"][0] == 1.5

    def test_both_in_one_file_are_not_guessed_at(self):
        assert said(SAMPLES, sheet(self.head, "S1|liver|1,5|", "S2|liver|1.234|", separator=";")) == [
            "line 3, tissue_mass_mg: '1.234' with a point; expected a comma as in the other numbers of this file"
        ]

    @pytest.mark.parametrize("cell", ["1.234,5", "1,234.5", "1 234", "1'234", "12,", ","])
    def test_thousands_are_not_marked(self, cell):
        assert len(said(SAMPLES, sheet(self.head, f"S1|liver|{cell}|", separator=";"))) == 1


COLUMNS = [
    (number("x", "number"),
     ["0", "-1.5", "+2", ".5", "5.", "1e3", "1E-3"], ["x", "nan", "inf", "1e999", "1_0", "0x1", "٣", "--1"]),
    (positive("x", "number"), ["0.1"], ["0", "-1"]),
    (nonnegative("x", "number"), ["0", "1"], ["-0.1"]),
    (integer("x", "count"), ["3", "3.0", "-3"], ["3.5"]),
    (integer("x", "count", least=0), ["0"], ["-1"]),
    (study_day("x", "day"), ["1", "-1", "29", "36500", "-36500"], ["0", "1.5", "36501", "-36501", "1e300"]),
    (boolean("x", "flag"), ["true", "FALSE"], ["yes", "1"]),
    (date("x", "day"), ["2026-02-28", "1900-01-01", "2199-12-31"],
     ["2026-02-29", "1899-12-31", "2200-01-01", "28.02.2026", "02/28/2026",
      "20260228", "2026-2-28", "2026-02-28T10:00"]),
    (moment("x", "time"), ["2026-02-28", "2026-02-28T10:00", "2026-02-28 10:00:01.5", "2026-02-28T10:00Z",
                           "2026-02-28T10:00:00+02:00"], ["10:00", "0001-01-01", "2026-02-28T25:00", "2026-W09-1"]),
    (file_word("x", "name"), ["LC-01", "_a.b"], [".a", "-a", "a/b", "..", "a b", "ä", "x" * 101]),
    (identifier("x", "name"), ["S 1/ä#"], ["a\x00", "a\nb", "a\u2028b"]),
    (text("x", "remark"), ["a\nb"], ["a\x07"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "cell", "fits"),
    [
        (column, cell, fits)
        for column, good, bad in COLUMNS
        for cells, fits in ((good, True), (bad, False))
        for cell in cells
    ],
)
def test_a_cell_is_what_its_column_says(column, cell, fits):
    assert (said(Table("t", (column,)), Sheet("t.tsv", ("x",), 1, [[cell]], [2])) == []) == fits


def test_a_day_no_study_has_is_named_with_how_far_days_may_reach():
    far = Sheet("config/samples.tsv", ("collection_day",), 1, [["1e300"]], [2])
    expected = "line 2, collection_day: '1e300'; expected a study day from -36500 to 36500"
    assert said(Table("Samples", (study_day("collection_day", "day"),)), far)[0].endswith(expected)


def test_line_breaks_inside_text_become_spaces():
    frame, _ = Table("t", (text("x", ""),)).check(Sheet("t.tsv", ("x",), 1, [["a\r\nb"]], [2]))
    assert frame["x"].tolist() == ["a b"]


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
ROWS = st.lists(
    st.tuples(
        names, st.sampled_from(["kidney", "liver"]), st.floats(1e-300, 1e300), st.none() | st.floats(1e-3, 1e6), names
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row[0],
)
HEAD = ["sample_id", "tissue", "tissue_mass_mg", "dilution_factor", "comment"]


def as_text(cell: object) -> str:
    return "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_a_table_means_the_same_as_tsv_csv_and_xlsx(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("tables")
    frames = []
    for ending, separator in ((".tsv", "\t"), (".csv", ","), (".csv", ";")):
        quoted = [[f'"{as_text(cell).replace(chr(34), 2 * chr(34))}"' for cell in row] for row in rows]
        path = folder / f"samples{ending}"
        path.write_text("\n".join(separator.join(row) for row in [HEAD, *quoted]), encoding="utf-8")
        frames.append(SAMPLES.check(read_sheet(path, path.name)))
    (folder / "samples.xlsx").write_bytes(workbook([HEAD, *rows]))
    frames.append(SAMPLES.check(read_sheet(folder / "samples.xlsx", "samples.xlsx")))
    for frame, faults in frames:
        assert faults == []
        pd.testing.assert_frame_equal(frame, frames[0][0])


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.floats(allow_infinity=False), min_size=1, max_size=8),
    words=st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=8), min_size=8, max_size=8),
)
def test_what_is_written_is_read_back_to_the_last_bit(tmp_path_factory, values, words):
    path = tmp_path_factory.mktemp("results") / "table.tsv"
    frame = pd.DataFrame({"value": values, "word": pd.Series(words[: len(values)], dtype="str")})
    write_table(frame, path)
    again = read_results(path, numeric=["value"])
    assert [v.hex() for v in again["value"]] == [v.hex() for v in frame["value"]]
    one_line = [" ".join(w.splitlines()) if set(w) & {"\u2028", "\u2029"} else w for w in frame["word"]]
    assert again["word"].tolist() == one_line


def test_the_form_of_a_written_table(tmp_path):
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [0.1, np.nan],
            "ok": [True, False],
            "word": ['a\tb\nc"', None],
            "mixed": pd.Series([1.5, "ALQ"], dtype=object),
        }
    )
    write_table(frame, tmp_path / "new/table.tsv")
    written = (tmp_path / "new/table.tsv").read_bytes()
    assert written == b'n\tx\tok\tword\tmixed\n1\t0.1\ttrue\t"a b c"""\t1.5\n2\t\tfalse\t\tALQ\n'
    again = read_results(tmp_path / "new/table.tsv", numeric=["n", "x"])
    assert again["word"].tolist() == ['a b c"', ""]
    assert again["ok"].tolist() == ["true", "false"]
    assert again.columns.tolist() == ["n", "x", "ok", "word", "mixed"]


def test_a_table_written_in_stretches_has_one_header(tmp_path):
    path = tmp_path / "t.tsv"
    write_stretches((pd.DataFrame({"x": [number], "word": "a"}) for number in (1, 2)), path)
    assert path.read_bytes() == b"x\tword\n1\ta\n2\ta\n"
    write_stretches([pd.DataFrame({"x": [], "word": []})], path)
    assert path.read_bytes() == b"x\tword\n"


def test_stretches_that_cannot_be_made_leave_the_table_before(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("old")
    with pytest.raises(ValueError, match="x is infinite"):
        write_stretches((pd.DataFrame({"x": [number]}) for number in (1.0, math.inf)), path)
    assert path.read_text() == "old"


def test_an_infinite_number_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="x is infinite"):
        write_table(pd.DataFrame({"x": [math.inf]}), tmp_path / "t.tsv")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")
    with pytest.raises(TypeError):
        write_whole(path, None)
    assert path.read_text() == "old"
    write_whole(path, b"new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["table.tsv"]
