"""Files of a study or of an archive of one, in a folder, to be hashed and read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bioanalysis.records.digests import files_below, sha256_of_all
from bioanalysis.text_files import is_visible

LEAVES = "lies outside, and is not read"


class Holdings:
    """Files below a folder; digests are taken once, many at a time.

    A name that leads out of the folder is not read, whoever recorded it; `may_leave` holds the exceptions. Where the
    holdings are `closed`, as those of an archive are, links do not lead out of them either.
    """

    def __init__(self, folder: Path, below: str = "", *, closed: bool = False) -> None:
        self.folder = folder / below if below else folder
        self.closed = closed
        self.may_leave: set[str] = set()
        self.hidden: set[str] = set()  # met by `names`: no settings, no results and no records
        self._home = os.path.realpath(folder)
        self._digests: dict[str, str] = {}

    def _leaves(self, name: str) -> bool:
        if self.closed:
            place = os.path.realpath(os.path.join(self.folder, name))
            return not place.startswith(os.path.join(self._home, ""))
        return name not in self.may_leave and (name.startswith("/") or ".." in name.split("/"))

    def names(self, below: str = "") -> list[str]:
        """Return the files below a folder, sorted; of a study, hidden files and those of spreadsheet locks stay out."""
        found = list(files_below(self.folder, below))
        self.hidden |= set() if self.closed else {name for name in found if not is_visible(name)}
        return [name for name in found if name not in self.hidden]

    def links_out(self, below: str) -> list[str]:
        """Return the links below a folder that lead out of it: what they lead to may be exchanged at any time."""
        home = os.path.join(self.folder, below)
        top = os.path.join(os.path.realpath(home), "")
        paths = (os.path.join(place, name) for place, inner, files in os.walk(home) for name in [*inner, *files])
        links = [path for path in paths if os.path.islink(path) and not os.path.realpath(path).startswith(top)]
        return sorted(os.path.relpath(path, self.folder) for path in links)

    def hash_all(self, names: Iterable[str]) -> None:
        """Take the digests of these files."""
        new = [name for name in dict.fromkeys(names) if name not in self._digests]
        self._digests.update({name: LEAVES for name in new if self._leaves(name)})
        new = [name for name in new if name not in self._digests]
        home = os.path.join(self.folder, "")
        found = sha256_of_all([name if name[0] == "/" else home + name for name in new])
        self._digests.update(zip(new, found, strict=True))

    def digest(self, name: str) -> str:
        """Return the digest of a file, or in words why there is none."""
        if name not in self._digests:
            self.hash_all([name])
        return self._digests[name]

    def content(self, name: str) -> bytes | None:
        """Return the content of a file; None where it is missing, no regular file, outside or cannot be read."""
        if self._leaves(name):
            return None
        path = self.folder / name
        try:
            return path.read_bytes() if stat.S_ISREG(path.stat().st_mode) else None
        except OSError:
            return None

    def below(self, name: str) -> Holdings:
        """Return the files below a folder as holdings of their own."""
        inner = Holdings(self.folder, name, closed=self.closed)
        inner._digests = digests_inside(self._digests, name)
        return inner


def digests_inside(digests: dict[str, str], name: str) -> dict[str, str]:
    """Return the digests of the files below a folder, by their paths in it."""
    return {path[len(name) + 1 :]: digest for path, digest in digests.items() if path.startswith(f"{name}/")}
