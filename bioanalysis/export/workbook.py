"""report.xlsx: every table typed and formatted, one sheet per kind and all runs in it, with a sheet of contents.

Text is text, whatever it begins with; what a sheet cannot hold is cut, and the contents say so.
"""

from __future__ import annotations

import datetime
import math
import re
from functools import cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import xlsxwriter

from bioanalysis.export.columns_of_sheets import RUN, Columns, read_columns, read_rows
from bioanalysis.export.sources import Source, tables_of
from bioanalysis.study import Study
from bioanalysis.study.finished import open_finished
from bioanalysis.text_files import written_whole

NO_DATE = datetime.datetime(2000, 1, 1)  # a workbook has a date; the same results must give the same bytes
SIGNIFICANT = 3
MOST_ROWS = 1_048_575
MOST_CHARACTERS = 32_767
WIDEST = 60


def write_workbook(folder: Path, path: Path) -> None:
    """Write the tables of the study in `folder` as one workbook."""
    study, results = open_finished(folder), folder / "results"
    kinds = [list(sources) for _, sources in groupby(tables_of(study, results), key=lambda source: source.name)]
    names = sheet_names([sources[0].name for sources in kinds])
    columns = [read_columns(sources, results) for sources in kinds]
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    options["constant_memory"] = True  # rows go to a file as they are written: a study has hundreds of runs
    with written_whole(path) as part:
        book = xlsxwriter.Workbook(str(part), options)
        book.set_properties({"title": study.config.study.id, "created": NO_DATE})
        _contents(book, study, list(zip(names, kinds, columns, strict=True)))
        for name, sources, own in zip(names, kinds, columns, strict=True):
            _sheet(book, name, sources, own, results)
        book.close()


def cut_words(columns: Columns) -> str:
    """Return words on what a sheet does not hold of its tables, nothing where it holds everything."""
    words = ""
    if columns.total > MOST_ROWS:
        words += f"CUT: the first {MOST_ROWS} of {columns.total} rows; the files have them all. "
    long = [name for name in columns.names if columns.widths.get(name, 0) > MOST_CHARACTERS]
    if long:
        words += (
            f"CUT: cells of more than {MOST_CHARACTERS} characters in {', '.join(long)}; the files have them whole. "
        )
    return words


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


def _contents(book: Any, study: Study, sheets: list[tuple[str, list[Source], Columns]]) -> None:
    sheet = book.add_worksheet("Contents")
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    about = study.config.study
    sheet.write_string(0, 0, f"{about.id}: {about.title}".strip(": "), bold)
    sheet.write_string(1, 0, f"Status of the methods: {about.status}. No signed record: that is the report.")
    sheet.write_string(2, 0, "Numbers hold 16 digits and show three; where there is none, a word says why.")
    for column, word in enumerate(("sheet", "what it holds", "rows", "file")):
        sheet.write_string(4, column, word, bold)
    for row, (name, sources, columns) in enumerate(sheets, start=5):
        sheet.write_url(row, 0, f"internal:'{name.replace(chr(39), chr(39) * 2)}'!A1", string=name)
        sheet.write_string(row, 1, cut_words(columns) + sources[0].meaning, wrap)
        sheet.write_number(row, 2, columns.total)
        sheet.write_string(row, 3, f"results/{_file_of(sources)}")
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 70)
    sheet.set_column(3, 3, 48)


def _file_of(sources: list[Source]) -> str:
    """Return where the rows of a sheet come from: one file, or that of each run."""
    run_id = sources[0].run_id
    return sources[0].path.replace(f"/{run_id}/", f"/<{RUN}>/") if run_id else sources[0].path


def _sheet(book: Any, name: str, sources: list[Source], columns: Columns, results: Path) -> None:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1})
    formats = cache(lambda shown: book.add_format({"num_format": shown}))
    for place, title in enumerate(columns.names):
        longest = max(len(title), 0 if columns.holds_numbers(title) else columns.widths.get(title, 0))
        sheet.set_column(place, place, min(WIDEST, longest + 2))
        sheet.write_string(0, place, title, head)
    rows = (row for source in sources for row in read_rows(source, results))
    for number, row in enumerate(islice(rows, MOST_ROWS), start=1):
        for place, title in enumerate(columns.names):
            cell = row.get(title, "")
            if cell and columns.holds_numbers(title):
                sheet.write_number(number, place, float(cell), formats(number_format(cell)))
            elif cell:
                sheet.write_string(number, place, whole_or_cut(cell))
    sheet.freeze_panes(1, 1)
    if columns.total:
        sheet.autofilter(0, 0, min(columns.total, MOST_ROWS), len(columns.names) - 1)


def whole_or_cut(cell: str) -> str:
    """Return a text as a cell can hold it; one that is too long says at its end that it was cut."""
    if len(cell) <= MOST_CHARACTERS:
        return cell
    note = f" [CUT: {len(cell)} characters]"
    return cell[: MOST_CHARACTERS - len(note)] + note


def number_format(cell: str) -> str:
    """Return the format that shows three significant digits of a number, and whole numbers as they are."""
    value = abs(float(cell))
    if re.fullmatch(r"-?\d+", cell):
        return "0"
    if value and not 1e-4 <= value < 1e7:
        return "0.00E+00"
    places = SIGNIFICANT - 1 - (math.floor(math.log10(value)) if value else 0)
    return "0." + "0" * places if places > 0 else "0"
