"""The two plain forms: tidy and grid."""

import math
import string

import pytest

from bioanalysis.errors import BatchError
from bioanalysis.instruments.plates import read_plates

pytestmark = pytest.mark.requirement("UR-002")


def grid(rows=8, columns=12, value="{:.3f}", sign=",", skip=""):
    """A plate whose well in row r, column c (both from 0) holds r + c / 100."""
    lines = [sign.join(["", *map(str, range(1, columns + 1))])]
    for r, letter in enumerate(string.ascii_uppercase[:rows]):
        lines.append(sign.join([letter, *(value.format(r + c / 100) for c in range(columns))]))
    return "\n".join(line for line in lines if not (skip and line.startswith(skip))) + "\n"


@pytest.fixture
def read(tmp_path):
    def read_text(text, suffix=".csv", encoding="utf-8", **settings):
        path = tmp_path / f"plate{suffix}"
        path.write_bytes(text.encode(encoding))
        return read_plates(path, name="raw/plate", **settings)

    return read_text


def wells_of(reading, plate=None):
    wells = reading.wells if plate is None else reading.wells[reading.wells["plate"] == plate]
    return wells.set_index("well")["signal"]


def test_a_tidy_file_needs_no_more_than_well_and_signal(read):
    reading = read("well,signal\nA1,0.5\nh12,1e-1\n")
    assert reading.reader == "tidy"
    assert wells_of(reading).to_dict() == {"A1": 0.5, "H12": 0.1}
    assert set(reading.wells["plate"]) == {"1"}
    assert reading.wells["wavelength_nm"].isna().all()


def test_a_tidy_file_may_hold_plates_and_wavelengths(read):
    reading = read(
        "plate\twell\twavelength_nm\tsignal\nP1\tA1\t450\t1.2\nP1\tA1\t650\t0.2\nP2\tA1\t450\t0.7\n", suffix=".tsv"
    )
    assert reading.plates == ("P1", "P2")
    assert reading.wells["wavelength_nm"].tolist() == [450, 650, 450]
    assert reading.wells["signal"].tolist() == [1.2, 0.2, 0.7]


def test_columns_that_are_not_read_are_named(read):
    assert read("well,signal,comment\nA1,1,spilt\n").unread == ("column 'comment' (line 1)",)


@pytest.mark.parametrize(
    ("there", "word"),
    [
        ("OVRFLW", "OVRFLW"),
        ("Range?", "Range?"),
        ("Masked", "Masked"),
        ("?????", "?????"),
        (">3.5", ">3.5"),
        ("NaN", "NaN"),
        ("", "empty"),
        ("*0.356*", "Masked *0.356*"),
    ],
)
def test_a_well_without_a_number_keeps_its_word(read, there, word):
    well = read(f"well,signal\nA1,{there}\nA2,1\n").wells.iloc[0]
    assert math.isnan(well["signal"])
    assert well["word"] == word


def test_text_that_is_no_word_of_a_reader_is_a_fault_with_its_line(read):
    with pytest.raises(BatchError, match=r"line 3, signal: well A2 holds 'about 1'; expected a number, or a word"):
        read("well,signal\nA1,1\nA2,about 1\n")


@pytest.mark.parametrize("text", ["inf", "-inf", "1_000", "0x1p3", "1e999", "٣"])
def test_what_only_python_calls_a_number_is_none(read, text):
    with pytest.raises(BatchError, match="well A1 holds"):
        read(f"well,signal\nA1,{text}\n")


def test_a01_and_a1_are_the_same_well(read):
    with pytest.raises(
        BatchError, match=r"line 4, signal: well A1 of plate 1 has a second value \(the first: line 2\)"
    ):
        read("well,signal\nA01,1\nB1,2\nA1,1\n")


def test_all_faults_are_told_at_once(read):
    with pytest.raises(BatchError) as error:
        read("well,signal\nA1,x\nZ9,1\nA13,2\nA0,2\nA25,2\nB1,1\nB1,2\n")
    assert [fault.line for fault in error.value.faults] == [2, 3, 5, 6, 8]


