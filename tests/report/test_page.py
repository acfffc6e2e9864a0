"""A page is written section by section, whole or not at all."""

from __future__ import annotations

import gc
import weakref

import pandas as pd
import pytest

from bioanalysis.report.page import write_page
from bioanalysis.report.sections import AT_ONCE, Cell, section

pytestmark = pytest.mark.requirement("UR-050")


def test_a_section_is_let_go_before_the_next_is_made(tmp_path):
    kept = []

    def sections():
        for number in range(3):
            gc.collect()
            assert [one() for one in kept] == [None] * number
            table = pd.DataFrame({"sample_id": [f"S{number}"]})
            kept.append(weakref.ref(table))
            made = section(f"Part {number}", table)
            del table
            yield made
            del made

    write_page(tmp_path / "page.html", "Page", "", [], sections())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    parts = page.split("<h2>")[1:]
    assert [part.count(f">S{number}</th>") for number, part in enumerate(parts)] == [1, 1, 1]
    assert page.index('href="#Part-2"') < page.index("<h2>Part 0</h2>")  # the contents stand before them
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", "figures"}


def test_a_page_that_cannot_be_made_leaves_the_earlier_one(tmp_path):
    def sections():
        yield section("Part", text="new")
        raise ValueError("no such table")

    (tmp_path / "page.html").write_text("earlier")
    with pytest.raises(ValueError, match="no such table"):
        write_page(tmp_path / "page.html", "Page", "", [], sections())
    assert (tmp_path / "page.html").read_text() == "earlier"


def test_rows_are_linked_a_stretch_at_a_time_and_every_row_once():
    asked = []

    def linked(rows: pd.DataFrame) -> pd.DataFrame:
        asked.append(len(rows))
        return rows.assign(sample_id=[Cell(name, f"#{name}") for name in rows.sample_id])

    table = pd.DataFrame({"sample_id": [f"S{number}" for number in range(2 * AT_ONCE + 1)]})
    rows = list(section("Samples", table, linked=linked)["rows"])
    assert asked == [AT_ONCE, AT_ONCE, 1]
    assert rows == [f'<tr><th scope="row"><a href="#{name}">{name}</a></th></tr>' for name in table.sample_id]
