"""A study is read whole, with all its faults at once."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest
from small_study import change, faults_of, make_small_study, said, table

from bioanalysis.errors import BatchError
from bioanalysis.study import Run, Study

pytestmark = pytest.mark.requirement("UR-003")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_small_study(tmp_path / "study")


LC, EL = "config/worklists/LC-01.tsv", "config/worklists/EL-01.tsv"
SAMPLES, RUNS, SUBJECTS, DECISIONS = (f"config/{name}.tsv" for name in ("samples", "runs", "subjects", "decisions"))


def test_a_study_without_faults_is_read_in_the_order_of_its_tables(folder):
    study = Study.load(folder)
    assert [run.run_id for run in study.runs] == ["LC-01", "EL-01"]
    assert study.samples["sample_id"].tolist() == ["S1", "S2", "S3", "S4"]
    assert study.samples["line"].tolist() == [2, 3, 4, 5]
    assert study.samples["piece"].tolist() == ["1"] * 4  # the default
    assert study.samples["tissue_mass_mg"].tolist()[:3] == [100.5, 98.2, 101.0]
    assert pd.isna(study.samples["tissue_mass_mg"][3])
    assert study.dosing is None
    assert study.notes == ()


def test_defaults_of_an_lcms_worklist_are_those_of_the_contract(folder):
    rows = Study.load(folder).runs[0].worklist.set_index("position")
    assert rows["plate"].unique().tolist() == [""]
    assert rows["batch"].unique().tolist() == ["LC-01"]
    assert rows["extraction_id"].tolist() == [f"LC-01:{n}" for n in range(1, 10)]
    # without a tissue a QC is as the method's calibrators (surrogate, not extracted); with one it was extracted
    assert rows["tissue"].tolist() == ["surrogate"] * 4 + ["kidney", "liver", "liver", "liver", "kidney"]
    assert rows["extracted"].tolist() == [False, False, False, False, True, True, False, True, True]
    assert rows.loc["9", ["dilution_factor", "dilution_steps"]].tolist() == [10, 1]
    assert rows.loc["8", ["dilution_factor", "dilution_steps"]].tolist() == [1, 0]


def test_replicate_wells_share_an_extraction_and_other_rows_do_not(folder):
    rows = Study.load(folder).runs[1].worklist
    assert rows["position"].tolist() == ["A1", "A2", "B1", "C1", "D1", "D2"]  # A01 is A1
    assert rows["plate"].unique().tolist() == ["1"]
    first_of_each = [rows["extraction_id"].tolist().index(name) for name in rows["extraction_id"]]
    assert first_of_each == [0, 0, 2, 3, 4, 4]  # the QC and the recovery row of one level are two extractions


def test_what_the_worklist_says_goes_before_the_defaults(folder):
    (folder / LC).write_text(
        table(
            """\
            position  file     sample_type  level  nominal_ng_ml  extracted  extraction_id  batch  dilution_steps
            1         c1.mzML  calibrator   C1     5              TRUE       x1             B2     2"""
        )
    )
    change(folder, "config/methods/lcms.yaml", ("extraction_recovery", "none"))
    row = Study.load(folder).runs[0].worklist.iloc[0]
    assert row[["extracted", "extraction_id", "batch", "dilution_steps"]].tolist() == [True, "x1", "B2", 2]


def test_neat_calibrators_are_neat(folder):
    change(folder, "config/methods/lcms.yaml", ("surrogate", "neat"), ("extraction_recovery", "process_efficiency"))
    rows = Study.load(folder).runs[0].worklist
    assert rows[rows["sample_type"] == "calibrator"]["tissue"].tolist() == ["neat", "neat"]


def test_a_run_comes_back_from_json_as_it_was(folder):
    for run in Study.load(folder).runs:
        again = Run.from_json(run.to_json())
        assert again.to_json() == run.to_json()
        assert again.method == run.method
        pd.testing.assert_frame_equal(again.worklist, run.worklist)
        pd.testing.assert_frame_equal(again.decisions, run.decisions)


def test_decisions_go_to_their_run_with_their_well_written_as_in_the_worklist(folder):
    lcms, elisa = Study.load(folder).runs
    assert len(lcms.decisions) == 0
    assert elisa.decisions[["position", "plate"]].to_numpy().tolist() == [["D2", "1"]]


def test_more_columns_are_kept_as_text(folder):
    change(folder, SUBJECTS, ("dose_basis", "dose_basis cage"), ("0 ", "0  "), ("free_acid", "free_acid 7"))
    change(folder, SAMPLES, ("not_available_reason", "not_available_reason thawed_by"))
    study = Study.load(folder)
    assert study.subjects["cage"].tolist() == ["", "7"]
    assert "thawed_by" in study.samples


def test_notes_say_what_is_no_fault(folder):
    change(folder, SUBJECTS, ("R2 rat", "R9 rat M G1 vehicle 0 \nR2 rat"))
    change(folder, LC, ("9 s2.mzML unknown S2", "9 s2.mzML unknown S1"))
    assert Study.load(folder).notes == ("1 subject without samples: R9", "1 sample in no worklist: S2")


def test_all_faults_of_all_files_are_listed_at_once(folder):
    change(folder, SAMPLES, ("liver 29 100.5", "Liver 29 0"))
    change(folder, LC, ("C1 5", "C1 "), ("unknown S2", "unknown S99"))
    change(folder, "config/methods/elisa.yaml", ("4pl", "4lp"))
    (folder / "raw/LC-01/q.mzML").unlink()
    assert said(folder) == [
        "config/methods/elisa.yaml: line 10, analytes[mipomersen].calibration.model: '4lp'; "
        "expected one of linear, quadratic, 4pl, 5pl (did you mean '4pl'?)",
        "config/samples.tsv: line 2, tissue: 'Liver'; "
        "expected a tissue of config/config.yaml: liver, kidney (did you mean 'liver'?)",
        "config/samples.tsv: line 2, tissue_mass_mg: '0'; expected a number greater than 0",
        "config/worklists/LC-01.tsv: line 3, nominal_ng_ml: empty; expected the prepared concentration in ng/mL",
        "config/worklists/LC-01.tsv: line 5, file: 'q.mzML' is missing; expected a file in 'raw/LC-01'",
        "config/worklists/LC-01.tsv: line 10, sample_id: 'S99'; expected a sample_id of config/samples.tsv",
    ]


# what is wrong: (file, text of the file, what stands there instead, line, column, found, a part of what is expected)
ONE_FAULT = {
    "sample of an unknown subject": (
        SAMPLES, "S1 R1", "S1 R7",
        2, "subject_id", "'R7'", "a subject_id of config/subjects.tsv",
    ),
    "mass missing": (
        SAMPLES, "100.5", "",
        2, "tissue_mass_mg", "empty", "or a not_available_reason",
    ),
    "volume negative": (
        SAMPLES, "100.5 900", "100.5 -900",
        2, "buffer_volume_ul", "'-900'", "a number greater than 0",
    ),
    "day 0": (
        SAMPLES, "liver 29 100.5", "liver 0 100.5",
        2, "collection_day", "'0'", "the first dose is day 1",
    ),
    "a homogenate twice": (
        SAMPLES, "R1 kidney", "R1 liver",
        3, "homogenate", "the same homogenate (R1 liver 1 1) as line 2", "once together",
    ),
    "decimal comma in a tab file": (
        SAMPLES, "100.5", "100,5",
        2, "tissue_mass_mg", "'100,5'", "a point is the decimal sign",
    ),
    "not a number": (
        SAMPLES, "100.5", "nan",
        2, "tissue_mass_mg", "'nan'", "a number greater than 0",
    ),
    "a dose without basis": (
        SUBJECTS, "free_acid", "",
        3, "dose_basis", "empty", "free_acid or sodium_salt",
    ),
    "a wrong sex": (
        SUBJECTS, "rat M", "rat male",
        2, "sex", "'male'", "one of M, F",
    ),
    "unknown method": (
        RUNS, "ASO-LCMS-01", "ASO-LCMS-1",
        2, "method_id", "'ASO-LCMS-1'", "(did you mean 'ASO-LCMS-01'?)",
    ),
    "no date": (
        RUNS, "2026-03-10", "10.03.2026",
        2, "run_date", "'10.03.2026'", "2026-03-31",
    ),
    "a day that is none": (
        RUNS, "2026-03-10", "2026-02-30",
        2, "run_date", "'2026-02-30'", "2026-03-31",
    ),
    "an injection twice": (
        LC, "2 c1.mzML", "1 c1.mzML",
        3, "position", "'1'", "each injection number once (line 2 has it)",
    ),
    "a position that is no number": (
        LC, "2 c1.mzML", "A2 c1.mzML",
        3, "position", "'A2'", "an injection number",
    ),
    "a well twice": (
        EL, "A02", "a1",
        3, "position", "'a1'", "each well of a plate once (line 2 has it)",
    ),
    "no well": (
        EL, "A02", "2",
        3, "position", "'2'", "a well such as B7",
    ),
    "no position": (
        EL, "A02", "",
        3, "position", "empty", "a well such as B7",
    ),
    "nominal missing on a calibrator": (
        LC, "C1 5", "C1 ",
        3, "nominal_ng_ml", "empty", "prepared concentration",
    ),
    "nominal 0 on a calibrator": (
        LC, "C1 5", "C1 0",
        3, "nominal_ng_ml", "'0'", "sample_type zero",
    ),
    "nominal missing on a QC": (
        LC, "LQC 15", "LQC ",
        5, "nominal_ng_ml", "empty", "prepared concentration",
    ),
    "level missing on a QC": (
        LC, "qc  LQC", "qc  ",
        5, "level", "empty", "a level such as LQC",
    ),
    "a header in another spelling is said once, not once per row": (
        "config/samples.tsv", "buffer_volume_ul", "buffer_volume_µl",
        1, "buffer_volume_µl", "unknown column (did you mean 'buffer_volume_ul'?)", "a known column",
    ),
    "a required header in another spelling is not missing as well": (
        "config/subjects.tsv", "subject_id", "Subject_ID",
        1, "Subject_ID", "unknown column (did you mean 'subject_id'?)", "a known column",
    ),
    "a tissue nobody knows": (
        LC, "300  kidney", "300  Kidney",
        6, "tissue", "'Kidney'", "(did you mean 'kidney'?)",
    ),
    "a tissue that is not the sample's": (
        LC, "unknown S1    ", "unknown S1    kidney",
        9, "tissue", "'kidney'", "'liver', the tissue",
    ),
    "a word that is no sample type": (
        LC, "blank", "blanc",
        2, "sample_type", "'blanc'", "(did you mean 'blank'?)",
    ),
    "a dilution of 0": (
        LC, "S2   10", "S2   0",
        10, "dilution_factor", "'0'", "a number greater than 0",
    ),
    "a diluted calibrator": (
        LC, "C1 5 ", "C1 5 2",
        3, "dilution_factor", "'2'", "beyond the calibrators' own",
    ),
    "a sample that is not available": (
        LC, "unknown S1", "unknown S4",
        9, "sample_id", "'S4'", "says it is lost",
    ),
    "an unknown without sample": (
        LC, "unknown S1", "unknown ",
        9, "sample_id", "empty", "a sample_id of",
    ),
    "a file twice": (
        LC, "c2.mzML", "c1.mzML",
        4, "file", "'c1.mzML'", "each file once (line 3 has it)",
    ),
    "no file": (
        LC, "c2.mzML", "",
        4, "file", "empty", "or a not_acquired_reason",
    ),
    "a file written otherwise": (
        LC, "c2.mzML", "C2.mzML",
        4, "file", "'C2.mzML' is missing", "(did you mean 'c2.mzML'?)",
    ),
    "a backslash": (
        LC, "c2.mzML", "x\\c2.mzML",
        4, "file", "'x\\c2.mzML': a backslash", "'/' between folders",
    ),
    "a file above": (
        LC, "c2.mzML", "../../../etc/passwd",
        4, "file", "'../../../etc/passwd': a path with '..'", "inside the study folder",
    ),
    "a file elsewhere": (
        LC, "c2.mzML", "/etc/passwd",
        4, "file", "'/etc/passwd': an absolute path", "inside the study folder",
    ),
    "raw data elsewhere": (
        RUNS, "raw/EL-01.csv", "/etc/passwd",
        3, "raw_path", "'/etc/passwd': an absolute path", "allowed_roots",
    ),
    "raw data above": (
        RUNS, "raw/EL-01.csv", "raw/../../x.csv",
        3, "raw_path", "'raw/../../x.csv': a path with '..'", "inside",
    ),
    "no raw data": (
        RUNS, "raw/LC-01", "raw/LC-1",
        2, "raw_path", "'raw/LC-1' missing", "a folder with mzML files",
    ),
    "a file for a folder": (
        RUNS, "raw/LC-01", "raw/EL-01.csv",
        2, "raw_path", "'raw/EL-01.csv' is a file", "a folder",
    ),
    "a decision about nothing": (
        DECISIONS, "EL-01 D02", "EL-01 D03",
        2, "position", "'D3'", "of the worklist of EL-01",
    ),
    "a decision about no run": (
        DECISIONS, "EL-01 D02", "EL-9 D02",
        2, "run_id", "'EL-9'", "a run_id of config/runs.tsv",
    ),
    "a code of another action": (
        DECISIONS, "SPILL", "WRONG_PEAK",
        2, "reason_code", "'WRONG_PEAK'", "a code of 'exclude'",
    ),
    "a code outside the list": (
        DECISIONS, "SPILL", "TIRED",
        2, "reason_code", "'TIRED'", "PREPARATION_ERROR",
    ),
    "a decision before the run": (
        DECISIONS, "2026-03-12T10", "2026-03-11T09",
        2, "decided_at", "'2026-03-11T09:00:00Z'", "a time not before the run (2026-03-12)",
    ),
    "a decision without author": (
        DECISIONS, "KM", "",
        2, "author", "empty", "the name of who decided",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_FAULT)
def test_a_fault_is_said_with_its_place(folder, name):
    file, text, instead, line, column, found, expected = ONE_FAULT[name]
    change(folder, file, (text, instead))
    (fault,) = faults_of(folder)
    assert (fault.file, fault.line, fault.column, fault.found) == (file, line, column, found)
    assert expected in fault.expected


def test_a_decision_may_be_dated_the_evening_before_in_universal_time(folder):
    change(folder, DECISIONS, ("2026-03-12T10", "2026-03-11T10"))  # 2026-03-12 00:00 less 14 h
    assert faults_of(folder) == []


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [(DECISIONS, "spilt KM", "spilt ...", "line 2, author: '...'; expected the name of who decided"),
     (DECISIONS, "spilt KM", "spilt n.a.", "line 2, author: 'n.a.'; expected the name of who decided"),
     (DECISIONS, "spilt KM", "-- KM", "line 2, reason: '--'; expected the reason in words"),
     (RUNS, "2026-03-10 AL", "2026-03-10 --", "line 2, analyst: '--'; expected a name or initials")],
)  # fmt: skip
def test_a_dash_is_no_person_who_could_answer_for_it_and_no_reason(folder, file, before, after, told):
    change(folder, file, (before, after))
    assert said(folder) == [f"{file}: {told}"]


def test_a_run_reviewed_by_its_own_analyst_is_noted(folder):
    change(
        folder, RUNS, ("raw_path", "raw_path reviewed_by"), ("raw/LC-01", "raw/LC-01 al"), ("EL-01.csv", "EL-01.csv AL")
    )
    notes = [note for note in Study.load(folder).notes if "reviewed_by" in note]
    assert notes == ["1 run reviewed by the own analyst (reviewed_by): LC-01"]


def test_a_reinjection_names_another_run(folder):
    change(folder, RUNS, ("raw_path", "raw_path reinjection_of"), ("raw/LC-01", "raw/LC-01 LC-01"))
    assert said(folder) == [f"{RUNS}: line 2, reinjection_of: 'LC-01'; expected the run_id of another run"]


def test_a_blank_holds_no_analyte(folder):
    change(folder, LC, ("blank   ", "blank   7"))
    assert said(folder) == [f"{LC}: line 2, nominal_ng_ml: '7'; expected 0 or nothing: this row holds no analyte"]


def test_runs_of_one_sequence_and_the_preparation_of_standards_are_kept(folder):
    for file, column, cell in [(RUNS, "sequence_id", "SEQ-1"), (LC, "stock", "A"), (LC, "prepared_on", "2026-03-09")]:
        lines = (folder / file).read_text().splitlines()
        filled = [f"{lines[0]}\t{column}", f"{lines[1]}\t{cell}", *(f"{line}\t" for line in lines[2:])]
        (folder / file).write_text("\n".join(filled))
    first, second = Study.load(folder).runs
    assert (first.sequence_id, second.sequence_id) == ("SEQ-1", "")
    assert first.worklist.stock.tolist() == ["A", *[""] * 8]
    assert first.worklist.prepared_on.tolist() == ["2026-03-09", *[""] * 8]


def test_what_was_prepared_after_its_run_is_a_fault(folder):
    lines = (folder / LC).read_text().splitlines()
    days = ["prepared_on", "2026-03-10", "2026-03-11", *("" for _ in lines[3:])]
    (folder / LC).write_text("\n".join(f"{line}\t{day}" for line, day in zip(lines, days, strict=True)))
    expected = "a day not after the run_date 2026-03-10 of the run"
    assert said(folder) == [f"{LC}: line 3, prepared_on: '2026-03-11'; expected {expected}"]


def test_an_empty_worklist_is_a_fault(folder):
    (folder / LC).write_text("position\tfile\tsample_type\n")
    assert said(folder) == [f"{LC}: no rows; expected one row per injection or well"]


def test_an_empty_file_is_a_fault(folder):
    (folder / LC).write_text("\n\n")
    assert said(folder) == [f"{LC}: empty; expected a header line with column names"]


def test_a_run_without_worklist_and_a_worklist_without_run_are_faults(folder):
    (folder / LC).rename(folder / "config/worklists/LC-1.tsv")
    assert said(folder) == [
        "config/worklists/LC-01.tsv: missing; expected the table 'worklist' ('LC-1' is there)",
        "config/worklists/LC-1.tsv: the worklist of no run; "
        "expected a row with run_id 'LC-1' in config/runs.tsv (did you mean 'LC-01'?)",
    ]


def test_a_run_without_calibrators_is_a_fault(folder):
    change(folder, EL, ("calibrator", "anchor"), ("calibrator", "anchor"))
    assert [fault.found for fault in faults_of(folder)] == ["no calibrators"]


def test_a_dilution_qc_is_diluted(folder):
    change(folder, LC, ("qc  MQC 300  kidney", "dilution_qc  DQC 9000  kidney"))
    assert said(folder) == [f"{LC}: line 6, dilution_factor: '1'; expected a number greater than 1 for a dilution_qc"]


def test_a_row_that_was_not_acquired_needs_neither_file_nor_well(folder):
    change(
        folder,
        LC,
        ("tissue", "tissue not_acquired_reason"),
        ("8 s1.mzML unknown S1    ", "8  unknown S1     vial~empty"),
    )
    change(folder, EL, ("tissue", "tissue not_acquired_reason"), ("D2 unknown S3   20 ", " unknown S3   20  spilt"))
    change(folder, DECISIONS, ("D02", "D1"))
    (folder / "raw/LC-01/s1.mzML").unlink()
    assert said(folder) == []


def test_identifiers_that_name_files_are_plain(folder):
    change(folder, RUNS, ("EL-01 ASO", "../EL ASO"))
    faults = faults_of(folder)
    assert [f.found for f in faults if f.file == RUNS] == ["'../EL'"]
    assert "letters, digits" in next(f.expected for f in faults if f.file == RUNS)


@pytest.mark.parametrize("name", ["refused", "Study", "run.lock", "snakemake.log", "dry_run.log"])
def test_a_run_goes_by_no_name_of_the_workflow(folder, name):
    change(folder, RUNS, ("EL-01 ASO", f"{name} ASO"))
    faults = faults_of(folder)
    assert [f.found for f in faults if f.file == RUNS and "goes by this one" in f.expected] == [f"'{name}'"]


def test_sample_names_may_be_odd_but_hold_no_control_characters(folder):
    change(folder, SAMPLES, ("S1", "Σ#1/ä~b,\"'"))
    change(folder, LC, ("S1", "Σ#1/ä~b,\"'"))
    assert faults_of(folder) == []
    change(folder, SAMPLES, ("S2", "S\x1b2"))
    assert said(folder)[0] == f"{SAMPLES}: line 3, sample_id: 'S\\x1b2'; expected a text without control characters"


@pytest.mark.parametrize("sign", ["\u200b", "\u202e", "\u00ad", "\ufeff"])
def test_a_name_with_what_nobody_sees_is_refused_and_shown(folder, sign):
    change(folder, SAMPLES, ("S1", f"S{sign}1"))
    shown = repr(f"S{sign}1")
    expected = "a name without invisible characters: two that look the same would be two"
    assert f"{SAMPLES}: line 2, sample_id: {shown}; expected {expected}" in said(folder)


@pytest.mark.parametrize("name", ["NUL", "con", "Aux.1", "COM1", "LC-01."])
def test_a_run_named_as_no_folder_on_windows_is_refused(folder, name):
    change(folder, RUNS, ("LC-01 ", f"{name} "))
    faults = [f.expected for f in faults_of(folder) if f.file == RUNS and f.found == f"'{name}'"]
    assert faults[0].startswith("another name: on Windows no folder is called so")


@pytest.mark.parametrize("name", ["CON-01", "control", "NULL", "COM10"])
def test_a_run_named_nearly_as_a_device_is_kept(folder, name):
    change(folder, RUNS, ("LC-01\t", f"{name}\t"))
    (folder / LC).rename((folder / LC).with_name(f"{name}.tsv"))
    assert faults_of(folder) == []


def test_received_before_collected_is_a_fault(folder):
    change(folder, SAMPLES, ("not_available_reason", "not_available_reason collected_at received_at"),
           ("100.5 900 ", "100.5 900  2026-03-02T10:00:00Z 2026-03-02T11:30:00+02:00"))  # fmt: skip
    assert [(f.line, f.column, f.expected) for f in faults_of(folder)] == [
        (2, "received_at", "a time after collected_at")
    ]


def test_a_day_of_receipt_is_not_before_an_hour_of_the_same_day(folder):
    change(folder, SAMPLES, ("not_available_reason", "not_available_reason collected_at received_at"),
           ("100.5 900 ", "100.5 900  2026-03-02T10:00 2026-03-02"))  # fmt: skip
    assert faults_of(folder) == []


def test_one_extraction_is_of_one_sample(folder):
    change(folder, LC, ("tissue", "tissue extraction_id"), ("S1    ", "S1     E1"), ("S2   10 ", "S2   10  E1"))
    assert said(folder) == [
        f"{LC}: line 10, extraction_id: 'E1'; expected one sample per extraction: in {LC} it is of 'S1'"
    ]


def test_side_tables_are_read_and_checked(folder):
    (folder / "config/dosing.tsv").write_text(
        table("subject_id study_day dose_mg dose_basis given\nR1 1 2.5 free_acid TRUE\nR9 0 x salt -")
    )
    (folder / "config/materials.tsv").write_text(table("material kind lot\nmipomersen reference~standard L1"))
    assert [(f.line, f.column, f.found) for f in faults_of(folder)] == [
        (3, "dose_basis", "'salt'"),
        (3, "dose_mg", "'x'"),
        (3, "study_day", "'0'"),
        (3, "subject_id", "'R9'"),
    ]
    (folder / "config/dosing.tsv").write_text(
        table("subject_id study_day dose_mg dose_basis given\nR1 1 2.5 free_acid TRUE")
    )
    study = Study.load(folder)
    assert study.dosing[["dose_mg", "given"]].to_numpy().tolist() == [[2.5, "true"]]
    assert study.materials["kind"].tolist() == ["reference standard"]
    assert study.clinical_chemistry is None


def test_two_files_for_one_table_are_refused(folder):
    (folder / "config/samples.csv").write_text("sample_id\n")
    (fault, *_) = faults_of(folder)
    assert fault.found == "stands beside others: samples.tsv, samples.csv"


def test_a_folder_that_is_no_study_is_told_how_to_become_one(tmp_path):
    assert said(tmp_path) == [
        "config/config.yaml: missing; expected a study folder with config/config.yaml (`bioanalysis init` makes one)"
    ]


def test_missing_tables_are_all_named(folder):
    for name in (SAMPLES, SUBJECTS, RUNS):
        (folder / name).unlink()
    assert [f.found for f in faults_of(folder) if f.file in (SAMPLES, SUBJECTS, RUNS)] == ["missing"] * 3


class TestLinks:
    """A link inside the study folder is a path like any other."""

    @pytest.mark.requirement("UR-063")
    def test_a_link_that_leaves_the_study_is_refused(self, folder, tmp_path):
        (tmp_path / "outside.mzML").write_text("<mzML/>")
        (folder / "raw/LC-01/q.mzML").unlink()
        (folder / "raw/LC-01/q.mzML").symlink_to(tmp_path / "outside.mzML")
        (fault,) = faults_of(folder)
        assert (fault.line, fault.found) == (5, "'q.mzML': a link that leaves the study folder")

    def test_a_folder_linked_out_is_refused_unless_its_root_is_allowed(self, folder, tmp_path):
        (folder / "raw/LC-01").rename(tmp_path / "instrument")
        (folder / "raw/LC-01").symlink_to(tmp_path / "instrument")
        assert [f.found for f in faults_of(folder)] == ["'raw/LC-01': a link that leaves the study folder"]
        (folder / "config/config.yaml").open("a").write(f"allowed_roots: [{tmp_path / 'instrument'}]\n")
        assert faults_of(folder) == []

    def test_an_absolute_path_under_an_allowed_root_is_read(self, folder, tmp_path):
        (folder / "raw/LC-01").rename(tmp_path / "instrument")
        change(folder, RUNS, ("raw/LC-01", str(tmp_path / "instrument")))
        (folder / "config/config.yaml").open("a").write(f"allowed_roots: [{tmp_path}/instrument]\n")
        assert faults_of(folder) == []

    def test_a_neighbour_of_an_allowed_root_is_not_allowed(self, folder, tmp_path):
        (folder / "raw/LC-01").rename(tmp_path / "instruments")
        change(folder, RUNS, ("raw/LC-01", str(tmp_path / "instruments")))
        (folder / "config/config.yaml").open("a").write(f"allowed_roots: [{tmp_path}/instrument]\n")
        assert ["an absolute path" in f.found for f in faults_of(folder)] == [True]

    def test_a_link_to_itself_is_a_missing_file(self, folder):
        (folder / "raw/LC-01/q.mzML").unlink()
        (folder / "raw/LC-01/q.mzML").symlink_to("q.mzML")
        assert [f.found for f in faults_of(folder)] == ["'q.mzML' is missing"]

    def test_a_study_reached_through_a_link_is_itself(self, folder, tmp_path):
        (tmp_path / "link").symlink_to(folder)
        assert len(Study.load(tmp_path / "link").runs) == 2


class TestDoubleCorrection:
    """A loss is corrected once: judged for each sample against the calibrators it is read from."""

    @pytest.fixture
    def own_tissue(self, folder):
        """Calibrators in extracted liver: the liver's loss is theirs too, the kidney's is not."""
        change(folder, "config/methods/elisa.yaml", ("surrogate", "tissue"), ("false", "true"))
        change(folder, EL, ("C1 5  \n", "C1 5  liver\n"), ("C1 5  \n", "C1 5  liver\n"))
        return folder

    def test_apparent_recovery_of_the_calibrators_own_tissue_is_refused(self, own_tissue):
        assert said(own_tissue) == [
            f"{EL}: line 6, tissue: recovery_correction 'apparent' would correct twice for 2 rows of liver; "
            "expected none, for extracted calibrators in the sample's own matrix and internal standard none"
        ]

    def test_apparent_recovery_of_another_tissue_is_admitted(self, own_tissue):
        change(own_tissue, EL, ("unknown S3", "unknown S2"), ("unknown S3", "unknown S2"))
        assert faults_of(own_tissue) == []

    def test_each_plate_is_judged_by_its_own_calibrators(self, own_tissue):
        lines = (own_tissue / EL).read_text().splitlines()
        plates = ["plate", "1", "1", "1", "1", "2", "2"]
        more = "2\tA1\tcalibrator\t\tC1\t5\t\tkidney"
        rows = [f"{plate}\t{line}" for plate, line in zip(plates, lines, strict=True)]
        (own_tissue / EL).write_text("\n".join([*rows, more]))
        assert faults_of(own_tissue) == []

    def test_a_method_that_can_only_correct_twice_is_refused_itself(self, folder):
        change(folder, "config/methods/lcms.yaml", ("calibrators_extracted: false", "calibrators_extracted: true"))
        assert said(folder) == [
            "config/methods/lcms.yaml: line 21, extraction.recovery_correction: "
            "'extraction_recovery' would correct twice; expected none or apparent, "
            "for extracted calibrators in surrogate matrix and internal standard added after extraction"
        ]

    def test_calibrators_of_one_curve_are_extracted_alike(self, folder):
        change(folder, LC, ("tissue", "tissue extracted"), ("C1 5  ", "C1 5   true"))
        assert said(folder) == [f"{LC}: line 3, extracted: 'True'; expected the same for all calibrators of one curve"]

    def test_a_worklist_that_extracts_its_calibrators_is_believed(self, folder):
        change(folder, LC, ("tissue", "tissue extracted"), ("C1 5  ", "C1 5   true"), ("C2 5000  ", "C2 5000   true"))
        assert {f.found for f in faults_of(folder)} == {
            "recovery_correction 'extraction_recovery' would correct twice for this row of liver",
            "recovery_correction 'extraction_recovery' would correct twice for this row of kidney",
        }


class TestNominalOfOneAnalyte:
    def test_it_stands_for_the_common_one(self, folder):
        change(folder, LC, ("nominal_ng_ml", "nominal_ng_ml[mipomersen]"))
        rows = Study.load(folder).runs[0].worklist
        assert rows["nominal_ng_ml[mipomersen]"][1] == 5
        assert rows["nominal_ng_ml"].isna().all()

    def test_an_unknown_analyte_is_refused(self, folder):
        change(folder, LC, ("tissue", "tissue nominal_ng_ml[mipomersan]"))
        assert said(folder) == [
            f"{LC}: line 1, nominal_ng_ml[mipomersan]: no analyte of method ASO-LCMS-01; "
            "expected 'nominal_ng_ml[mipomersen]'"
        ]

    def test_a_column_that_is_nearly_one_is_not_taken_for_a_remark(self, folder):
        change(folder, LC, ("tissue", "tissue nominal_ng_ml(mipomersen)"))
        assert [f.expected for f in faults_of(folder)] == ["nominal_ng_ml[<analyte>]"]


class TestDecisions:
    def write(self, folder: Path, header: str, *rows: str) -> list[str]:
        (folder / DECISIONS).write_text(table("\n".join([header, *rows])))
        return [f"line {f.line}, {f.column}: {f.found}" for f in faults_of(folder)]

    COMMON = "reason_code reason author decided_at"
    WHO = "because AL 2026-03-12T10:00:00Z"

    def test_an_integration_sets_two_boundaries_of_a_peak(self, folder):
        header = f"decision_id action run_id position left_min right_min {self.COMMON}"
        good = f"D1 integrate LC-01 8 3.0 3.2 WRONG_PEAK {self.WHO}"
        assert self.write(folder, header, good) == []
        assert Study.load(folder).runs[0].decisions["analyte"].tolist() == ["mipomersen"]  # the method's only one
        assert self.write(
            folder,
            header,
            f"D1 integrate LC-01 8 3.2 3.0 WRONG_PEAK {self.WHO}",
            f"D2 integrate LC-01 8 - 3.0 WRONG_PEAK {self.WHO}",
            f"D3 integrate EL-01 D1 3.0 3.2 WRONG_PEAK {self.WHO}",
        ) == ["line 2, right_min: '3'", "line 3, left_min: empty", "line 4, action: 'integrate'"]

    def test_a_choice_names_the_sample_and_the_run(self, folder):
        header = f"decision_id action run_id sample_id {self.COMMON}"
        assert self.write(folder, header, f"D1 report_run EL-01 S3 RUN_FAIL {self.WHO}") == []
        assert self.write(
            folder,
            header,
            f"D1 report_run EL-01 S1 RUN_FAIL {self.WHO}",
            f"D2 report_run - S3 RUN_FAIL {self.WHO}",
            f"D3 report_result - S33 RUN_FAIL {self.WHO}",
            f"D4 accept_flag - - TECHNICAL_CAUSE_EXCLUDED {self.WHO}",
        ) == [
            "line 2, sample_id: 'S1'",
            "line 3, run_id: empty",
            "line 4, extraction_id: empty",
            "line 4, sample_id: 'S33'",
            "line 5, action: 'accept_flag' of nothing",
        ]

    def test_an_analyte_is_one_of_the_method(self, folder):
        header = f"decision_id action run_id position analyte {self.COMMON}"
        assert self.write(folder, header, f"D1 exclude LC-01 8 IS1 INSTRUMENT {self.WHO}") == []
        assert self.write(folder, header, f"D1 exclude LC-01 8 IS2 INSTRUMENT {self.WHO}") == ["line 2, analyte: 'IS2'"]


def test_methods_of_one_name_are_refused(folder):
    (folder / "config/methods/copy.yaml").write_text((folder / "config/methods/lcms.yaml").read_text())
    assert said(folder) == [
        "config/methods/lcms.yaml: line 1, method_id: 'ASO-LCMS-01', as in config/methods/copy.yaml; expected each once"
    ]


def test_tissues_of_a_method_are_tissues_of_the_study(folder):
    (folder / "config/methods/lcms.yaml").open("a").write("minimum_dilution: {Kidney: 10}\n")
    assert [(f.line, f.column, f.found) for f in faults_of(folder)] == [(23, "minimum_dilution.Kidney", "'Kidney'")]


def test_an_override_of_no_rule_is_refused(folder):
    change(folder, "config/methods/lcms.yaml", (
        "ich_m10_chromatographic}", "ich_m10_chromatographic, overrides: {CAL-CC-2: {limit: 20, source: report}}}"
    ))  # fmt: skip
    assert [(f.line, f.column) for f in faults_of(folder)] == [(22, "acceptance.overrides.CAL-CC-2")]


def test_faults_of_the_settings_do_not_hide_those_of_the_tables(folder):
    change(folder, "config/config.yaml", ("status: qualified", "status: fine"))
    change(folder, SAMPLES, ("R1 liver", "R1 lung"))
    assert [(f.file, f.found) for f in faults_of(folder)] == [
        ("config/config.yaml", "'fine'"),
        (SAMPLES, "'lung'"),
    ]


def test_ten_thousand_samples_are_checked_in_two_seconds(tmp_path):
    folder = make_small_study(tmp_path / "study")
    head, *_ = (folder / SAMPLES).read_text().splitlines()
    tissues = ("liver", "kidney")
    rows = [f"T{i}\tR1\t{tissues[i % 2]}\t29\t{100 + i % 7}\t900\t" for i in range(10_000)]
    lines = (folder / SAMPLES).read_text().splitlines()[1:]
    pieces = [f"{line}\t1" for line in lines] + [f"{row}\t{i}" for i, row in enumerate(rows, start=2)]
    (folder / SAMPLES).write_text("\n".join([f"{head}\tpiece", *pieces]))
    top = (folder / LC).read_text()
    more = [f"{10 + i}\tf{i}.mzML\tunknown\tT{i}\t\t\t\t" for i in range(10_000)]
    (folder / LC).write_text(top + "\n".join(more))
    for i in range(10_000):
        (folder / f"raw/LC-01/f{i}.mzML").touch()
    start = time.process_time()
    study = Study.load(folder)
    assert time.process_time() - start < 2
    assert len(study.runs[0].worklist) == 10_009


def test_batch_errors_carry_their_faults(folder):
    (folder / SAMPLES).unlink()
    with pytest.raises(BatchError, match="nothing was computed"):
        Study.load(folder)


def test_a_path_that_leaves_the_study_is_said_beside_an_unknown_method(folder):
    change(folder, RUNS, ("LC-01 ASO-LCMS-01", "LC-01 ASO-LCMS-1"), ("raw/LC-01", "../LC-01"))
    words = [text for text in said(folder) if text.startswith(RUNS)]
    assert any("method_id: 'ASO-LCMS-1'" in text for text in words)
    assert any("raw_path: '../LC-01': a path with '..'" in text for text in words)


def test_a_run_of_a_method_file_that_cannot_be_read_says_so(folder):
    for name in ("lcms", "elisa"):
        (folder / f"config/methods/{name}.yaml").write_text("a: b: c\n")
    assert any(text.endswith("a method_id of config/methods: none of its files could be read") for text in said(folder))
