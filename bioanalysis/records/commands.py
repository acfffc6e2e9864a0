"""What the commands of the records say and how they end. Each imports what it needs: `verify` starts at once."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path


def verify_study(path: Path, witness: Path | None = None) -> int:
    """Print what is not what it was; return 0 where everything is, 3 where not."""
    from bioanalysis.records.verify import verify

    if words := _at_work(path):
        print(f"note: {words}; what it has changed so far is among the findings", file=sys.stderr)
    findings, remarks = verify(path, witness)
    for finding in findings:
        print(finding, file=sys.stderr)
    for remark in remarks:
        print(remark)
    if findings:
        print(f"{len(findings)} finding{'s' if len(findings) > 1 else ''}; the first: {findings[0]}")
        return 3
    print("everything is what it was at the last run")
    return 0


def _at_work(path: Path) -> str:
    from bioanalysis.lock import living_owner

    return living_owner(path)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a study whose records are written to; a disk that refuses and a link that leads out are told in words."""
    from bioanalysis.disk import plain_disk_errors
    from bioanalysis.lock import locked
    from bioanalysis.study.inside import allowed_roots_of, require_inside

    with plain_disk_errors():
        require_inside(folder, allowed_roots_of(folder))
        with locked(folder):
            yield


def seal_study(folder: Path, reason: str) -> None:
    """Seal the study and say where the version lies."""
    from bioanalysis.planning import workflow_folder
    from bioanalysis.records.seal import folder_of
    from bioanalysis.records.sealing import seal

    with _held(folder):
        number = seal(folder, workflow_folder(), reason)
    print(f"version {number} is sealed: {folder_of(number)}; UNSIGNED until `bioanalysis sign`")


def sign_study(folder: Path, key: Path, signer: str, meaning: str) -> None:
    """Sign the sealed version and say what was signed."""
    from bioanalysis.records.signing import sign

    with _held(folder):
        print(sign(folder, key, signer, meaning))


def archive_study(folder: Path, target: Path) -> None:
    """Write the archive and say how to check it."""
    from bioanalysis.records.archive import archive

    with _held(folder):
        number = archive(folder, target)
    print(f"{target}: {number} files; `bioanalysis verify {target}` checks it")
