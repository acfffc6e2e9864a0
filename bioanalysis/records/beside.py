"""Files beside settings, raw data and results that are records too: drawn reanalyses, fixed limits of charts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bioanalysis.lock import locked
from bioanalysis.records.acts import differing
from bioanalysis.records.audit import Act, AuditTrail
from bioanalysis.records.digests import sha256_of
from bioanalysis.records.places import TRAIL
from bioanalysis.study.inside import allowed_roots_of, require_inside
from bioanalysis.text_files import plain

DRAWN, FIXED = "incurred_drawn", "limits_fixed"


@contextlib.contextmanager
def recorded_beside(folder: Path, action: str, pattern: str, reason: str, **said: str) -> Iterator[None]:
    """Add an entry for each file of `pattern` that is written meanwhile; a study without records gets none.

    Parameters
    ----------
    folder : Path
        The study folder.
    action : str
        What the entry calls it.
    pattern : str
        Files below the study folder, such as ``incurred/*.tsv``.
    said : str
        What the entry says of the file beside its digest.

    Raises
    ------
    RecordsDamaged
        If the audit trail is not what it was; nothing is written then.
    BatchError
        If another run holds the study, or a link leads out of where something is written.
    """
    if not (folder / TRAIL).is_file():
        yield
        return
    require_inside(folder, allowed_roots_of(folder), pattern.split("/")[0])
    with locked(folder):
        audit = AuditTrail(folder)
        audit.require_whole()
        before = _digests(folder, pattern)
        yield
        acts = [
            Act(action, name, old and {"sha256": old}, {"sha256": new, **said}, plain(reason), {name: new})
            for name, old, new in differing(before, _digests(folder, pattern))
            if new is not None
        ]
        if acts:
            audit.add(*acts)


def _digests(folder: Path, pattern: str) -> dict[str, str]:
    paths = (path for path in sorted(folder.glob(pattern)) if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
