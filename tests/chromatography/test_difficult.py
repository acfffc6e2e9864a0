"""Wrong areas are loud, right ones are quiet: a small part of the benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_runs import difficult

pytestmark = pytest.mark.requirement("UR-010")


@pytest.fixture(scope="module")
def judged():
    return difficult.judge(difficult.DIFFICULT, 660, [3, 1], None), difficult.judge(difficult.CLEAN, 330, [3, 2], None)


def test_hardly_any_wrong_area_is_silent(judged):
    # 0.5 % of the 10 000 traces of the benchmark; of 660, by chance, at most 3.3 + 3 x 1.8
    number, _, wrong, silent = difficult.summary(judged[0])
    print(f"{number} difficult traces: {wrong:.1f} % wrong, {silent:.2f} % of them silent")
    assert wrong > 20
    assert silent < 0.5 + 3 * np.sqrt(0.5 * 99.5 / number)


def test_clean_peaks_carry_hardly_any_flag(judged):
    number, flagged, wrong, _ = difficult.summary(judged[1])
    print(f"{number} clean traces: {flagged:.2f} % flagged, {wrong:.2f} % wrong")
    assert flagged < 3
    assert wrong < 2


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        ("saturated", "saturated"),
        ("cut", "cut_by_window"),
        ("neighbour", "overlap"),
        ("split", "shape_differs"),
        ("spike", "shape_differs"),
        ("tailing", "broadened|wide|open_edge"),
        ("late", "rt_shift|higher_neighbour|no_peak"),
    ],
)
def test_each_difficulty_raises_its_own_flag(judged, kind, flag):
    words = [record["flags"] for record in judged[0] if record["kind"] == kind and record["level"] > 50]
    named = [any(word in flags.split(";") for word in flag.split("|")) for flags in words]
    assert np.mean(named) > 0.5
