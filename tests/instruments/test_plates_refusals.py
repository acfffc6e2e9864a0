"""Files that are no plate files, workbooks good and bad, and names of formats."""

import io
import os
import string
import zipfile
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bioanalysis.errors import BatchError
from bioanalysis.instruments.plates import PlateReading, read_plates

pytestmark = pytest.mark.requirement("UR-003")

ROOT = "http://schemas.openxmlformats.org"
MAIN = f"{ROOT}/spreadsheetml/2006/main"
RELATION = f"{ROOT}/officeDocument/2006/relationships"


def sheet_xml(rows):
    """A sheet whose cells are numbers or text, each with its reference; None leaves a cell out."""
    lines = []
    for r, row in enumerate(rows, start=1):
        cells = []
        for letter, value in zip(string.ascii_uppercase, row, strict=False):
            if isinstance(value, str):
                cells.append(f'<c r="{letter}{r}" t="inlineStr"><is><t>{escape(value)}</t></is></c>')
            elif value is not None:
                cells.append(f'<c r="{letter}{r}"><v>{value!r}</v></c>')
        lines.append(f'<row r="{r}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(**sheets):
    """Bytes of an .xlsx with one sheet per name; a sheet is rows or its XML."""
    names = list(sheets)
    entries = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(names, 1))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{RELATION}/worksheet" Target="worksheets/s{i}.xml"/>'
        for i in range(1, len(names) + 1)
    )
    package = f"{ROOT}/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r0" '
        f'Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets>{entries}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
    }
    for i, rows in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/s{i}.xml"] = rows if isinstance(rows, str) else sheet_xml(rows)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def grid(offset=0.0):
    """Rows of a plate whose well in row r, column c (both from 0) holds offset + r + c / 100."""
    rows = [[letter, *[offset + r + c / 100 for c in range(12)]] for r, letter in enumerate("ABCDEFGH")]
    return [["", *map(float, range(1, 13))], *rows]


@pytest.fixture
def refused(tmp_path):
    """Return the message with which a content is refused."""

    def message(content, name="plate.csv", **wanted):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(BatchError) as error:
            read_plates(path, name=f"raw/{name}", **wanted)
        assert str(error.value).startswith(f"raw/{name} cannot be used:")
        return str(error.value)

    return message


@pytest.fixture
def read(tmp_path):
    def read_content(content, name="plate.xlsx", **wanted):
        path = tmp_path / name
        path.write_bytes(content)
        return read_plates(path, name=f"raw/{name}", **wanted)

    return read_content


def test_a_tidy_workbook(read):
    rows = [["A1", 0.1 + 0.2, "P1"], ["B01", "OVRFLW", "P1"], ["C1", None, "P1"]]
    reading = read(workbook(Plate=[["Well", "Signal", "plate"], *rows]))
    assert reading.reader == "tidy"
    assert reading.wells["signal"].iloc[0] == 0.1 + 0.2
    assert reading.wells["word"].tolist() == ["", "OVRFLW", "empty"]


def test_a_workbook_of_grids_names_plates_by_sheet(read):
    reading = read(workbook(P1=grid(), P2=grid(10.0), Notes=[["by AB"]]))
    assert reading.plates == ("P1", "P2")
    signals = reading.wells.set_index(["plate", "well"])["signal"]
    assert signals["P1", "C7"] == 2.06
    assert signals["P2", "C7"] == 12.06
    assert reading.unread == ("sheet 'Notes', line 1: by AB",)


def test_numbers_stored_as_text_with_a_comma_are_read(read):
    assert read(workbook(P=[["well", "signal"], ["A1", "0,5"]])).wells["signal"].tolist() == [0.5]


def test_a_cell_of_text_in_a_workbook_is_a_fault(refused):
    assert "line 2, signal: well A1 holds 'tall'" in refused(workbook(P=[["well", "signal"], ["A1", "tall"]]), "p.xlsx")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "p.csv", "the file is empty"),
        (b"\xef\xbb\xbf \r\n", "p.csv", "the file is empty"),
        (b"well,signal\nA1,1\x00\n", "p.csv", "line 2: a byte 0x00, which no text holds"),
        (bytes(1000), "p.csv", "a byte 0x00"),
        ("well,signal\nA1,1\n".encode("utf-16")[:-1], "p.csv", "UTF-16 text is damaged or cut short"),
        (b"%PDF-1.7\n\x01\x02", "p.csv", "a byte 0x01"),
        (b"well,signal\n", "p.csv", "no readings"),
        (b"a,b\n1,2\n", "p.csv", "no plate file of a known format; expected one of tidy, grid, softmax, gen5"),
        (b"not a zip", "p.xlsx", "named like a workbook but is none"),
        (b"PK\x03\x04 no directory", "p.xlsx", "the workbook is damaged"),
        (workbook(P=grid())[:-200], "p.xlsx", "the workbook is damaged"),
        (workbook(P=[]), "p.xlsx", "the workbook is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "p.xlsx", "an old .xls or a password-protected workbook"),
        (b"one line of " + b"," * 200_000, "p.csv", "no plate file of a known format"),
        (b"A1,1\n" * 200_001, "p.csv", "the file has 200002 lines"),
        (b'"' + b"x" * 200_000, "p.csv", "lines that cannot be split into cells"),
    ],
)
def test_what_is_no_plate_file_is_refused_in_words(refused, content, name, message):
    assert message in refused(content, name)


