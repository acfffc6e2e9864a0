"""What each job of the workflow made, noted by the job itself when it ended.

A run that is killed leaves results no entry vouches for. These notes tell what its jobs finished from what they left
half made and from what somebody changed since. They lie in `work/`: the digest of those on readings stands in the
audit trail.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from bioanalysis.records.digests import digest_of_list, files_below, sha256_of_all
from bioanalysis.text_files import write_whole

MADE = "work/.made"  # no run is called so
PLANNED = ("run.json", "source.json", "raw.json")  # what planning leaves of each run
BEGUN = ""  # in place of a digest: the job has begun and not ended


def note_begun(log: Path, outputs: Iterable[str]) -> None:
    """Note that a job (known by its log) begins to write `outputs`."""
    _write(log, dict.fromkeys(outputs, BEGUN))


def note_made(log: Path, outputs: Iterable[str]) -> None:
    """Note the digests of all a job has written; of a folder, those of its files."""
    names = [
        name for output in outputs for name in (files_below(Path(), output) if Path(output).is_dir() else [output])
    ]
    _write(log, dict(zip(names, sha256_of_all(names), strict=True)))


def _write(log: Path, digests: dict[str, str]) -> None:
    path = Path(MADE, *log.with_suffix(".json").parts[1:])
    write_whole(path, (json.dumps(digests, sort_keys=True, indent=0) + "\n").encode())


def made(folder: Path) -> dict[str, str]:
    """Return the digest of each file the workflow made, by path; `BEGUN` where its job did not end."""
    found: dict[str, str] = {}
    # the latest note last: software that was changed may let another job write a file
    for path in sorted((folder / MADE).rglob("*.json"), key=_written):
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            found.update({str(name): str(digest) for name, digest in said.items()})
        except (OSError, ValueError, AttributeError):
            continue  # no note: what it vouched for is made again
    return found


def _written(path: Path) -> tuple[int, Path]:
    try:
        return path.stat().st_mtime_ns, path
    except OSError:  # a link that leads nowhere
        return 0, path


def note_on(noted: dict[str, str], name: str, other: str | None = None) -> str | None:
    """Return what is noted on a file, or on its folder where that is what its job writes; else `other`."""
    return noted.get(name, noted.get(name.rpartition("/")[0], other))


def readings_digest(noted: dict[str, str]) -> str:
    """Return one digest for what was read from raw data, as noted."""
    return digest_of_list({name: digest for name, digest in noted.items() if is_reading(name) and digest})


def is_reading(name: str) -> bool:
    """Return whether a path of the study is what a job read from raw data."""
    return name.startswith("work/")


def readings(folder: Path) -> list[str]:
    """Return what was read from raw data, as it stands: files of a run in `work/` but for what planning left there."""
    found = (path for path in (folder / "work").glob("*/*") if path.is_file() and path.name not in PLANNED)
    names = sorted(str(path.relative_to(folder)) for path in found)
    return [name for name in names if "/." not in name and not name.startswith("work/refused/")]
