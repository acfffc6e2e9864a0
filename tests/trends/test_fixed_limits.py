"""Limits of charts: fixed from a declared phase, never estimated again, an edited file found."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from simulated_studies import NOMINAL, leave_results, make_study, steady_study

from bioanalysis.errors import BatchError
from bioanalysis.limits import trend_rules
from bioanalysis.tables import read_results
from bioanalysis.trends import Declaration, fix_limits, make_trends
from bioanalysis.trends.limits import COLUMNS, append_version, new_version, read_limits, why_not
from bioanalysis.trends.reading import read_runs
from bioanalysis.trends.series import gather

pytestmark = pytest.mark.requirement("UR-026")

TIME = "2026-06-01T08:00:00Z"
LQC = "QC bias, ASO-LCMS-01, mipomersen, LQC, surrogate"


def declared(first="R01", last="R20", author="K. Moreau", reason="start of use"):
    return Declaration(first, last, author, reason, TIME)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return steady_study(tmp_path_factory.mktemp("t") / "study", "STEADY-1", 24, np.random.default_rng(20260101))


@pytest.fixture(scope="module")
def fixed_template(template, tmp_path_factory):
    """The same study with limits fixed from its first twenty runs."""
    folder = Path(shutil.copytree(template, tmp_path_factory.mktemp("f") / "study"))
    fix_limits(folder, declared())
    return folder


@pytest.fixture
def study(template, tmp_path):
    return Path(shutil.copytree(template, tmp_path / "study"))


@pytest.fixture
def fixed(fixed_template, tmp_path):
    return Path(shutil.copytree(fixed_template, tmp_path / "study"))


@pytest.fixture(scope="module")
def gathered(template):
    """Runs and points of the study, read once."""
    runs = read_runs(template)
    return runs, gather(runs)


def of_series(board, series=LQC):
    return board.trends[board.trends.series == series].set_index("run_id")


@pytest.mark.parametrize(
    ("n", "fixed"),
    [
        pytest.param(21, True, marks=pytest.mark.rule("CC-01", "inside")),
        pytest.param(20, True, marks=pytest.mark.rule("CC-01", "on")),
        pytest.param(19, False, marks=pytest.mark.rule("CC-01", "outside")),
    ],
)
def test_limits_need_twenty_points(n, fixed):
    assert (why_not(np.arange(float(n)), trend_rules()["CC-01"]) == "") is fixed


@pytest.mark.rule("CC-01", "not_assessable")
def test_points_without_spread_fix_no_limits():
    assert why_not(np.ones(25), trend_rules()["CC-01"]) == "all 25 points are the same: no spread"


def test_centre_and_sd_are_those_of_the_declared_runs(study):
    before = of_series(make_trends(study)).value
    board, _ = fix_limits(study, declared())
    found = of_series(board)
    phase = before[[f"R{i:02}" for i in range(1, 21)]]
    assert_allclose(found.centre.unique(), [phase.mean()])
    assert_allclose(found.sd.unique(), [phase.std(ddof=1)])
    assert_allclose(found.z["R24"], (before["R24"] - phase.mean()) / phase.std(ddof=1))
    assert found.phase.tolist() == ["1"] * 20 + ["2"] * 4


@pytest.mark.rule("CC-09", "pass")
def test_new_runs_never_change_limits_or_what_was_judged_by_them(study):
    earlier, _ = fix_limits(study, declared())
    record = (study / "trends/limits.tsv").read_bytes()
    runs = (study / "config/runs.tsv").read_text()
    header = runs.splitlines()[0].split("\t")
    cells = {"run_id": "R99", "method_id": "ASO-LCMS-01", "analyst": "AL", "raw_path": "raw", "run_date": "2026-03-01"}
    (study / "config/runs.tsv").write_text(runs + "\t".join(cells[name] for name in header) + "\n")
    leave_results(study, "R99", {level: [60.0, 80.0] for level in NOMINAL})
    later = make_trends(study)
    assert (study / "trends/limits.tsv").read_bytes() == record
    old = later.trends[later.trends.run_id != "R99"].reset_index(drop=True)
    assert old.equals(earlier.trends.reset_index(drop=True))
    assert "1-3s" in of_series(later).westgard["R99"]


def test_a_second_version_leaves_the_first_and_all_it_judged_as_they_were(tmp_path):
    study = steady_study(tmp_path / "study", "STEADY-1", 50, np.random.default_rng(5))
    first, _ = fix_limits(study, declared())
    record = (study / "trends/limits.tsv").read_text()
    second, _ = fix_limits(study, declared("R21", "R40", reason="new column"))
    assert (study / "trends/limits.tsv").read_text().startswith(record)
    before, after = of_series(first), of_series(second)
    assert after.limits_version.tolist() == ["1"] * 40 + ["2"] * 10
    kept = [f"R{i:02}" for i in range(1, 41)]
    assert before.loc[kept, ["z", "ewma", "westgard"]].equals(after.loc[kept, ["z", "ewma", "westgard"]])
    assert_allclose(after.centre["R50"], before.value[kept[20:]].mean())


@pytest.mark.rule("CC-09", "not_assessable")
def test_without_fixed_limits_a_chart_shows_those_of_the_method_and_says_so(study):
    found = of_series(make_trends(study))
    assert set(found.phase) == {"no limits"}
    assert found.centre.eq(0).all()
    assert found.method_low.eq(-15).all()
    assert found.sd.isna().all()
    assert "limits of the method, centre = nominal" in (study / "trends/trends.html").read_text()


@pytest.mark.rule("CC-09", "fail")
@pytest.mark.parametrize(
    ("old", "new"), [("K. Moreau", "K. Morrow"), ("\t20\t", "\t21\t"), (TIME, "2026-06-02T08:00:00Z")]
)
def test_an_edited_limits_file_is_refused_and_nothing_is_written(fixed, old, new):
    study, path = fixed, fixed / "trends/limits.tsv"
    path.write_text(path.read_text().replace(old, new, 1))
    page = (study / "trends/trends.html").read_bytes()
    leave_results(study, "R24", {"LQC": [0.0]})
    with pytest.raises(BatchError, match="line 2, digest: version 1 is not what it was when it was fixed"):
        make_trends(study)
    assert (study / "trends/trends.html").read_bytes() == page


def test_a_removed_row_or_version_is_found(fixed):
    study, path = fixed, fixed / "trends/limits.tsv"
    fix_limits(study, declared("R02", "R21"))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[2:]]))
    with pytest.raises(BatchError, match="version 1 is not what it was"):
        make_trends(study)
    path.write_text("".join(line for line in lines if not line.startswith("1\t")))
    with pytest.raises(BatchError, match="version '2'; expected version 1"):
        make_trends(study)
    path.write_text("".join(line for line in lines if not line.startswith("2\t")))
    with pytest.raises(BatchError, match="no version 2"):
        make_trends(study)
    path.unlink()
    with pytest.raises(BatchError, match="no version 1"):
        make_trends(study)


def test_results_that_change_after_limits_were_fixed_are_said_to_disagree(fixed):
    study = fixed
    limits = read_results(study / "trends/limits.tsv").set_index("series")
    leave_results(study, "R03", {level: [9.0, 9.0] for level in NOMINAL})
    board = make_trends(study)
    assert f"{LQC}: the values of the runs of version 1 have changed since" in board.changed
    assert "LIMITS AND RUNS DISAGREE" in (study / "trends/trends.html").read_text()
    assert_allclose(of_series(board).centre, float(limits.centre[LQC]))


def test_failed_runs_are_shown_and_in_no_limit(tmp_path):
    failed = {"R07": {"bias": {level: [-40.0, -40.0] for level in NOMINAL}, "accepted": False}}
    study = steady_study(tmp_path / "study", "STEADY-1", 22, np.random.default_rng(3), **failed)
    board, _ = fix_limits(study, declared(last="R22"))
    found = of_series(board)
    assert found.state["R07"] == "failed"
    assert found.phase["R07"] == "1, not used"
    assert np.isnan(found.ewma["R07"])
    others = found.value.drop("R07")
    assert_allclose(found.centre, others.mean())
    assert "STEADY-1:R07" not in read_results(study / "trends/limits.tsv").runs[0]
    assert found.westgard["R08"] in ("", "1-2s")


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        (declared(first="R77"), "--first: no run 'R77'; expected the id of a run, STEADY-1:R01 to STEADY-1:R24"),
        (declared(last=""), "--last: no last run"),
        (declared(first="R20", last="R01"), "STEADY-1:R20 comes after STEADY-1:R01"),
        (declared(author=" "), "--author: no author; expected the name of who fixes the limits"),
        (declared(reason=""), "--reason: no reason"),
        (declared(last="R19"), "19 accepted points, >= 20 points are needed"),
    ],
)
def test_what_cannot_be_fixed_is_refused_in_words(gathered, declaration, message):
    runs, points = gathered
    with pytest.raises(BatchError) as refused:
        new_version(points, runs, pd.DataFrame(columns=COLUMNS), declaration, [])
    assert message in str(refused.value)


def test_a_refused_phase_leaves_nothing_behind(study):
    with pytest.raises(BatchError):
        fix_limits(study, declared(last="R19"))
    assert not (study / "trends").exists()


def test_series_with_too_few_points_are_named_and_the_others_fixed(study):
    for name in ("R05", "R06"):
        leave_results(study, name, {"MQC": [1.0, 2.0]})
    board, short = fix_limits(study, declared())
    assert f"{LQC}: 18 accepted points, >= 20 points are needed" in short
    assert LQC not in set(board.limits.series)
    assert LQC.replace("LQC", "MQC") in set(board.limits.series)


def test_a_single_series_can_be_fixed_and_an_unknown_one_is_refused(gathered):
    runs, points = gathered
    empty = pd.DataFrame(columns=COLUMNS)
    block, _ = new_version(points, runs, empty, declared(), [LQC])
    assert block.series.tolist() == [LQC]
    with pytest.raises(BatchError, match="the name of a series as in trends"):
        new_version(points, runs, empty, declared(), ["QC bias"])


def test_a_run_id_of_two_studies_must_be_named_with_its_study(tmp_path):
    rng = np.random.default_rng(1)
    for name in ("A-1", "B-1"):
        steady_study(tmp_path / name, name, 20, rng)
    with pytest.raises(BatchError, match="several runs 'R01'; expected A-1:R01 or B-1:R01"):
        fix_limits(tmp_path, declared())
    board, _ = fix_limits(tmp_path, declared("A-1:R01", "B-1:R20"))
    assert set(board.limits.n) == {"40"}


def test_author_and_reason_stay_on_one_line_and_read_back_unchanged(gathered, tmp_path):
    runs, points = gathered
    declaration = declared(author="K.\tMoreau", reason='after\n"repair"\x07 of the pump')
    empty = pd.DataFrame(columns=COLUMNS)
    append_version(tmp_path, empty, new_version(points, runs, empty, declaration, [])[0])
    record = read_limits(tmp_path).iloc[0]
    assert (record.author, record.reason) == ("K. Moreau", 'after "repair" of the pump')


def test_the_order_of_runs_is_date_then_id_then_study(tmp_path):
    rows = [("Z", "2026-01-02"), ("B", "2026-01-01T10:00:00Z"), ("A", "2026-01-02"), ("C", "2026-01-01")]
    study = make_study(tmp_path / "s", "S-1", [{"run_id": r, "run_date": d} for r, d in rows])
    for name, _ in rows:
        leave_results(study, name, {"LQC": [0.0]})
    board = make_trends(study)
    assert board.runs.run_id.tolist() == ["C", "B", "A", "Z"]
    assert of_series(board).index.tolist() == ["C", "B", "A", "Z"]
