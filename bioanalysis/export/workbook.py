"""report.xlsx: every table typed and formatted, with a sheet of contents; text is text, whatever it begins with."""

from __future__ import annotations

import datetime
import io
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import xlsxwriter

from bioanalysis.export.sources import Source, tables_of
from bioanalysis.study import Study
from bioanalysis.tables import read_results, write_whole

NO_DATE = datetime.datetime(2000, 1, 1)  # a workbook has a date; the same results must give the same bytes
NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII)
LABELS = re.compile(r"(^|_)(id|position|plate|file|lot|batch|piece|homogenate|level|table|subject)$")
SIGNIFICANT = 3
MOST_ROWS = 1_048_575
WIDEST = 60


def write_workbook(folder: Path, path: Path) -> None:
    """Write the tables of the study in `folder` as one workbook."""
    study = Study.load(folder)
    sources = tables_of(study, folder / "results")
    memory = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    options["constant_memory"] = True  # rows go to a file as they are written: a study has hundreds of runs
    book = xlsxwriter.Workbook(memory, options)
    book.set_properties({"title": study.config.study.id, "created": NO_DATE})
    names = sheet_names([source.name for source in sources])
    sheets = list(zip(names, sources, strict=True))
    _contents(book, study, sheets, {name: cut_words(folder / "results" / source.path) for name, source in sheets})
    for name, source in sheets:
        _sheet(book, name, folder / "results" / source.path)
    book.close()
    write_whole(path, memory.getvalue())


def cut_words(path: Path) -> str:
    """Return words on the rows of a table that a sheet does not hold, nothing where it holds them all."""
    with path.open("rb") as lines:
        rows = sum(1 for _ in lines) - 1
    return f"CUT: the first {MOST_ROWS} of {rows} rows; the file has them all. " if rows > MOST_ROWS else ""


def sheet_names(names: list[str]) -> list[str]:
    """Return names a workbook takes: at most 31 characters, without its marks, each once whatever the capitals."""
    taken = {"contents"}
    sheets = []
    for name in names:
        plain = re.sub(r"[\[\]:*?/\\]", "_", name).strip("'") or "table"
        sheet, number = plain[:31], 1
        while sheet.lower() in taken:
            number += 1
            sheet = f"{plain[: 30 - len(str(number))]}~{number}"
        taken.add(sheet.lower())
        sheets.append(sheet)
    return sheets


def _contents(book: Any, study: Study, sheets: list[tuple[str, Source]], cut: dict[str, str]) -> None:
    sheet = book.add_worksheet("Contents")
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    about = study.config.study
    sheet.write_string(0, 0, f"{about.id}: {about.title}".strip(": "), bold)
    sheet.write_string(1, 0, f"Status of the methods: {about.status}. No signed record: that is the report.")
    sheet.write_string(2, 0, "Numbers hold 16 digits and show three; where there is none, a word says why.")
    for column, word in enumerate(("sheet", "what it holds", "file")):
        sheet.write_string(4, column, word, bold)
    for row, (name, source) in enumerate(sheets, start=5):
        sheet.write_url(row, 0, f"internal:'{name.replace(chr(39), chr(39) * 2)}'!A1", string=name)
        sheet.write_string(row, 1, cut[name] + source.meaning, wrap)
        sheet.write_string(row, 2, f"results/{source.path}")
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 70)
    sheet.set_column(2, 2, 48)


def _sheet(book: Any, name: str, path: Path) -> None:
    table = read_results(path)
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1})
    formats = cache(lambda shown: book.add_format({"num_format": shown}))
    shown = table.iloc[:MOST_ROWS]
    numeric = [is_numeric(title, shown[title].tolist()) for title in table.columns]
    for column, title in enumerate(table.columns):
        longest = max(map(len, [title, *(shown[title] if not numeric[column] else [])]))
        sheet.set_column(column, column, min(WIDEST, longest + 2))
        sheet.write_string(0, column, title, head)
    for row, cells in enumerate(shown.itertuples(index=False, name=None), start=1):
        for column, cell in enumerate(cells):
            if cell == "":
                continue
            if numeric[column]:
                sheet.write_number(row, column, float(cell), formats(number_format(cell)))
            else:
                sheet.write_string(row, column, cell)
    sheet.freeze_panes(1, 1)
    if len(table):
        sheet.autofilter(0, 0, len(shown), len(table.columns) - 1)


def is_numeric(title: str, cells: list[str]) -> bool:
    """Return whether a column holds numbers: every filled cell is one, and the column is not one of names."""
    filled = [cell for cell in cells if cell]
    return bool(filled) and not LABELS.search(title) and all(NUMBER.fullmatch(cell) for cell in filled)


def number_format(cell: str) -> str:
    """Return the format that shows three significant digits of a number, and whole numbers as they are."""
    value = abs(float(cell))
    if re.fullmatch(r"-?\d+", cell):
        return "0"
    if value and not 1e-4 <= value < 1e7:
        return "0.00E+00"
    places = SIGNIFICANT - 1 - (math.floor(math.log10(value)) if value else 0)
    return "0." + "0" * places if places > 0 else "0"
