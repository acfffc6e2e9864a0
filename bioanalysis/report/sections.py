"""Sections of a page: tables whose cells are data and never markup, with heads, anchors, links and filters."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import pandas as pd

from bioanalysis.moles import in_either_unit
from bioanalysis.report.figures import Figure
from bioanalysis.report.heads import head
from bioanalysis.report.plots import plain
from bioanalysis.report.said import CODE_COLUMNS, YES_OR_NO, in_words, said_each

NAMES = {
    "sample_id", "subject_id", "group", "tissue", "analyte", "run_id", "method_id", "plate", "position", "level", "lot",
    "batch", "id", "decision_id", "material", "reason", "observed", "limit", "source", "author", "version",
    "initial_run_id", "repeat_run_id", "accepted_run_id", "extraction_id", "treatment", "analyst",
    "instrument", "comment", "note", "line",
}  # fmt: skip
PROSE = {
    "reason",
    "observed",
    "subject",
    "limit",
    "note",
    "source",
    "initial_reason",
}  # sentences of ours: codes in them are said
SAID_ONCE = {
    "analyte", "method_id", "collection_day", "sex", "treatment", "regimen", "dose_basis", "basis", "species",
    "dilution_factor", "estimator", "sample_type", "blq_rule",
}  # fmt: skip
ROWS = "rows"  # positions joined by ';'
MANY = 3  # rows from which on a column that is the same in all is said once, above the table
LONG = 28
AT_ONCE = 1000  # rows made at a time
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]\d+)?", re.ASCII)
BAD = ("fail", "FAILED", "not reported", "open", "needs decision")

Linked = Callable[[pd.DataFrame], pd.DataFrame]  # from rows to the same rows with addresses


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that leads somewhere: what it shows, and the address it links to; or several such, one behind another."""

    text: str
    href: str = ""
    more: tuple[Cell, ...] = ()


def section(
    title: str,
    table: pd.DataFrame | None = None,
    columns: Sequence[str] | None = None,
    figures: Iterable[Figure | str] = (),
    *,
    text: str = "",
    source: str = "",
    filters: Sequence[str] = (),
    anchors: Sequence[str] = (),
    heads: Mapping[str, str] | None = None,
    folded: bool = False,
    linked: Linked | None = None,
) -> dict[str, Any]:
    """Return one section of a page.

    Parameters
    ----------
    table : DataFrame, optional
        Rows to show; cells may be `Cell`.
    columns : list of str, optional
        Columns in order; those the table lacks or has nothing in are left out. All where not given.
    figures : iterable of Figure or str
        Figures, or sentences as markup where there is nothing to draw; each may be drawn when it is asked for.
    text : str
        A sentence under the title.
    source : str
        The file the table or figure can be read from.
    filters : list of str
        Columns a reader can choose rows by.
    anchors : list of str
        One id per row.
    heads : dict, optional
        Heads other than `head` gives.
    folded : bool
        Whether the table opens on demand.
    linked : callable, optional
        Gives rows their addresses: returns them with `Cell`s that show what stood there.
    """
    made: dict[str, Any] = {
        "title": title, "key": slug(title), "text": text, "figures": figures, "columns": [], "rows": [],
        "source": source, "filters": [], "folded": folded, "count": 0, "said_once": "", "right": [],
    }  # fmt: skip
    if table is None:
        return made
    wanted = in_either_unit(columns or table.columns)
    names = [name for name in wanted if name in table and (table.empty or _is_filled(table[name]))]
    said_once = {name: word for name in names[1:] if name in SAID_ONCE and (word := _said_in_all(table[name]))}
    names = [name for name in names if name not in said_once]
    chosen = [names.index(name) for name in filters if name in names]
    titles = {name: (heads or {}).get(name) or head(name) for name in [*names, *said_once]}
    return made | {
        "columns": [titles[name] for name in names],
        "rows": TableRows(table, names, anchors, linked) if names else [],
        "right": [
            place
            for place, name in enumerate(names, start=1)
            if place > 1 and name not in NAMES and holds_numbers(_texts(table[name]))
        ],
        "text": text if len(table) else " ".join(filter(None, [text, "none"])),
        "said_once": "; ".join(f"{titles[name]} {word}" for name, word in said_once.items()),
        "filters": [(place, titles[names[place]], _choices(_texts(table[names[place]]))) for place in chosen],
        "count": len(table),
    }


