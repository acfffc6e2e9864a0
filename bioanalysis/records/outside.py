"""Results nobody vouches for: changed by hand, by the workflow on its own, or left half made by a killed run."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from bioanalysis.records.acts import NO_SUCH_RUN, differing, group_of
from bioanalysis.records.audit import Act, AuditTrail
from bioanalysis.records.digests import digest_of_list
from bioanalysis.records.made import BEGUN, note_on
from bioanalysis.records.places import SET_ASIDE, TIME_STAMP
from bioanalysis.text_files import listed
from bioanalysis.words import FIGURES

WHY = "changed without an entry: by hand, or by the workflow started on its own"
WORDS = {
    "results_changed_outside": "is not what the last run wrote",
    "results_removed_outside": "is missing, though the last run wrote it",
    "results_added_outside": "was written by no run",
}


class Outside(NamedTuple):
    """A result that is not what was made of it: path, digest as made (None: by nobody), digest now (None: missing)."""

    name: str
    made: str | None
    now: str | None

    @property
    def action(self) -> str:
        """What an entry of the audit trail calls it."""
        if self.now is None:
            return "results_removed_outside"
        return "results_added_outside" if self.made is None else "results_changed_outside"

    def __str__(self) -> str:
        end = "would be made again" if self.made is not None else "would be set aside"
        return f"{self.name} {WORDS[self.action]}: {end}"


def changed_since(recorded: Mapping[str, str], noted: dict[str, str], now: Mapping[str, str]) -> list[Outside]:
    """Return the results that are not what the last recorded run left, or not what its jobs noted.

    Results that were put back together with their records, from a backup say, agree with each other; the notes in
    `work/` tell that jobs have made others since. Nothing would make them again: their files are new.
    """
    made = {name: note_on(noted, name) or digest for name, digest in recorded.items()}
    put_back = {name: made[name] for name, digest in now.items() if digest == recorded.get(name)}
    return [Outside(*found) for found in differing({**recorded, **put_back}, now)]


def changed_since_killed(recorded: Mapping[str, str], noted: dict[str, str], now: Mapping[str, str]) -> list[Outside]:
    """Return the results that are neither what a killed run's jobs noted nor, where they noted none, what was recorded.

    What is missing is no finding: the workflow removes the results of a job before it starts.
    """
    made = {name: note_on(noted, name, recorded.get(name)) for name in now}
    return [Outside(name, made[name], digest) for name, digest in now.items() if made[name] not in (digest, BEGUN)]


def half_made(noted: dict[str, str], now: Iterable[str]) -> list[str]:
    """Return the files that stand there though the job that makes them never ended."""
    return [name for name in now if note_on(noted, name) == BEGUN]


def output_of(name: str) -> str:
    """Return the output of the workflow a result belongs to: a figure, to the folder of figures."""
    folder = name.rpartition("/")[0]
    return folder if folder.endswith(f"/{FIGURES}") else name


def set_aside(folder: Path, audit: AuditTrail, found: list[Outside]) -> None:
    """Write down each of them and move it to the records, so that it is made again.

    A second name is given to the file before the entry stands, and the first one taken after it: whoever is killed in
    between finds both or finds it again.
    """
    acts, kept = [], {}
    for number, one in enumerate(found, start=len(audit.trail.entries) + 1):
        after = None
        if one.now is not None:
            target = f"{SET_ASIDE}/{number:04d}/{one.name}"
            _second_name(folder / one.name, folder / f"{target}.next")
            kept[target] = one.now
            after = {"sha256": one.now, "set_aside": target}
        acts.append(Act(one.action, one.name, one.made and {"sha256": one.made}, after, WHY))
    audit.add(*acts, waiting=kept)
    for one in found:
        (folder / one.name).unlink(missing_ok=True)


def left_behind(results: Mapping[str, str], runs: Iterable[str]) -> dict[str, str]:
    """Return the results of runs that the study no longer has, with their digests."""
    known = {*runs, "study"}
    return {name: digest for name, digest in results.items() if group_of(name) not in known}


def set_aside_left_behind(folder: Path, audit: AuditTrail, digests: Mapping[str, str]) -> dict[str, list[str]]:
    """Write down each run these results are of, and move them to the records.

    Returns what stays of each of these runs, by run: files that no one recorded are nobody's to take away.
    """
    acts, kept = [], {}
    runs = sorted({group_of(name) for name in digests})
    for number, run in enumerate(runs, start=len(audit.trail.entries) + 1):
        here = {name: digest for name, digest in digests.items() if group_of(name) == run}
        for name, digest in here.items():
            target = f"{SET_ASIDE}/{number:04d}/{name}"
            _second_name(folder / name, folder / f"{target}.next")
            kept[target] = digest
        before = {"files": len(here), "sha256_of_list": digest_of_list(here)}
        acts.append(Act("results_set_aside", run, before, {"set_aside": f"{SET_ASIDE}/{number:04d}"}, NO_SUCH_RUN))
    if acts:
        audit.add(*acts, waiting=kept)
    stamps = {f"{name.rpartition('/')[0]}/{TIME_STAMP}" for name in digests}
    remove(folder, [*stamps, *digests])
    return {run: _what_stays(folder, f"results/runs/{run}") for run in runs}


def _what_stays(folder: Path, name: str) -> list[str]:
    """Remove the empty folders in folder `name` and itself; returns the files that stand in it."""
    stays: list[str] = []
    for place, inner, files in os.walk(folder / name, topdown=False):
        links = [one for one in inner if not _removed_if_empty(Path(place, one)) and Path(place, one).is_symlink()]
        stays += [Path(place, one).relative_to(folder).as_posix() for one in (*links, *files)]
    _removed_if_empty(folder / name)
    return sorted(stays)


def _removed_if_empty(path: Path) -> bool:
    """Remove a folder that is empty, or a link to one (which may be gone by now); returns whether it was."""
    if path.is_dir() and any(path.iterdir()):
        return False
    if path.is_symlink():
        path.unlink()
    else:
        path.rmdir()
    return True


def _second_name(path: Path, second: Path) -> None:
    second.parent.mkdir(parents=True, exist_ok=True)
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:  # a disk without links
        shutil.copyfile(path, second)
    if second.is_symlink():  # somebody put a link there: what it leads to is kept, and changes no more
        second.unlink()
        shutil.copyfile(path, second)


def outside_message(names: list[str]) -> str:
    """Return in words that results were changed without an entry."""
    what = f"{len(names)} results were" if len(names) > 1 else "a result was"
    tail = "what stands there is kept in results/study/provenance/set_aside, and made again"
    return f"{what} changed without an entry in the audit trail ({listed(names)}): {tail}"


def left_behind_message(stays: Mapping[str, list[str]]) -> str:
    """Return in words that results of runs were taken away which the study no longer has, and what stays of each."""
    said = f"results of {listed(stays)}, {NO_SUCH_RUN}: kept in results/study/provenance/set_aside"
    names = [name for run in stays for name in stays[run]]
    return f"{said}; no results, and left where they are: {listed(names)}" if names else said


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files that are made again in any case."""
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()
