"""The errors a user can mend, and how they reach him."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bioanalysis.words import count_of, printable

MOST_FILES, EXAMPLES = 5, 3  # files named one by one for the same fault; files named of more


@dataclass(frozen=True, order=True)
class Fault:
    """One thing in the input that must be put right.

    Parameters
    ----------
    file : str
        Path relative to the study folder, as the user knows it.
    found : str
        What stands there, in words (``"tissue is 'Liver'"``).
    expected : str
        What must stand there (``"one of kidney, liver, spleen"``).
    line : int, optional
        Line (or spreadsheet row) counted from 1; None where the whole file is meant.
    column : str, optional
        Column of a table, key of a settings file, or place in a raw file.
    """

    file: str
    found: str
    expected: str
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = ", ".join(
            part for part in (f"line {self.line}" if self.line else "", f"{self.column}" if self.column else "") if part
        )
        return f"{place + ': ' if place else ''}{self.found}; expected {self.expected}"


class BatchError(Exception):
    """The input must be put right before anything is computed from it.

    Carries every fault found, so that they can be mended in one go. Shown without a traceback; exit code 2.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(str(self))

    def __str__(self) -> str:
        return plain_message(self.faults)

    def __reduce__(self) -> tuple[type[BatchError], tuple[tuple[Fault, ...]]]:
        return BatchError, (self.faults,)


@dataclass(frozen=True)
class Finding:
    """One thing that is not what it was.

    Parameters
    ----------
    file : str
        Path relative to the study folder.
    found : str
        What is wrong with it, in words.
    record : str
        The record it is held against.
    """

    file: str
    found: str
    record: str

    def __str__(self) -> str:
        return printable(f"{self.file}: {self.found} (held against {self.record})")


class RecordsDamaged(Exception):
    """A record is not what it was; carries the findings. Shown without a traceback; exit code 3."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(["the records of this study are not what they were:", *(f"  {f}" for f in self.findings)])


def plain_message(faults: Iterable[Fault]) -> str:
    """Return all faults as one text, file by file, in the order of lines.

    One that many files share as a whole (a transition found in none of a run's files) is said once, with examples.
    """
    faults = list(dict.fromkeys(faults))
    files = sorted({fault.file for fault in faults})
    shared = _shared(faults)
    paragraphs = [_of_many(alike) for alike in shared]
    told = {fault for alike in shared for fault in alike}
    left = [fault for fault in faults if fault not in told]
    for file in sorted({fault.file for fault in left}):
        here = sorted((f for f in left if f.file == file), key=lambda f: (f.line or 0, f.column or ""))
        paragraphs.append("\n".join([f"{file} cannot be used:", *(f"  {fault}" for fault in here)]))
    count = count_of(len(faults), "fault") + (f" in {len(files)} files" if len(files) > 1 else "")
    return "\n".join([*paragraphs, f"{count}; nothing was computed."])


def _shared(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Return the faults that more files than `MOST_FILES` have in the same words, and in no line of them."""
    alike: dict[tuple[str | None, str], dict[str, Fault]] = {}
    for fault in faults:
        if fault.line is None:  # what is expected may name each file's own nearest trace
            alike.setdefault((fault.column, fault.found), {}).setdefault(fault.file, fault)
    return [[files[name] for name in sorted(files)] for files in alike.values() if len(files) > MOST_FILES]


def _of_many(alike: list[Fault]) -> str:
    examples = ", ".join(fault.file for fault in alike[:EXAMPLES])
    return f"{len(alike)} files cannot be used, such as {examples}:\n  in each of them: {alike[0]}"


def write_refusal(path: Path, error: BatchError) -> None:
    """Leave the faults of `error` as JSON, for `bioanalysis run` to gather when the workflow has ended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps([asdict(fault) for fault in error.faults], indent=1, ensure_ascii=False), encoding="utf-8"
    )


def read_refusals(folder: Path) -> list[Fault]:
    """Return the faults left by all jobs in `folder` (empty where there are none)."""
    return [fault for path in sorted(folder.glob("*.json")) for fault in read_faults(path)]


def read_faults(path: Path) -> list[Fault]:
    """Return the faults in a file that `write_refusal` left."""
    return [Fault(**fault) for fault in json.loads(path.read_text(encoding="utf-8"))]
