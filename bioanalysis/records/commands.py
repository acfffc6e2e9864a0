"""What the commands of the records say and how they end. Each imports what it needs: `verify` starts at once."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path


def verify_study(path: Path, witness: Path | None = None) -> int:
    """Print what is not what it was; return 0 where everything is, 3 where not."""
    from bioanalysis.records.verify import verify
    from bioanalysis.words import printable

    if words := _at_work(path):
        print(f"note: {words}; what it has changed so far is among the findings", file=sys.stderr)
    findings, remarks = verify(path, witness)
    for finding in findings:
        print(finding, file=sys.stderr)
    for remark in remarks:
        print(printable(remark))
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
    """Seal the study and say where the version lies, and whether anybody has signed it."""
    from bioanalysis.planning import workflow_folder
    from bioanalysis.records.audit import AuditTrail
    from bioanalysis.records.places import SIGNERS
    from bioanalysis.records.seal import folder_of, last_sealed
    from bioanalysis.records.sealing import seal
    from bioanalysis.records.signing import statements
    from bioanalysis.text_files import plain

    with _held(folder):
        before = last_sealed(AuditTrail(folder).trail)
        number = seal(folder, workflow_folder(), plain(reason))
        signed = statements(folder, AuditTrail(folder).trail, number)
    words = f"version {number} is sealed: {folder_of(number)}"
    if number == before:
        words = f"nothing has changed since version {number} was sealed: {folder_of(number)}"
    print(f"{words}; " + ("signed" if signed else "UNSIGNED until `bioanalysis sign`"))
    if not (folder / folder_of(number) / SIGNERS).is_file():
        print(f"note: nobody can sign it, since it holds no {SIGNERS} (docs/records.md)")


def sign_study(folder: Path, key: Path, signer: str, meaning: str) -> None:
    """Sign the sealed version, saying first what stands open in it, then what was signed."""
    from bioanalysis.records.signing import sign, to_be_signed
    from bioanalysis.words import printable

    with _held(folder):
        for words in to_be_signed(folder):
            print(printable(f"note: open in what is signed: {words}"), flush=True)
        print(printable(sign(folder, key, signer, meaning)))


def archive_study(folder: Path, target: Path) -> None:
    """Write the archive and say how to check it."""
    from bioanalysis.records.archive import archive

    with _held(folder):
        number = archive(folder, target)
    print(f"{target}: {number} files; `bioanalysis verify {target}` checks it")
