"""Raw files: where they lie, that they exist, and that no path leaves the study folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bioanalysis.errors import Fault
from bioanalysis.study.reading import Rows
from bioanalysis.text_files import CONTROL, LARGEST_EXPORT_BYTES, is_visible, other_capitals, quoted

INSIDE = "a path inside the study folder (or list its root under allowed_roots in config/config.yaml)"


@dataclass(frozen=True)
class RawFiles:
    """The places raw data may come from.

    Parameters
    ----------
    folder : str
        Study folder, free of links.
    roots : tuple of str
        Folders outside that the study allows, free of links.
    """

    folder: str
    roots: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path, allowed_roots: Iterable[str]) -> RawFiles:
        """Return the places of the study in `folder`; relative roots are relative to it."""
        home = os.path.realpath(folder)
        return cls(home, tuple(os.path.realpath(os.path.join(home, root)) for root in allowed_roots))

    def refusal(self, *parts: str) -> str | None:
        """Return what is wrong with the path made of `parts`, None where it stays where it may be."""
        if any("\\" in part for part in parts):
            return "a backslash"
        place = os.path.realpath(os.path.join(self.folder, *parts))
        if any(_within(place, root) for root in self.roots):
            return None
        if any(os.path.isabs(part) for part in parts):
            return "an absolute path"
        if any(".." in Path(part).parts for part in parts):
            return "a path with '..'"
        return None if _within(place, self.folder) else "a link that leaves the study folder"

    def link_faults(self, *tops: str) -> list[Fault]:
        """Return a fault for each link at or below `tops` (folders or files of the study) that leaves the study."""
        links = [name for top in tops for name in _links(self.folder, top)]
        return [Fault(name, reason, INSIDE) for name in links if (reason := self.refusal(name))]

    def written_faults(self, *tops: str) -> list[Fault]:
        """Return a fault for each link at or below `tops` through which other files would be taken for the workflow's.

        A folder of `tops` as a whole may lie where the study allows; no link below them leads out of them. Else raw
        data and settings would be written over, or set aside as results that no run wrote.
        """
        own = [os.path.realpath(os.path.join(self.folder, top)) for top in tops]
        faults = []
        for name in (name for top in tops for name in _links(self.folder, top)):
            place = os.path.realpath(os.path.join(self.folder, name))
            is_other = _within(place, self.folder) if name in tops else not any(_within(place, top) for top in own)
            if reason := self.refusal(name):
                faults.append(Fault(name, reason, INSIDE))
            elif is_other:
                found = f"a link to {quoted(os.path.relpath(place, self.folder))}"
                faults.append(Fault(name, found, "a file or folder of its own"))
        return faults

    def dead_links(self, top: str) -> list[Fault]:
        """Return a fault for each link at or below `top` that leads nowhere; hidden ones are an editor's locks."""
        links = (name for name in _links(self.folder, top) if not os.path.basename(name).startswith("."))
        dead = [name for name in links if not os.path.exists(os.path.join(self.folder, name))]
        return [Fault(name, "a link that leads nowhere", "a file, or no link") for name in dead]

    def odd_names(self, top: str) -> list[Fault]:
        """Return a fault for each file below `top` whose name no archive holds so that other software finds it."""
        walk = os.walk(os.path.join(self.folder, top))
        paths = (os.path.join(place, name) for place, _, files in walk for name in files if is_visible(name))
        names = sorted(os.path.relpath(path, self.folder) for path in paths)
        expected = "a name in UTF-8 without backslashes, line breaks and other control characters"
        return [Fault(shown, "its name", expected) for name in names if (shown := _shown(name)) != name or "\\" in name]

    def faults(self, run: dict[str, str], runs_file: str, worklist: Rows, platform: str | None) -> list[Fault]:
        """Return what is wrong with the raw data of one row of the run table; without platform only its path."""
        raw_path, line = run["raw_path"], int(run["line"])
        if not raw_path:
            return []
        if reason := self.refusal(raw_path):
            return [Fault(runs_file, f"{quoted(raw_path)}: {reason}", _expected(reason), line, "raw_path")]
        if platform not in ("lcms", "elisa"):
            return []
        place = os.path.join(self.folder, raw_path)
        if platform == "elisa" and os.path.isfile(place):
            too_large = _too_large(place, raw_path, runs_file, line, "raw_path")
            return too_large + _files_beside_export(worklist, os.path.basename(raw_path))
        if not os.path.isdir(place):
            kind = "a folder with mzML files" if platform == "lcms" else "a plate export"
            found = "is a file" if os.path.isfile(place) else "missing"
            return [Fault(runs_file, f"{quoted(raw_path)} {found}", kind, line, "raw_path")]
        missing = self._file_faults(raw_path, worklist)
        if platform == "lcms" or missing:
            return missing
        exports = [name for name in dict.fromkeys(worklist.cells("file")) if name]
        sizes = [_too_large(os.path.join(place, name), name, runs_file, line, "raw_path") for name in exports]
        return [fault for faults in sizes for fault in faults]

    def _file_faults(self, raw_path: str, worklist: Rows) -> list[Fault]:
        """Every acquired row names a file that exists in the folder of the run."""
        files = worklist.cells("file")
        acquired = worklist.cells("not_acquired_reason") == ""
        faults = worklist.faults(acquired & (files == ""), "file", "a file name, or a not_acquired_reason")
        entries = {entry.name: entry for entry in os.scandir(os.path.join(self.folder, raw_path))}
        hint = other_capitals(entries)
        wrong: dict[str, tuple[str, str]] = {}
        for name in dict.fromkeys(files[acquired]):
            entry = entries.get(name)
            if name and not (entry is not None and entry.is_file(follow_symlinks=False)):
                wrong.update(self._wrong(raw_path, name, hint(name)))
        lines = worklist.cells("line")
        return faults + [
            Fault(worklist.file, wrong[name][0], wrong[name][1], int(lines[i]), "file")
            for i, name in enumerate(files)
            if acquired[i] and name in wrong
        ]

    def _wrong(self, raw_path: str, name: str, hint: str) -> dict[str, tuple[str, str]]:
        if reason := self.refusal(raw_path, name):
            return {name: (f"{quoted(name)}: {reason}", _expected(reason))}
        if os.path.isfile(os.path.join(self.folder, raw_path, name)):
            return {}
        expected = f"a file in {quoted(raw_path)}{hint}"
        return {name: (f"{quoted(name)} is missing", expected)}


