"""What stands in a study folder now, and what the last recorded run left there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bioanalysis.errors import Finding, RecordsDamaged
from bioanalysis.planning import raw_digests, raw_files
from bioanalysis.records.audit import Trail, content_of
from bioanalysis.records.changes import Change, changes_between
from bioanalysis.records.digests import files_below, listing, read_listing, sha256_of_all, sha256_or_reason
from bioanalysis.records.made import readings
from bioanalysis.records.places import CONCENTRATIONS, KEPT, MANIFEST, is_config, is_result
from bioanalysis.study import Run, Study
from bioanalysis.text_files import is_visible, write_whole

SEEN, SEEN_READINGS = "work/seen.json", "work/seen_readings.json"


@dataclass(frozen=True)
class Standing:
    """Digests by path (relative to the study folder) of settings, raw data and results."""

    config: dict[str, str]
    raw: dict[str, str]
    results: dict[str, str]

    @property
    def all(self) -> dict[str, str]:
        return {**self.config, **self.raw, **self.results}

    @property
    def text(self) -> str:
        """Return the manifest of what stands."""
        return listing(self.all)

    @classmethod
    def of(cls, digests: dict[str, str]) -> Standing:
        """Return digests by path sorted into settings, results and raw data."""
        config = {name: digest for name, digest in digests.items() if is_config(name)}
        results = {name: digest for name, digest in digests.items() if is_result(name)}
        return cls(config, {n: d for n, d in digests.items() if n not in config and n not in results}, results)


def config_now(folder: Path) -> dict[str, str]:
    """Return the digests of the settings; hidden files and lock files of spreadsheet programs are none."""
    names = [name for name in files_below(folder, "config") if is_visible(name)]
    return dict(zip(names, sha256_of_all([str(folder / name) for name in names]), strict=True))


def results_now(folder: Path) -> dict[str, str]:
    """Return the digests of the results; those known by size, times and place on the disk are not read again."""
    names = [name for name in files_below(folder, "results") if is_result(name) and is_visible(name)]
    return _digests(folder, names, SEEN)


def readings_now(folder: Path) -> dict[str, str]:
    """Return the digests of what was read from raw data, taken as those of results."""
    return _digests(folder, readings(folder), SEEN_READINGS)


def _digests(folder: Path, names: list[str], cache: str) -> dict[str, str]:
    """Return the digests of these files; a file whose size, times and place on the disk are known is not read again.

    Only for finding out what a run changed: `verify` reads everything.
    """
    try:
        seen = json.loads((folder / cache).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        seen = {}
    names = [name for name in names if (folder / name).exists()]  # a link that leads nowhere is no file
    stats = [(folder / name).stat() for name in names]
    # the time of the last change of a file's entry cannot be set back by the tools that set its other times
    keys = [[stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino] for stat in stats]
    new = [name for name, key in zip(names, keys, strict=True) if seen.get(name, [0])[:-1] != key]
    read = dict(zip(new, sha256_of_all([str(folder / name) for name in new]), strict=True))
    digests = {name: read[name] if name in read else seen[name][-1] for name in names}
    now_seen = {name: [*key, digests[name]] for name, key in zip(names, keys, strict=True)}
    if now_seen != seen:
        write_whole(folder / cache, json.dumps(now_seen, sort_keys=True, indent=0).encode())
    return digests


def raw_now(folder: Path, study: Study) -> dict[str, str]:
    """Return the digests of the raw files of all runs, as the plan of the workflow takes them."""
    return {name: digest for run in study.runs for name, digest in raw_digests(run, folder).items()}


def raw_changed_since(before: dict[str, str], folder: Path, study: Study) -> list[str]:
    """Return the raw files that are no longer what they were; results may rest on either content."""
    return list(dict.fromkeys(name for run in study.runs for name in _changed_raw(before, folder, run)))


def _changed_raw(before: dict[str, str], folder: Path, run: Run) -> list[str]:
    """Return the raw files of one run that changed: the digests of all runs are not held twice."""
    try:
        after = raw_digests(run, folder)
    except OSError:
        after = {name: sha256_or_reason(folder / name) for name in raw_files(run)}
    return [name for name, digest in after.items() if before.get(name) != digest]


def config_changed_since(before: dict[str, str], folder: Path) -> list[str]:
    """Return the settings that are no longer what they were, that came or went."""
    after = config_now(folder)
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def recorded(folder: Path, trail: Trail) -> Standing | None:
    """Return what the last recorded run left, None before the first.

    Raises
    ------
    RecordsDamaged
        If the manifest is not the one the audit trail vouches for.
    """
    known = trail.records.get(MANIFEST)
    if known is None:
        return None
    if sha256_or_reason(folder / MANIFEST) != known[0]:
        text = f"is not what entry {known[1]} of the audit trail recorded"
        raise RecordsDamaged([Finding(MANIFEST, text, "the audit trail")])
    return Standing.of(read_listing((folder / MANIFEST).read_bytes())[0])


def kept_names(digests: dict[str, str]) -> dict[str, str]:
    """Return where the content of settings and of the study's result is kept, by path: named by its digest."""
    return {name: f"{KEPT}/{digest}" for name, digest in digests.items() if is_config(name) or name == CONCENTRATIONS}


def cell_changes(folder: Path, before: dict[str, str], after: dict[str, str]) -> list[Change]:
    """Return what changed in settings and in the study's result, cell by cell, as far as both contents are known."""
    kept = kept_names(before)
    return [
        change
        for name in sorted(kept)
        if name in after and before[name] != after[name]
        for change in changes_between(name, content_of(folder / kept[name]), content_of(folder / name))
    ]
