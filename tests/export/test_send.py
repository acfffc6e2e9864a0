"""SEND data sets of a small study, read back as a reviewer's tool does."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd
import pyreadstat
import pytest
from small_study import change, make_small_study

from bioanalysis.export.send import data_sets, variables, write_send
from bioanalysis.export.xpt import short_names, unique_within, write_xpt
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-052")

COLUMNS = [
    "sample_id", "subject_id", "tissue", "piece", "homogenate", "collection_day", "analyte", "method_id", "run_id",
    "value", "value_low", "value_high", "lloq", "unit", "status", "reason", "recovery_factor", "pool",
]  # fmt: skip
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
DEF = "{http://www.cdisc.org/ns/def/v2.1}"


def rows(*lines: str) -> pd.DataFrame:
    """Rows drawn with blanks; `-` is an empty cell, `~` a blank in a cell."""
    cells = [["" if cell == "-" else cell.replace("~", " ") for cell in line.split()] for line in lines]
    return pd.DataFrame(cells, columns=COLUMNS)


LIVER = "S1 R1 liver 1 1 29 mipomersen ASO-LCMS-01 LC-01 12.345 11 14 0.05 ug/g quantified - 0.6 false"
BLQ = "S2 R1 kidney 1 1 29 mipomersen ASO-LCMS-01 LC-01 - - - 0.06 ug/g BLQ no~peak 0.7 false"
LOST = "S3 R2 liver 1 1 29 mipomersen ASO-LCMS-01 LC-01 - - - 0.05 ug/g not_reported RUN_FAIL:~QC-05 0.6 false"


@pytest.fixture
def study(tmp_path):
    return Study.load(make_small_study(tmp_path))


def pc(study: Study, *lines: str) -> pd.DataFrame:
    return data_sets(study, rows(*lines)).domains["PC"].set_index("PCREFID")


def test_a_value_is_written_with_three_digits_in_the_submission_unit(study):
    record = pc(study, LIVER).loc["S1"]
    assert (record.PCORRES, record.PCSTRESC, record.PCSTRESN) == ("12.3", "12.3", 12.3)
    assert (record.PCORRESU, record.PCSPEC, record.USUBJID) == ("mg/kg", "LIVER", "SMALL-1-R1")
    assert (record.PCTESTCD, record.PCTEST, record.PCMETHOD) == ("MIPOMERS", "mipomersen", "LC/MS/MS")


def test_blq_is_a_word_with_its_limit_and_never_a_number(study):
    record = pc(study, BLQ).loc["S2"]
    assert (record.PCORRES, record.PCSTRESC, record.PCSTRESU, record.PCLLOQ) == ("BLQ", "BLQ", "mg/kg", 0.06)
    assert pd.isna(record.PCSTRESN)


def test_a_result_not_reported_is_not_done_with_its_reason(study):
    record = pc(study, LOST).loc["S3"]
    assert (record.PCSTAT, record.PCREASND) == ("NOT DONE", "not_reported: RUN_FAIL: QC-05")
    assert (record.PCORRES, record.PCSTRESC) == ("", "")


def test_pieces_of_an_organ_are_one_record(study):
    # 10 and 20 of one liver: 15
    first, second = (
        LIVER.replace("12.345", "10"),
        LIVER.replace("S1 R1 liver 1", "S9 R1 liver 2").replace("12.345", "20"),
    )
    table = data_sets(study, rows(first, second)).domains["PC"]
    assert table.PCSTRESC.tolist() == ["15"]
    mixed = data_sets(study, rows(first, BLQ.replace("S2 R1 kidney 1", "S9 R1 liver 2"))).domains["PC"]
    assert mixed.PCSTAT.tolist() == ["NOT DONE"]
    assert "no mean of 2 pieces" in mixed.PCREASND[0]


def test_a_record_made_of_several_pieces_is_flagged_as_derived(study):
    second = LIVER.replace("S1 R1 liver 1", "S9 R1 liver 2")
    assert data_sets(study, rows(LIVER, second)).domains["PC"].PCDRVFL.tolist() == ["Y"]
    assert data_sets(study, rows(LIVER)).domains["PC"].PCDRVFL.tolist() == [""]


def test_a_collection_is_timed_by_the_last_dose_given_on_an_earlier_day(tmp_path):
    # collected on day 29; doses on days 1, 22, 26 (not given) and 29 (before or after the collection: not known)
    make_small_study(tmp_path)
    doses = "".join(
        f"R1\t{day}\t{moment}\t5\tfree_acid\t{given}\n"
        for day, moment, given in (
            (22, "2026-02-02T09:30", "true"), (1, "", "true"), (26, "", "false"), (29, "", "true"),
        )
    )  # fmt: skip
    (tmp_path / "config/dosing.tsv").write_text(f"subject_id\tstudy_day\tdosed_at\tdose_mg\tdose_basis\tgiven\n{doses}")
    record = pc(Study.load(tmp_path), LIVER).loc["S1"]
    assert (record.PCTPTREF, record.PCELTM, record.PCRFTDTC) == ("Day 22 Dose", "P7D", "2026-02-02T09:30")


def test_without_doses_the_expected_variables_of_time_stand_there_empty(study):
    record = pc(study, LIVER).loc["S1"]
    assert (record.PCTPTREF, record.PCELTM, record.PCRFTDTC) == ("", "", "")


def test_pieces_may_stay_separate(tmp_path):
    make_small_study(tmp_path)
    change(tmp_path, "config/config.yaml", ("tissues:", "send: {pieces: separate}\ntissues:"))
    table = data_sets(Study.load(tmp_path), rows(LIVER, LIVER.replace("S1 R1 liver 1", "S9 R1 liver 2"))).domains["PC"]
    assert table.PCSPID.tolist() == ["1", "2"]


def test_each_record_is_the_only_one_of_its_test_animal_specimen_and_time(study):
    table = data_sets(study, rows(LIVER, BLQ, LOST)).domains["PC"]
    assert not table.duplicated(["PCTESTCD", "USUBJID", "POOLID", "PCSPEC", "PCDTC"]).any()
    assert table.groupby("USUBJID").PCSEQ.apply(list).to_dict() == {"SMALL-1-R1": [1, 2], "SMALL-1-R2": [1]}


def test_a_pool_is_never_written_as_an_animal(tmp_path):
    make_small_study(tmp_path)
    (tmp_path / "config/pools.tsv").write_text("pool_id\tsubject_id\nP1\tR2\n")
    change(tmp_path, "config/samples.tsv", ("S3 R2 liver", "S3 P1 liver"))
    domains = data_sets(Study.load(tmp_path), rows(LOST.replace("S3 R2", "S3 P1").replace("false", "true"))).domains
    assert (domains["PC"].USUBJID[0], domains["PC"].POOLID[0]) == ("", "P1")
    assert domains["POOLDEF"].to_dict("records") == [{"STUDYID": "SMALL-1", "POOLID": "P1", "USUBJID": "SMALL-1-R2"}]


def written(tmp_path, *lines: str):
    make_small_study(tmp_path)
    (tmp_path / "results/study").mkdir(parents=True)
    rows(*lines).to_csv(tmp_path / "results/study/tissue_concentrations.tsv", sep="\t", index=False)
    write_send(tmp_path, tmp_path / "send")
    return tmp_path / "send"


def test_the_file_holds_what_was_put_in_by_order_label_and_value(tmp_path):
    folder = written(tmp_path, LIVER, BLQ, LOST)
    frame, about = pyreadstat.read_xport(folder / "pc.xpt")
    made = data_sets(Study.load(tmp_path), rows(LIVER, BLQ, LOST)).domains["PC"]
    assert about.column_names == variables("PC") == list(made)
    assert (about.table_name, about.file_label) == ("PC", "Pharmacokinetics Concentrations")
    assert dict(zip(about.column_names, about.column_labels, strict=True))["PCLLOQ"] == "Lower Limit of Quantitation"
    for name in made:
        pd.testing.assert_series_equal(
            frame[name], made[name].reset_index(drop=True), check_dtype=False, check_names=False, check_index=False
        )


def test_the_same_results_give_the_same_bytes_whenever_they_are_written(tmp_path):
    folder = written(tmp_path, LIVER)
    before = (folder / "pc.xpt").read_bytes()
    assert b"01JAN00:00:00:00" in before[:400]
    write_send(tmp_path, folder)
    assert (folder / "pc.xpt").read_bytes() == before


def test_what_does_not_fit_the_format_is_changed_and_noted(tmp_path):
    frame = pd.DataFrame({"STUDYID": ["Größe µ"], "POOLID": ["x" * 300], "USUBJID": ["=cmd"]})
    notes = write_xpt(frame, tmp_path / "pooldef.xpt", "POOLDEF")
    back, _ = pyreadstat.read_xport(tmp_path / "pooldef.xpt")
    assert back.loc[0].tolist() == ["Groe u", "x" * 200, "=cmd"]
    assert notes[0] == "POOLDEF: STUDYID 'Größe µ' written as 'Groe u'"


def test_short_names_are_eight_capitals_and_unique():
    assert short_names(["mipomersen", "mipomersen n-1", "3'-n-1"]) == {
        "mipomersen": "MIPOMERS", "mipomersen n-1": "MIPOMER2", "3'-n-1": "A3N1",
    }  # fmt: skip


def test_names_of_analytes_fit_and_stay_different():
    # 40 characters for PCTEST: two names that differ behind them are told apart by a number
    names = unique_within(["mipomersen", "x" * 50 + "a", "x" * 50 + "b", "α-tocopherol"], 40)
    assert list(names.values()) == ["mipomersen", "x" * 40, "x" * 38 + " 2", "-tocopherol"]


def item(root: ET.Element, name: str) -> ET.Element:
    return next(one for one in root.iter(f"{ODM}ItemDef") if one.get("OID") == name)


def test_define_says_of_each_variable_what_the_file_holds(tmp_path):
    folder = written(tmp_path, LIVER, BLQ)
    _, about = pyreadstat.read_xport(folder / "pc.xpt")
    root = ET.parse(folder / "define.xml").getroot()
    for name, width in about.variable_storage_width.items():
        described = item(root, f"IT.PC.{name}")
        timed = described.get("DataType") in ("date", "datetime", "incompleteDatetime", "durationDatetime")
        assert described.get("Length") == (None if timed else str(width)), name
    assert item(root, "IT.PC.PCSTRESN").get("SignificantDigits") == "1"  # 12.3


def test_a_study_without_one_interval_is_written_like_any_other(tmp_path):
    study = Study.load(make_small_study(tmp_path))
    sets = data_sets(study, rows(BLQ, LOST)).domains["SUPPPC"]
    assert not sets.isna().any().any()
    # recovery factor and run of both records, no limits of an interval
    assert sets[["USUBJID", "IDVARVAL", "QNAM"]].to_numpy().tolist() == [
        ["SMALL-1-R1", "1", "PCRECOV"], ["SMALL-1-R1", "1", "PCRUNID"],
        ["SMALL-1-R2", "1", "PCRECOV"], ["SMALL-1-R2", "1", "PCRUNID"],
    ]  # fmt: skip
    results = tmp_path / "results/study"
    results.mkdir(parents=True)
    rows(BLQ, LOST).to_csv(results / "tissue_concentrations.tsv", sep="\t", index=False)
    write_send(tmp_path, tmp_path)
    assert (tmp_path / "define.xml").exists()


def test_define_tells_variables_without_data_and_how_others_are_derived(tmp_path):
    root = ET.parse(written(tmp_path, LIVER) / "define.xml").getroot()
    refs = {ref.get("ItemOID"): ref for ref in root.iter(f"{ODM}ItemRef")}
    methods = {method.get("OID") for method in root.iter(f"{ODM}MethodDef")}
    empty = {name for name, ref in refs.items() if ref.get(f"{DEF}HasNoData") == "Yes"}
    assert {"IT.PC.POOLID", "IT.PC.PCSTAT", "IT.PC.PCTPTREF"} <= empty
    assert "IT.PC.PCSTRESC" not in empty
    for one in root.iter(f"{ODM}ItemDef"):
        derived = next(one.iter(f"{DEF}Origin")).get("Type") == "Derived"
        assert (refs[one.get("OID")].get("MethodOID") in methods) == derived, one.get("OID")


def test_a_tissue_outside_the_codelist_is_marked_as_an_extension(tmp_path):
    folder = written(tmp_path, LIVER, BLQ.replace("kidney", "tumour"))
    root = ET.parse(folder / "define.xml").getroot()
    specimens = next(one for one in root.iter(f"{ODM}CodeList") if one.get("OID") == "CL.SPEC")
    terms = {one.get("CodedValue"): one.get(f"{DEF}ExtendedValue") for one in specimens.iter(f"{ODM}EnumeratedItem")}
    assert terms == {"LIVER": None, "TUMOUR": "Yes"}


def test_define_names_every_variable_of_every_data_set(tmp_path):
    folder = written(tmp_path, LIVER, BLQ)
    root = ET.parse(folder / "define.xml").getroot()
    for group in root.iter(f"{ODM}ItemGroupDef"):
        names = [ref.get("ItemOID").rsplit(".", 1)[1] for ref in group.iter(f"{ODM}ItemRef")]
        assert names == variables(group.get("Name"))
    items = {item.get("OID") for item in root.iter(f"{ODM}ItemDef")}
    assert {ref.get("ItemOID") for ref in root.iter(f"{ODM}ItemRef")} == items
    lists = {item.get("OID") for item in root.iter(f"{ODM}CodeList")}
    assert {ref.get("CodeListOID") for ref in root.iter(f"{ODM}CodeListRef")} <= lists
