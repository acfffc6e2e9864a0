"""SAS transport files, version 5: what the format holds is checked before it is written, since no writer does."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyreadstat

from bioanalysis.export.sources import read_words
from bioanalysis.text_files import written_whole

NAME = re.compile(r"[A-Z][A-Z0-9_]{0,7}", re.ASCII)
RECORD = 80  # bytes
OBSERVATIONS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
ROWS_AT_ONCE = 5000
LABEL_BYTES, TEXT_BYTES = 40, 200
NUMBERS = ("integer", "float")
STAMP = re.compile(rb"\d{2}[A-Z]{3}\d{2}:\d{2}:\d{2}:\d{2}")
NO_STAMP = b"01JAN00:00:00:00"


def write_xpt(frame: pd.DataFrame, path: Path, domain: str, label: str = "") -> list[str]:
    """Write one data set with its label and return notes on text that had to be changed to fit the format.

    Raises
    ------
    ValueError
        For a name or label that the format does not hold: a fault of ours.
    """
    about = {row["variable"]: row for row in read_words("send_variables.tsv") if row["domain"] == domain}
    labels = [about[name]["label"] for name in frame]
    _require_names(list(frame), labels)
    notes: list[str] = []
    columns = {
        name: frame[name].astype(float) if about[name]["type"] in NUMBERS else _text(frame[name], name, notes)
        for name in frame
    }
    written = _Written(domain, label, labels, path)
    with written_whole(path) as part, part.open("wb") as stream:
        stream.writelines(written.pieces(pd.DataFrame(columns)))
    return [f"{domain}: {note}" for note in notes]


@dataclass(frozen=True)
class _Written:
    """A transport file written some observations at a time, since the library takes ten times their size.

    The observations follow the last record of the header back to back; behind them blanks fill the last record of 80
    bytes (SAS TS-140). How long a text is in the file hangs on its longest: a row of the longest leads each stretch and
    is taken out of it again.
    """

    domain: str
    label: str
    labels: list[str]
    path: Path

    def pieces(self, frame: pd.DataFrame) -> Iterator[bytes]:
        """Yield header, observations and blanks."""
        longest = {
            name: [0.0 if column.dtype.kind == "f" else "x" * max(map(len, column), default=0)]
            for name, column in frame.items()
        }
        first = pd.DataFrame(longest).astype(frame.dtypes)
        size = sum(8 if column.dtype.kind == "f" else max(1, len(column[0])) for _, column in first.items())
        for start in range(0, max(1, len(frame)), ROWS_AT_ONCE):
            here = frame.iloc[start : start + ROWS_AT_ONCE]
            content = self._content(pd.concat([first, here]))
            begin = content.index(OBSERVATIONS) + RECORD
            if start == 0:
                yield STAMP.sub(NO_STAMP, content[:begin])
            yield content[begin + size : begin + size * (1 + len(here))]
        yield b" " * (-size * len(frame) % RECORD)

    def _content(self, frame: pd.DataFrame) -> bytes:
        with tempfile.TemporaryDirectory() as scratch:
            written = Path(scratch) / self.path.name
            pyreadstat.write_xport(
                frame,
                written,
                table_name=self.domain,
                file_label=self.label,
                column_labels=list(self.labels),
                file_format_version=5,  # type: ignore[arg-type]
            )
            return written.read_bytes()


def _require_names(names: list[str], labels: list[str]) -> None:
    wrong = [name for name in names if not NAME.fullmatch(name)]
    wrong += [label for label in labels if len(label.encode()) > LABEL_BYTES or not label.isascii()]
    if wrong:
        raise ValueError(f"not for a transport file of version 5: {', '.join(wrong)}")


def _text(column: pd.Series, name: str, notes: list[str]) -> pd.Series:
    """Return text as ASCII of at most 200 bytes; what was changed is noted."""
    cells = column.fillna("").astype(str)
    plain = {cell: ascii_of(cell)[:TEXT_BYTES] for cell in cells.unique()}
    changed = {cell for cell, words in plain.items() if words != cell}
    notes += [f"{name} '{cell}' written as '{plain[cell]}'" for cell in cells if cell in changed] if changed else []
    return cells.map(plain).astype(object)


def ascii_of(words: str) -> str:
    """Return `words` in ASCII: letters without their accents, signs as they are spoken."""
    plain = unicodedata.normalize("NFKD", words.replace("µ", "u").replace("±", "+/-"))
    return plain.encode("ascii", "ignore").decode()


def unique_within(names: list[str], most: int) -> dict[str, str]:
    """Return each name in ASCII and at most `most` characters, each once: a second one alike ends in a number."""
    taken: dict[str, str] = {}
    for name in names:
        plain = ascii_of(name)
        short, number = plain[:most], 1
        while short in taken.values():
            number += 1
            short = f"{plain[: most - len(str(number)) - 1]} {number}"
        taken[name] = short
    return taken


def short_names(analytes: list[str]) -> dict[str, str]:
    """Return a short name of at most eight capitals and digits for each analyte, each once."""
    codes: dict[str, str] = {}
    for analyte in analytes:
        letters = re.sub(r"[^A-Z0-9]", "", analyte.upper()) or "ANALYTE"
        stem = letters if letters[0].isalpha() else f"A{letters}"
        code, number = stem[:8], 1
        while code in codes.values():
            number += 1
            code = f"{stem[: 8 - len(str(number))]}{number}"
        codes[analyte] = code
    return codes
