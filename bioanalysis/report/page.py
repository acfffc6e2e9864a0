"""A page, written section by section: that of a thousand runs is many times as large as any of its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import jinja2

from bioanalysis.limits import CONVENTION, EDITION
from bioanalysis.report.figures import FigureFolder
from bioanalysis.text_files import written_whole
from bioanalysis.words import FIGURES

AT_ONCE = 2**16  # characters of the body put into the page at a time


def write_page(
    path: Path,
    title: str,
    subtitle: str,
    verdicts: Sequence[dict[str, str]],
    sections: Iterable[dict[str, Any]],
    shown_first: Sequence[dict[str, Any]] = (),
    todo: Sequence[str] | None = None,
    back: str = "",
) -> None:
    """Write a page and its figures; each section is asked for, written and let go before the next.

    The sections are written to a file without a name first: the head of the page lists them all.

    Parameters
    ----------
    sections : iterable of dict
        As `section` returns them.
    shown_first : sequence of dict
        Cards above the verdicts.
    todo : sequence of str, optional
        What a person must do now.
    back : str
        Address of the page this one belongs to.
    """
    read = {name: _part(name) for name in ("page.html", "page.css", "page.js")}
    template = _template(read["page.html"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile("w+", encoding="utf-8", newline="", dir=path.parent) as body:
        listed = _write_sections(sections, body, FigureFolder(path.parent / FIGURES))
        body.seek(0)
        pieces = template.generate(
            title=title, subtitle=subtitle, verdicts=verdicts, sections=listed, body=_pieces(body), edition=EDITION,
            convention=CONVENTION, cards=shown_first, todo=todo, back=back, style=read["page.css"],
            script=read["page.js"],
        )  # fmt: skip
        with written_whole(path) as part, part.open("wb") as stream:
            stream.writelines(piece.encode("utf-8") for piece in pieces)


def _write_sections(sections: Iterable[dict[str, Any]], body: IO[str], folder: FigureFolder) -> list[dict[str, Any]]:
    """Write the sections to `body` and return what the head of the page says of each."""
    template = _template(_part("section.html"))
    listed = []
    for section in sections:
        figures = (folder.add(section["title"], figure) for figure in section["figures"])
        body.writelines(template.generate(section=section | {"figures": figures}))
        body.write("\n")
        listed.append({name: section[name] for name in ("key", "title", "right")})
        del section, figures  # or it would stay until the next is made
    folder.write_index()
    return listed


def _pieces(body: IO[str]) -> Iterator[str]:
    return iter(lambda: body.read(AT_ONCE), "")


def _part(name: str) -> str:
    return (files("bioanalysis.report") / name).read_text(encoding="utf-8")


def _template(text: str) -> jinja2.Template:
    return jinja2.Environment(autoescape=True, trim_blocks=True).from_string(text)
