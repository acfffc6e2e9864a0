"""Numbers of a previous software against ours, row by row."""

from __future__ import annotations

import pandas as pd
import pytest

from bioanalysis.errors import BatchError
from bioanalysis.qualification.performance import agreement_sections, checks_of, compare, unmatched
from bioanalysis.qualification.previous import read_previous
from bioanalysis.qualification.results_held import COLUMNS

pytestmark = pytest.mark.requirement("UR-072")


def previous(folder, *lines, tolerance=10.0, head="sample_id analyte value unit"):
    path = folder / "previous.tsv"
    path.write_text("\n".join("\t".join(line.split()) for line in [head, *lines]) + "\n")
    return read_previous(path, tolerance)


def held(*rows):
    """Ours: (sample, method, found, word)."""
    made = [
        ("value", sample, "aso", method, "R1", "", "1", found, word, "" if found else "no peak", "ug/g")
        for sample, method, found, word in rows
    ]
    return pd.DataFrame(made, columns=COLUMNS)


OURS = held(("S1", "M1", "1.1", "quantified"), ("S2", "M1", "", "BLQ"), ("S3", "M1", "5.0", "quantified"))


@pytest.mark.parametrize(
    ("line", "difference", "verdict"),
    [
        ("S1 aso 1.0 ug/g", 10.0, "pass"),  # 100 x 0.1 / 1: on the tolerance, in exact fractions
        ("S1 aso 1000 ng/g", 10.0, "pass"),
        ("S1 aso 0.9999 ug/g", 10.011, "fail"),
        ("S1 aso 1.3 mg/kg", -15.385, "fail"),  # 100 x -0.2 / 1.3
    ],
)
def test_a_row_passes_at_its_tolerance_and_not_beyond(tmp_path, line, difference, verdict):
    (row,) = compare(previous(tmp_path, line), OURS, "previous.tsv").itertuples()
    assert row.difference_percent == pytest.approx(difference, abs=1e-3)
    assert row.verdict == verdict


@pytest.mark.parametrize(
    ("line", "verdict"), [("S2 aso BLQ ug/g", "pass"), ("S1 aso BLQ ug/g", "fail"), ("S2 aso 0.2 ug/g", "fail")]
)
def test_a_word_is_held_against_a_word_and_never_against_a_number(tmp_path, line, verdict):
    (row,) = compare(previous(tmp_path, line), OURS, "previous.tsv").itertuples()
    assert row.verdict == verdict
    assert pd.isna(row.difference_percent)


def test_a_word_is_shown_without_a_unit(tmp_path):
    (said,) = checks_of(compare(previous(tmp_path, "S2 aso BLQ ug/g"), OURS, "previous.tsv"))
    assert (said.expected, said.observed) == ("BLQ", "BLQ")


def test_a_word_needs_no_unit_and_a_number_does(tmp_path):
    head = "sample_id value analyte unit"
    words = previous(tmp_path, "S2 BLQ aso", "S4 not_analysed", head=head)
    assert list(compare(words.head(1), OURS, "previous.tsv").verdict) == ["pass"]
    with pytest.raises(BatchError) as refused:
        previous(tmp_path, "S1 1.0 aso", "S2 BLQ", head=head)
    said = [(fault.line, fault.column, fault.found) for fault in refused.value.faults]
    assert said == [(2, "unit", "empty"), (3, "analyte", "empty")]


def test_rows_on_one_side_only_are_named(tmp_path):
    table = previous(tmp_path, "S1 aso 1.1 ug/g", "S9 aso 3 ug/g")
    only_before = compare(table, OURS, "previous.tsv").set_index("sample_id").loc["S9"]
    assert (only_before.verdict, only_before.note) == ("fail", "not among the results here")
    said = checks_of(compare(table, OURS, "previous.tsv"))[1]
    assert (said.expected, said.observed) == ("3 ug/g within 10 %", "nothing; not among the results here")
    assert list(unmatched(table, OURS).sample_id) == ["S2", "S3"]


@pytest.mark.parametrize(("line", "verdict"), [("S4 aso M1 not_analysed ug/g", "pass"), ("S4 aso M1 3 ug/g", "fail")])
def test_a_sample_that_was_not_analysed_has_no_analyte_here_and_is_found_all_the_same(tmp_path, line, verdict):
    ours = held(("S4", "", "", "not_analysed")).assign(analyte="", run_id="", reason="lost")
    table = previous(tmp_path, line, head="sample_id analyte method_id value unit")
    (row,) = compare(table, ours, "previous.tsv").itertuples()
    assert row.verdict == verdict
    assert "not among the results" not in row.note
    assert unmatched(table, ours).empty


def test_a_row_that_could_be_two_results_is_refused(tmp_path):
    both = held(("S1", "M1", "1", "quantified"), ("S1", "M2", "2", "quantified"))
    with pytest.raises(BatchError, match="could be several results: M1 R1, M2 R1"):
        compare(previous(tmp_path, "S1 aso 1 ug/g"), both, "previous.tsv")


def test_there_is_no_tolerance_by_default_and_one_of_a_row_names_its_source(tmp_path):
    with pytest.raises(BatchError, match="there is no default"):
        previous(tmp_path, "S1 aso 1 ug/g", tolerance=None)
    head = "sample_id analyte value unit tolerance_percent"
    with pytest.raises(BatchError, match="tolerance_source"):
        previous(tmp_path, "S1 aso 1 ug/g 5", head=head)
    table = previous(tmp_path, "S1 aso 1 ug/g 5 SOP-12", head=f"{head} tolerance_source", tolerance=None)
    assert (table.tolerance[0], table.tolerance_source[0]) == (5.0, "SOP-12")


def test_a_tolerance_that_stands_nowhere_is_asked_for_once(tmp_path):
    with pytest.raises(BatchError, match="not given, and no row has a tolerance_percent") as refused:
        previous(tmp_path, "S1 aso 1 ug/g", "S2 aso 2 ug/g", "S3 aso BLQ ug/g", tolerance=None)
    assert len(refused.value.faults) == 1
    assert len(previous(tmp_path, "S3 aso BLQ ug/g", tolerance=None)) == 1  # a word needs none


def test_every_fault_of_the_table_is_said_at_once(tmp_path):
    with pytest.raises(BatchError) as refused:
        previous(tmp_path, "S1 aso one ug/g", "S1 aso 1 ml", "S1 aso 0 ug/g")
    assert [fault.line for fault in refused.value.faults] == [2, 3, 4]


def test_a_constant_factor_is_the_bias(tmp_path):
    ours = held(*((f"S{n}", "M1", repr(1.05 * value), "quantified") for n, value in enumerate((1.0, 2.0, 4.0, 8.0))))
    table = previous(tmp_path, *(f"S{n} aso {value} ug/g" for n, value in enumerate((1.0, 2.0, 4.0, 8.0))))
    (section,) = agreement_sections(compare(table, ours, "previous.tsv"))
    text = "".join(section["rows"])
    assert ">bias (%), Bland-Altman</th><td>5</td>" in text.replace("5.00", "5")
    assert section["title"] == "Agreement: value aso M1"
