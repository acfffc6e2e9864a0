"""What is missing in the markup of a page for those who hear it: captions, headers of columns, names of figures."""

from __future__ import annotations

from html.parser import HTMLParser


class _Marks(HTMLParser):
    """Gathers, per table and figure, what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[dict[str, object]] = []
        self.tables = self.figures = 0
        self.missing: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = dict(attrs)
        where = f"line {self.getpos()[0]}"
        if tag == "th" and at.get("scope") not in ("col", "row"):
            self.missing.append(f"{where}: th without scope")
        if tag == "svg" and not (at.get("aria-label") or at.get("aria-hidden") == "true"):
            self.missing.append(f"{where}: svg without a name")
        if tag in ("table", "figure"):
            self.open.append({"tag": tag, "where": where, "captioned": False})
        if tag in ("caption", "figcaption") and self.open:
            self.open[-1]["captioned"] = True

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("table", "figure") or not self.open:
            return
        closed = self.open.pop()
        self.tables += tag == "table"
        self.figures += tag == "figure"
        if not closed["captioned"]:
            self.missing.append(f"{closed['where']}: {tag} without a caption")


def missing_marks(page: str) -> tuple[int, int, list[str]]:
    """Return how many tables and figures a page has, and what is missing in them."""
    marks = _Marks()
    marks.feed(page)
    return marks.tables, marks.figures, marks.missing
