"""Conformance of the SEND data sets, one test per rule: SENDIG 3.1.1 (SEND-01 to -08), terminology (CT-01 to -05)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pandas as pd
import pyreadstat
import pytest
from small_study import make_small_study
from test_send import BLQ, LIVER, LOST, rows

from bioanalysis.export.send import term, write_send
from bioanalysis.export.sources import read_words

ALQ = "S4 R2 spleen 1 1 29 mipomersen ASO-LCMS-01 LC-01 - - - 0.05 ug/g ALQ above~the~ULOQ 0.6 false"
PLASMA = "S5 R2 plasma 1 1 29 mipomersen ASO-LCMS-01 LC-01 44.4 40 49 5 ng/mL quantified - 1 false"
LINES = (LIVER, BLQ, LOST, ALQ, PLASMA)
DEF = "{http://www.cdisc.org/ns/def/v2.1}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data sets of a study with a value, BLQ, ALQ, a result not reported and a fluid."""
    study = make_small_study(tmp_path_factory.mktemp("send"))
    (study / "results/study").mkdir(parents=True)
    rows(*LINES).to_csv(study / "results/study/tissue_concentrations.tsv", sep="\t", index=False)
    write_send(study, study / "send")
    return study / "send"


@pytest.fixture(scope="module")
def pc(folder):
    table, about = pyreadstat.read_xport(folder / "pc.xpt")
    assert len(table) == len(LINES)
    table.attrs["labels"] = dict(zip(about.column_names, about.column_labels, strict=True))
    return table


def test_send_01_a_result_without_a_number_is_blq_or_alq(pc):
    words = pc.PCSTRESC[pc.PCSTRESN.isna() & (pc.PCSTAT == "")]
    assert sorted(words) == ["ALQ", "BLQ"]


def test_send_02_outside_the_limits_there_is_no_number(pc):
    outside = pc[pc.PCORRES.isin(["BLQ", "ALQ"])]
    assert len(outside) == 2
    assert outside.PCSTRESN.isna().all()


def test_send_03_blq_has_its_limit_and_its_unit(pc):
    below = pc[pc.PCSTRESC == "BLQ"]
    assert below.PCLLOQ.tolist() == [0.06]
    assert below.PCSTRESU.tolist() == ["mg/kg"]


def test_send_04_each_record_is_the_only_one_of_its_test_subject_specimen_and_time(pc):
    assert not pc.duplicated(["PCTESTCD", "USUBJID", "POOLID", "PCSPEC", "PCDTC"]).any()


def test_send_05_no_record_is_said_to_be_usable(pc):
    assert "PCSPCUFL" not in pc or set(pc.PCSPCUFL) <= {"", "N"}


def test_send_06_and_ct_04_no_parameters_are_submitted(folder):
    assert sorted(path.name for path in folder.glob("*.xpt")) == ["pc.xpt", "supppc.xpt"]


def test_send_07_test_and_code_are_one_to_one_and_names_fit(pc):
    pairs = pc[["PCTESTCD", "PCTEST"]].drop_duplicates()
    assert pairs.PCTESTCD.is_unique
    assert pairs.PCTEST.is_unique
    assert all(re.fullmatch("[A-Z][A-Z0-9]{0,7}", code) for code in pairs.PCTESTCD)
    assert all(re.fullmatch("[A-Z][A-Z0-9]{0,7}", name) for name in pc.columns)


def test_send_08_each_record_has_a_date_or_a_day(pc):
    assert ((pc.PCDTC != "") | pc.PCDY.notna()).all()


def test_ct_01_specimens_are_terms_of_the_codelist(pc):
    assert sorted(pc.PCSPEC) == ["KIDNEY", "LIVER", "LIVER", "PLASMA", "SPLEEN"]


def test_ct_02_tissue_is_in_mg_per_kg_and_a_fluid_in_its_own_unit(pc):
    units = pc[pc.PCSTAT == ""].set_index("PCSPEC").PCSTRESU
    assert units.to_dict() == {"LIVER": "mg/kg", "KIDNEY": "mg/kg", "SPLEEN": "mg/kg", "PLASMA": "ng/mL"}
    assert term("PKUNIT", "ug/g") == "mg/kg"


def test_ct_03_no_condition_of_a_specimen_is_made_up(pc):
    assert "PCSPCCND" not in pc


def test_ct_05_the_release_of_the_terminology_is_named(folder):
    standards = ET.parse(folder / "define.xml").getroot().iter(f"{DEF}Standard")
    assert [one.get("Version") for one in standards if one.get("Type") == "CT"] == ["2023-12-15"]


LACKING = ("POOLID", "PCREFID", "PCSPID", "PCSTAT", "PCREASND", "PCMETHOD", "PCDRVFL", "VISITDY")


def labels(path) -> pd.Series:
    _, about = pyreadstat.read_xport(path)
    return pd.Series(about.column_labels, index=about.column_names)


@pytest.mark.parametrize(
    ("study", "domain", "theirs_lack"),
    [
        ("cber_study3_gene_therapy_liver", "PC", ()),  # has every variable of the guide
        ("cber_study5_plasma", "PC", LACKING),
        ("pds_rat_1month", "POOLDEF", ()),
    ],
)  # fmt: skip
def test_labels_and_order_are_those_of_submitted_data_sets(reference, study, domain, theirs_lack):
    theirs = labels(reference / "send" / study / f"{domain.lower()}.xpt")
    ours = pd.Series(
        {row["variable"]: row["label"] for row in read_words("send_variables.tsv") if row["domain"] == domain}
    )
    shared = [name for name in ours.index if name in theirs.index]
    assert sorted(set(ours.index) - set(shared)) == sorted(theirs_lack)
    assert ours[shared].tolist() == theirs[shared].tolist()
    assert [name for name in theirs.index if name in shared] == shared


def test_every_variable_that_the_guide_expects_is_in_the_data_set(pc):
    # SENDIG 3.1.1 6.3.11: required and expected variables of PC; columns stand there even where they are empty
    assert {
        "STUDYID", "DOMAIN", "USUBJID", "PCSEQ", "PCTESTCD", "PCTEST", "PCORRES", "PCORRESU", "PCSTRESC", "PCSTRESN",
        "PCSTRESU", "PCSPEC", "PCLLOQ", "PCNOMDY", "PCELTM", "PCTPTREF", "PCRFTDTC",
    } <= set(pc.columns)  # fmt: skip


@pytest.mark.parametrize("domain", ["pc", "supppc"])
def test_a_file_read_and_written_again_has_the_same_content(folder, domain, tmp_path):
    table, about = pyreadstat.read_xport(folder / f"{domain}.xpt")
    pyreadstat.write_xport(
        table, tmp_path / "again.xpt", table_name=about.table_name, column_labels=about.column_labels,
        file_format_version=5,
    )  # fmt: skip
    back, again = pyreadstat.read_xport(tmp_path / "again.xpt")
    pd.testing.assert_frame_equal(back, table)
    assert again.column_labels == about.column_labels
