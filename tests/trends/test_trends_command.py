"""The command, the files it writes and the page: verdict first, the same bytes for the same tables."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from browser import opened, serious_issues
from markup import missing_marks
from simulated_studies import NOMINAL, leave_results, make_study, steady_study
from typer.testing import CliRunner

from bioanalysis.cli import app
from bioanalysis.errors import BatchError
from bioanalysis.records.audit import Act, AuditTrail
from bioanalysis.records.verify import verify
from bioanalysis.tables import read_results
from bioanalysis.trends import make_trends

pytestmark = pytest.mark.requirement("UR-026")

FIX = ["--fix-limits", "--first", "R01", "--last", "R20", "--author", "K. Moreau", "--reason", "start <of> use"]
SHIFTED = {"bias": {level: [30.0, 30.0] for level in NOMINAL}, "accepted": True}
FAILED = {"bias": {level: [-60.0, -60.0] for level in NOMINAL}, "accepted": False}


@pytest.fixture(scope="module")
def charted(tmp_path_factory):
    """A study of 24 runs with limits fixed from 20: run 9 failed, run 22 without results, run 24 shifted."""
    study = steady_study(
        tmp_path_factory.mktemp("charted") / "study", "STEADY-1", 24, np.random.default_rng(2), R09=FAILED, R24=SHIFTED
    )
    shutil.rmtree(study / "results/runs/R22")
    (study / "results/runs/R00").mkdir()
    fix = [option if option != "R20" else "R21" for option in FIX]
    done = CliRunner().invoke(app, ["trends", str(study), *fix])
    assert done.exit_code == 0, done.output
    return study, done.output


def test_the_command_says_what_was_fixed_what_was_not_and_what_to_investigate(charted):
    _, said = charted
    assert "limits version 1: " in said
    assert "not fixed: retention time, ASO-LCMS-01, quan: all 20 points are the same: no spread" in said
    assert "INVESTIGATE: " in said
    assert "Latest run STEADY-1 R24 (2026-01-24): QC bias, ASO-LCMS-01, mipomersen, LQC, surrogate (CC-02-1-3s" in said
    assert "Runs without results, not charted: STEADY-1 R22." in said
    assert "Runs failed, shown and in no limit: STEADY-1 R09." in said
    assert "Runs with results that config/runs.tsv does not list, not charted: R00." in said
    assert "charts: " in said


def test_charting_again_writes_the_same_bytes(charted, tmp_path):
    study, _ = charted
    before = {path.name: path.read_bytes() for path in (study / "trends").iterdir()}
    assert set(before) == {
        "trends.tsv", "limits.tsv", "signals.tsv", "steps.tsv", "drift.tsv", "agreement.tsv", "runs.tsv", "trends.html"
    }  # fmt: skip
    elsewhere = tmp_path / "another name"
    shutil.copytree(study, elsewhere)
    script = "from bioanalysis.start import main; import sys; sys.argv = sys.argv[1:]; main()"
    command = [sys.executable, "-c", script, "bioanalysis", "trends", str(elsewhere)]
    subprocess.run(command, check=True, capture_output=True, env={"PYTHONHASHSEED": "7", **path_of_python()})
    assert {path.name: path.read_bytes() for path in (elsewhere / "trends").iterdir()} == before


def path_of_python():
    return {"PYTHONPATH": ":".join(path for path in sys.path if path), "OMP_NUM_THREADS": "1", "LC_ALL": "C"}


def test_trends_have_a_row_for_each_series_and_run_with_results(charted):
    study, _ = charted
    trends = read_results(study / "trends/trends.tsv")
    assert set(trends.groupby("series").size()) == {23}
    assert "R22" not in set(trends.run_id)
    runs = read_results(study / "trends/runs.tsv").set_index("run_id")
    assert (runs.state["R22"], runs.note["R22"]) == ("missing", "no results")
    assert runs.state["R09"] == "failed"


def test_signals_name_rule_observed_limit_and_what_to_check(charted):
    study, _ = charted
    signals = read_results(study / "trends/signals.tsv")
    here = signals[(signals.run_id == "R24") & (signals.rule == "CC-02-1-3s")].iloc[0]
    assert here.signal == "investigate"
    assert here.limit == "1 value beyond 3 SD"
    assert here.observed.startswith("30 (z +")
    assert "calibrator lot" in here.check_first
    assert here.phase == "2"


def test_the_page_is_one_file_with_the_verdict_first_and_nothing_from_outside(charted):
    study, _ = charted
    page = (study / "trends/trends.html").read_text()
    assert missing_marks(page)[2] == []
    assert page.index("INVESTIGATE") < page.index("<h2")
    assert not re.search(r"(src|href)=|@import|<script", page)
    assert "start &lt;of&gt; use" in page
    assert (
        page.count("<svg") == read_results(study / "trends/trends.tsv").series.nunique() - 1
    )  # the qualifier has no value
    assert "phase 2, limits version 1" in page
    assert "FAILED RUN" in page
    assert "It accepts and rejects nothing" in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_serious_issue_of_accessibility_and_keeps_to_a_narrow_screen(chromium, charted, scheme):
    study, _ = charted
    with opened(chromium, color_scheme=scheme, viewport={"width": 400, "height": 800}) as (page, said):
        page.goto((study / "trends/trends.html").as_uri())
        assert serious_issues(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert said == []


def test_a_chart_draws_limits_words_and_a_failed_value_beyond_its_scale(charted):
    study, _ = charted
    page = (study / "trends/trends.html").read_text()
    chart = page.split('aria-label="QC bias, ASO-LCMS-01, mipomersen, LQC, surrogate"')[1].split("</svg>")[0]
    assert [chart.count(f'class="sd{k}"') for k in (1, 2, 3)] == [2, 2, 2]
    assert chart.count('class="limit"') == 4  # two sides, two phases
    assert chart.count('class="failed"') == 1
    assert ">-60, " in chart
    assert "1-3s" in chart


def test_a_run_that_is_shifted_decides_nothing(charted):
    study, _ = charted
    assert read_results(study / "results/runs/R24/acceptance.tsv").verdict.tolist() == ["pass"]


@pytest.mark.parametrize("options", [["--first", "R01"], ["--author", "AL", "--reason", "why"], ["--series", "x"]])
def test_options_of_fixing_without_it_are_refused(tmp_path, options):
    done = CliRunner().invoke(app, ["trends", str(tmp_path), *options])
    assert isinstance(done.exception, BatchError)
    assert "without --fix-limits; expected --fix-limits with it" in str(done.exception)


def test_the_shell_sees_exit_code_2_and_a_plain_message(tmp_path):
    script = "from bioanalysis.start import main; import sys; sys.argv = sys.argv[1:]; main()"
    command = [sys.executable, "-c", script, "bioanalysis", "trends", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=path_of_python(), check=False)
    assert done.returncode == 2
    assert "no study; expected a study folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_change_of_lot_is_drawn_and_tested(tmp_path):
    lots = ["C17", "C17", "C17", "C18", "C18", "C18"]
    rows = [{"run_id": f"R{i}", "run_date": f"2026-01-0{i + 1}", "column_lot": lot} for i, lot in enumerate(lots)]
    study = make_study(tmp_path / "s", "S-1", rows)
    for place in range(6):
        leave_results(study, f"R{place}", {"LQC": [float(place % 3 + (8 if place > 2 else 0))]})
    board = make_trends(study)
    assert "CC-07" in set(board.signals.rule)
    page = (study / "trends/trends.html").read_text()
    assert '<text class="lot"' in page
    assert "column=C18" in page


def test_a_study_without_any_result_is_charted_as_missing(tmp_path):
    study = make_study(tmp_path / "s", "S-1", [{"run_id": "A", "run_date": "2026-01-01"}])
    board = make_trends(study)
    assert board.trends.empty
    assert board.runs.state.tolist() == ["missing"]
    assert "Runs without results, not charted: S-1 A." in (study / "trends/trends.html").read_text()


@pytest.mark.requirement("UR-032")
def test_limits_fixed_in_a_recorded_study_are_an_entry_that_verify_holds(tmp_path):
    study = steady_study(tmp_path / "study", "STEADY-1", 20, np.random.default_rng(5))
    AuditTrail(study).add(Act("study_recorded", "STEADY-1"))
    done = CliRunner().invoke(app, ["trends", str(study), *FIX])
    assert done.exit_code == 0, done.output
    entry = AuditTrail(study).trail.entries[-1]
    assert (entry["action"], entry["object"], entry["reason"]) == ("limits_fixed", "trends/limits.tsv", FIX[-1])
    assert entry["after"]["author"] == "K. Moreau"
    limits = study / "trends/limits.tsv"
    assert "trends/limits.tsv" not in {finding.file for finding in verify(study)[0]}
    limits.write_bytes(limits.read_bytes() + b"\n")
    assert "trends/limits.tsv" in {finding.file for finding in verify(study)[0]}
