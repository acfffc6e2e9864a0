"""Figures as files: the picture, and beside it the numbers drawn."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from bioanalysis.report.figures import Figure, FigureFolder, points
from bioanalysis.report.plots import Axis, Mark, scatter

MARKS = [
    Mark(0.9, 2.5, "m0", "S1: 2.50", low=2.25, high=2.75),
    Mark(2.1, 1 / 3, "empty", "S2: BLQ"),
    Mark(2, 0, "m0", "S3"),
]
GROUPS = Axis("group", ticks={"low": 1.0, "high": 2.0})


def figure(caption: str = "one of each", **about: str) -> Figure:
    drawn = scatter(MARKS, GROUPS, Axis("ug/g", log=True), line=[(1, 1), (2, 2)], guides=(0.5,))
    return Figure(drawn, caption, about, "table.tsv")


def write(folder: Path, *figures: Figure | str, title: str = "Amounts") -> list[str]:
    """Write the figures of a section and return their markup."""
    written = FigureFolder(folder)
    made = ["".join(written.add(title, one)) for one in figures]
    written.write_index()
    return made


def test_the_table_holds_exactly_what_is_drawn_with_all_digits(tmp_path):
    write(tmp_path / "figures", figure(tissue="liver"))
    table = pd.read_csv(tmp_path / "figures/Amounts_liver.tsv", sep="\t")
    marks = table[table.element == "mark"]
    assert marks.y.tolist() == [2.5, 1 / 3]  # S3 is 0, which a logarithmic axis cannot show
    assert marks.x_name.tolist() == ["low", "high"]
    assert marks[["y_low", "y_high"]].iloc[0].tolist() == [2.25, 2.75]
    assert marks.words.tolist() == ["S1: 2.50", "S2: BLQ"]
    assert table[table.element == "line"][["x", "y"]].to_numpy().tolist() == [[1, 1], [2, 2]]
    assert table[table.element == "guide"].y.tolist() == [0.5]


def test_as_many_marks_as_rows():
    drawn = figure().drawing
    assert drawn.svg.count("<circle") == (points(drawn).element == "mark").sum() == 2


def test_a_picture_stands_alone_with_its_caption(tmp_path):
    hostile = "</desc><script>alert(1)</script>"
    write(tmp_path / "figures", figure(hostile))
    picture = ElementTree.parse(tmp_path / "figures/Amounts.svg").getroot()
    namespace = "{http://www.w3.org/2000/svg}"
    assert picture.find(f"{namespace}desc").text == hostile
    assert picture.find(f"{namespace}style") is not None
    assert not picture.findall(f".//{namespace}script")


def test_names_are_safe_as_files_short_and_each_once(tmp_path):
    abouts = ["../../etc", "a/b", "a b", "A=B", "n" * 200, "n" * 201]
    write(tmp_path / "figures", *(figure(tissue=about) for about in abouts), title="Amounts: all")
    names = pd.read_csv(tmp_path / "figures/index.tsv", sep="\t").figure.tolist()
    assert names[:4] == ["Amounts_etc", "Amounts_a-b", "Amounts_a-b_2", "Amounts_A-B_3"]
    assert len({name.lower() for name in names}) == 6
    assert max(map(len, names)) <= 84
    assert len(list(tmp_path.rglob("*.svg"))) == 6


def test_nothing_to_draw_makes_a_sentence_and_no_file(tmp_path):
    empty = Figure(scatter([], GROUPS, Axis("ug/g")), "none")
    made = write(tmp_path / "figures", empty, "<p>no table</p>")
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["index.tsv"]
    assert "nothing to draw" in made[0]
    assert made[1] == "<p>no table</p>"


def test_figures_of_an_earlier_run_do_not_stay(tmp_path):
    write(tmp_path / "figures", figure(tissue="liver"))
    write(tmp_path / "figures", figure(tissue="kidney"))
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {"index", "Amounts_kidney"}


@pytest.mark.parametrize("source", ["table.tsv", ""])
def test_a_page_names_the_table_of_a_figure(source):
    page = Figure(figure().drawing, "words", {}, source).html("Amounts")
    assert '<a href="figures/Amounts.tsv">Amounts.tsv</a>' in page
    assert ("from table.tsv" in page) == bool(source)
