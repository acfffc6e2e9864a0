"""Raw files say when they were acquired and what they are called; those that contradict the worklist are named."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pandas as pd
import pytest
from run_by_hand import calibrators, run_by_hand

from bioanalysis.evaluation.acquisition import WORD, acquisition_flags, acquisition_note, out_of_order
from bioanalysis.evaluation.decisions import judge_run
from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.evaluation.study_flags import accept
from bioanalysis.instruments.run import read_traces_of
from bioanalysis.study import Run, Study

ROOT = Path(__file__).parents[2]
CALIBRATOR, SAMPLE = "8", "91"  # positions in LC-01: calibrator C2-1 and liver R203-L1a
pytestmark = pytest.mark.requirement("UR-007")


def run_of(injections: int) -> Run:
    """Return a run of that many injections."""
    return run_by_hand(calibrators(tuple(5.0 * number for number in range(1, injections + 1))))


def acquired(*started_at: str, own_names: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the acquisitions of a run whose files bear these stamps, position by position."""
    numbers = [str(number) for number in range(1, len(started_at) + 1)]
    names = own_names or ["r"] * len(numbers)
    files = [f"{number}.mzML" for number in numbers]
    return pd.DataFrame({"position": numbers, "file": files, "own_name": names, "started_at": started_at}, dtype=str)


def at_hours(*hours: int) -> pd.DataFrame:
    return acquired(*(f"2026-03-03T{hour:02d}:00:00Z" for hour in hours))


def named(acquisitions: pd.DataFrame) -> list[str]:
    """Return the flagged positions."""
    return [str(row["position"]) for row in acquisition_flags(run_of(len(acquisitions)), acquisitions)]


@pytest.fixture(scope="module")
def lc01() -> Run:
    return next(run for run in Study.load(ROOT).runs if run.run_id == "LC-01")


@pytest.fixture(scope="module")
def exchanged(lc01, tmp_path_factory):
    """LC-01 of the demonstration, the contents of a calibrator's and a sample's file exchanged."""
    folder = tmp_path_factory.mktemp("exchanged")
    raw = folder / lc01.raw_path
    shutil.copytree(ROOT / lc01.raw_path, raw)
    files = lc01.worklist.set_index(lc01.worklist.position.astype(str)).file
    one, other = raw / files[CALIBRATOR], raw / files[SAMPLE]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    traces = read_traces_of(lc01, folder)
    return judge_run(lc01, peaks_of(lc01, traces), traces.acquisitions)


def test_of_two_files_exchanged_in_a_real_run_exactly_those_two_are_named(exchanged):
    flags = exchanged.flags[exchanged.flags["flag"] == WORD].set_index("position")
    assert list(flags.index) == [CALIBRATOR, SAMPLE]
    assert list(flags.sample_id) == ["C2-1", "R203-L1a"]
    assert list(flags.tissue) == ["", "liver"]  # a calibrator concerns the values of every tissue
    # position 1 began at 08:30 and each injection takes 6 min: position 91 at 17:30, position 8 at 09:12
    assert flags.observed[CALIBRATOR] == (
        "started 2026-03-03T17:30:00Z, number 91 by time and 8 by position; "
        "calls itself 'LC-01_091', the file of position 91"
    )
    assert flags.observed[SAMPLE].startswith("started 2026-03-03T09:12:00Z, number 8 by time and 91 by position; ")


def test_the_value_of_the_sample_carries_the_flag_and_no_other_value_does(exchanged):
    rows = exchanged.measurements
    carrying = rows[rows["flags"].str.split(";").map(lambda words: WORD in words)]
    assert list(carrying.position) == [CALIBRATOR, SAMPLE]
    reported = exchanged.reportable
    assert list(reported[reported["flags"].str.contains(WORD)].sample_id) == ["R203-L1a"]


@pytest.mark.requirement("UR-041")
def test_the_flag_stays_open_until_a_decision_names_its_injection(exchanged):
    decided = {"action": "accept_flag", "run_id": "LC-01", "position": SAMPLE, "decision_id": "D9"}
    flags = accept(exchanged.flags, pd.DataFrame([decided]))
    flags = flags[flags["flag"] == WORD].set_index("position")
    assert flags.state.to_dict() == {CALIBRATOR: "open", SAMPLE: "accepted"}


@pytest.mark.parametrize("run_id", ["LC-01", "LC-02", "LC-03"])
def test_files_in_order_raise_nothing(run_id):
    run = next(run for run in Study.load(ROOT).runs if run.run_id == run_id)
    acquisitions = read_traces_of(run, ROOT).acquisitions
    assert (acquisitions.started_at != "").all()
    assert acquisition_flags(run, acquisitions) == []
    assert acquisition_note(acquisitions).endswith("in the order of positions.")


@pytest.mark.parametrize(("one", "other"), [(1, 2), (1, 3), (1, 4), (4, 5), (2, 9), (1, 10), (8, 10), (9, 10)])
def test_an_exchanged_pair_is_named_however_far_apart(one, other):
    hours = list(range(1, 11))
    hours[one - 1], hours[other - 1] = hours[other - 1], hours[one - 1]
    assert named(at_hours(*hours)) == [str(one), str(other)]


def test_a_reinjection_at_the_place_of_the_first_is_named_alone():
    assert named(at_hours(1, 2, 20, 4, 5, 6, 7)) == ["3"]


