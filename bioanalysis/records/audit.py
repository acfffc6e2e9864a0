"""The audit trail: one line per act, each holding the digest of the line before it.

A chain alone does not show that its end was cut off: `head.json` beside it says how long it was, and every seal of a
version keeps the head of its day.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from bioanalysis.errors import Finding, RecordsDamaged
from bioanalysis.records.digests import sha256_or_reason
from bioanalysis.records.places import HEAD, MANIFEST, PROVENANCE, SIGNATURES, TRAIL, VERSIONS
from bioanalysis.text_files import write_whole
from bioanalysis.words import count_of

COMPLETED, RESTARTED = "trail_completed", "trail_restarted"
_SEALED = re.compile(rb'\{"digest":"([0-9a-f]{64})",(.+\})\n', re.DOTALL)
Entry = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """What an entry says: the action, what it was done to, before and after, why, and digests of records made."""

    action: str
    object: str
    before: Any = None
    after: Any = None
    reason: str = ""
    records: dict[str, str] = field(default_factory=dict)


class Damaged(Exception):
    """A line is not what was written."""


def sealed_line(content: Entry) -> bytes:
    """Return `content` as one line of JSON that begins with the digest of the rest of the line."""
    rest = json.dumps(content, ensure_ascii=False, separators=(",", ":"))[1:].encode("utf-8", "surrogateescape")
    return b'{"digest":"%b",%b\n' % (hashlib.sha256(rest).hexdigest().encode(), rest)


def open_line(line: bytes) -> Entry:
    """Return the content of a sealed line; its digest is held against it before it is parsed.

    Raises
    ------
    Damaged
        If the line is not what was written.
    """
    parts = _SEALED.fullmatch(line)
    if not parts or hashlib.sha256(parts[2]).hexdigest().encode() != parts[1]:
        raise Damaged
    try:
        content: Entry = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        raise Damaged from None
    return content


def read_sealed(line: bytes | None) -> Entry | None:
    """Return the content of a sealed line, None where it is missing or not what was written."""
    try:
        return open_line(line or b"")
    except Damaged:
        return None


@dataclass
class Trail:
    """The entries of a study whose own digest holds, and what is wrong with the trail as a whole.

    `findings` are damages; `unfinished` says that the trail is whole but longer than its head knows, as an act leaves
    it that was interrupted.
    """

    entries: list[Entry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unfinished: str = ""
    whole_bytes: int = 0

    def last(self, *actions: str, subject: str | None = None) -> Entry | None:
        """Return the last entry with one of these actions (of this object), None without one."""
        for entry in reversed(self.entries):
            if entry.get("action") in actions and subject in (None, entry.get("object")):
                return entry
        return None

    @property
    def records(self) -> dict[str, tuple[str, int]]:
        """Digest of each file of the records by path, and the number of the entry that made it."""
        made: dict[str, tuple[str, int]] = {}
        for entry in self.entries:
            for name, digest in (entry.get("records") or {}).items():
                made[name] = (digest, entry["entry"])
        return made

    @property
    def beside(self) -> list[str]:
        """Files the trail vouches for that lie outside its own folder: drawn reanalyses, fixed limits."""
        return [name for name in self.records if not name.startswith(f"{PROVENANCE}/")]


def read_trail(trail: bytes | None, head: bytes | None) -> Trail:
    """Return the audit trail as far as it holds, with every damage to chain, numbers and head."""
    if trail is None and (head is None or _is_of_none(read_sealed(head))):
        return Trail()
    found = Trail()
    if trail is None:
        found.findings.append(Finding(TRAIL, "is missing", HEAD))
    lines = _lines(trail or b"")
    previous = ""
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            found.unfinished = f"its last line breaks off after {count_of(len(line), 'byte')}"
            break
        previous = _take(found, number, line, previous)
        found.whole_bytes += len(line)
    _hold_against_head(found, head, len(lines), previous)
    return found


def _lines(content: bytes) -> list[bytes]:
    parts = content.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _take(found: Trail, number: int, line: bytes, previous: str) -> str:
    """Add one line to the trail; returns its digest as far as it is known."""
    entry = read_sealed(line)
    if entry is None:
        found.findings.append(Finding(TRAIL, f"line {number} is not what was written", "the digest in the line"))
        return line[11:75].decode("ascii", "replace")
    if not _is_entry(entry):
        found.findings.append(Finding(TRAIL, f"line {number} is no entry", "the form of the records"))
        return str(entry["digest"])
    if entry["previous"] != previous or entry["entry"] != number:
        text = f"line {number} does not follow line {number - 1}: an entry was removed, added or replaced"
        found.findings.append(Finding(TRAIL, text, "the chain of digests"))
    found.entries.append(entry)
    return str(entry["digest"])


def _is_entry(entry: Entry) -> bool:
    """Whether a line whose digest holds has the form of an entry: anybody can take the digest of anything."""
    words = (entry.get(key) for key in ("previous", "time", "user", "action", "object", "reason"))
    records = entry.get("records", {})
    named = isinstance(records, dict) and all(isinstance(digest, str) for digest in records.values())
    return _counted(entry.get("entry")) and all(isinstance(word, str) for word in words) and named


def is_head(said: Entry | None) -> bool:
    """Whether a sealed line says how long a trail is and what its last digest is."""
    return said is not None and _counted(said.get("entries")) and isinstance(said.get("last"), str)


def _is_of_none(said: Entry | None) -> bool:
    """Whether a sealed line is the head of a trail without entries: the act that began it was interrupted."""
    return said is not None and (said.get("entries"), said.get("last")) == (0, "")


def _counted(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def _hold_against_head(found: Trail, head: bytes | None, lines: int, last: str) -> None:
    if head is None:
        found.findings.append(Finding(HEAD, "is missing", TRAIL))
        return
    said = read_sealed(head)
    if said is None:
        found.findings.append(Finding(HEAD, "is not what was written", "the digest in it"))
        return
    if _is_of_none(said):
        found.unfinished = f"it has {count_of(lines, 'line')}, its head knows no entry"
        if any(entry.get("records") for entry in found.entries[:-1]):  # they hang on the last entry of an act
            found.findings.append(Finding(HEAD, "knows no entry of a trail of several acts", TRAIL))
        return
    if not is_head(said):
        found.findings.append(Finding(HEAD, "does not say how long a trail is", "the form of the records"))
        return
    whole = lines - bool(found.unfinished)
    if whole < said["entries"]:
        text = f"ends after {whole} entries of {said['entries']}: its end was cut off"
        found.findings.append(Finding(TRAIL, text, HEAD))
    elif whole == said["entries"] and last != said["last"]:
        found.findings.append(Finding(TRAIL, f"its last entry, {whole}, was replaced", HEAD))
    elif whole > said["entries"]:
        held = found.entries[said["entries"] - 1] if len(found.entries) >= said["entries"] else {}
        if held.get("digest") != said["last"]:
            found.findings.append(Finding(TRAIL, f"entry {said['entries']} was replaced", HEAD))
        found.unfinished = f"it has {whole} entries, its head knows {said['entries']}"


def clock_findings(trail: Trail) -> tuple[list[Finding], list[str]]:
    """Return the entries that lie before their predecessor without saying so, and remarks on those that say so."""
    found, remarks = [], []
    for before, entry in pairwise(trail.entries):
        if entry["time"] >= before["time"]:
            continue
        if entry.get("clock"):
            remarks.append(f"entry {entry['entry']}: the clock was behind the entry before ({entry['time']})")
        else:
            text = f"entry {entry['entry']} is dated before the entry before it, and does not say so"
            found.append(Finding(TRAIL, text, "the times of the entries"))
    return found, remarks


def completions(trail: Trail) -> list[str]:
    """Return remarks on the acts that were interrupted, and entries that were added, before the trail went on."""
    return [f"entry {e['entry']}: {e['reason']}" for e in trail.entries if e["action"] == COMPLETED]


class AuditTrail:
    """The audit trail of a study, to be written by whoever holds the study's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trail = read_trail(content_of(folder / TRAIL), content_of(folder / HEAD))
        if not self.trail.entries and not self.trail.findings and (standing := _vouched_for(folder)):
            self.trail.findings.append(Finding(TRAIL, "is missing, though records it vouched for are there", standing))

    def require_whole(self) -> None:
        """Raise RecordsDamaged where the trail is not what it was; complete what an interrupted act left undone."""
        if self.trail.findings:
            raise RecordsDamaged(self.trail.findings)
        if self.trail.unfinished:
            self._complete()
        self._put_in_place()

    def _complete(self) -> None:
        path = self.folder / TRAIL
        torn = path.read_bytes()[self.trail.whole_bytes :]
        if torn:
            with path.open("r+b") as stream:
                stream.truncate(self.trail.whole_bytes)
        reason = f"an act was interrupted: {self.trail.unfinished}"
        before = {"torn_line": torn.decode("utf-8", "replace")} if torn else None
        self.add(Act(COMPLETED, TRAIL, before=before, reason=reason))
        self.trail.unfinished = ""
        print(f"note: {reason}; the audit trail goes on from there", file=sys.stderr)

    def begin_anew(self, reason: str, records: dict[str, str], carried: Iterable[Act]) -> None:
        """Keep a damaged trail under another name and put a new one in its place, which begins by saying so.

        `records`: digests of the files of the records that the new one vouches for. At no time is there no trail.
        """
        number = 1 + len(list((self.folder / TRAIL).parent.glob("damaged-*.jsonl")))
        kept = {}
        for name, ending in ((TRAIL, "jsonl"), (HEAD, "head.json")):
            content = content_of(self.folder / name)
            if content is not None:
                target = f"{PROVENANCE}/damaged-{number}.{ending}"
                write_whole(self.folder / target, content, durable=True)
                kept[target] = hashlib.sha256(content).hexdigest()
        before = [str(finding) for finding in self.trail.findings]
        self.trail = Trail()
        lines = []
        for act in (Act(RESTARTED, TRAIL, before, None, reason, {**records, **kept}), *carried):
            lines.append(self._line(act, {}))
            self.trail.entries.append(open_line(lines[-1]))
        write_whole(self.folder / TRAIL, b"".join(lines), durable=True)
        self.write_head()

    def add(self, *acts: Act, files: dict[str, bytes] | None = None, waiting: dict[str, str] | None = None) -> None:
        """Append one entry per act, and write the files of the records that the last of them vouches for.

        `waiting`: digests of files of the records that stand under the name `<name>.next` already. The others wait
        under that name until the entry stands, so that whoever is killed in between leaves the old state or one that
        `require_whole` can complete.
        """
        files = files or {}
        if not self.trail.entries:  # an act that is interrupted must be told from a head that was taken away
            self.write_head()
        for name, content in files.items():
            write_whole(self.folder / f"{name}.next", content, durable=True)
        made = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} | (waiting or {})
        lines = []
        for number, act in enumerate(acts, start=1):
            lines.append(self._line(act, made if number == len(acts) else {}))
            self.trail.entries.append(open_line(lines[-1]))
        self._append(b"".join(lines))
        self.write_head()
        for name in made:
            os.replace(self.folder / f"{name}.next", self.folder / name)

    def _line(self, act: Act, made: dict[str, str]) -> bytes:
        entries = self.trail.entries
        entry: Entry = {
            "previous": entries[-1]["digest"] if entries else "",
            "entry": len(entries) + 1,
            "time": now(),
            "user": user(),
            "host": os.uname().nodename,
            "action": act.action,
            "object": act.object,
            "before": act.before,
            "after": act.after,
            "reason": act.reason,
        }
        if records := {**act.records, **made}:
            entry["records"] = dict(sorted(records.items()))
        if entries and entry["time"] < entries[-1]["time"]:
            entry["clock"] = "behind the entry before"
        return sealed_line(entry)

    def _append(self, lines: bytes) -> None:
        path = self.folder / TRAIL
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            while lines:
                lines = lines[os.write(number, lines) :]
            os.fsync(number)
        finally:
            os.close(number)

    def _put_in_place(self) -> None:
        """Give files their names that an interrupted act left waiting, where the trail vouches for them."""
        records = self.trail.records
        for waiting in sorted((self.folder / PROVENANCE).rglob("*.next")):
            name = str(waiting.relative_to(self.folder)).removesuffix(".next")
            if sha256_or_reason(waiting) == records.get(name, ("", 0))[0]:
                os.replace(waiting, self.folder / name)
            else:
                waiting.unlink()

    def write_head(self) -> None:
        """Write down how long the trail is, and the digest of its last entry."""
        entries = self.trail.entries
        content = {"entries": len(entries), "last": entries[-1]["digest"] if entries else ""}
        write_whole(self.folder / HEAD, sealed_line(content), durable=True)


def _vouched_for(folder: Path) -> str:
    """Return a record that gets its name only once its entry stands in the trail, nothing where there is none."""
    return next((name for name in (MANIFEST, VERSIONS, SIGNATURES) if (folder / name).exists()), "")


def content_of(path: Path) -> bytes | None:
    """Return the content of a file, None where it is missing, is no file (a pipe would be waited for) or unreadable."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def now() -> str:
    """Return the time in UTC, as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user() -> str:
    """Return who is logged in, by the operating system: the name, else the number.

    `LOGNAME`, `USER` and the like, which `getpass` would ask first, are what anybody says of himself.
    """
    import pwd  # here, so that `verify` starts without it

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
