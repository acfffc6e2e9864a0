"""Slips of the hand in extraction batches, materials and raw data of runs: each has its word, or is refused."""

from __future__ import annotations

import pytest
from elisa_study import Plate, make_study, whole_plate
from small_study import make_small_study, said

from bioanalysis.study import Study

pytestmark = [pytest.mark.requirement("UR-003"), pytest.mark.requirement("UR-013")]

RUNS, MATERIALS = "config/runs.tsv", "config/materials.tsv"
HEAD = "material\tkind\tlot\tpurity\texpiry\n"


@pytest.fixture
def folder(tmp_path):
    return make_small_study(tmp_path / "study")


def runs_with(folder, head: str, first: str, second: str) -> None:
    lines = (folder / RUNS).read_text().splitlines()
    ends = (head, first, second)
    (folder / RUNS).write_text("\n".join(f"{line}\t{end}" for line, end in zip(lines, ends, strict=True)))


def batch_notes_of(folder) -> list[str]:
    return [note for note in Study.load(folder).notes if "batch" in note]


def test_one_batch_of_two_days_is_said_to_be_two(folder):
    runs_with(folder, "extraction_batch\textraction_date", "E1\t2026-03-09", "E1\t2026-03-10")
    said_so = "extraction_batch E1 was extracted on 2026-03-09 in LC-01, 2026-03-10 in EL-01: taken for different "
    assert batch_notes_of(folder) == [f"{said_so}batches of one name"]


@pytest.mark.parametrize("second", ["E1\t2026-03-09", "E1\t", "E2\t2026-03-10"])
def test_one_day_or_two_names_need_no_word(folder, second):
    runs_with(folder, "extraction_batch\textraction_date", "E1\t2026-03-09", second)
    assert batch_notes_of(folder) == []


def test_names_that_differ_in_capitals_or_spaces_only_are_noted(folder):
    runs_with(folder, "extraction_batch", "Batch 1", "batch  1")
    assert batch_notes_of(folder) == [
        "batches Batch 1, batch  1 differ in capitals or spaces only and are taken for different ones"
    ]


def test_expired_materials_lots_listed_twice_and_impossible_purities_are_noted(folder):
    # the last run is of 2026-03-12: what expires that day may still be used
    rows = ["a\treagent\tL1\t97.2 % (as is)\t2026-03-12", "b\treagent\tL2\t120 %\t2026-03-11",
            "a\treagent\tL1\t-5 %\t2027-01-01", "c\treagent\tL3\t0,972\t", "d\treagent\tL4\t95-98 %\t"]  # fmt: skip
    (folder / MATERIALS).write_text(HEAD + "\n".join(rows))
    assert [note for note in Study.load(folder).notes if "material" in note] == [
        "1 material expired before the last run of 2026-03-12: b, lot L2 (line 3)",
        "1 material listed twice: a, lot L1 (line 4)",
        "2 materials with a purity that is no percentage from 0 to 100: b, lot L2 (line 3); a, lot L1 (line 4)",
    ]


def two_runs_of_a_plate(folder, *second: str) -> list[str]:
    """What is said of a second run that reads the export of the first, with these labels of its plate."""
    make_study(folder, [whole_plate("1", ("S1", 100.0)), Plate("2").calibrators().controls().sample("S2", 90.0)])
    worklists, (label, sample) = folder / "config/worklists", second
    head, *rows = (worklists / "R1.tsv").read_text().splitlines()
    by_plate = {plate: [row for row in rows if row.split("\t")[1] == plate] for plate in ("1", "2")}
    (worklists / "R1.tsv").write_text("\n".join([head, *by_plate["1"]]))
    other = by_plate[label] if label == "2" else [row.replace("S1", sample) for row in by_plate["1"]]
    (worklists / "R2.tsv").write_text("\n".join([head, *other]))
    with (folder / RUNS).open("a") as stream:
        stream.write("R2\tM1\t2026-01-02\tx\traw/plate.txt\n")
    return said(folder)


def test_the_export_of_another_run_is_refused(tmp_path):
    expected = "raw data of its own: 2 of its wells of samples are those of run R1"
    assert two_runs_of_a_plate(tmp_path, "1", "S2") == [
        f"{RUNS}: line 3, raw_path: 'raw/plate.txt'; expected {expected}"
    ]


def test_another_plate_of_one_export_is_no_reading_twice(tmp_path):
    assert two_runs_of_a_plate(tmp_path, "2", "S2") == []


def test_the_injections_of_another_run_are_refused_under_another_name_of_their_folder(folder):
    worklists, runs = folder / "config/worklists", folder / RUNS
    (worklists / "LC-02.tsv").write_text((worklists / "LC-01.tsv").read_text())
    runs.write_text(runs.read_text() + "LC-02\tASO-LCMS-01\t2026-03-11\tAL\traw/./LC-01/\n")
    expected = "raw data of its own: 2 of its injections of samples are those of run LC-01"
    assert said(folder) == [f"{RUNS}: line 4, raw_path: 'raw/./LC-01/'; expected {expected}"]


def unnamed_notes_of(folder) -> list[str]:
    return [note for note in Study.load(folder).notes if "no worklist names" in note]


def test_files_acquired_beside_those_of_a_run_are_noted(folder):
    # what is hidden, of another kind or a folder is no injection; the same folder under another name is the same
    raw = folder / "raw/LC-01"
    assert unnamed_notes_of(folder) == []
    for name in ("x2.mzML", "x1.MZML.gz", ".x3.mzML", "notes.txt"):
        (raw / name).write_text("")
    (raw / "x4.mzML").mkdir()
    runs = folder / RUNS
    runs.write_text(runs.read_text().replace("raw/LC-01", "raw/./LC-01/"))
    assert unnamed_notes_of(folder) == [
        "no worklist names 2 files of raw/LC-01: 'x1.MZML.gz', 'x2.mzML'; what was acquired has a row, and what is not "
        "used of it a decision with its reason"
    ]
