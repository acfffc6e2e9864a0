"""Several dilutions of one sample and positions of a plate, at the boundaries of their rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from worked_run import ELISA, judged, verdict

from bioanalysis.acceptance import dilution_series as series
from bioanalysis.limits import limits_for

pytestmark = pytest.mark.requirement("UR-023")

rule = pytest.mark.rule
ULOQ = ELISA.analytes[0].uloq_ng_ml


def words(enter) -> pd.DataFrame:
    return judged(limits_for(ELISA), enter)


def dilutions(*steps: tuple[float, float, str]) -> pd.DataFrame:
    """Units of sample S1: (factor, reading, place)."""
    table = pd.DataFrame(steps, columns=["dilution_factor", "reading_ng_ml", "place"])
    return table.assign(sample_type="unknown", sample_id="S1", repeat_reason="")


@pytest.mark.parametrize(
    ("cv", "word"),
    [
        pytest.param(29.9, "pass", marks=rule("DIL-PAR", "inside")),
        pytest.param(30.0, "pass", marks=rule("DIL-PAR", "on")),
        pytest.param(30.1, "fail", marks=rule("DIL-PAR", "outside")),
    ],
)
def test_dilutions_are_parallel_up_to_thirty_percent(cv, word):
    assert verdict(words(lambda book: series.judge_parallelism(book, "S1", 3, cv)), "DIL-PAR") == word


@rule("DIL-PAR", "not_assessable")
def test_one_dilution_inside_the_range_tells_nothing_of_parallelism():
    units = dilutions((2, np.nan, "above"), (4, 300.0, "inside"))
    table = words(lambda book: series.judge_dilution_series(book, units, ELISA.analytes[0]))
    assert verdict(table, "DIL-PAR") == "not_assessable"


@pytest.mark.parametrize(
    ("p_value", "word"),
    [
        pytest.param(0.051, "pass", marks=rule("DIL-TREND", "inside")),
        pytest.param(0.05, "pass", marks=rule("DIL-TREND", "on")),
        pytest.param(0.049, "fail", marks=rule("DIL-TREND", "outside")),
    ],
)
def test_a_trend_counts_below_one_in_twenty(p_value, word):
    assert verdict(words(lambda book: series.judge_trend(book, "S1", 4.0, p_value)), "DIL-TREND") == word


@rule("DIL-TREND", "not_assessable")
def test_two_dilutions_show_no_trend():
    units = dilutions((2, 100.0, "inside"), (4, 50.0, "inside"))
    table = words(lambda book: series.judge_dilution_series(book, units, ELISA.analytes[0]))
    assert verdict(table, "DIL-TREND") == "not_assessable"
    assert verdict(table, "DIL-PAR") == "pass"


@pytest.mark.parametrize(
    ("expected", "word"),
    [
        pytest.param(1.24, "pass", marks=rule("DIL-HOOK", "inside")),
        pytest.param(1.25, "pass", marks=rule("DIL-HOOK", "on")),
        pytest.param(1.26, "fail", marks=rule("DIL-HOOK", "outside")),
    ],
)
def test_a_dilution_that_should_read_above_the_range_and_does_not_is_a_hook(expected, word):
    # the dilution x16 tells what the neat sample should read: `expected` times the ULOQ
    units = dilutions((1, 0.9 * ULOQ, "inside"), (16, expected * ULOQ / 16, "inside"))
    table = words(lambda book: series.judge_hook(book, units, ELISA.analytes[0], "S1"))
    assert verdict(table, "DIL-HOOK") == word


@rule("DIL-HOOK", "not_assessable")
def test_without_a_dilution_inside_the_range_a_hook_cannot_be_told():
    units = dilutions((1, np.nan, "above"), (2, np.nan, "above"))
    table = words(lambda book: series.judge_dilution_series(book, units, ELISA.analytes[0]))
    assert verdict(table, "DIL-HOOK") == "not_assessable"


def test_a_hooked_dilution_does_not_spoil_the_agreement_of_the_others():
    units = dilutions((1, 0.5 * ULOQ, "inside"), (10, 0.4 * ULOQ, "inside"), (20, 0.2 * ULOQ, "inside"))
    table = words(lambda book: series.judge_dilution_series(book, units, ELISA.analytes[0]))
    assert verdict(table, "DIL-HOOK") == "fail"
    assert verdict(table, "DIL-PAR") == "pass"


def test_single_dilutions_are_not_concerned():
    table = words(lambda book: series.judge_dilution_series(book, dilutions((2, 9.0, "inside")), ELISA.analytes[0]))
    assert set(table.verdict) == {"not_applicable"}


def effects(size: float, p_value: float, smallest_p: float = 0.001) -> pd.DataFrame:
    row = {"plate": "1", "effect": "rows", "size_percent": size, "p_value": p_value, "largest": "row A", "note": "few",
           "smallest_p": smallest_p}  # fmt: skip
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("size", "p_value", "word"),
    [
        pytest.param(4.9, 0.001, "pass", marks=rule("POS-01", "inside")),
        pytest.param(9.0, 0.011, "pass", marks=rule("POS-01", "inside")),
        pytest.param(5.0, 0.001, "pass", marks=rule("POS-01", "on")),
        pytest.param(9.0, 0.01, "pass", marks=rule("POS-01", "on")),
        pytest.param(5.1, 0.009, "fail", marks=rule("POS-01", "outside")),
    ],
)
def test_a_position_effect_must_be_large_and_unlikely(size, p_value, word):
    assert verdict(words(lambda book: series.judge_positions(book, effects(size, p_value))), "POS-01") == word


@rule("POS-01", "not_assessable")
def test_a_plate_without_replicates_tells_nothing_of_positions():
    assert verdict(words(lambda book: series.judge_positions(book, effects(np.nan, np.nan))), "POS-01") == (
        "not_assessable"
    )


@rule("POS-01", "not_assessable")
def test_an_effect_that_too_few_wells_could_prove_has_not_passed():
    # seven pairs that all agree: 2 of 128 arrangements, p 0.016, can never be below 0.01
    few = words(lambda book: series.judge_positions(book, effects(25.0, 0.022, 2 / 128)))
    assert verdict(few, "POS-01") == "not_assessable"
    assert "none below 0.016 is possible" in few.observed.item()
    small = words(lambda book: series.judge_positions(book, effects(5.0, 0.5, 2 / 128)))
    assert verdict(small, "POS-01") == "pass"
