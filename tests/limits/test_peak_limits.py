"""The limits of peak flags."""

from __future__ import annotations

import pytest

from bioanalysis.flags import catalogue
from bioanalysis.limits.peaks import peak_limits, read_details, said

pytestmark = pytest.mark.requirement("UR-027")

NO_FLAG = {"shape_signal_to_noise"}  # says from where on shapes are judged


def test_a_flag_and_its_numbers_are_read_back_as_they_were_said():
    text = "; ".join([said("overlap", 12.3456, 1), said("no peak", -0.4, 3)])
    assert text == "overlap 12.35 (limit 1); no peak -0.4 (limit 3)"
    assert read_details(text) == {"overlap": ("12.35", "1"), "no peak": ("-0.4", "3")}
    assert read_details("") == {}


def test_every_flag_has_a_meaning_and_a_place_to_look():
    words = {word.replace("no_peak", "no peak") for word in peak_limits()} - NO_FLAG
    assert words <= set(catalogue())


def test_no_limit_passes_for_a_guidelines():
    assert {limit.standing for limit in peak_limits().values()} <= {"house", "unverified"}
    assert all("ICH" not in limit.source for limit in peak_limits().values())
