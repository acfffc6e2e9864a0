"""Figures: a picture with its caption, what it is about, and the numbers drawn; on a page and as files beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.report.plots import WIDTH, Axis, Drawing
from bioanalysis.results import write_result
from bioanalysis.tables import write_whole
from bioanalysis.words import FIGURES

INDEX = "index.tsv"
LONGEST = 80
POINTS = ["element", "kind", "x_name", "x", "y", "y_low", "y_high", "words"]
INDEX_COLUMNS = ["figure", "section", "about", "x", "y", "caption", "source"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Parameters
    ----------
    drawing : Drawing
        The picture, or a sentence where there is nothing to draw.
    caption : str
        What it shows, in words.
    about : dict
        What it is about, by kind: tissue, analyte, method ...
    source : str
        The result table the numbers come from.
    """

    drawing: Drawing
    caption: str
    about: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def is_drawn(self) -> bool:
        return self.drawing.svg.startswith("<svg")

    @property
    def subject(self) -> str:
        return ", ".join(word for word in self.about.values() if word)

    def html(self, name: str = "") -> str:
        """Return the figure for a page; `name` is that of its files."""
        kind = ' class="broad"' if self.drawing.width > WIDTH else ""
        table = f' <a href="{FIGURES}/{name}.tsv">{name}.tsv</a>' if name else ""
        source = escape(self.source)
        data = f" Data:{table}{f', from {source}' if name and source else f' {source}'}." if table or source else ""
        return f"<figure{kind}>{self.drawing.svg}<figcaption>{escape(self.caption)}{data}</figcaption></figure>"

    @property
    def alone(self) -> str:
        """Return the picture as a file of its own, with its style and caption."""
        return stand_alone(self.drawing.svg, self.caption)


@cache
def _style() -> str:
    return (files("bioanalysis.report") / "figure.css").read_text(encoding="utf-8")


def stand_alone(svg: str, caption: str) -> str:
    """Return a picture that needs no page around it; one with nothing to draw says so."""
    if not svg.startswith("<svg"):
        svg = '<svg viewBox="0 0 440 40"><text x="8" y="24">nothing to draw</text></svg>'
    head, rest = svg.split(">", 1)
    words = f"<desc>{escape(caption)}</desc>"
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_style()}</style>{words}{rest}'


def points(drawing: Drawing) -> pd.DataFrame:
    """Return the numbers drawn, a row each: marks with their intervals, the line through them, the guides."""
    rows: list[tuple[object, ...]] = [
        ("mark", mark.kind, _nearest(drawing.x_axis, mark.x), mark.x, mark.y, mark.low, mark.high, mark.tip)
        for mark in drawing.marks
    ]
    rows += [("line", "", "", x, y, None, None, "") for x, y in drawing.line]
    rows += [("guide", "", "", None, y, None, None, "") for y in drawing.guides]
    return pd.DataFrame(rows, columns=POINTS)


def _nearest(axis: Axis, x: float) -> str:
    """Return the word of the axis a mark stands at."""
    return min(axis.ticks, key=lambda name: abs(axis.ticks[name] - x), default="")


def rendered(sections: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sections with their figures as markup."""
    names = {id(figure): name for name, _, figure in named(sections)}
    return [
        section | {"figures": [one if isinstance(one, str) else one.html(names.get(id(one), ""))
                               for one in section["figures"]]}
        for section in sections
    ]  # fmt: skip


def named(sections: Sequence[dict[str, Any]]) -> list[tuple[str, str, Figure]]:
    """Return name, title of the section and figure of all that are drawn; names are safe as files, each once."""
    made: dict[str, tuple[str, str, Figure]] = {}
    for section in sections:
        for figure in section["figures"]:
            if isinstance(figure, Figure) and figure.is_drawn:
                name = _name_of(section["title"], figure)
                number = 1
                while (key := f"{name}_{number}" if number > 1 else name).lower() in made:
                    number += 1
                made[key.lower()] = (key, section["title"], figure)
    return list(made.values())


def _name_of(title: str, figure: Figure) -> str:
    words = [title.partition(":")[0], *filter(None, figure.about.values())]
    return "_".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-") for word in words)[:LONGEST]


def write_figures(sections: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write each figure of a page as svg and the numbers drawn in it as tsv, with an index; nothing older stays."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    for name, title, figure in named(sections):
        write_whole(folder / f"{name}.svg", figure.alone.encode("utf-8"))
        write_result(points(figure.drawing), folder / f"{name}.tsv")
        axes = (figure.drawing.x_axis.label, figure.drawing.y_axis.label)
        rows.append((name, title, figure.subject, *axes, figure.caption, figure.source))
    write_result(pd.DataFrame(rows, columns=INDEX_COLUMNS), folder / INDEX)
