"""PDF/A from the parts of a document: each part is set by a process of its own, so that memory does not grow with them.

What the typesetter keeps of a table is 150 times as large as its words, and it gives nothing back while it works; the
parts are joined by a process of its own too, which takes 40 kB a page. This module is also what such a process runs: it
loads nothing else.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

TEMPLATE = Path(__file__).with_name("report.typ")
STANDARD: Literal["a-2b"] = "a-2b"
UNDRAWN = re.compile(r'the text `"(.*?)"` could not be displayed', re.DOTALL)
ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
DRAWN_IN_PART = ("LATIN", "GREEK", "CYRILLIC")  # scripts of the fonts at hand, of which rare letters alone are missing
PAGES = re.compile(rb"(?<=<xmpTPg:NPages>)\d+")


def typeset(parts: Iterable[dict[str, Any]], scratch: Path) -> Path:
    """Return the path, in `scratch`, of one PDF of all parts, each beginning a page, the pages numbered through.

    A single part keeps its tags (the structure that is read aloud); a document of several has none, since they would
    be 20 times as large as the text.

    Parameters
    ----------
    parts : iterable of dict
        What the template reads, part by part; each is written to `scratch` before the next is asked for.
    scratch : Path
        An empty folder.
    """
    sources = []
    for number, part in enumerate(parts):
        source = scratch / f"{number:05d}.json"
        source.write_text(json.dumps(part, sort_keys=True, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        sources.append(source)
    if len(sources) == 1:
        return _set(sources[0], 1, 0)
    counts = [_page_count(_set(source, 1, 0)) for source in sources]
    first = [1 + sum(counts[:place]) for place in range(len(counts))]
    made = [_set(source, page, sum(counts)) for source, page in zip(sources, first, strict=True)]
    whole = scratch / "whole.pdf"
    _by_itself("join", str(whole), *map(str, made))
    return whole


def _set(source: Path, first: int, of: int) -> Path:
    """Return the PDF of one part, numbered from `first` of `of` pages (0: of its own)."""
    target = source.with_suffix(".pdf")
    _by_itself("set", str(source), str(target), str(first), str(of))
    return target


def _by_itself(*words: str) -> None:
    """Do in a process of its own what `main` does with these words."""
    ended = subprocess.run([sys.executable, "-I", __file__, *words], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"the document could not be set:\n{ended.stderr}")


def _page_count(path: Path) -> int:
    from pypdf import PdfReader

    return len(PdfReader(path).pages)


def join(target: str, *paths: str) -> None:
    """Write one PDF of these, in order: metadata and identifier are those of the first, the headings of all."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import StreamObject

    first = PdfReader(paths[0])
    whole = PdfWriter(clone_from=first)
    for path in paths[1:]:
        whole.append(path)
    about = whole.root_object["/Metadata"].get_object()
    assert isinstance(about, StreamObject)
    about.set_data(PAGES.sub(str(len(whole.pages)).encode(), about.get_data()))
    whole.metadata = first.metadata
    with Path(target).open("wb") as stream:
        whole.write(stream)


def without_undrawn(data: str, error: str) -> str:
    """Return the words of a document with code points (``[U+5C71]``) for what the typesetter found no glyph for.

    The fonts are those of the typesetter, the same on every machine; PDF/A refuses a sign that cannot be drawn. With
    one sign of a script all of it go, so that a document in it is not set once for each of its signs.
    """
    found = UNDRAWN.search(error)
    text = ESCAPED.sub(lambda code: chr(int(code[1], 16)), found[1]) if found else ""
    missing = {sign for sign in text if not sign.isascii()}
    scripts = {_script(sign) for sign in missing} - {*DRAWN_IN_PART, ""}
    undrawn = {sign for sign in set(data) if sign in missing or (not sign.isascii() and _script(sign) in scripts)}
    return data.translate({ord(sign): f"[U+{ord(sign):04X}]" for sign in undrawn})


def _script(sign: str) -> str:
    return unicodedata.name(sign, "").partition(" ")[0]


def set_part(source: str, target: str, first: str, of: str) -> None:
    """Set one part, numbered from `first` of `of` pages (0: of its own)."""
    import typst

    data, pdf = Path(source).read_text(encoding="utf-8"), None
    while pdf is None:
        try:
            pdf = typst.compile(
                TEMPLATE.read_bytes(),
                sys_inputs={"data": data, "first": first, "pages": of},
                pdf_standards=STANDARD,
                ignore_system_fonts=True,
                pdf_tags=of == "0",
            )
        except typst.TypstError as error:
            before, data = data, without_undrawn(data, str(error))
            if data == before:
                raise
    Path(target).write_bytes(pdf)


def main(job: str, *words: str) -> None:
    """Set a part or join parts; all words come from the command line."""
    if job == "set":
        set_part(*words)
    else:
        join(*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
