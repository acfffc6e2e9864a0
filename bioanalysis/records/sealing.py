"""Seal a version of a study: freeze settings, results and code, and say what changed since the version before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.planning import code_files
from bioanalysis.records.audit import Act, AuditTrail, Trail, content_of, now, sealed_line, user
from bioanalysis.records.changes import Change, changes_between, text_of
from bioanalysis.records.crate import Version, crate_of_version
from bioanalysis.records.digests import listing, sha256_of, sha256_of_text
from bioanalysis.records.environment import software
from bioanalysis.records.places import CONCENTRATIONS, ENVIRONMENT, MAIN_RESULTS, is_config, is_result
from bioanalysis.records.seal import (
    COPIES,
    OPENED,
    SEAL,
    SEALED,
    folder_of,
    last_sealed,
    remove_torn_seal,
    sealed_version,
    study_of,
)
from bioanalysis.records.signing import signature_page
from bioanalysis.records.standing import Standing, recorded
from bioanalysis.records.verify import require_as_recorded

PACKAGE = Path(__file__).parents[1]
CHANGES = "changes.tsv"
CRATE = "ro-crate-metadata.json"


def seal(folder: Path, workflow_folder: Path, reason: str) -> int:
    """Seal what stands as the next version and return its number; the caller holds the study's lock.

    Raises
    ------
    RecordsDamaged
        If anything is not what it was at the last recorded run.
    BatchError
        If there is nothing to seal, or it was made by other software than is installed now.
    """
    audit = AuditTrail(folder)
    audit.require_whole()
    require_as_recorded(folder)
    stands = recorded(folder, audit.trail)
    _require_finished(audit.trail, stands, workflow_folder)
    assert stands is not None
    before = last_sealed(audit.trail)
    if sealed_version(audit.trail) and _is_sealed(folder, before, stands):
        return before  # not where another was opened: other packages may give the same values, and are to be sealed
    number = before + 1
    opened = audit.trail.last(OPENED, subject=str(number))
    why = reason or (opened["reason"] if opened else "first version" if number == 1 else "")
    if not why:
        raise BatchError([Fault("the study", f"no reason for version {number}", 'bioanalysis seal --reason "..."')])
    try:
        _write(folder, workflow_folder, audit, stands, number, why)
    except BaseException:  # the disk is full, say: without an entry it is no version, and would be a finding
        remove_torn_seal(folder, AuditTrail(folder).trail)
        raise
    return number


def _is_sealed(folder: Path, version: int, stands: Standing) -> bool:
    return sha256_of(folder / folder_of(version) / "manifest.sha256") == sha256_of_text(stands.text)


def _has_main_result(stands: Standing) -> bool:
    return any(name in stands.results for name in MAIN_RESULTS)


def _require_finished(trail: Trail, stands: Standing | None, workflow_folder: Path) -> None:
    last = trail.last("run_finished", "run_failed")
    if stands is None or last is None or last["action"] != "run_finished" or not _has_main_result(stands):
        raise BatchError([Fault("the study", "no finished run", "a study that `bioanalysis run` has finished")])
    code = trail.last("code_recorded", "code_changed")
    if code is not None and code["after"] != software(workflow_folder):
        found = "results of other software than is installed now"
        raise BatchError(
            [Fault("the study", found, "`bioanalysis run` first: a seal keeps the code beside its results")]
        )


def _write(folder: Path, workflow_folder: Path, audit: AuditTrail, stands: Standing, number: int, why: str) -> None:
    home = folder / folder_of(number)
    copies = _copy(folder, workflow_folder, home, stands, folder / folder_of(number - 1))
    time, head = now(), {"entries": len(audit.trail.entries), "last": audit.trail.entries[-1]["digest"]}
    texts = {
        "manifest.sha256": stands.text.encode("utf-8", "surrogateescape"),
        CHANGES: text_of(_changed_values(folder, number, stands)),
        "environment.json": content_of(folder / ENVIRONMENT) or b"",
    }
    for name, content in texts.items():
        (home / name).write_bytes(content)
    of_version = Version(number, why, time, study_of(audit.trail), audit.trail)
    (home / CRATE).write_bytes(crate_of_version(stands, copies, of_version))
    (home / COPIES).write_text(listing(copies), encoding="utf-8", errors="surrogateescape")
    digests = {name: sha256_of(home / name) for name in (*texts, CRATE, COPIES)}
    said = {"version": number, "time": time, "user": user(), "reason": why, "sha256": digests, "audit": head}
    (home / SEAL).write_bytes(sealed_line(said))
    records = {f"{folder_of(number)}/{name}": sha256_of(home / name) for name in (*digests, SEAL)}
    seal_digest = records[f"{folder_of(number)}/{SEAL}"]
    after = {"seal_sha256": seal_digest, "files": len(stands.all)}
    act = Act(SEALED, str(number), {"sealed": number - 1} if number > 1 else None, after, why, records)
    name, page = signature_page(number, seal_digest, [])
    audit.add(act, files={name: page})


def _copy(folder: Path, workflow_folder: Path, home: Path, stands: Standing, earlier: Path) -> dict[str, str]:
    """Copy settings, results and code below `home`; what the version before holds unchanged takes no room again."""
    copies: dict[str, str] = {}
    for name, source in [*_of_study(folder, stands), *_code(workflow_folder)]:
        target = home / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = stands.all.get(name) or sha256_of(source)
        if not _linked(earlier / name, target, digest):
            shutil.copyfile(source, target)
        if sha256_of(target) != digest:
            raise BatchError([Fault(name, "changes while it is sealed", "nobody working on the study")])
        copies[name] = digest
    return copies


def _of_study(folder: Path, stands: Standing) -> list[tuple[str, Path]]:
    return [(name, folder / name) for name in sorted(stands.all) if is_config(name) or is_result(name)]


def _code(workflow_folder: Path) -> Iterator[tuple[str, Path]]:
    for path in code_files(workflow_folder):
        root = PACKAGE.parent if PACKAGE in path.parents else workflow_folder
        yield f"code/{path.relative_to(root)}", path
    if (workflow_folder / "requirements.lock").is_file():
        yield "code/requirements.lock", workflow_folder / "requirements.lock"


def _linked(earlier: Path, target: Path, digest: str) -> bool:
    try:
        if sha256_of(earlier) != digest:
            return False
        os.link(earlier, target)
    except Exception:  # no such file, or a disk without links: it is copied
        return False
    return True


def _changed_values(folder: Path, number: int, stands: Standing) -> list[Change]:
    """Return what changed since the version before, cell by cell: settings, then the study's result."""
    earlier = folder / folder_of(number - 1)
    if number == 1:
        return []
    names = sorted(name for name in stands.all if is_config(name) or name == CONCENTRATIONS)
    return [
        change
        for name in names
        for change in changes_between(name, content_of(earlier / name), content_of(folder / name))
    ]
