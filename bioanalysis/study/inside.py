"""What is written to a study lands in the study: no link leads out of where results, records and scratch lie."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bioanalysis.errors import BatchError
from bioanalysis.study.raw_files import RawFiles
from bioanalysis.study.reading import CONFIG, StudyFolder

WRITTEN_TO = ("results", "work", "logs", ".snakemake")


def require_inside(folder: Path, allowed_roots: Iterable[str], *more: str) -> None:
    """Raise BatchError where a link in a folder that is written to (or in `more`) leads out of those of the study."""
    if leaving := RawFiles.of(folder, allowed_roots).written_faults(*WRITTEN_TO, *more):
        raise BatchError(leaving)


def allowed_roots_of(folder: Path) -> tuple[str, ...]:
    """Return the folders outside that the settings of a study allow; none where the settings cannot be read."""
    if RawFiles.of(folder, ()).link_faults(CONFIG):  # it cannot allow its own way out
        return ()
    config, _ = StudyFolder(folder).config()
    return config.allowed_roots if config else ()
