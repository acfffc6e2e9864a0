"""A damaged audit trail is followed by a new one: what of the old one still holds goes on in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bioanalysis.records.audit import RESTARTED, Act, AuditTrail, Entry, Trail
from bioanalysis.records.digests import sha256_or_reason
from bioanalysis.records.places import MANIFEST
from bioanalysis.records.seal import CARRIED, OPENED, SEALED
from bioanalysis.records.signature import SIGNED


def start_again(folder: Path, audit: AuditTrail, reason: str) -> None:
    """Keep the damaged trail under another name and begin a new one that says so.

    Sealed versions, signatures on them and records whose digest still holds are entered again: a version keeps its
    number, and none is taken for what an interrupted seal left.
    """
    damaged = audit.trail
    audit.begin_anew(reason, _still_true(folder, damaged), _carried_over(damaged))


def _still_true(folder: Path, damaged: Trail) -> dict[str, str]:
    """Return the records that are what their entry says; the manifest is written anew by the run that goes on."""
    records = {name: digest for name, (digest, _) in damaged.records.items() if name != MANIFEST}
    return {name: digest for name, digest in records.items() if sha256_or_reason(folder / name) == digest}


def _carried_over(damaged: Trail) -> Iterator[Act]:
    for entry in damaged.entries:
        if entry["action"] in (SEALED, OPENED, SIGNED):
            after = {**(entry["after"] or {}), CARRIED: _origin(entry)}
            yield Act(entry["action"], entry["object"], entry["before"], after, entry["reason"])


def _origin(entry: Entry) -> str:
    """Return in words which entry of which day and user it was; one carried over twice names the first."""
    before = (entry["after"] or {}).get(CARRIED)
    return str(before or f"entry {entry['entry']} of {entry['time']} by {entry['user']}")


def restarts(trail: Trail) -> list[str]:
    """Return remarks on where the audit trail was begun anew."""
    begun = [entry for entry in trail.entries if entry["action"] == RESTARTED]
    text = "the audit trail was damaged and begun anew; the damaged one is kept beside it"
    return [f"entry {entry['entry']}: {text}: {entry['reason']}" for entry in begun]
