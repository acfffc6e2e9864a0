"""A method states from which day its version may be used, and who released it: runs from before bear a flag."""

from __future__ import annotations

import pandas as pd
import pytest
from small_study import LCMS, make_small_study, said

from bioanalysis.evaluation.study_flags import study_flags
from bioanalysis.flags import flag_table
from bioanalysis.report.account import methods_section
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-039")


def study_with(folder, release):
    """Write the small study, `release` below the version of its LC-MS/MS method; its run LC-01 is of 2026-03-10."""
    folder.mkdir(exist_ok=True)
    make_small_study(folder)
    text = LCMS.replace('version: "2"\n', f'version: "2"\n{release}')
    (folder / "config/methods/lcms.yaml").write_text(text)
    return folder


@pytest.mark.parametrize(("day", "flagged"), [("2026-03-09", []), ("2026-03-10", []), ("2026-03-11", ["LC-01"])])
def test_a_run_from_before_the_day_of_release_is_flagged_and_one_of_that_day_is_not(tmp_path, day, flagged):
    study = Study.load(study_with(tmp_path, f"effective_date: {day}\n"))
    flags = flag_table(study_flags(study, pd.DataFrame(), {}, pd.DataFrame({"flag": []})))
    flags = flags[flags.flag == "method_not_effective"]
    assert flags.run_id.tolist() == flagged
    assert set(flags.observed) <= {"measured on 2026-03-10"}
    assert set(flags.limit) <= {f"version 2 from {day}"}


def test_the_report_shows_day_and_person_and_says_where_they_are_not_given(tmp_path):
    study = Study.load(study_with(tmp_path, "effective_date: 2026-01-31\napproved_by: M. Berg\n"))
    rows = methods_section(study)["rows"].table.astype(str).set_index("method_id")
    assert rows.loc["ASO-LCMS-01", ["effective from", "approved by"]].tolist() == ["2026-01-31", "M. Berg"]
    assert rows.loc["ASO-ELISA-01", ["effective from", "approved by"]].tolist() == ["not given", "not given"]


def test_a_release_counts_in_the_digest_of_the_method(tmp_path):
    releases = ("", "effective_date: 2026-01-31\n", "effective_date: 2026-02-01\n", "approved_by: M. Berg\n")
    studies = [Study.load(study_with(tmp_path / str(number), text)) for number, text in enumerate(releases)]
    assert len({study.methods["ASO-LCMS-01"].digest for study in studies}) == len(releases)


@pytest.mark.parametrize("name", ["-", "tbd", "n/a"])
def test_who_is_nobody_releases_no_method(tmp_path, name):
    (fault,) = said(study_with(tmp_path, f'approved_by: "{name}"\n'))
    assert fault.endswith(f"approved_by: '{name}'; expected the name of who released the method, or nothing")


@pytest.mark.parametrize("day", ["2026-02-30", "31.01.2026", "20260131", "2026-1-31", "0026-01-31"])
def test_what_is_no_day_is_refused(tmp_path, day):
    faults = said(study_with(tmp_path, f"effective_date: {day}\n"))
    assert faults == [f"config/methods/lcms.yaml: line 3, effective_date: '{day}'; expected a date such as 2026-03-31"]
