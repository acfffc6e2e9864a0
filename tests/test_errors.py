"""What is wrong is told file by file; what many files have wrong alike is told once."""

from __future__ import annotations

import pytest

from bioanalysis.errors import Fault, plain_message

pytestmark = pytest.mark.requirement("UR-003")

NO_TRACE = ("no trace for transition quan (651.5 > 94.9)", "exactly one")


def test_a_fault_of_many_files_is_one_line_with_a_count_and_examples():
    faults = [Fault(f"raw/LC-01/{number:02}.mzML", *NO_TRACE) for number in range(1, 97)]
    assert plain_message(faults) == (
        "96 files cannot be used, such as raw/LC-01/01.mzML, raw/LC-01/02.mzML, raw/LC-01/03.mzML:\n"
        "  in each of them: no trace for transition quan (651.5 > 94.9); expected exactly one\n"
        "96 faults in 96 files; nothing was computed."
    )


def test_what_one_of_many_files_has_besides_is_told_of_it():
    faults = [Fault(f"{number}.mzML", *NO_TRACE) for number in range(1, 8)]
    text = plain_message([*faults, Fault("3.mzML", "time runs backwards", "sorted times")])
    assert "7 files cannot be used" in text
    assert "3.mzML cannot be used:\n  time runs backwards; expected sorted times" in text
    assert text.count("no trace") == 1
    assert text.endswith("8 faults in 7 files; nothing was computed.")


@pytest.mark.parametrize(
    ("faults", "end"),
    [
        ([Fault("--share", "'200%'", "a share of the samples such as 0.2 or 20%")], "1 fault; nothing was computed."),
        ([Fault("a.tsv", "'x'", "y", 2), Fault("a.tsv", "'x'", "y", 3)], "2 faults; nothing was computed."),
    ],
)
def test_files_are_counted_where_there_are_several(faults, end):
    assert plain_message(faults).splitlines()[-1] == end


def test_few_files_and_cells_of_tables_are_all_named():
    few = [Fault(f"{number}.mzML", *NO_TRACE) for number in range(1, 6)]
    cells = [Fault(f"config/worklists/R{number}.tsv", "'x'", "a number", 3, "nominal_ng_ml") for number in range(9)]
    text = plain_message([*few, *cells])
    assert text.count("no trace") == 5
    assert text.count("line 3, nominal_ng_ml: 'x'; expected a number") == 9


def test_what_is_expected_may_differ_from_file_to_file():
    faults = [Fault(f"{number}.mzML", NO_TRACE[0], f"exactly one; nearest at {number} min") for number in range(1, 8)]
    assert plain_message(faults).count("no trace") == 1
