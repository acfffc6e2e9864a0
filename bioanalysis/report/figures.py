"""Figures: a picture with its caption, what it is about, and the numbers drawn; on a page and as files beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

import pandas as pd

from bioanalysis.report.plots import WIDTH, Axis, Drawing
from bioanalysis.results import write_result
from bioanalysis.text_files import written_whole
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
        return bool(self.drawing.marks)

    @property
    def subject(self) -> str:
        return ", ".join(word for word in self.about.values() if word)

    def html(self, name: str = "") -> str:
        """Return the figure for a page; `name` is that of its files."""
        return "".join(self.pieces(name))

    def pieces(self, name: str = "") -> Iterator[str]:
        """Yield the figure for a page, a piece at a time."""
        kind = ' class="broad"' if self.drawing.width > WIDTH else ""
        table = f' <a href="{FIGURES}/{name}.tsv">{name}.tsv</a>' if name else ""
        source = escape(self.source)
        data = f" Data:{table}{f', from {source}' if name and source else f' {source}'}." if table or source else ""
        yield f"<figure{kind}>"
        yield from self.drawing.pieces()
        yield f"<figcaption>{escape(self.caption)}{data}</figcaption></figure>"

    @property
    def alone(self) -> str:
        """Return the picture as a file of its own, with its style and caption."""
        return "".join(_alone(self.drawing.pieces(), self.caption))

    def write(self, path: Path) -> None:
        """Write the picture as a file of its own."""
        with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(_alone(self.drawing.pieces(), self.caption))


@cache
def _style() -> str:
    return (files("bioanalysis.report") / "figure.css").read_text(encoding="utf-8")


def stand_alone(svg: str, caption: str) -> str:
    """Return a picture that needs no page around it; one with nothing to draw says so."""
    return "".join(_alone(iter([svg]), caption))


def _alone(picture: Iterator[str], caption: str) -> Iterator[str]:
    """Yield the pieces of a picture, the first of which holds its head, so that it needs no page around it."""
    first = next(picture)
    if not first.startswith("<svg"):
        first = '<svg viewBox="0 0 440 40"><text x="8" y="24">nothing to draw</text></svg>'
    head, rest = first.split(">", 1)
    yield f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_style()}</style><desc>{escape(caption)}</desc>{rest}'
    yield from picture


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


def _name_of(title: str, figure: Figure) -> str:
    words = [title.partition(":")[0], *filter(None, figure.about.values())]
    return "_".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-") for word in words)[:LONGEST]


class FigureFolder:
    """The folder beside a page with a file of each figure and one of the numbers drawn in it; nothing older stays.

    A figure is written when its section is, and let go: those of many animals are larger than their tables.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: set[str] = set()
        self.rows: list[tuple[str, ...]] = []
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def add(self, title: str, figure: Figure | str) -> Iterable[str]:
        """Write a figure of the section `title`, where there is something drawn; return its markup, in pieces."""
        if isinstance(figure, str):
            return [figure]
        if not figure.is_drawn:
            return figure.pieces()
        name = self._name(title, figure)
        figure.write(self.folder / f"{name}.svg")
        write_result(points(figure.drawing), self.folder / f"{name}.tsv")
        axes = (figure.drawing.x_axis.label, figure.drawing.y_axis.label)
        self.rows.append((name, title, figure.subject, *axes, figure.caption, figure.source))
        return figure.pieces(name)

    def write_index(self) -> None:
        """Write the list of the figures."""
        write_result(pd.DataFrame(self.rows, columns=INDEX_COLUMNS), self.folder / INDEX)

    def _name(self, title: str, figure: Figure) -> str:
        """Return a name that is safe as that of a file and taken by no other figure, whatever its capitals."""
        name = stem = _name_of(title, figure)
        number = 1
        while name.lower() in self.names:
            number += 1
            name = f"{stem}_{number}"
        self.names.add(name.lower())
        return name
