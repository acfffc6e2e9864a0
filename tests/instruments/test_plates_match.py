"""Wells and worklist rows brought together, and the layout of an export held against the worklist."""

import math

import pandas as pd
import pytest

from bioanalysis.errors import BatchError
from bioanalysis.instruments.plates import PlateReading, match_wells, signal_of

pytestmark = pytest.mark.requirement("UR-002")


def wells(*rows):
    """Rows of (plate, well, signal or word[, wavelength])."""
    table = []
    for plate, well, value, *wavelength in rows:
        word = value if isinstance(value, str) else ""
        table.append((plate, well, *(wavelength or [math.nan]), "", math.nan if word else value, word))
    return pd.DataFrame(table, columns=["plate", "well", "wavelength_nm", "channel", "signal", "word"])


def layout(*rows):
    return pd.DataFrame(rows, columns=["plate", "well", "name", "kind", "nominal"])


def worklist(*rows):
    """Rows of (plate, position, sample_type[, nominal[, not_acquired_reason]]); the first stands in line 2."""
    columns = ["plate", "position", "sample_type", "nominal_ng_ml", "not_acquired_reason"]
    table = pd.DataFrame([(*row, *[math.nan, ""][len(row) - 3 :]) for row in rows], columns=columns)
    return table.assign(line=range(2, 2 + len(table)), sample_id="S1")


def match(the_wells, the_worklist, the_layout=None, **settings):
    reading = PlateReading(the_wells, layout() if the_layout is None else the_layout, reader="tidy")
    return match_wells(reading, the_worklist, "raw/p.csv", "worklists/R1.tsv", **settings)


def test_each_row_gets_the_signal_of_its_well_in_the_order_of_the_worklist():
    found = match(
        wells(("1", "A1", 0.1), ("1", "B7", "OVRFLW")), worklist(("1", "B07", "unknown"), ("1", "a1", "blank"))
    )
    assert found["line"].tolist() == [2, 3]
    assert found["well"].tolist() == ["B7", "A1"]
    assert found["position"].tolist() == ["B07", "a1"]
    assert found["word"].tolist() == ["OVRFLW", ""]
    assert math.isnan(found["signal"][0])
    assert found["signal"][1] == 0.1


def test_a_row_that_was_not_acquired_needs_no_well():
    found = match(wells(("1", "A1", 0.1)), worklist(("1", "A1", "unknown"), ("1", "C3", "unknown", math.nan, "spilt")))
    assert found["word"].tolist() == ["", "spilt"]
    assert math.isnan(found["signal"][1])


def test_one_plate_on_each_side_needs_no_common_label():
    found = match(wells(("Assay 7", "A1", 0.1)), worklist(("1", "A1", "unknown")))
    assert found["signal"].tolist() == [0.1]
    assert found.attrs["notes"] == ("plate '1' of the worklist is 'Assay 7' in the export",)


def test_plate_1_is_plate_01_is_1():
    found = match(
        wells(("Plate01", "A1", 0.1), ("Plate02", "A1", 0.2)),
        worklist(("2", "A1", "unknown"), ("plate 1", "A1", "unknown")),
    )
    assert found["signal"].tolist() == [0.2, 0.1]


def test_everything_missing_is_told_at_once():
    with pytest.raises(BatchError) as error:
        match(
            wells(("P1", "A1", 0.1), ("P2", "A1", 0.2)),
            worklist(("P1", "A1", "unknown"), ("P3", "A1", "unknown"), ("P1", "A2", "unknown"), ("P1", "A01", "qc"),
                     ("P2", "Q9", "qc")),
        )  # fmt: skip
    assert [(fault.line, fault.column) for fault in error.value.faults] == [
        (5, "position"), (6, "position"), (3, "plate"), (4, "position"),
    ]  # fmt: skip
    text = str(error.value)
    assert "line 3, plate: plate 'P3' is not in raw/p.csv; expected one of 'P1', 'P2'" in text
    assert "line 4, position: well A2 of plate P1 is not in raw/p.csv" in text
    assert "line 5, position: well A1 of plate P1 is named again (first in line 2)" in text
    assert "line 6, position: position is 'Q9'; expected a well such as B7" in text


def test_readings_that_no_row_names_are_noted():
    found = match(wells(("1", "A1", 0.1), ("1", "A2", 0.2), ("1", "A3", "empty")), worklist(("1", "A1", "unknown")))
    assert found.attrs["notes"] == ("plate 1: 1 reading in wells that no worklist row names: A2",)


