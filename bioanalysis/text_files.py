"""Text as a lab's computers write it, read without guessing."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.words import printable

MEGABYTE = 1_000_000

LARGEST_EXPORT_BYTES = 50_000_000  # a plate-reader export is text or a workbook of some kilobytes


CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# no width, or turning the direction of what follows: soft hyphen, zero-width space, marks and overrides of direction
INVISIBLE = re.compile(r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
AS_UTF8 = "text saved as UTF-8 (in a spreadsheet: 'CSV UTF-8')"


def is_visible(name: str) -> bool:
    """Return whether a path names a file people mean: not hidden, nor the lock of a table open in a spreadsheet."""
    return not name.rsplit("/", 1)[-1].startswith((".", "~$"))


def read_bytes(path: Path, file: str, most_megabytes: int) -> bytes:
    """Return the content of `path`; `file` is the name the user knows it by.

    Raises
    ------
    BatchError
        If the file is missing, no regular file, not readable or larger than `most_megabytes`.
    """
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "is a pipe, a device or the like" if path.exists() else "missing"
        raise BatchError([Fault(file, found, "a file")])
    if path.stat().st_size > most_megabytes * MEGABYTE:
        raise BatchError([Fault(file, f"larger than {most_megabytes} MB", f"at most {most_megabytes} MB")])
    try:
        return path.read_bytes()
    except OSError as error:
        raise BatchError([Fault(file, f"cannot be read ({error.strerror})", "a file you may read")]) from error


def decode(content: bytes, file: str) -> str:
    """Return `content` as text without its byte order mark; anything but UTF-8 is refused with its line."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:200]:
        raise BatchError([Fault(file, "not UTF-8 (it looks like UTF-16 or a binary file)", AS_UTF8)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise BatchError([Fault(file, found, AS_UTF8, line)]) from error


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word that `word` most likely stands for, None where none is near; case does not count."""
    import difflib  # here, as in `own_table`, so that `verify` starts without it

    lowered = {candidate.lower(): candidate for candidate in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.lower(), sorted(lowered), n=1, cutoff=cutoff)
    return lowered[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `` (did you mean 'x'?)`` or an empty text."""
    near = nearest(word, known, cutoff)
    return f" (did you mean '{near}'?)" if near and near != word else ""


def other_capitals(known: Iterable[str]) -> Callable[[str], str]:
    """Return a quick hint for long lists: `` (did you mean 'x'?)`` where only capitals differ."""
    lowered = {word.lower(): word for word in sorted(known, reverse=True)}

    def hint(word: str) -> str:
        near = lowered.get(word.lower(), word)
        return "" if near == word else f" (did you mean '{near}'?)"

    return hint


def quoted(cell: str, most: int = 60) -> str:
    """Return a cell as a message shows it: in quotes, on one line, not endless."""
    if not cell:
        return "empty"
    shown = cell if len(cell) <= most else f"{cell[: most - 3]}..."
    return f"'{printable(shown)}'"


def plain(words: str) -> str:
    """Return what somebody wrote as one line without signs nobody sees, empty where nothing is left."""
    return " ".join(CONTROL.sub(" ", INVISIBLE.sub("", words)).split())


def listed(words: Iterable[str], most: int = 12) -> str:
    """Return words in one line, cut after `most` with the number left out."""
    words = list(words)
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write `content` to `path` so that a reader finds the old file or the new one, never a part.

    `durable`: also where the power fails; the content is on the disk before it gets its name.
    """
    with written_whole(path) as part, part.open("wb") as stream:
        stream.write(content)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Lend the path of a file beside `path` that takes its name once all of it is written; else it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def own_table(package: str, name: str) -> list[dict[str, str]]:
    """Return the rows of a table that lies inside `package`, such as ``bioanalysis.limits``."""
    import csv
    from importlib.resources import files

    text = (files(package) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
