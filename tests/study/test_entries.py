"""Masses and volumes entered by hand are marked, and the second person who checked them is kept."""

from __future__ import annotations

import pandas as pd
import pytest
from small_study import make_small_study, said, table

from bioanalysis.evaluation.study_flags import accept, study_flags
from bioanalysis.flags import flag_table
from bioanalysis.report.tracking import entries_section
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-040")

SAMPLES = """\
    sample_id  subject_id  tissue  collection_day  tissue_mass_mg  buffer_volume_ul  not_available_reason  {head}
    S1         R1          liver   29              100.5           900               -                     {s1}
    S2         R1          kidney  29              98.2            900               -                     {s2}
    S3         R2          liver   29              101             900               -                     {s3}
    S4         R2          kidney  29              -               -                 lost                  {s4}"""


def study_with(folder, head="entry entered_by checked_by", s1="- - -", s2="- - -", s3="- - -", s4="- - -"):
    """Write the small study with three more columns in its sample manifest."""
    make_small_study(folder)
    (folder / "config/samples.tsv").write_text(table(SAMPLES.format(head=head, s1=s1, s2=s2, s3=s3, s4=s4)))
    return folder


def flags_of(study: Study) -> pd.DataFrame:
    nothing = pd.DataFrame({"flag": []})
    rows = study_flags(study, pd.DataFrame(), {}, nothing)
    found = flag_table(rows)
    return found[found.flag == "entry_not_checked"]


def test_what_one_person_entered_and_nobody_checked_is_flagged_sample_by_sample(tmp_path):
    folder = study_with(tmp_path, s1="by_hand AL KM", s2="by_hand AL -", s3="from_instrument - -", s4="by_hand AL -")
    flags = flags_of(Study.load(folder))
    assert flags[["sample_id", "tissue", "observed", "state"]].to_numpy().tolist() == [
        ["S2", "kidney", "entered by AL", "open"]  # S4 was lost: nothing of it was weighed
    ]


def test_a_name_alone_says_that_it_was_entered_by_hand(tmp_path):
    assert flags_of(Study.load(study_with(tmp_path, s3="- AL -"))).sample_id.tolist() == ["S3"]


def test_by_hand_without_a_name_is_flagged_as_such(tmp_path):
    flags = flags_of(Study.load(study_with(tmp_path, s1="by_hand - -")))
    assert flags.observed.tolist() == ["entered by somebody not named"]


def test_a_manifest_that_does_not_say_raises_no_flag(tmp_path):
    assert flags_of(Study.load(make_small_study(tmp_path))).empty


def test_the_second_person_is_another_one_and_what_is_checked_has_an_author(tmp_path):
    folder = study_with(tmp_path, s1="by_hand AL al", s2="by_hand - KM", s3="from_instrument AL -", s4="typed AL KM")
    where = "config/samples.tsv"
    assert said(folder) == [
        f"{where}: line 2, checked_by: 'al'; expected a second person, not the one who entered it",
        f"{where}: line 3, entered_by: empty; expected who entered what was checked",
        f"{where}: line 4, entered_by: 'AL'; expected nobody, or the entry by_hand: 'from_instrument' is written down",
        f"{where}: line 5, entry: 'typed'; expected one of by_hand, from_instrument",
    ]


@pytest.mark.parametrize(
    ("entered", "checked"),
    [
        ("A. Lindqvist", "A.  LINDQVIST"),
        ("A. Lindqvist", "A.\u00a0Lindqvist"),
        ("A. Lindqvist", "A Lindqvist"),
        ("J. M\u00fcller", "J. Mu\u0308ller"),
    ],
)
def test_a_name_in_another_spelling_is_no_second_person(tmp_path, entered, checked):
    folder = study_with(tmp_path)
    samples = folder / "config/samples.tsv"
    lines = samples.read_text().split("\n")
    lines[1] = f"{lines[1].split('900')[0]}900\t\tby_hand\t{entered}\t{checked}"
    samples.write_text("\n".join(lines))
    (told,) = said(folder)
    assert told.endswith("expected a second person, not the one who entered it")


@pytest.mark.parametrize("word", ["--", "N/A", "none", "n.a.", "?"])
def test_a_word_for_nobody_is_no_second_person(tmp_path, word):
    assert said(study_with(tmp_path, s1=f"by_hand AL {word}")) == [
        f"config/samples.tsv: line 2, checked_by: '{word}'; expected a name or initials, or nothing where there is "
        "nobody"
    ]


def test_two_names_that_look_alike_and_initials_like_no_answer_are_persons(tmp_path):
    assert said(study_with(tmp_path, s1="by_hand A.Li Ali", s2="by_hand AL N.A.")) == []


def test_what_an_instrument_wrote_may_be_checked_by_somebody(tmp_path):
    assert flags_of(Study.load(study_with(tmp_path, s1="from_instrument - KM"))).empty


def test_the_flag_of_a_sample_is_closed_by_a_decision_that_names_it(tmp_path):
    folder = study_with(tmp_path, s1="by_hand AL -", s2="by_hand AL -")
    (folder / "config/decisions.tsv").write_text(
        "decision_id\taction\tsample_id\treason_code\treason\tauthor\tdecided_at\n"
        "D1\taccept_flag\tS2\tSCIENTIFIC_JUSTIFICATION\tprint of the balance found\tKM\t2026-03-12T10:00:00Z\n"
    )
    study = Study.load(folder)
    closed = accept(flags_of(study), study.decisions)
    assert closed[["sample_id", "state", "decision_id"]].to_numpy().tolist() == [
        ["S1", "open", ""],
        ["S2", "accepted", "D1"],
    ]


def test_the_report_counts_them_and_names_both_persons(tmp_path):
    folder = study_with(tmp_path, s1="by_hand AL KM", s2="by_hand <b>AL</b> -", s3="from_instrument - -")
    made = entries_section(Study.load(folder))
    assert made["text"] == (
        "Of 3 samples with a mass or a volume, 2 were entered by hand, 1 of them checked by a second person; 1 came "
        "from an instrument; for 0 config/samples.tsv does not say."
    )
    checked, alone = made["rows"]
    assert "<td>AL</td><td>KM</td>" in checked
    assert "<td>&lt;b&gt;AL&lt;/b&gt;</td><td>NOT CHECKED</td>" in alone
