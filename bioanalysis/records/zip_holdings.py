"""Files of an archive that is a zip file, to be hashed and read where they are."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from bioanalysis.records.holdings import Holdings, digests_inside
from bioanalysis.sheets import entry_limits
from bioanalysis.text_files import MEGABYTE

_BLOCK = 2**18
NO_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class ZipHoldings(Holdings):
    """Files in a zip file, below `top`.

    Raises
    ------
    zipfile.BadZipFile
        If it is no zip file, or made to burst.
    """

    def __init__(self, path: Path, top: str = "", archive: zipfile.ZipFile | None = None) -> None:
        super().__init__(path)
        self.top = top
        self.archive = archive or _modest(path)

    def names(self, below: str = "") -> list[str]:
        prefix = f"{self.top}{below}/" if below else self.top
        found = (name for name in self.archive.namelist() if name.startswith(prefix) and not name.endswith("/"))
        return sorted(name[len(self.top) :] for name in found)

    def unsafe(self) -> list[tuple[str, str]]:
        """Return the members that are no plain files below the folder they are unpacked to, and what is wrong."""
        found = ((member.filename, _danger(member)) for member in self.archive.infolist())
        return [(name, danger) for name, danger in found if danger]

    def hash_all(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._digests:
                self._digests[name] = self._digest(name)

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        try:
            with self.archive.open(self.top + name) as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
        except KeyError:
            return "is missing"
        except NO_ZIP as error:
            return f"cannot be read ({error})"
        return digest.hexdigest()

    def content(self, name: str) -> bytes | None:
        try:
            return self.archive.read(self.top + name)
        except (KeyError, *NO_ZIP):
            return None

    def below(self, name: str) -> ZipHoldings:
        inner = ZipHoldings(self.folder, f"{self.top}{name}/", self.archive)
        inner._digests = digests_inside(self._digests, name)
        return inner


def _modest(path: Path) -> zipfile.ZipFile:
    """Return the zip file at `path`, refusing one that is made to burst or whose members lie over one another."""
    archive = zipfile.ZipFile(path)
    members, size = archive.infolist(), path.stat().st_size
    packed, whole = sum(m.compress_size for m in members), sum(m.file_size for m in members)
    if packed > size:
        raise zipfile.BadZipFile("its members lie over one another")
    limits = entry_limits()
    if whole > max(limits["archive_expansion"] * size, limits["archive_megabytes"] * MEGABYTE):
        text = f"{size:,} bytes that expand to {whole:,}: more than {limits['archive_expansion']} times their size"
        raise zipfile.BadZipFile(text)
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise zipfile.BadZipFile("it holds a name twice")
    return archive


def _danger(member: zipfile.ZipInfo) -> str:
    """Return what is wrong with unpacking a member, nothing for most; a backslash parts folders on Windows."""
    name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
    parts = re.split(r"[/\\]", name.removesuffix("/"))
    if not all(parts) or ".." in parts or re.match(r"[A-Za-z]:", name):
        return "is a name that leads out of the folder it is unpacked to"
    return "is a link or a device" if kind not in (0, stat.S_IFREG, stat.S_IFDIR) else ""
