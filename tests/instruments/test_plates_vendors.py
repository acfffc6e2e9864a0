"""Exports of every reader software: real files against an independent reading of them, and files made here."""

import math
import re

import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bioanalysis.errors import BatchError
from bioanalysis.instruments.plates import READERS, read_plates, signal_of
from bioanalysis.instruments.plates.document import open_document
from bioanalysis.instruments.plates.read import recognised

pytestmark = pytest.mark.requirement("UR-002")

FILES = {
    "bmg_mars_abs/BMG_Labtech_format.CSV": "mars",
    "bmg_mars_abs/PHERAstar_output_file.CSV": "mars",
    "envision_a450/PE_Envision_absorbance_A450_example.csv": "envision",
    "gen5_abs450_nonnumeric/240411_172731_BNCH2345883_abs450_96well_non_numeric_values.txt": "gen5",
    "gen5_abs_stdcurve/010307_114129_BNCH654563_stdcurve_singleplate01.txt": "gen5",
    "gen5_abs_stdcurve/Lowry_Protein_Assay_no_results_matrix.txt": "gen5",
    "gen5_abs_stdcurve/endpoint_stdcurve_multiplate.txt": "gen5",
    "gen5_abs_stdcurve/endpoint_stdcurve_singleplate.txt": "gen5",
    "kaleido_absorbance/absorbance_endpoint_single_plate_example_01.csv": "kaleido",
    "msd_methodical_mind_ecl/methodical_mind_384_wells.txt": "methodical_mind",
    "msd_methodical_mind_ecl/methodical_test_1.txt": "methodical_mind",
    "msd_methodical_mind_ecl/methodical_test_data_in_filename.txt": "methodical_mind",
    "msd_workbench_ecl/msd_workbench_test_1.csv": "msd_workbench",
    "msd_workbench_ecl/test_msd_workbench_xlsx.xlsx": "msd_workbench",
    "skanit/luciferase_assay_example.xlsx": "skanit",
    "skanit/skanit_different_plate_pattern.xlsx": "skanit",
    "softmaxpro_abs_endpoint/MD_SMP_absorbance_endpoint_example01.txt": "softmax",
    "softmaxpro_abs_endpoint/MD_SMP_absorbance_endpoint_partial_plate_example01.txt": "softmax",
    "softmaxpro_abs_endpoint/softmaxpro_example_group_with_missing_calc_column.txt": "softmax",
    "softmaxpro_abs_endpoint/softmaxpro_example_reduced.txt": "softmax",
    "tecan_magellan_elisa/SLA01P01_ELISA.xlsx": "magellan",
    "tecan_magellan_elisa/SLA01P01_OD.xlsx": "magellan",
}
# where the independent reading is wrong or tells less; everything else must agree
NOT_A_VALUE = {
    "240411_172731_BNCH2345883_abs450_96well_non_numeric_values": "-0.0 stands for OVRFLW and MISSED",
    "Lowry_Protein_Assay_no_results_matrix": "-0.0 stands for the masked *0.356*",
    "MD_SMP_absorbance_endpoint_partial_plate_example01": "-0.0 stands for wells that were not read",
    "softmaxpro_example_reduced": "-0.0 stands everywhere, though the reduced values are in the file",
}
OTHER_WAVELENGTH = {
    "BMG_Labtech_format": "1 nm is the number of the reading in `Raw Data (450 1)`",
    "PE_Envision_absorbance_A450_example": "none is given, though the filter is described as CWL=450nm",
}


def independent_reading(path):
    """Return plate (by its place in the file), well, wavelength, spot and value as another program reads them."""
    oracle = pd.read_csv(path, sep="\t", dtype={"plate": str, "well": str, "sample": str})
    if oracle["well"].str.fullmatch(r"\d+").all():  # MSD: the column holds the spot, the sample ends in the well
        oracle["spot"], oracle["well"] = oracle["well"], oracle["sample"].str.extract(r"_([A-P]\d+)$")[0]
    oracle["well"] = [re.sub(r"^([A-P])0", r"\1", well) for well in oracle["well"]]
    return oracle.assign(plate=pd.factorize(oracle["plate"])[0])


@pytest.fixture(params=FILES)
def real(request, reference):
    path = reference / "elisa" / request.param
    return path, FILES[request.param]


@pytest.mark.reference
def test_each_real_file_is_claimed_by_its_reader_alone(real):
    path, reader = real
    assert recognised(open_document(path, path.name)) == [reader]


@pytest.mark.reference
def test_no_other_reader_takes_a_real_file(real):
    path, reader = real
    for other in set(READERS) - {reader}:
        with pytest.raises(BatchError, match=f"it is no file of format {other}; it looks like {reader}"):
            read_plates(path, reader=other, name=path.name)


@pytest.mark.reference
def test_each_real_file_is_read_as_another_program_reads_it(real):
    path, reader = real
    oracle_path = path.with_name(f"{path.stem}.wells.tsv")
    if not oracle_path.is_file():
        assert path.stem == "endpoint_stdcurve_multiplate"
        pytest.skip("nobody else's reading of this file is at hand")
    oracle = independent_reading(oracle_path)
    wells = read_plates(path, name=path.name).wells
    wells = wells.assign(plate=pd.factorize(wells["plate"])[0])
    if path.stem in NOT_A_VALUE:
        oracle = oracle[oracle["value"].abs() > 0]
    if path.stem in OTHER_WAVELENGTH:
        oracle = oracle.assign(wavelength_nm=450.0)
    if "spot" in oracle:  # spot 1 and 2 are the second and the first assay of the file
        assays = {"1": wells["channel"].iloc[-1], "2": wells["channel"].iloc[0]}
        oracle = oracle.assign(channel=oracle["spot"].map(assays)) if reader == "msd_workbench" else oracle
    keys = [key for key in ("plate", "well", "wavelength_nm", "channel") if key in oracle]
    both = oracle.merge(wells, on=keys, how="left", validate="one_to_one" if "channel" in keys else "one_to_many")
    both = both[both["channel"] != "reduced"]
    assert len(both) == len(oracle)
    assert_array_equal(both["signal"], both["value"])


def wells_of(path, **wanted):
    return read_plates(path, name=path.name).wells.set_index("well")


@pytest.mark.reference
def test_words_of_a_real_gen5_file(reference):
    wells = wells_of(reference / "elisa" / list(FILES)[3])
    words = wells["word"].value_counts()
    assert words[["", "OVRFLW", "MISSED"]].tolist() == [96 - 13, 8, 5]
    assert wells.loc["A8", "word"] == "OVRFLW"
    assert wells.loc["D12", "word"] == "MISSED"
    assert wells.loc[wells["word"] != "", "signal"].isna().all()


@pytest.mark.reference
def test_a_masked_well_of_a_real_gen5_file_has_no_number(reference):
    wells = wells_of(reference / "elisa/gen5_abs_stdcurve/Lowry_Protein_Assay_no_results_matrix.txt")
    assert wells.loc["H3", "word"] == "Masked *0.356*"
    assert math.isnan(wells.loc["H3", "signal"])


@pytest.mark.reference
def test_three_plates_of_a_real_gen5_file(reference):
    reading = read_plates(reference / "elisa/gen5_abs_stdcurve/endpoint_stdcurve_multiplate.txt", name="x")
    assert reading.plates == ("Plate 1", "Plate 2", "Plate 3")
    first = reading.wells[reading.wells["plate"] == "Plate 1"].set_index("well")["signal"]
    assert first[["A1", "A2", "A3", "A4", "G3", "H4"]].tolist() == [3.481, 3.442, 3.467, 2.131, 0.005, 0.348]
    standards = reading.layout[reading.layout["kind"] == "standard"]
    assert standards.groupby("plate", sort=False).size().tolist() == [21, 21, 21]
    assert sorted(set(standards["nominal"])) == [2.7435, 8.2305, 24.691, 74.074, 222.22, 666.67, 2000]


@pytest.mark.reference
def test_what_a_real_skanit_workbook_holds_beyond_the_first_sheet(reference):
    # the other program reads the first of three wavelengths and leaves out wells without a value
    reading = read_plates(reference / "elisa/skanit/skanit_different_plate_pattern.xlsx", name="x")
    read = reading.wells[reading.wells["word"] == ""]
    assert read.groupby("wavelength_nm")["signal"].apply(list)[280.0][0] == 0.0444
    assert set(read["well"]) == {"A2"}
    assert any("Blank subtracted" in line for line in reading.unread)


# a list of wells has no end: what a cut Workbench table lacks is found against the worklist
TEXTS = [file for file, reader in FILES.items() if not file.endswith("xlsx") and reader != "msd_workbench"]


@pytest.mark.reference
@pytest.mark.parametrize("file", TEXTS)
def test_a_real_file_cut_at_any_line_is_refused_or_gives_whole_plates(reference, tmp_path, file):
    content = (reference / "elisa" / file).read_bytes()
    whole = read_plates(reference / "elisa" / file, name="x").wells.drop(columns="wavelength_nm")
    plate_size = (whole["plate"] == whole["plate"].iloc[0]).sum()
    newline = "\n".encode("utf-16-le") if content.startswith(b"\xff\xfe") else b"\n"
    lines = content.split(newline)
    for count in range(0, len(lines), 3):
        cut = tmp_path / "cut.txt"
        cut.write_bytes(newline.join(lines[:count]))
        try:
            found = read_plates(cut, name="x").wells.drop(columns="wavelength_nm")
        except BatchError:
            continue
        assert len(found) % plate_size == 0
        pd.testing.assert_frame_equal(found, whole.head(len(found)))


GEN5 = """

Software Version\t3.12.08

Experiment File Path:\tx.xpt

Plate Number\tPlate 7

Procedure Details

Plate Type\t96 WELL PLATE
Read\tELISA
\tAbsorbance Endpoint
\tWavelengths:  450, 650

Results
{rows}
"""


