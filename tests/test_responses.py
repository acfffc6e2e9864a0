"""Responses of peaks: ratio to the internal standard, and what judging a peak needs beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from small_study import make_small_study

from bioanalysis.responses import responses_from_peaks
from bioanalysis.study import Study


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Study.load(make_small_study(tmp_path_factory.mktemp("study"))).runs[0]


def peaks(*rows: tuple[str, str, float, bool, float]) -> pd.DataFrame:
    columns = ["position", "transition", "area", "manual", "automatic_area"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(flags="", retention_time_min=3.1, signal_to_noise=50.0, asymmetry=1.1, points=20)


def test_a_peak_gives_its_ratios_and_its_shape(run):
    found = responses_from_peaks(
        run,
        peaks(("2", "quan", 200.0, False, 200.0), ("2", "qual", 90.0, False, 90.0), ("2", "is_quan", 400, False, 1)),
    ).loc[1]
    assert (found.response, found.qualifier_ratio) == (200 / 400, 90 / 200)
    assert (found.retention_time_min, found.signal_to_noise, found.asymmetry, found.points) == (3.1, 50, 1.1, 20)
    assert (found.by_hand, found.by_hand_only) == ("", "")


def test_transitions_integrated_by_hand_are_named_and_those_without_an_automatic_area(run):
    found = responses_from_peaks(
        run, peaks(("2", "quan", 200.0, True, 180.0), ("2", "is_quan", 400.0, True, np.nan), ("3", "quan", 1, False, 1))
    )
    assert (found.by_hand[1], found.by_hand_only[1]) == ("quan;is_quan", "is_quan")
    assert (found.by_hand[2], found.by_hand_only[2]) == ("", "")


def test_peaks_that_do_not_hold_a_shape_leave_it_missing(run):
    table = peaks(("2", "quan", 200.0, False, 1.0), ("2", "is_quan", 400.0, False, 1.0))
    found = responses_from_peaks(run, table[["position", "transition", "area", "flags"]]).loc[1]
    assert found.response == 200 / 400
    assert np.isnan([found.asymmetry, found.points, found.qualifier_ratio]).all()
    assert found.by_hand == ""


@pytest.mark.parametrize("area", [0.0, -12.0, np.nan])
def test_an_internal_standard_without_area_is_none(run, area):
    found = responses_from_peaks(run, peaks(("2", "quan", 200.0, False, 200.0), ("2", "is_quan", area, True, 400.0)))
    assert np.isnan(found.response[1])
    assert found.no_value_reason[1] == "no internal standard peak"
