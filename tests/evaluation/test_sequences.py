"""Runs of one sequence: each run by itself is in order, the sequence is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from small_study import make_small_study

from bioanalysis.evaluation.sequences import in_order, judge_sequences, sequence_flags
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-022")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Study.load(make_small_study(tmp_path_factory.mktemp("study"))).runs[0]


def runs(run, *names: str, sequence: str = "SEQ-1"):
    return [replace(run, run_id=name, sequence_id=sequence) for name in names]


def standards(run_id: str, areas: np.ndarray, first: int = 1) -> pd.DataFrame:
    """internal_standard.tsv of a run of study samples."""
    positions = [str(first + n) for n in range(len(areas))]
    return pd.DataFrame({
        "run_id": run_id, "analyte": "mipomersen", "position": positions, "sample_type": "unknown",
        "internal_standard_area": areas, "in_verdict": True,
    })  # fmt: skip


def injections(run_id: str, *rows: tuple[str, float, float], first: int = 1) -> pd.DataFrame:
    """carry_over.tsv of (sample_type, area, carry-over in percent) with 1000 counts at the LLOQ."""
    table = pd.DataFrame(rows, columns=["sample_type", "analyte_area", "carry_over_percent"])
    return table.assign(
        run_id=run_id, analyte="mipomersen", position=[str(first + n) for n in range(len(rows))], lloq_area=1000.0,
        limit_percent=5.0, in_verdict=table.sample_type != "carryover_blank",
    )  # fmt: skip


NONE = pd.DataFrame(columns=["analyte", "in_verdict"])


def test_a_drift_that_no_single_run_shows_is_seen_over_the_sequence(run):
    # 10 % in each of two runs of 20 injections: 21 % in all, over the limit of 15 %
    areas = 100 * 1.21 ** (np.arange(40) / 39)
    tables = {"A": (NONE, standards("A", areas[:20])), "B": (NONE, standards("B", areas[20:]))}
    found = judge_sequences(runs(run, "A", "B"), tables)
    assert found[["sequence_id", "runs", "rule_id", "verdict"]].to_numpy().tolist() == [
        ["SEQ-1", "A;B", "IS-04", "fail"]
    ]
    assert "+21.0 % over 40 injections" in found.observed.item()
    (raised,) = sequence_flags(found)
    assert (raised["flag"], raised["source"]) == ("sequence_drift", "IS-04")


def test_the_first_sample_of_a_run_holds_what_the_last_of_the_run_before_left(run):
    # the blank of run A: 0.01 %; its last sample has 1 000 000, of which 100 are 10 % of the 1000 that open run B
    first = injections("A", ("unknown", 1e6, np.nan), ("carryover_blank", 100.0, 0.01), ("unknown", 1e6, np.nan))
    second = injections("B", ("unknown", 1e3, np.nan), ("unknown", 1e3, np.nan))
    found = judge_sequences(runs(run, "A", "B"), {"A": (first, NONE), "B": (second, NONE)})
    row = found[found.rule_id == "CAR-CC-02"]
    assert (row.verdict.item(), row.position.item()) == ("fail", "B position 1")
    assert "largest share 10 % at position B position 1" in row.observed.item()


def test_runs_without_a_common_sequence_are_judged_by_themselves(run):
    tables = {name: (NONE, standards(name, np.full(20, 100.0))) for name in "AB"}
    assert judge_sequences([*runs(run, "A"), *runs(run, "B", sequence="SEQ-2")], tables).empty
    assert judge_sequences(runs(run, "A", "B", sequence=""), tables).empty
    assert judge_sequences(runs(run, "A"), tables).empty


def test_positions_that_are_unique_over_the_runs_are_those_of_the_sequence():
    # run A was injected at 1, 2, 5, 6; run B between
    first = standards("A", np.array([1.0, 2, 5, 6])).assign(position=["1", "2", "5", "6"])
    whole = in_order([first, standards("B", np.array([3.0, 4]), first=3)])
    assert_allclose(whole.internal_standard_area, [1, 2, 3, 4, 5, 6])
    assert whole.place.tolist() == [1, 2, 3, 4, 5, 6]


def test_positions_that_begin_anew_follow_the_order_of_the_runs():
    whole = in_order([standards("A", np.array([1.0, 2])), standards("B", np.array([3.0, 4]))])
    assert_allclose(whole.internal_standard_area, [1, 2, 3, 4])
    assert whole.position.tolist() == ["A position 1", "A position 2", "B position 1", "B position 2"]