def test_a_thousand_faults_are_told_in_two_hundred_lines(read):
    with pytest.raises(BatchError) as error:
        read("well,signal\n" + "Z9,1\n" * 1000)
    assert len(error.value.faults) == 201
    assert "1799 more faults" in str(error.value)  # 1000 wells that are none, 999 of them repeated, 200 shown


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (16, 24)])
@pytest.mark.parametrize(("sign", "suffix"), [(",", ".csv"), ("\t", ".tsv"), (";", ".csv")])
def test_a_grid_is_read_well_by_well(read, rows, columns, sign, suffix):
    reading = read(grid(rows, columns, sign=sign), suffix)
    signals = wells_of(reading)
    assert reading.reader == "grid"
    assert len(signals) == rows * columns
    assert signals["A1"] == 0
    assert signals["C7"] == 2.06
    assert signals[f"{string.ascii_uppercase[rows - 1]}{columns}"] == rows - 1 + (columns - 1) / 100


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings_of_spreadsheets_are_read(read, encoding):
    assert wells_of(read(grid(), encoding=encoding))["B2"] == 1.01


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_decimal_comma_is_read_where_cells_are_not_parted_by_commas(read, sign):
    text = grid(sign=sign).replace(".", ",")
    assert wells_of(read(text))["C7"] == 2.06


def test_a_comma_that_could_part_thousands_is_refused(read):
    with pytest.raises(BatchError, match=r"the number is '1,234'; expected one decimal sign throughout"):
        read("well;signal\nA1;1,234\nA2;2\n")


def test_decimal_comma_and_point_in_one_file_are_refused(read):
    with pytest.raises(BatchError, match="one decimal sign throughout"):
        read("well;signal\nA1;0,5\nA2;0.5\n")


def test_several_grids_are_named_by_the_line_above(read):
    reading = read(f"Plate: P7\n{grid()}\nP8\n{grid(value='{:.1f}')}")
    assert reading.plates == ("P7", "P8")
    assert wells_of(reading, "P7")["A12"] == 0.11
    assert wells_of(reading, "P8")["A12"] == 0.1


def test_grids_without_a_name_are_counted(read):
    assert read(f"{grid()}\n{grid()}").plates == ("1", "2")


def test_two_grids_of_one_plate_differ_by_wavelength(read):
    reading = read(f"P1 450 nm\n{grid()}\nP1 650 nm\n{grid()}")
    assert reading.plates == ("P1",)
    assert sorted(set(reading.wells["wavelength_nm"])) == [450, 650]


def test_two_grids_of_one_name_hold_two_values_for_each_well(read):
    with pytest.raises(BatchError, match="well A1 of plate P1 has a second value"):
        read(f"P1\n{grid()}\nP1\n{grid()}")


def test_text_around_a_grid_is_listed_as_unread(read):
    reading = read(f"ELISA of May,by AB\n\nP1\n{grid()}\nread at noon\n")
    assert reading.plates == ("P1",)
    assert reading.unread == ("line 1: ELISA of May by AB", "line 14: read at noon")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (grid(7, 12), r"line 1: a grid of 7 rows \(ABCDEFG\) by 12 columns; expected a whole plate of 8 rows by 12"),
        (grid(8, 11), "a grid of 8 rows"),
        (grid(9, 12), "a grid of 9 rows"),
        (grid(skip="D"), "a grid of 7 rows"),
        (grid().replace("\nC,", "\nK,"), "line 1: row letters ABKDEFGH; expected ABCDEFGH, in this order"),
        (grid()[:-20], r"line 9: row H holds 9 of 12 values"),
        (grid().replace("0.110\n", "0.110,5\n"), "line 2: '5' stands beyond column 12"),
        (grid().replace("\nC,", "\n,"), "line 4: a line of values without row letter"),
    ],
)
def test_a_grid_that_is_no_whole_plate_is_refused(read, text, message):
    with pytest.raises(BatchError, match=message):
        read(text)