def _links(folder: str, top: str) -> Iterator[str]:
    """Yield the links at or below `top`, as paths relative to `folder`, in order."""
    if os.path.islink(os.path.join(folder, top)):
        yield top
        return
    for place, folders, files in os.walk(os.path.join(folder, top)):
        folders.sort()
        for name in sorted([*folders, *files]):
            if os.path.islink(path := os.path.join(place, name)):
                yield os.path.relpath(path, folder)


def _shown(name: str) -> str:
    """Return a name as it can be printed and encoded; that of most files is itself."""
    return CONTROL.sub("?", os.fsencode(name).decode("utf-8", "replace"))


def used_twice(worklist: Rows) -> list[Fault]:
    """One file is one injection."""
    first: dict[str, int] = {}
    files, lines = worklist.cells("file"), worklist.cells("line")
    twice = [
        bool(name) and first.setdefault(os.path.normpath(name), line) != line
        for name, line in zip(files, lines, strict=True)
    ]
    return worklist.faults(twice, "file", lambda i: f"each file once (line {first[os.path.normpath(files[i])]} has it)")


def _too_large(place: str, name: str, file: str, line: int, column: str) -> list[Fault]:
    """Return a fault where a plate export is larger than any reader writes; the file is not opened."""
    size = os.path.getsize(place)
    if size <= LARGEST_EXPORT_BYTES:
        return []
    expected = f"a plate-reader export of at most {LARGEST_EXPORT_BYTES // 1_000_000} MB"
    return [Fault(file, f"{quoted(name)} has {size / 1e6:.0f} MB", expected, line, column)]


def _files_beside_export(worklist: Rows, export: str) -> list[Fault]:
    files = worklist.cells("file")
    other = (files != "") & (files != export)
    return worklist.faults(other, "file", f"no name, since raw_path is itself the export '{export}'")


def _expected(reason: str) -> str:
    return "'/' between folders" if reason == "a backslash" else INSIDE


def _within(place: str, root: str) -> bool:
    return place == root or place.startswith(root.rstrip(os.sep) + os.sep)
