"""Sealed versions of a study: what each froze, and whether it is still so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bioanalysis.errors import Finding
from bioanalysis.records.audit import RESTARTED, Entry, Trail, content_of, is_head, read_sealed
from bioanalysis.records.digests import difference, read_listing
from bioanalysis.records.holdings import Holdings
from bioanalysis.records.places import MANIFEST, TRAIL, VERSIONS

SEAL = "seal.json"
COPIES = "copies.sha256"
SEALED, OPENED = "version_sealed", "version_opened"
CARRIED = "carried_over_from"  # the trail before this one, which was damaged


def sealed_version(trail: Trail) -> int:
    """Return the number of the last sealed version where none was opened after it, else 0."""
    last = trail.last(SEALED, OPENED)
    return int(last["object"]) if last is not None and last["action"] == SEALED else 0


def last_sealed(trail: Trail) -> int:
    """Return the number of the last sealed version, 0 without one."""
    last = trail.last(SEALED)
    return int(last["object"]) if last is not None else 0


def study_of(trail: Trail) -> str:
    """Return the identifier of the study, as first recorded."""
    first = trail.last("study_recorded")
    return str(first["object"]) if first is not None else "study"


def folder_of(version: int) -> str:
    """Return where a sealed version lies."""
    return f"{VERSIONS}/{version}"


def remove_torn_seal(folder: Path, trail: Trail) -> None:
    """Remove the version that a `seal` left half written (killed, disk full): its entry, written last, is not there.

    A version that was sealed under another trail than this one is none that was left so, and stays.
    """
    import shutil  # here, so that `verify` starts without it

    home = folder / folder_of(last_sealed(trail) + 1)
    seal = read_sealed(content_of(home / SEAL))
    if seal is None or trail_holds(trail, seal["audit"]):
        shutil.rmtree(home, ignore_errors=True)


def seal_findings(holdings: Holdings, trail: Trail) -> Iterator[Finding]:
    """Yield what is not as a seal found it: the trail up to its day, the copies it keeps, what stands since."""
    for entry in trail.entries:
        if entry["action"] == SEALED:
            yield from _findings(holdings, entry, trail, folder_of(int(entry["object"])))
    if version := sealed_version(trail):
        manifest = f"{folder_of(version)}/manifest.sha256"
        if holdings.digest(MANIFEST) != holdings.digest(manifest):
            yield Finding(MANIFEST, f"is not that of sealed version {version}, and none was opened after it", manifest)


def open_version(trail: Trail) -> list[str]:
    """Return the remark that what stands is not the version last sealed, nothing where it is."""
    last = last_sealed(trail)
    if not last or sealed_version(trail):
        return []
    return [f"version {last + 1} is open: what stands now is neither sealed nor signed, version {last} is"]


def witness_findings(trail: Trail, head: bytes | None, name: str) -> list[Finding]:
    """Return the finding that a trail does not hold the entry named by a copy of its head that was kept elsewhere."""
    if head is None:
        return [Finding(name, "is not there, or no file that can be read", "the path given")]
    said = read_sealed(head)
    if said is None or not is_head(said):
        return [Finding(name, "is no copy of a head.json", "the digest in it")]
    if trail_holds(trail, said):
        return []
    text = f"entry {said['entries']} is not the one noted elsewhere: its end was cut off, or it was made anew"
    return [Finding(TRAIL, text, name)]


def _findings(holdings: Holdings, entry: Entry, trail: Trail, folder: str) -> Iterator[Finding]:
    seal = read_sealed(holdings.content(f"{folder}/{SEAL}"))
    # its own trail was damaged and is kept beside this one, of which `verify` remarks that it was begun anew
    carried = CARRIED in entry["after"] and trail.last(RESTARTED) is not None
    if seal is not None and not carried and not trail_holds(trail, seal["audit"]):
        text = f"its first {seal['audit']['entries']} entries are not those of the day of the seal"
        yield Finding(TRAIL, text, f"{folder}/{SEAL}")
    if seal is not None and folder_of(seal["version"]) != folder:
        yield Finding(f"{folder}/{SEAL}", f"is the seal of version {seal['version']}", "the version it lies in")
    said, _ = read_listing(holdings.content(f"{folder}/{COPIES}") or b"")
    copies = {f"{folder}/{name}": digest for name, digest in said.items()}
    holdings.hash_all(copies)
    for name, recorded in copies.items():
        if (digest := holdings.digest(name)) != recorded:
            yield Finding(name, difference(digest, recorded), f"{folder}/{COPIES}")


def trail_holds(trail: Trail, head: Entry) -> bool:
    entries = {entry["entry"]: entry["digest"] for entry in trail.entries}
    return entries.get(head["entries"]) == head["last"]


def copies_of_versions(holdings: Holdings, trail: Trail) -> list[str]:
    """Return the copies that sealed versions keep."""
    folders = [folder_of(int(entry["object"])) for entry in trail.entries if entry["action"] == SEALED]
    lists = ((folder, holdings.content(f"{folder}/{COPIES}") or b"") for folder in folders)
    return [f"{folder}/{name}" for folder, content in lists for name in read_listing(content)[0]]
