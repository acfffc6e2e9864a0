"""The parts of a workbook as they are stored, walked through before a reader lays them out in memory.

A reader fills a rectangle as far as the farthest cell, makes empty cells of errors, and believes what a workbook says
about its own size; so all of that is looked at first, by an XML parser, however it is spelled.
"""

from __future__ import annotations

import copy
import re
import zipfile
from collections.abc import Iterator
from xml.parsers import expat

_BLOCK = 2**18
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,7})\$?([0-9]{1,9})", re.ASCII)
_DRAWING = ".vml"  # an old kind of drawing, often not well-formed, that holds no cells


class StoredCells:
    """What one part holds: the farthest row and column, cells whose content would be lost, strings it announces.

    Attributes
    ----------
    rows, columns : int
        How far its cells reach.
    errors, formulas_alone : list of (str, int)
        Column and row of cells that hold an error such as #N/A, or a formula without a stored result.
    strings : int
        How many shared strings it announces.
    """

    def __init__(self) -> None:
        self.rows = self.columns = self.strings = 0
        self.errors: list[tuple[str, int]] = []
        self.formulas_alone: list[tuple[str, int]] = []
        self._row = self._column = 0
        self._is_error = self._has_formula = self._has_value = self._inside_value = False

    def walk(self, blocks: Iterator[bytes]) -> None:
        """Take the part in; `expat.ExpatError` where it is not well-formed or brings a document type."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        for block in blocks:
            parser.Parse(block, False)
        parser.Parse(b"", True)

    def _start(self, name: str, said: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind == "row":
            self._row, self._column = _number(said.get("r", ""), self._row + 1), 0
        elif kind == "c":
            self._start_cell(said)
        elif kind == "f":
            self._has_formula = True
        elif kind == "v":
            self._inside_value = True
        elif kind == "sst":
            self.strings = max(_number(said.get(word, ""), 0) for word in ("count", "uniqueCount"))

    def _start_cell(self, said: dict[str, str]) -> None:
        found = _REFERENCE.fullmatch(said.get("r", ""))
        self._column = column_number(found[1]) if found else self._column + 1
        self._row = int(found[2]) if found else self._row
        self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)
        self._is_error = said.get("t") == "e"
        self._has_formula = self._has_value = False

    def _text(self, text: str) -> None:
        self._has_value |= self._inside_value and bool(text)

    def _end(self, name: str) -> None:
        kind = name.rpartition(":")[2]
        if kind == "v":
            self._inside_value = False
        elif kind == "c" and self._is_error:
            self.errors.append((column_letters(self._column), self._row))
        elif kind == "c" and self._has_formula and not self._has_value:
            self.formulas_alone.append((column_letters(self._column), self._row))


def stored_cells(archive: zipfile.ZipFile) -> Iterator[tuple[str, StoredCells]]:
    """Yield each XML part of a workbook by name, walked through.

    Raises
    ------
    zipfile.BadZipFile
        If a part is not well-formed, brings a document type, or unpacks to more than it declares.
    """
    for member in archive.infolist():
        blocks = _unpacked(archive, member)
        first = next(blocks, b"")
        if not first.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
            for _ in blocks:  # its size may lie as well
                pass
            continue
        cells = StoredCells()
        try:
            cells.walk(_chained(first, blocks))
        except expat.ExpatError as error:
            if not member.filename.endswith(_DRAWING) or cells.rows:
                raise zipfile.BadZipFile(f"{member.filename}: {error}") from None
        yield member.filename, cells


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the content of a member; one byte more than it declares is asked for, so that a lie shows."""
    asked = copy.copy(member)
    asked.file_size += 1
    size = 0
    with archive.open(asked) as stream:
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > member.file_size:
                raise zipfile.BadZipFile(f"{member.filename} unpacks to more than it declares")
            yield block


def _chained(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from blocks


def _refuse_doctype(*said: object) -> None:
    raise expat.ExpatError("a document type of its own, which no workbook has")


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else otherwise


def column_number(letters: str) -> int:
    """Return the number of a column: A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Return the letters of a column."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters
