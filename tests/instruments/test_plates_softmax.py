"""SoftMax Pro text exports, made here and real ones."""

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.errors import BatchError
from bioanalysis.instruments.plates import read_plates, signal_of

pytestmark = pytest.mark.requirement("UR-002")

WELLS = [f"{letter}{column}" for letter in "ABCDEFGH" for column in range(1, 13)]


def value(index, wavelength=0):
    """Reading of well number `index`, counted along the rows from A1: three decimals."""
    return f"{(100 + index + 500 * wavelength) / 1000:.3f}"


def plate_block(name="P1", layout="PlateFormat", data_type="Raw", wavelengths=("450",), read_type="Endpoint", wells=96):
    head = ["Plate:", name, "1.3", layout, read_type, "Absorbance", data_type, "FALSE", "1", "", "", "", "", ""]
    head += [str(len(wavelengths)), " ".join(wavelengths) + " ", "1", "12", str(wells), "1", "8"]
    count = 1 if data_type == "Reduced" else len(wavelengths)
    if layout == "TimeFormat":
        lines = ["\t".join(["", "Temperature(C)", *WELLS, ""])]
        for w in range(count):
            lines += ["\t".join(["0", "22", *(value(i, w) for i in range(96)), ""]), ""]
    else:
        numbers = [str(column) for column in range(1, 13)]
        lines = ["\t".join(["", "Temperature(C)", *([*numbers, ""] * count)])]
        for r in range(8):
            row = [text for w in range(count) for text in [*(value(12 * r + c, w) for c in range(12)), ""]]
            lines.append("\t".join(["", "22" if r == 0 else "", *row]))
    return "\n".join(["\t".join(head), *lines, "~End"]) + "\n"


def export(*blocks, count=None):
    return f"##BLOCKS= {len(blocks) if count is None else count}\n" + "".join(blocks) + "Original Filename: x\n"


