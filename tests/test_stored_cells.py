"""A workbook made to fill the memory, or to hide what it holds, is refused however it is spelled."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from workbook import MAIN, workbook

from bioanalysis.errors import BatchError
from bioanalysis.sheets import spreadsheet_rows

pytestmark = [pytest.mark.requirement("UR-003"), pytest.mark.requirement("UR-063")]
FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'
FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


def refusal(content: bytes) -> str:
    with pytest.raises(BatchError) as error:
        spreadsheet_rows(content, "config/samples.xlsx")
    return str(error.value)


def with_part(whole: bytes, name: str, content: bytes) -> bytes:
    """Return the workbook with one part put in or replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        new.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("row", "rows", "columns"),
    [
        (FAR.replace('"', "'"), 1048576, 16384),
        (FAR.replace("=", " = "), 1048576, 16384),
        (FAR.replace("XFD", "xfd"), 1048576, 16384),
        (FAR.replace("XFD", "&#88;FD"), 1048576, 16384),
        (f'<row r="1048576">{"<c><v>1</v></c>" * 20}</row>', 1048576, 20),
    ],
)
def test_a_cell_far_away_is_seen_in_every_spelling(row, rows, columns):
    assert f"cells as far as row {rows} and column {columns};" in refusal(workbook(FIRST + row))


def test_a_sheet_in_another_place_or_encoding_is_looked_at(tmp_path):
    sheet = f"<worksheet {MAIN}><sheetData>{FIRST}{FAR}</sheetData></worksheet>"
    elsewhere = with_part(workbook([["id"]]), "xl/other/sheet.xml", sheet.encode())
    assert "cells as far as row 1048576" in refusal(elsewhere)
    coded = f'<?xml version="1.0" encoding="UTF-16"?>{sheet}'.encode("utf-16")
    assert "cells as far as row 1048576" in refusal(with_part(workbook([["id"]]), "xl/worksheets/sheet1.xml", coded))


def test_an_error_in_single_quotes_is_an_error():
    assert "line 2, column B: an error such as #N/A" in refusal(
        workbook(FIRST + "<row r='2'><c r='B2' t='e'><v>#N/A</v></c></row>")
    )


def test_entities_are_not_expanded_and_open_no_file():
    doctype = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    for entity in ("&b;", "&f;"):
        sheet = f"{doctype}<worksheet {MAIN}><sheetData>{FIRST.replace('id', entity)}</sheetData></worksheet>"
        said = refusal(with_part(workbook([["id"]]), "xl/worksheets/sheet1.xml", sheet.encode()))
        assert "a document type of its own, which no workbook has" in said


def test_strings_that_are_only_announced_take_no_room():
    strings = f'<sst {MAIN} count="4000000000" uniqueCount="4000000000"/>'.encode()
    said = refusal(with_part(workbook([["id"]]), "xl/sharedStrings.xml", strings))
    assert "4000000000 shared strings announced" in said


def test_a_part_that_unpacks_to_more_than_it_declares_is_refused():
    strings = f"<sst {MAIN}><si><t>{'a' * 100_000}</t></si></sst>".encode()
    whole = with_part(workbook([["id"]]), "xl/sharedStrings.xml", strings)
    lying = whole.replace(struct.pack("<I", len(strings)), struct.pack("<I", 50))
    lying = lying.replace(struct.pack("<I", zlib.crc32(strings)), struct.pack("<I", zlib.crc32(strings[:50])))
    said = refusal(lying)
    assert "xl/sharedStrings.xml" in said
    assert "unpacks to more than it declares" in said or "Bad CRC-32" in said