def gen5_rows(skip=""):
    lines = ["\t".join(["", *map(str, range(1, 13))])]
    for r, letter in enumerate("ABCDEFGH"):
        lines.append("\t".join([letter, *[f"{r}.{c:02d}" for c in range(12)], "ELISA:450"]))
        lines.append("\t".join(["", *["0.05"] * 12, "ELISA:650"]))
    return "\n".join(line for line in lines if not (skip and line.startswith(skip)))


@pytest.fixture
def read(tmp_path):
    def read_text(text, suffix=".txt", **settings):
        path = tmp_path / f"export{suffix}"
        path.write_text(text, encoding="utf-8")
        return read_plates(path, name="raw/export", **settings)

    return read_text


def test_gen5_wavelengths_are_told_apart_by_the_label_of_each_line(read):
    reading = read(GEN5.format(rows=gen5_rows()))
    assert reading.reader == "gen5"
    assert reading.plates == ("Plate 7",)
    signal = signal_of(reading.wells, 450, 650).set_index("well")["signal"]
    assert_allclose(signal[["A1", "C5", "H12"]], [0 - 0.05, 2.04 - 0.05, 7.11 - 0.05])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            GEN5.format(rows=gen5_rows(skip="D")),
            r"a grid of 7 rows \(ABCEFGH\) by 12 columns; expected a whole plate",
        ),
        (GEN5.format(rows=gen5_rows()).replace("96 WELL", "384 WELL"), "expected a whole plate of 16 rows by 24"),
        (GEN5.format(rows=gen5_rows()).replace("Endpoint", "Kinetic"), "expected an endpoint reading"),
        (GEN5.format(rows=gen5_rows()).replace("3.05", "3.o5"), "well D6 holds '3.o5'"),
        (GEN5.format(rows=""), "no readings; expected at least one plate of readings"),
    ],
)
def test_a_gen5_export_that_is_not_whole_is_refused(read, text, message):
    with pytest.raises(BatchError, match=message):
        read(text)


def test_gen5_values_that_are_no_read_are_listed_as_unread(read):
    text = GEN5.format(rows=gen5_rows()).replace("ELISA:650", "Delta 450-650")
    (unread,) = read(text).unread
    assert "values 'Delta 450-650' of plate Plate 7 (not a read of the procedure)" in unread


WORKBENCH = """Plate_P1
Sample,Assay,Well,Spot,Dilution,Concentration,Signal
S001,IFN,A01,1,,100,3513
S001,IL,A01,2,,50,341
U001,IFN,A02,1,2,,99
U001,IL,A02,2,2,,88
"""


def test_each_assay_of_a_multiplex_plate_is_a_channel(read):
    reading = read(WORKBENCH, ".csv")
    assert signal_of(reading.wells, channel="IL")["signal"].tolist() == [341, 88]
    with pytest.raises(BatchError, match="several readings of each well; expected a choice of one of 'IFN', 'IL'"):
        signal_of(reading.wells)


def test_a_semicolon_export_has_decimal_commas(read):
    text = WORKBENCH.replace(",", ";").replace("3513", "3513,5")
    assert read(text, ".csv").wells["signal"].iloc[0] == 3513.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WORKBENCH + "U002,IFN,A02,1,2,,77\n", "line 7, Signal: well A2 of plate P1 has a second value"),
        (WORKBENCH + "U002,IFN,A03\n", "line 7: the line ends before its signal"),
        (WORKBENCH + "U002,IFN,Q03,1,2,,77\n", "well is 'Q03'"),
    ],
)
def test_faults_of_a_workbench_table_are_told_with_their_line(read, text, message):
    with pytest.raises(BatchError, match=message):
        read(text, ".csv")


MARS = "User: U,Path: C:\\x,Test run no.: 1\nTest name: T,Date: 1/2/2025\n\nID1: P9\nAbsorbance\n\n{parts}"


def mars_part(title, value):
    rows = [",".join([letter, *[str(value)] * 12]) for letter in "ABCDEFGH"]
    return "\n".join([title, "", "," + ",".join(map(str, range(1, 13))) + ",", *rows, "", ""])


def test_mars_reads_raw_data_and_lists_what_was_calculated(read):
    parts = mars_part("Raw Data (450 1)", 1.5) + mars_part("Raw Data (650 2)", 0.25)
    parts += mars_part("Blank corrected based on Raw Data (450 1)", 1.4)
    reading = read(MARS.format(parts=parts), ".csv")
    assert reading.plates == ("P9",)
    assert set(signal_of(reading.wells, 450, 650)["signal"]) == {1.25}
    assert reading.unread == ("line 33: values under 'Blank corrected based on Raw Data (450 1)'",)


def test_a_plate_without_a_number_in_an_envision_export_is_plate_1(read):
    title = "Results for A450(1) - channel 1 (A)"
    text = "Plate information\nPlate,Repeat\n\n" + mars_part(title, 0.5).replace(f"{title}\n\n", f"{title}\n")
    reading = read(text, ".csv")
    assert reading.reader == "envision"
    assert reading.plates == ("1",)
    assert set(reading.wells["signal"]) == {0.5}