GROUP = """Group: Standards
Sample\tConc ng/mL\tWells\tOD\tWellPlateName
01\t100.000\tA1\t0.100\tP1
 \t \tA2\t0.101\tP1
02\t50.000\tB01\t0.112\tP1

Group Column\tFormula Name\tFormula\tPrecision\tNotation
1\tSample\t!SampleNames\t2 decimal places\tNumeric
2\tConc\t!SampleDescriptor\t3 decimal places\tNumeric

Group Summaries
~End
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text, encoding="utf-8", **settings):
        path = tmp_path / "export.txt"
        path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
        return read_plates(path, name="raw/export.txt", **settings)

    return read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("layout", ["PlateFormat", "TimeFormat"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_plate_and_time_format_hold_the_same_wells(read, layout, encoding, decimal):
    block = plate_block(layout=layout, wavelengths=("450", "650"))
    reading = read(export(block.replace("0.", f"0{decimal}")), encoding)
    assert reading.reader == "softmax"
    for wavelength, first in [(450, 0.100), (650, 0.600)]:
        wells = reading.wells[reading.wells["wavelength_nm"] == wavelength].set_index("well")["signal"]
        assert wells["A1"] == first
        assert_allclose(wells["C5"], first + (2 * 12 + 4) / 1000)
        assert_allclose(wells["H12"], first + 95 / 1000)


def test_the_reference_wavelength_is_subtracted_well_by_well(read):
    reading = read(export(plate_block(wavelengths=("450", "650"))))
    signal = signal_of(reading.wells, 450, 650)
    assert_allclose(signal["signal"], -0.5, atol=1e-12)  # 650 nm reads 0.500 more in every well


def test_reduced_values_are_taken_as_they_are(read):
    reading = read(export(plate_block(data_type="Reduced", wavelengths=("450", "650"))))
    assert signal_of(reading.wells, 450, 650)["signal"].iloc[0] == 0.100


def test_raw_and_reduced_in_one_block_are_kept_apart(read):
    reduced = plate_block(data_type="Reduced").split("\n", 1)[1].replace("0.", "7.")
    raw = plate_block(wavelengths=("450", "650")).replace("~End\n", "")
    reading = read(export(f"{raw}\n{reduced}"))
    assert signal_of(reading.wells, 450)["signal"].iloc[0] == 0.100
    assert signal_of(reading.wells)["signal"].iloc[0] == 7.100  # nothing asked for: what the software itself used


def test_several_plates_keep_their_names(read):
    assert read(export(plate_block("P1"), plate_block("P2"))).plates == ("P1", "P2")


def test_group_tables_are_the_layout(read):
    layout = read(export(plate_block(), GROUP)).layout
    assert layout["well"].tolist() == ["A1", "A2", "B1"]
    assert layout["name"].tolist() == ["01", "01", "02"]
    assert layout["kind"].tolist() == ["standard"] * 3
    assert layout["nominal"].tolist() == [100, 100, 50]


def test_a_group_that_names_no_plate_of_two_is_listed_as_unread(read):
    group = GROUP.replace("WellPlateName", "Plate?")
    reading = read(export(plate_block("P1"), plate_block("P2"), group))
    assert reading.layout.empty
    assert "group 'Standards'" in reading.unread[0]


def test_an_unknown_block_is_listed_as_unread(read):
    reading = read(export(plate_block(), "Graph: curve\nblob\n~End\n"))
    assert reading.unread == ("line 13: block 'Graph: curve'",)


@pytest.mark.parametrize("word", ["Masked", "OVRFLW", "#Sat", ""])
def test_words_stand_for_wells_without_a_number(read, word):
    wells = read(export(plate_block().replace("\t0.101\t", f"\t{word}\t"))).wells.set_index("well")
    assert wells.loc["A2", "word"] == (word or "empty")
    assert pd.isna(wells.loc["A2", "signal"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            export(plate_block(), GROUP)[:-400],
            "complete blocks where the first line announces 2; expected the whole export",
        ),
        (export(plate_block(), count=2), "1 complete blocks where the first line announces 2"),
        (
            export(plate_block()).replace("\n\t\t0.184", "\n~End\n\t\t0.184"),
            "7 lines of values under line 3 of plate P1",
        ),
        (export(plate_block(read_type="Kinetic")), "a reading of type 'Kinetic'; expected Endpoint"),
        (export(plate_block(wells=95)), "a plate of '95' wells"),
        (export(plate_block(), plate_block()), "well A1 of plate P1 has a second value"),
        (export(plate_block()).replace("0.101", "high-ish"), "well A2 holds 'high-ish'"),
        (export(GROUP), "no plate block"),
        (export(plate_block(data_type="Fitted")), "data type 'Fitted'; expected Raw or Reduced"),
    ],
)
def test_an_export_that_is_not_whole_is_refused(read, text, message):
    with pytest.raises(BatchError, match=message):
        read(text)


@pytest.mark.reference
def test_wells_of_a_real_plate_are_those_its_software_fitted(reference):
    # 12 standards and 66 wells: signals beside the software's results, from the same export
    path = reference / "elisa/softmaxpro_abs_endpoint/softmaxpro_example_reduced.txt"
    signal = signal_of(read_plates(path, name=path.name).wells, 450, 650).set_index("well")["signal"]
    unknowns = pd.read_csv(reference / "curves/softmax_hcp_elisa_4pl/unknowns.csv")
    standards = pd.read_csv(reference / "curves/softmax_hcp_elisa_4pl/standards.csv")
    assert_allclose(signal[unknowns["well"]], unknowns["od"], rtol=1e-14)
    assert_allclose(signal[[f"{row}{column}" for row in "ABCDEF" for column in (1, 2)]], standards["od"], rtol=1e-14)


@pytest.mark.reference
def test_the_layout_of_a_real_plate_holds_its_standards(reference):
    path = reference / "elisa/softmaxpro_abs_endpoint/softmaxpro_example_reduced.txt"
    layout = read_plates(path, name=path.name).layout.set_index("well")
    standards = pd.read_csv(reference / "curves/softmax_hcp_elisa_4pl/standards.csv")
    wells = [f"{row}{column}" for row in "ABCDEF" for column in (1, 2)]
    assert set(layout.loc[wells, "kind"]) == {"standard"}
    assert layout.loc[wells, "nominal"].tolist() == standards["conc"].tolist()
    assert layout.loc["G1", "kind"] == "control"
    assert layout.loc["A5", ["name", "kind"]].tolist() == ["08", "unknown"]