def test_the_fewest_files_are_named_and_the_rest_is_in_order():
    for places in itertools.permutations(range(1, 7)):
        out = out_of_order(places)
        left = [place for number, place in enumerate(places) if number not in out]
        assert left == sorted(left)
        longest = max(
            size for size in range(1, 7) for some in itertools.combinations(places, size) if list(some) == sorted(some)
        )
        exchanged = {number for number in out if places[places[number] - 1] == number + 1}
        assert len(set(out) - exchanged) <= 6 - longest <= len(out)


def test_a_gap_is_no_contradiction():
    assert named(acquired("2026-03-03T08:00:00Z", "2026-03-03T08:06:00Z", "2026-03-09T08:00:00Z")) == []


def test_files_without_a_time_are_not_judged_and_counted():
    assert named(acquired("", "", "")) == []
    assert acquisition_note(acquired("", "")) == (
        "Whether the files stand in the order of their acquisition was not judged: they bear no start time."
    )
    some = acquired("2026-03-03T08:00:00Z", "", "2026-03-03T08:12:00Z")
    assert named(some) == []
    assert acquisition_note(some) == (
        "Acquired from 2026-03-03T08:00:00Z to 2026-03-03T08:12:00Z, in the order of positions. "
        "Not judged: 1 file without a start time that can be read."
    )


@pytest.mark.parametrize("stamp", ["yesterday", "2026-03-03", "0000-00-00T00:00:00", "0001-01-01T00:00:00+02:00"])
def test_what_is_no_time_is_not_judged(stamp):
    assert named(acquired("2026-03-03T08:00:00Z", stamp, "2026-03-03T08:12:00Z")) == []


def test_a_copy_is_named_with_what_it_is_a_copy_of():
    found = acquisition_flags(run_of(8), at_hours(1, 2, 3, 4, 5, 6, 3, 8))
    assert [row["position"] for row in found] == ["3", "7"]
    assert found[0]["observed"] == "started at the same moment as that of position 7"
    assert "number 4 by time and 7 by position" in str(found[1]["observed"])


def test_times_that_stand_in_several_files_each_are_those_of_no_injection():
    a_day = ["2026-03-03T00:00:00Z"] * 3 + ["2026-03-02T00:00:00Z"] * 2
    assert named(acquired(*a_day)) == []
    assert "not that of an injection" in acquisition_note(acquired(*a_day))


def test_times_are_compared_as_moments_whatever_their_zone():
    # the clock is set back at 03:00 summer time: 02:50+02:00 is 00:50 UTC, 02:10+01:00 is 01:10 UTC
    back = acquired("2026-10-25T02:50:00+02:00", "2026-10-25T02:10:00+01:00", "2026-10-25T01:30:00Z")
    assert named(back) == []
    same = acquired("2026-10-25T02:00:00+02:00", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z")
    assert named(same) == ["1", "2"]


def test_a_time_with_a_zone_and_one_without_are_not_compared():
    mixed = acquired("2026-03-03T09:00:00", "2026-03-03T08:06:00Z", "2026-03-03T08:12:00Z")
    assert named(mixed) == []
    assert "some start times have a time zone and some have none" in acquisition_note(mixed)
    without = acquired("2026-03-03T20:00:00", "2026-03-03T08:06:00", "2026-03-03T08:12:00")
    assert named(without) == ["1"]


def test_fractions_of_a_second_count():
    times = (f"2026-03-03T08:00:00.{part}Z" for part in ("1", "25", "200000001", "9"))
    assert named(acquired(*times)) == ["2", "3"]


def test_where_most_files_contradict_the_worklist_the_run_is_flagged_once():
    (row,) = acquisition_flags(run_of(8), at_hours(8, 7, 6, 5, 4, 3, 2, 1))
    assert (row["position"], row["observed"]) == ("", "8 of 8 files")


def test_a_file_that_calls_itself_as_another_of_the_run_is_named_without_any_time():
    names = ("1", "3.mzML", "sample 7", "4")
    (row,) = acquisition_flags(run_of(4), acquired("", "", "", "", own_names=names))
    assert (row["position"], row["source"]) == ("2", "mzML: id of the run")
    assert row["observed"] == "calls itself '3.mzML', the file of position 3"


def test_one_name_for_all_files_is_the_name_of_none_of_them():
    assert named(acquired("", "", "", own_names=("1", "1", "1"))) == []


@pytest.mark.reference
def test_real_files_without_a_time_and_with_one_name_for_all_raise_nothing(reference):
    from bioanalysis.instruments.outline import Outline

    paths = sorted((reference / "lcms/dog_dilution/mzML").glob("*.mzML"))
    outlines = [Outline(path.read_bytes()) for path in paths]
    found = acquired(*(one.started_at for one in outlines), own_names=tuple(one.run_name for one in outlines))
    assert len(found) == 19
    assert set(found.own_name) == {"ru_0"}  # as its writer has it in every file
    assert set(found.started_at) == {""}
    assert named(found) == []


def test_the_page_says_how_many_files_contradict_their_positions():
    assert acquisition_note(at_hours(1, 5, 3, 4, 2, 6)) == (
        "Acquired from 2026-03-03T01:00:00Z to 2026-03-03T06:00:00Z, "
        "but start times contradict the positions of 2 files (see Flags)."
    )