@dataclass(frozen=True, eq=False)
class TableRows:
    """The rows of a table as markup, each made when it is asked for: a page is larger than its tables.

    Parameters
    ----------
    table : DataFrame
        All columns.
    names : list of str
        Those shown.
    anchors : list of str
        One id per row; none where empty.
    linked : callable, optional
        As of `section`: addresses are longer than what they stand behind, and made for `AT_ONCE` rows at a time.
    """

    table: pd.DataFrame
    names: Sequence[str]
    anchors: Sequence[str] = ()
    linked: Linked | None = None

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), AT_ONCE):
            rows = self.table.iloc[start : start + AT_ONCE]
            shown_rows = self.linked(rows) if self.linked else rows
            columns = [_cells(shown_rows[name]) for name in self.names]
            anchors = self.anchors[start : start + AT_ONCE] or [""] * len(rows)
            for cells, anchor in zip(zip(*columns, strict=True), anchors, strict=True):
                yield _row(cells, anchor)


def ranges(positions: str) -> str:
    """Return positions joined by ';' with neighbours drawn together: '1;2;3;7 / 9' is '1 to 3, 7 / 9'."""
    return " / ".join(_ranges(half.split(";")) for half in positions.split(" / "))


def _ranges(places: list[str]) -> str:
    runs: list[list[str]] = []
    for place in places:
        if runs and place.isdecimal() and runs[-1][-1].isdecimal() and int(place) == int(runs[-1][-1]) + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def shown(cell: Any) -> str:
    """Return a cell with three significant digits where it is a measured number."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return str(cell)
    if math.isnan(number):
        return ""
    is_measured = isinstance(cell, float) or "." in str(cell)
    return plain(number) if is_measured and math.isfinite(number) else str(cell)


def slug(words: str) -> str:
    """Return words as an id of a page: unique per words, letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", lambda found: "-" if found[0] == " " else f"_{ord(found[0]):x}", words)


def row_anchor(line: Any, analyte: str) -> str:
    """Return the id of a measurement in the report of its run: the line of the worklist, and the analyte."""
    return f"row-{line}-{slug(analyte)}"


def injection_anchor(position: Any) -> str:
    """Return the name by which the chromatogram review of a run finds an injection."""
    return f"chromatogram-{quote(str(position), safe='')}"


def run_address(run_id: str, anchor: str = "") -> str:
    """Return the address of a run's report, as seen from the report of the study."""
    return f"../runs/{quote(run_id)}/report.html" + (f"#{anchor}" if anchor else "")


def holds_numbers(texts: Iterable[str]) -> bool:
    """Return whether a column is one of numbers, beside which words without a digit may stand, such as BLQ."""
    found = False
    for word in texts:
        if NUMBER.fullmatch(word):
            found = True
        elif any(sign.isdigit() for sign in word):
            return False
    return found


def _is_filled(column: pd.Series) -> bool:
    return bool((column.notna() & (column != "")).any())


def shown_cell(cell: Any, column: str) -> Cell:
    """Return a cell as a reader sees it: numbers rounded, codes in words, what a laboratory wrote as it is."""
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, float) and math.isnan(cell):
        return Cell("")
    if column in CODE_COLUMNS:
        return Cell(said_each(str(cell)))
    if column == ROWS:
        return Cell(ranges(str(cell)))
    if column in PROSE:
        return Cell(in_words(str(cell)))
    return Cell(str(cell) if column in NAMES else in_words(YES_OR_NO.get(str(cell)) or shown(cell)))


def _cells(column: pd.Series) -> Iterator[Cell]:
    return (shown_cell(cell, str(column.name)) for cell in column)


def _texts(column: pd.Series) -> Iterator[str]:
    return (cell.text for cell in _cells(column))


def _said_in_all(column: pd.Series) -> str:
    """Return what a column says in every row, where it is better said once, above the table; else nothing."""
    if len(column) < MANY or shown_cell(column.iloc[0], str(column.name)).href:
        return ""
    texts = set(_texts(column))
    return texts.pop() if len(texts) == 1 else ""


def _row(cells: Sequence[Cell], anchor: str) -> str:
    """Return one row; its first cell is its head."""
    first, *rest = [_content(cell) for cell in cells]
    bad = [_class(cell.text) for cell in cells[1:]]
    body = "".join(f"<td{kind}>{text}</td>" for kind, text in zip(bad, rest, strict=True))
    name = f' id="{escape(anchor, quote=True)}"' if anchor else ""
    return f'<tr{name}><th scope="row"{_class(cells[0].text)}>{first}</th>{body}</tr>'


def _class(text: str) -> str:
    if len(text) > LONG:
        return ' class="long"'
    return ' class="fail"' if text in BAD else ""


def _content(cell: Cell) -> str:
    if cell.more:
        return ", ".join(_content(one) for one in cell.more)
    text = escape(cell.text)
    return f'<a href="{escape(cell.href, quote=True)}">{text}</a>' if cell.href and text else text


def _choices(texts: Iterable[str]) -> list[str]:
    """Return the words of a column, each once; words joined by `;` count each."""
    words = {word for text in set(texts) for word in re.split("; ?", text)}
    return sorted(word for word in words if word)
