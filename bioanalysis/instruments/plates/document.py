"""A plate-reader file as rows of text, whatever it was stored as."""

from __future__ import annotations

import csv
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.stored_cells import stored_cells
from bioanalysis.text_files import LARGEST_EXPORT_BYTES

LARGEST_UNPACKED_BYTES = 200_000_000
MOST_SHEET_CELLS = 2_000_000
MOST_LINES = 200_000
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError)
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class Sheet:
    """One table of text; `rows[i]` is line (or spreadsheet row) i + 1, cells without spaces around them."""

    name: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Document:
    """A file opened: one sheet for a text file, as many as there are for a workbook.

    Parameters
    ----------
    name : str
        Path as the user knows it; stands in every message.
    sheets : tuple of Sheet
    delimiter : str
        What parts the cells of a text file; empty for a workbook.
    """

    name: str
    sheets: tuple[Sheet, ...]
    delimiter: str = ""

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Rows of the first sheet."""
        return self.sheets[0].rows

    def fault(self, found: str, expected: str, line: int | None = None, column: str | None = None) -> Fault:
        """Return a fault of this file."""
        return Fault(self.name, found, expected, line, column)


def open_document(path: Path, name: str) -> Document:
    """Return the file as rows of text.

    Raises
    ------
    BatchError
        Where it is missing, no file, empty, too large, packed to burst, damaged, or neither text nor a workbook.
    """
    if not path.is_file():
        raise _refused(name, "there is no such file", "a plate-reader export")
    size = path.stat().st_size
    if size > LARGEST_EXPORT_BYTES:
        expected = f"a plate-reader export of at most {LARGEST_EXPORT_BYTES // 1_000_000} MB"
        raise _refused(name, f"the file has {size / 1e6:.0f} MB", expected)
    start = path.read_bytes()[:8]
    if start[:4] == b"PK\x03\x04":
        return Document(name, _workbook_sheets(path, name))
    if start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise _refused(name, "it is an old .xls or a password-protected workbook", "an .xlsx workbook without password")
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        raise _refused(name, "it is named like a workbook but is none (no zip archive)", "an .xlsx workbook")
    return _text_document(decode(path.read_bytes(), name), name)


def _refused(name: str, found: str, expected: str, line: int | None = None) -> BatchError:
    return BatchError([Fault(name, found, expected, line)])


def decode(content: bytes, name: str) -> str:
    """Return the text of `content`: UTF-16 or UTF-8 (with or without byte order mark), else Windows western."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        codecs = ["utf-16"]
    elif _half_zeros(content[1:200:2], content[0:200:2]):
        codecs = ["utf-16-le"]
    elif _half_zeros(content[0:200:2], content[1:200:2]):
        codecs = ["utf-16-be"]
    else:
        codecs = ["utf-8-sig", "cp1252", "latin-1"]
    text = _first_decoding(content, codecs, name)
    if not text.strip("\ufeff \t\r\n"):
        raise _refused(name, "the file is empty", "a plate-reader export")
    if wrong := CONTROL_CHARACTERS.search(text):
        line = text.count("\n", 0, wrong.start()) + 1
        raise _refused(name, f"a byte {ord(wrong.group()):#04x}, which no text holds", "a text export or .xlsx", line)
    return text.lstrip("\ufeff")


def _half_zeros(zeros: bytes, letters: bytes) -> bool:
    """Tell whether one of two interleaved halves is zeros and the other not: western letters in two bytes each."""
    return zeros.count(0) > 0.5 * len(zeros) and 0 not in letters


def _first_decoding(content: bytes, codecs: Iterable[str], name: str) -> str:
    for codec in codecs:
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    raise _refused(name, "the UTF-16 text is damaged or cut short", "a complete export")


def _text_document(text: str, name: str) -> Document:
    lines = re.split(r"\r\n|\r|\n", text)
    if len(lines) > MOST_LINES:
        raise _refused(name, f"the file has {len(lines)} lines", f"a plate-reader export of at most {MOST_LINES} lines")
    delimiter = _delimiter(lines)
    try:
        rows = tuple(tuple(cell.strip() for cell in _split(line, delimiter)) for line in lines)
    except csv.Error as error:
        raise _refused(name, f"lines that cannot be split into cells ({error})", "a plate-reader export") from error
    return Document(name, (Sheet("", rows),), delimiter)


def _split(line: str, delimiter: str) -> list[str]:
    # line by line, so that a stray quotation mark cannot swallow the rest of the file and lines keep their numbers
    return next(csv.reader([line], delimiter=delimiter), [])


def _delimiter(lines: list[str]) -> str:
    """Return tab, semicolon or comma: the first that parts enough of the lines."""
    filled = sum(bool(line.strip()) for line in lines)
    tabs, semicolons, commas = (sum(sign in line for line in lines) for sign in "\t;,")
    if tabs and tabs >= 0.2 * filled:
        return "\t"
    return ";" if semicolons and semicolons >= commas else ","


def _workbook_sheets(path: Path, name: str) -> tuple[Sheet, ...]:
    """Return every sheet of an .xlsx that is sound and not packed to burst."""
    import python_calamine

    _require_sound_archive(path, name)
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        grids = [
            (sheet, workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False))
            for sheet in workbook.sheet_names
        ]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _refused(name, f"the workbook cannot be read ({error})", "an .xlsx workbook") from error
    sheets = tuple(Sheet(title, tuple(tuple(map(_cell_text, row)) for row in grid)) for title, grid in grids)
    if not any(any(row) for sheet in sheets for row in sheet.rows):
        raise _refused(name, "the workbook is empty", "a plate-reader export")
    return sheets


def _cell_text(value: object) -> str:
    """Return a cell as text that gives back the same number, without the `.0` of whole numbers."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value).strip()


def _require_sound_archive(path: Path, name: str) -> None:
    """Refuse an archive that would unpack to too much, is damaged, locked, or holds no workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > LARGEST_UNPACKED_BYTES:
                expected = f"a workbook of at most {LARGEST_UNPACKED_BYTES // 1_000_000} MB unpacked"
                raise _refused(name, f"the workbook would unpack to {unpacked / 1e6:.0f} MB", expected)
            # reads every member within its declared size and compares checksums: a size that lies is found here
            if damaged := archive.testzip():
                raise _refused(name, f"the workbook is damaged at {damaged}", "a sound .xlsx workbook")
            _require_workbook(archive, name)
    except DAMAGE as error:
        raise _refused(name, f"the workbook is damaged ({error})", "a sound .xlsx workbook") from error


def _require_workbook(archive: zipfile.ZipFile, name: str) -> None:
    if "xl/workbook.xml" not in archive.namelist():
        raise _refused(name, "it is a zip archive but no .xlsx workbook", "an .xlsx workbook")
    for member, cells in stored_cells(archive):
        # a sheet is laid out in memory as a full rectangle, so one far cell costs as much as all before it
        if cells.rows * cells.columns > MOST_SHEET_CELLS:
            expected = f"a sheet of at most {MOST_SHEET_CELLS} cells"
            raise _refused(name, f"{member} spans {cells.rows} rows by {cells.columns} columns", expected)
        if cells.strings > MOST_SHEET_CELLS:
            expected = f"at most {MOST_SHEET_CELLS}"
            raise _refused(name, f"{member} announces {cells.strings} shared strings", expected)
