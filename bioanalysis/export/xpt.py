"""SAS transport files, version 5: what the format holds is checked before it is written, since no writer does."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from pathlib import Path

import pandas as pd
import pyreadstat

from bioanalysis.export.sources import read_words
from bioanalysis.tables import write_whole

NAME = re.compile(r"[A-Z][A-Z0-9_]{0,7}", re.ASCII)
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
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / path.name
        pyreadstat.write_xport(
            pd.DataFrame(columns),
            written,
            table_name=domain,
            file_label=label,
            column_labels=list(labels),
            file_format_version=5,  # type: ignore[arg-type]
        )
        write_whole(path, STAMP.sub(NO_STAMP, written.read_bytes()))
    return [f"{domain}: {note}" for note in notes]


def _require_names(names: list[str], labels: list[str]) -> None:
    wrong = [name for name in names if not NAME.fullmatch(name)]
    wrong += [label for label in labels if len(label.encode()) > LABEL_BYTES or not label.isascii()]
    if wrong:
        raise ValueError(f"not for a transport file of version 5: {', '.join(wrong)}")


def _text(column: pd.Series, name: str, notes: list[str]) -> pd.Series:
    """Return text as ASCII of at most 200 bytes; what was changed is noted."""
    texts = []
    for cell in column.fillna("").astype(str):
        plain = ascii_of(cell)[:TEXT_BYTES]
        if plain != cell:
            notes.append(f"{name} '{cell}' written as '{plain}'")
        texts.append(plain)
    return pd.Series(texts, index=column.index, dtype=object)


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
