"""Figures drawn as SVG."""

from __future__ import annotations

import math
import re
from importlib.resources import files
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from bioanalysis.report.plots import Axis, Mark, plain, scatter

pytestmark = pytest.mark.requirement("UR-050")

HOSTILE = "</text><script>alert(1)</script>"


def drawn(*marks: Mark, **settings: object) -> ElementTree.Element:
    return ElementTree.fromstring(scatter(marks, Axis("x"), Axis("y", log=True), **settings).svg)


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [(0.05, 200, [0.1, 1, 10, 100]), (1, 1000, [1, 10, 100, 1000]), (0.19, 4.3, [0.2, 0.5, 1, 2]),
     (7, 100, [10, 20, 50, 100]), (0.839, 1.06, [0.85, 0.9, 0.95, 1, 1.05]), (2, 2, [2])],
)  # fmt: skip
def test_a_logarithmic_axis_is_labelled_at_decades_at_1_2_5_or_at_round_values(low, high, places):
    assert Axis("y", log=True).places(low, high) == pytest.approx(places)


@pytest.mark.parametrize(
    ("low", "high"), [(-25.7, 17.9), (-44.9, 7.12), (-15, 15), (3.44, 28.0), (36.5, 63.7), (1e-9, 3e-9), (1, 1_000_000)]
)
@pytest.mark.parametrize("log", [False, True])
def test_an_axis_is_labelled_with_few_round_values_inside_it(low, high, log):
    if log and low <= 0:
        return
    places = Axis("bias, %", log=log).places(low, high)
    assert 2 <= len(places) <= 6
    assert all(low - 1e-12 <= place <= high + 1e-12 for place in places)
    assert all(float(f"{place:.2g}") == pytest.approx(place, rel=1e-9) for place in places)  # two digits say it
    assert low > 0 or 0 in places


def test_a_decade_is_ten_times_a_decade_everywhere():
    scale = Axis("y", log=True).scale([1, 1000], 0, 300)
    assert [scale(value) for value in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])


def test_an_interval_is_drawn_from_its_low_end_to_its_high_end():
    svg = drawn(Mark(1, 10, "m0", "", low=1, high=100), Mark(2, 10, "m0", ""))
    (line,) = [path for path in svg.iter("path") if path.get("class") == "interval"]
    top, bottom, middle = 12.0, 196.0, next(float(circle.get("cy")) for circle in svg.iter("circle"))
    assert re.fullmatch(rf"M[\d.]+ {bottom}V{top}", line.get("d"))
    assert middle == pytest.approx((top + bottom) / 2, abs=0.06)  # 10 lies half-way from 1 to 100


def test_what_lies_below_is_a_triangle_and_not_a_circle():
    svg = drawn(Mark(1, 0.5, "empty", "S1: BLQ", shape="down"), Mark(2, 5, "m0", ""))
    (triangle,) = [path for path in svg.iter("path") if path.get("class") == "mark empty"]
    assert triangle.find("title").text == "S1: BLQ"
    assert len(list(svg.iter("circle"))) == 1


def test_notes_stand_under_their_words():
    svg = ElementTree.fromstring(
        scatter(
            [Mark(1, 1, "", "")], Axis("group", ticks={"low": 1.0, "high": 2.0}), Axis("y"), notes={"low": "BLQ 2"}
        ).svg
    )
    place = {text.text: text.get("x") for text in svg.iter("text")}
    assert place["BLQ 2"] == place["low"]


def test_names_are_never_markup():
    svg = scatter(
        [Mark(1, 1, HOSTILE, HOSTILE)], Axis(HOSTILE, ticks={HOSTILE: 1.0}), Axis(HOSTILE), notes={HOSTILE: HOSTILE}
    ).svg
    assert "<script" not in svg
    assert HOSTILE in [text.text for text in ElementTree.fromstring(svg).iter("text")]


def test_every_figure_says_what_it_is_and_an_empty_one_says_so():
    assert drawn(Mark(1, 1, "", "")).get("aria-label") == "y against x"
    assert scatter([Mark(1, math.nan, "", "")], Axis("x"), Axis("y")).svg == "<p>y, x: nothing to draw</p>"
    assert "nothing to draw" in scatter([Mark(1, 0, "", "")], Axis("x"), Axis("y", log=True)).svg


@pytest.mark.parametrize(
    ("value", "words"),
    [(12.3456, "12.3"), (0.00123456, "0.00123"), (1234.5, "1234"), (7.0, "7"), (-0.5, "-0.500"),
     (-1.268e71, "-1.27e+71"), (3.4e-12, "3.40e-12"), (123456789.5, "123456790"), (1e-6, "0.00000100")],
)  # fmt: skip
def test_three_significant_digits_and_an_exponent_only_where_zeros_could_not_be_read(value, words):
    assert plain(value) == words


@pytest.mark.parametrize("kind", ["dropped", "fail"])
def test_marks_that_a_caption_calls_hollow_are_drawn_hollow(kind):
    style = (files("bioanalysis.report") / "page.css").read_text(encoding="utf-8")
    (rule,) = [line for line in style.split("}") if f"path.mark.{kind}," in line or f"path.mark.{kind}{{" in line]
    assert "fill:none" in rule


@pytest.mark.parametrize("number", [1, 3, 8, 20])
def test_long_names_neither_overlap_nor_vanish(number):
    names = {"n" * 200 + str(place): float(place) for place in range(number)}
    marks = [Mark(place, 1, "", "") for place in names.values()]
    svg = ElementTree.fromstring(
        scatter(marks, Axis("x" * 300, ticks=names, include=[-0.5, number]), Axis("y" * 300)).svg
    )
    words = [text for text in svg.iter("text") if text.find("title") is not None]
    assert {text.find("title").text for text in words} == {*names, "x" * 300, "y" * 300}
    under = sorted((float(text.get("x")), text.text) for text in words if text.text.startswith("n"))
    assert len(under) == number
    for (here, left), (there, right) in pairwise(under):
        assert there - here >= 5 * (len(left) + len(right)) / 2  # about 5 units a letter at a size of 10
