"""Tables of a page: cells are data, heads are words, rows can be linked to."""

from __future__ import annotations

from html import unescape

import pandas as pd
import pytest

from bioanalysis.report.heads import head
from bioanalysis.report.sections import Cell, injection_anchor, row_anchor, run_address, section, shown, slug

pytestmark = pytest.mark.requirement("UR-050")

HOSTILE = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", '" onmouseover="alert(1)', "&lt;b&gt;", "x" * 200]


@pytest.mark.parametrize(
    ("column", "words"),
    [("homogenate_ng_ml", "homogenate (ng/mL)"), ("tissue_ug_g", "tissue (ug/g)"), ("sample_id", "sample"),
     ("mean_low", "mean, low"), ("left_min", "left (min)"), ("lloq", "LLOQ"), ("change_percent", "change (%)"),
     ("extraction_id", "extraction"), ("min", "min"), ("low", "low"), ("power_high", "power, high"),
     ("geometric_cv_percent_low", "geom. CV, low (%)"), ("cv_percent_low", "CV, lowest response (%)")],
)  # fmt: skip
def test_heads_are_words_with_units(column, words):
    assert head(column) == words


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_as_it_is_and_never_as_markup(name):
    (row,) = section("T", pd.DataFrame({"sample_id": [name], "reason": [Cell(name, name)]}))["rows"]
    assert "<script" not in row
    assert 'onmouseover="' not in row.replace('href="&quot; onmouseover=', "")
    assert unescape(row).count(name) >= 2


@pytest.mark.parametrize("name", ["1.50", "001", "1e5", "12.3456789", "nan"])
def test_a_name_that_looks_like_a_number_keeps_its_digits(name):
    (row,) = section("T", pd.DataFrame({"sample_id": [name], "reason": [name]}))["rows"]
    assert row.count(f">{name}<") == 2


@pytest.mark.parametrize(
    ("cell", "words"),
    [(12.3456, "12.3"), ("12.3456", "12.3"), ("29", "29"), (float("nan"), ""), ("BLQ", "BLQ"), (3, "3")],
)
def test_measured_numbers_have_three_digits(cell, words):
    assert shown(cell) == words


def test_ids_differ_where_names_differ():
    names = ["a b", "a-b", "a_b", "a", "A", "<", "", "1", "ab", "a.b", "a/b"]
    assert len({slug(name) for name in names}) == len(names)
    assert row_anchor(7, "a b") == "row-7-a-b"
    assert injection_anchor("113") == "chromatogram-113"
    assert run_address("LC-01", "row-7-a") == "../runs/LC-01/report.html#row-7-a"


def test_a_column_with_nothing_in_it_is_not_shown_and_a_table_without_rows_says_none():
    table = pd.DataFrame({"sample_id": ["S1"], "note": [""], "value": [float("nan")]})
    assert section("T", table)["columns"] == ["sample"]
    empty = section("T", table[:0])
    assert (empty["text"], list(empty["rows"])) == ("none", [])


def test_filters_offer_each_word_once():
    table = pd.DataFrame({"sample_id": ["S1", "S2"], "flags": ["a; b", "b;c"]})
    assert section("T", table, filters=["flags", "absent"])["filters"] == [(1, "flags", ["a", "b", "c"])]


def test_each_cell_is_shown_as_its_own_column_is():
    (row,) = section("T", pd.DataFrame({"sample_id": ["S1"], "value": [1.23456], "position": ["1.23456"]}))["rows"]
    assert row == '<tr><th scope="row">S1</th><td>1.23</td><td>1.23456</td></tr>'


def test_rows_carry_their_anchors_and_their_first_cell_is_their_head():
    (row,) = section("T", pd.DataFrame({"sample_id": ["S1"], "run_id": ["R1"]}), anchors=["row-2-x"])["rows"]
    assert row == '<tr id="row-2-x"><th scope="row">S1</th><td>R1</td></tr>'