def test_a_well_that_the_export_calls_standard_and_the_worklist_unknown_is_a_fault():
    with pytest.raises(BatchError, match=r"line 2, sample_type: well A1 of plate 1 is unknown, but raw/p.csv calls it"):
        match(wells(("1", "A1", 0.1)), worklist(("1", "A1", "unknown")), layout(("1", "A1", "STD1", "standard", 10.0)))


@pytest.mark.parametrize("sample_type", ["zero", "blank", "calibrator"])
def test_a_standard_of_nothing_may_be_blank_or_zero(sample_type):
    found = match(
        wells(("1", "A1", 0.1)), worklist(("1", "A1", sample_type)), layout(("1", "A1", "STD0", "standard", 0.0))
    )
    assert found.attrs["warnings"] == ()


STANDARDS = [("1", f"A{i}", float(i)) for i in range(1, 5)]


def with_nominals(*nominal):
    rows = [("1", f"A{i}", "STD", "standard", value) for i, value in enumerate(nominal, start=1)]
    calibrators = worklist(*(("1", f"A{i}", "calibrator", 10.0**i) for i in range(1, 5)))
    return match(wells(*STANDARDS), calibrators, layout(*rows)).attrs["warnings"]


def test_the_same_concentrations_give_no_warning():
    assert with_nominals(10.0, 100.0, 1000.0, 10000.0) == ()
    assert with_nominals(10.04, 100.0, 1000.0, 10000.0) == ()  # as rounded by a display


@pytest.mark.parametrize("factor", [1000, 1e6, 0.001])
def test_standards_in_another_unit_than_the_layout_of_the_export_are_a_fault(factor):
    with pytest.raises(BatchError, match=r"line 2, nominal_ng_ml: 4 standards are \S+ times as high in the layout of"):
        with_nominals(10.0 * factor, 100.0 * factor, 1000.0 * factor, 10000.0 * factor)


def test_a_reading_at_the_limit_of_the_reader_keeps_its_number_and_is_marked():
    two = wells(("1", "A1", 3.9, 450.0), ("1", "A1", 0.5, 650.0), ("1", "A2", 4.0, 450.0), ("1", "A2", 0.5, 650.0))
    found = signal_of(two, 450, 650, saturation_signal=4.0)
    assert found["signal"].tolist() == pytest.approx([3.4, 3.5])  # the limit is that of the reading, not of the rest
    assert found["word"].tolist() == ["", "SATURATED"]


def test_a_constant_factor_of_2_is_a_warning_too():
    (warning,) = with_nominals(20.0, 200.0, 2000.0, 20000.0)
    assert "2 times nominal_ng_ml throughout: another unit or dilution?" in warning


def test_one_standard_that_differs_is_named():
    (warning,) = with_nominals(10.0, 300.0, 1000.0, 10000.0)
    assert warning == "line 3: well A2 of plate 1 has nominal_ng_ml 100, the layout of the export 300"


def test_two_wavelengths_need_a_choice():
    two = wells(("1", "A1", 1.2, 450.0), ("1", "A1", 0.2, 650.0))
    with pytest.raises(BatchError, match=r"readings at 450, 650 nm; expected a method that names the wavelength"):
        match(two, worklist(("1", "A1", "unknown")))
    found = match(two, worklist(("1", "A1", "unknown")), wavelength_nm=450, reference_wavelength_nm=650)
    assert found["signal"].tolist() == [pytest.approx(1.0)]


def test_readings_without_a_wavelength_beside_others_as_a_file_that_was_cut_off_leaves_them_are_told():
    cut = wells(("1", "A1", 1.2, 450.0), ("1", "A2", 1.3, 450.0), ("1", "A3", 1.4))
    said = r"1 reading without a wavelength \(1 A3 first\), beside those at 450 nm; expected the whole file as exported"
    with pytest.raises(BatchError, match=said):
        match(cut, worklist(("1", "A1", "unknown")))


def test_a_reference_without_a_number_leaves_no_signal():
    two = wells(("1", "A1", 1.2, 450.0), ("1", "A1", "OVRFLW", 650.0), ("1", "A2", 1.3, 450.0))
    signal = signal_of(two, 450, 650)
    assert signal["signal"].isna().all()
    assert signal["word"].tolist() == ["OVRFLW", "no reference reading"]


def test_a_wavelength_the_file_lacks_is_a_fault():
    with pytest.raises(BatchError, match=r"f.csv cannot be used:\n  readings at 450 nm; expected readings at 405 nm"):
        signal_of(wells(("1", "A1", 1.2, 450.0)), 405, name="f.csv")
    with pytest.raises(BatchError, match="no wavelength given"):
        signal_of(wells(("1", "A1", 1.2)), 405)