def test_a_zip_that_is_no_workbook_is_refused(refused):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert "a zip archive but no .xlsx workbook" in refused(buffer.getvalue(), "p.xlsx")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BatchError, match="there is no such file"):
            read_plates(path, name="raw/none.csv")


def test_five_gigabytes_are_refused_unread(tmp_path):
    path = tmp_path / "huge.csv"
    path.touch()
    os.truncate(path, 5_000_000_000)  # sparse: takes no room on the disk
    with pytest.raises(BatchError, match=r"the file has 5000 MB; expected a plate-reader export of at most 50 MB"):
        read_plates(path, name="raw/huge.csv")


@pytest.mark.requirement("UR-063")
def test_a_workbook_packed_to_burst_is_refused(refused):
    bomb = workbook(P=f'<worksheet xmlns="{MAIN}">{" " * 210_000_000}</worksheet>')
    assert len(bomb) < 1_000_000
    assert "the workbook would unpack to 210 MB; expected a workbook of at most 200 MB" in refused(bomb, "p.xlsx")


def test_a_workbook_that_lies_about_its_size_is_refused(refused):
    honest = workbook(P=grid())
    name = b"xl/worksheets/s1.xml"
    start = honest.rindex(name) - 46  # entry of the directory at the end; bytes 24 to 28 declare the unpacked size
    lying = honest[: start + 24] + (10).to_bytes(4, "little") + honest[start + 28 :]
    assert "the workbook is damaged" in refused(lying, "p.xlsx")


def test_a_sheet_with_one_far_cell_is_refused_before_it_fills_the_memory(refused):
    far = sheet_xml(grid()).replace("</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    assert "spans 1048576 rows by 16384 columns; expected a sheet of at most" in refused(workbook(P=far), "p.xlsx")


def test_the_name_of_a_format_must_be_known_and_fit(refused):
    assert "plate.reader is 'gen6'; expected auto, or one of tidy, grid" in refused(
        b"well,signal\nA1,1\n", reader="gen6"
    )
    text = refused(b"well,signal\nA1,1\n", reader="softmax")
    assert "it is no file of format softmax; it looks like tidy; expected a softmax file, or auto" in text


def test_a_format_named_rightly_is_read(read):
    assert read(b"well,signal\nA1,1\n", "p.csv", reader="tidy").reader == "tidy"


def test_a_wavelength_the_file_lacks_is_refused(refused):
    content = b"well,wavelength_nm,signal\nA1,450,1\n"
    text = refused(content, wavelength_nm=450, reference_wavelength_nm=650)
    assert "readings at 450 nm; expected readings at 650 nm too" in text


def test_a_wavelength_that_is_none_is_refused(refused):
    assert "wavelength_nm is 'red'" in refused(b"well,wavelength_nm,signal\nA1,red,1\n")
    assert "wavelength_nm is '-450'" in refused(b"well,wavelength_nm,signal\nA1,-450,1\n")


def answered(path):
    """Tell whether a file was read, or refused with faults; any other error is ours."""
    try:
        return isinstance(read_plates(path, name=path.name), PlateReading)
    except BatchError as error:
        return len(error.faults) > 0


SEED = b"well,signal\nA1,0.5\nB2,OVRFLW\n"


@given(st.binary(max_size=300), st.integers(0, len(SEED)), st.integers(0, 40))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_the_answer_is_a_reading_or_a_refusal(tmp_path, content, place, length):
    path = tmp_path / "any.csv"
    path.write_bytes(SEED[:place] + content + SEED[place + length :])
    assert answered(path)


@given(st.integers(0, 10**6), st.integers(0, 255))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_workbook_with_one_byte_changed_is_read_or_refused(tmp_path, place, byte):
    content = bytearray(workbook(P=grid()))
    content[place % len(content)] = byte
    path = tmp_path / "any.xlsx"
    path.write_bytes(bytes(content))
    assert answered(path)


def wells_of_a_plate(*more):
    names = [f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)]
    return "well,signal\n" + "".join(f"{name},0.5\n" for name in [*names, *more])


def test_a_well_beyond_a_96_well_plate_is_refused_among_96(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(wells_of_a_plate("I13"))
    with pytest.raises(BatchError, match=r"line 98: plate 1 holds I13, beyond a plate of 96 wells; expected A1 to H12"):
        read_plates(path, name="p.csv")
    assert len(read_plates(path, name="p.csv", wells=384).wells) == 97


def test_a_384_well_plate_is_refused_where_the_method_says_96(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("well,signal\nA1,0.5\nP24,0.5\n")
    assert len(read_plates(path, name="p.csv").wells) == 2
    with pytest.raises(BatchError, match="plate 1 holds P24, beyond a plate of 96 wells"):
        read_plates(path, name="p.csv", wells=96)


def test_a_label_of_which_the_end_is_missing_is_no_wavelength(reference, tmp_path):
    # the last line of the plate ends in abs450:450; short of some characters it names another read or none
    whole = next((reference / "elisa/gen5_abs450_nonnumeric").glob("*values.txt")).read_bytes().rstrip()
    for missing in (1, 3, 5, 10):
        (tmp_path / "cut.txt").write_bytes(whole[:-missing])
        with pytest.raises(BatchError, match=r"'abs450:450' in 7 of its 8 rows.*is the file cut short"):
            read_plates(tmp_path / "cut.txt", name="cut.txt")
