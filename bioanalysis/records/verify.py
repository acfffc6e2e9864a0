"""Is everything what it was at the last recorded run? Everything is hashed before anything of it is parsed.

Nothing is written, and whatever a damaged file holds, the answer is a finding: exit code 0 or 3.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bioanalysis.errors import BatchError, Fault, Finding, RecordsDamaged
from bioanalysis.records.audit import Trail, clock_findings, completions, content_of, read_trail
from bioanalysis.records.digests import difference, read_listing, sha256_or_reason
from bioanalysis.records.holdings import Holdings
from bioanalysis.records.places import (
    HEAD,
    KEPT,
    MANIFEST,
    METADATA,
    PROVENANCE,
    TIME_STAMP,
    TRAIL,
    is_config,
    is_result,
    outside_name,
)
from bioanalysis.records.restart import restarts
from bioanalysis.records.seal import copies_of_versions, open_version, seal_findings, witness_findings
from bioanalysis.records.signature import signature_findings
from bioanalysis.text_files import listed

if TYPE_CHECKING:  # a folder is verified without what zip files need
    from bioanalysis.records.zip_holdings import ZipHoldings

BAG = "bagit.txt"
DIGEST = ".sha256"
Witness = tuple[str, bytes | None] | None
BAG_MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"


def verify(path: Path, witness: Path | None = None) -> tuple[list[Finding], list[str]]:
    """Return what is not what it was (first things first), and remarks that are no findings.

    Parameters
    ----------
    path : Path
        A study folder, an archive made of one (BagIt folder), or that archive as a zip file.
    witness : Path, optional
        A copy of `head.json` that was kept elsewhere: the audit trail must hold the entry it names.
    """
    try:
        return _verified(path, (witness.name, content_of(witness)) if witness else None)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # digests hold, and yet the content has not the form it is written in here: somebody else wrote it
        text = f"hold what was never written by this software ({type(error).__name__}: {error})"
        return [Finding(PROVENANCE, text, "the form of the records")], []


def require_as_recorded(folder: Path) -> None:
    """Raise where the study is not what it was at the last recorded run.

    Raises
    ------
    RecordsDamaged
        With what `verify` finds.
    BatchError
        If the study was never run.
    """
    if not any((folder / name).exists() for name in (PROVENANCE, "results/runs", "results/study")):
        raise BatchError([Fault("the study", "was never run", "`bioanalysis run` first")])
    if findings := verify(folder)[0]:
        raise RecordsDamaged(findings)


def _verified(path: Path, witness: Witness) -> tuple[list[Finding], list[str]]:
    if path.is_dir():
        if (path / BAG).exists():
            return _bag(Holdings(path, closed=True), witness)
        return _study(Holdings(path), witness, in_bag=False)
    if not path.exists():
        return [Finding(str(path), "is missing", "what was asked for")], []
    if not path.is_file():
        return [Finding(str(path), "is a pipe, a device or the like", "a study folder or an archive")], []
    return _zip(path, witness)


def _zip(path: Path, witness: Witness) -> tuple[list[Finding], list[str]]:
    """Hold an archive that is a zip file against its own lists, the digest beside it and the records in it."""
    from bioanalysis.records.zip_holdings import NO_ZIP, ZipHoldings

    try:
        archive = ZipHoldings(path)
    except NO_ZIP as error:
        return [Finding(path.name, f"cannot be read as a zip file ({error})", "the form of an archive")], []
    found, remarks = _container(path)
    bag, beside = _in_one_folder(archive)
    inner, said = _bag(bag, witness)
    unsafe = [Finding(name, what, "the form of an archive") for name, what in archive.unsafe()]
    return [*unsafe, *beside, *inner, *found], [*said, *remarks]


def _in_one_folder(archive: ZipHoldings) -> tuple[Holdings, list[Finding]]:
    """Return the folder of a zip file that holds the archive (none, where it was zipped without), and what is beside.

    The lists of the archive do not reach what lies beside it, and it would be unpacked all the same.
    """
    names = set(archive.names())
    tops = sorted({name.split("/")[0] for name in names}, key=lambda top: (f"{top}/{BAG}" not in names, top))
    if BAG in names or not tops:
        return archive, []
    home, *beside = tops
    text = f"lies beside {home}/, the folder of the archive"
    return archive.below(home), [Finding(name, text, "the form of an archive") for name in beside]


def _container(path: Path) -> tuple[list[Finding], list[str]]:
    """Hold a zip file as a whole against the digest beside it: some of its bytes are not read to unpack it."""
    beside = path.with_name(f"{path.name}{DIGEST}")
    content = content_of(beside)
    if content is None:
        return [], [
            f"{beside.name} does not stand beside it: its files are held against their records, its own bytes not"
        ]
    said, wrong = read_listing(content)
    if wrong or len(said) != 1:
        return [Finding(beside.name, "is no digest and name", "the form of a list of digests")], []
    recorded, digest = *said.values(), sha256_or_reason(path)
    return [Finding(path.name, difference(digest, recorded), beside.name)] * (digest != recorded), []


def _bag(holdings: Holdings, witness: Witness) -> tuple[list[Finding], list[str]]:
    """Hold an archive against its own manifests, then the study in it against its records."""
    found: list[Finding] = []
    for manifest, where in ((TAG_MANIFEST, ""), (BAG_MANIFEST, "data")):
        content = holdings.content(manifest)
        if content is None:
            found.append(Finding(manifest, holdings.digest(manifest), "the form of an archive (BagIt)"))
            continue
        said, wrong = read_listing(content)
        found += [
            Finding(manifest, f"line {number} is no digest and name", "the form of an archive") for number in wrong
        ]
        present = holdings.names(where) if where else [n for n in holdings.names() if not n.startswith("data/")]
        found += _differences(holdings, said, [n for n in present if n != TAG_MANIFEST], manifest)
    inner, remarks = _study(holdings.below("data"), witness, in_bag=True)
    known = {finding.file for finding in found}
    inner = [Finding(f"data/{f.file}", f.found, f"data/{f.record}" if "/" in f.record else f.record) for f in inner]
    return found + [finding for finding in inner if finding.file not in known], remarks


def _study(holdings: Holdings, witness: Witness, *, in_bag: bool) -> tuple[list[Finding], list[str]]:
    trail = read_trail(holdings.content(TRAIL), holdings.content(HEAD))
    if not trail.entries and not trail.findings:
        return [Finding(TRAIL, "is missing: nothing was recorded here yet", "the records of `bioanalysis run`")], []
    found = [*trail.findings]
    if trail.unfinished:
        found.append(Finding(TRAIL, f"an act was interrupted, or entries were added: {trail.unfinished}", HEAD))
    kept = copies_of_versions(holdings, trail)
    made = {name: digest for name, (digest, _) in trail.records.items()}
    said, faults = _manifest(holdings, trail)
    places = {outside_name(name) if in_bag else name: digest for name, digest in said.items()}
    holdings.may_leave = set(places)  # raw data below an allowed root
    holdings.hash_all([*places, *made, *kept])
    found += faults
    found += _differences(holdings, places, _standing(holdings), MANIFEST)
    found += _records(holdings, trail)
    found += _unknown(holdings, {*made, *kept, TRAIL, HEAD, MANIFEST})
    found += _foreign(holdings, {*places, *trail.beside, METADATA}) if in_bag else []
    found += [] if in_bag else _links(holdings)
    found += seal_findings(holdings, trail)
    found += witness_findings(trail, witness[1], witness[0]) if witness else []
    signed, remarks = signature_findings(holdings, trail)
    times, clocks = clock_findings(trail)
    remarks += [*open_version(trail), *clocks, *completions(trail), *restarts(trail), *_hidden(holdings)]
    return _first_first([*found, *signed, *times]), remarks


def _manifest(holdings: Holdings, trail: Trail) -> tuple[dict[str, str], list[Finding]]:
    """Return what the manifest says; one that is not whole names no file outside the study to be read."""
    content = holdings.content(MANIFEST)
    if content is None:
        return {}, [] if MANIFEST in trail.records else [Finding(MANIFEST, "is missing", TRAIL)]
    said, wrong = read_listing(content)
    whole = holdings.digest(MANIFEST) == trail.records.get(MANIFEST, ("", 0))[0]
    if not whole:
        said = {
            name: digest for name, digest in said.items() if not os.path.isabs(name) and ".." not in name.split("/")
        }
    return said, [Finding(MANIFEST, f"line {number} is no digest and name", TRAIL) for number in wrong]


def _standing(holdings: Holdings) -> list[str]:
    return [*holdings.names("config"), *(name for name in holdings.names("results") if is_result(name))]


def _differences(holdings: Holdings, said: dict[str, str], present: list[str], record: str) -> Iterator[Finding]:
    """Yield what differs from a list of digests, and what stands there without being listed."""
    holdings.hash_all(said)
    for name in said:
        if (digest := holdings.digest(name)) != said[name]:
            yield Finding(name, difference(digest, said[name]), record)
    for name in present:
        if name not in said:
            kind = "settings" if is_config(name) else "results" if is_result(name) else "files"
            yield Finding(name, f"is not among the {kind} recorded", record)


def _records(holdings: Holdings, trail: Trail) -> Iterator[Finding]:
    """Yield the files of the records that are not what the entry that made them says."""
    for name, (recorded, entry) in trail.records.items():
        if (digest := holdings.digest(name)) != recorded:
            yield Finding(name, difference(digest, recorded), f"entry {entry} of {TRAIL}")
    for name in holdings.names(KEPT):
        if name not in trail.records:
            yield Finding(name, "is not among the records", TRAIL)


def _unknown(holdings: Holdings, known: set[str]) -> Iterator[Finding]:
    for name in holdings.names(PROVENANCE):
        if name not in known and not name.startswith(f"{KEPT}/"):
            word = "was left by an act that was interrupted" if name.endswith(".next") else "is not among the records"
            yield Finding(name, word, TRAIL)


def _links(holdings: Holdings) -> list[Finding]:
    text = "is a link that leads out of results/: it was written as a file"
    return [Finding(name, text, "what `bioanalysis run` writes") for name in holdings.links_out("results")]


def _hidden(holdings: Holdings) -> list[str]:
    """Return the remark on hidden files among settings, results and records, Snakemake's own left out."""
    names = sorted(name for name in holdings.hidden if name.rsplit("/", 1)[-1] != TIME_STAMP)
    return [f"hidden files, which no record holds and no archive takes along: {listed(names)}"] if names else []


def _foreign(holdings: Holdings, known: set[str]) -> Iterator[Finding]:
    """Yield what an archive holds beside settings, results and records though nothing of the study names it."""
    for name in holdings.names():
        if name not in known and not (is_config(name) or name.startswith("results/")):
            yield Finding(name, "is no file of the study", MANIFEST)


def _first_first(found: list[Finding]) -> list[Finding]:
    """Return the trail, then its records, settings, raw data, results: what others rest on comes first."""

    def rank(name: str) -> int:
        comes_in = (name == TRAIL, name == HEAD, name == MANIFEST, name.startswith(PROVENANCE), is_config(name))
        return (*comes_in, not is_result(name), True).index(True)

    return sorted(found, key=lambda finding: rank(finding.file))
