"""Subjects, samples, methods and the side tables held against each other."""

from __future__ import annotations

import datetime
from collections.abc import Collection

import numpy as np

from bioanalysis.errors import Fault
from bioanalysis.study.reading import CONFIG, MethodFiles, Rows
from bioanalysis.text_files import did_you_mean, listed, other_capitals
from bioanalysis.yaml_with_lines import Document

TIME_ZONES = datetime.timedelta(hours=14)


def subject_faults(subjects: Rows) -> list[Fault]:
    """A dose counts only with its basis."""
    missing = (subjects.cells("dose_mg_per_kg") > 0) & (subjects.cells("dose_basis") == "")
    return subjects.faults(missing, "dose_basis", "free_acid or sodium_salt: what the dose counts")


def sample_faults(samples: Rows, subjects: Rows, tissues: Collection[str] | None) -> list[Fault]:
    """Every sample has a known animal, a listed tissue, masses or a reason, and times in their order."""
    available = samples.cells("not_available_reason") == ""
    faults = of_known_subjects(samples, subjects)
    if tissues is not None:
        faults += samples.faults(
            [bool(tissue) and tissue not in tissues for tissue in samples.cells("tissue")],
            "tissue",
            lambda i: f"a tissue of {CONFIG}: {listed(tissues)}{did_you_mean(samples.cells('tissue')[i], tissues)}",
        )
    faults += _homogenates_named_twice(samples)
    faults += samples.faults(_later(samples, "collected_at", "received_at"), "received_at", "a time after collected_at")
    return faults + [
        fault
        for column in ("tissue_mass_mg", "buffer_volume_ul")
        for fault in samples.faults(
            available & np.isnan(samples.cells(column)),
            column,
            "a number greater than 0, or a not_available_reason",
        )
    ]


def of_known_subjects(rows: Rows, subjects: Rows) -> list[Fault]:
    """Return faults of rows whose `subject_id` is no row of the subjects."""
    known = set(subjects.cells("subject_id"))
    if not subjects.complete:
        return []
    names, hint = rows.cells("subject_id"), other_capitals(known)
    return rows.faults(
        [bool(name) and name not in known for name in names],
        "subject_id",
        lambda i: f"a subject_id of {subjects.file}{hint(names[i])}",
    )


def _homogenates_named_twice(samples: Rows) -> list[Fault]:
    key = ["subject_id", "tissue", "piece", "homogenate"]
    frame = samples.frame[key]
    first: dict[tuple[str, ...], int] = {}
    faults = []
    for line, name in zip(samples.cells("line"), frame.itertuples(index=False, name=None), strict=True):
        if "" not in name and first.setdefault(name, line) != line:
            found = f"the same homogenate ({' '.join(name)}) as line {first[name]}"
            expected = "subject, tissue, piece and homogenate once together"
            faults.append(Fault(samples.file, found, expected, int(line), "homogenate"))
    return faults


def _later(rows: Rows, before: str, after: str) -> list[bool]:
    """Say for each row whether the time in `before` comes after that in `after`."""
    return [
        bool(one and other) and instant(one) - slack(one, other) > instant(other, end_of_day=True)
        for one, other in zip(rows.cells(before), rows.cells(after), strict=True)
    ]


def instant(moment: str, *, end_of_day: bool = False) -> datetime.datetime:
    """Return an ISO 8601 time in UTC; one without a zone counts as UTC, a date as its first or last second."""
    time = datetime.datetime.fromisoformat(moment)
    if end_of_day and len(moment) == len("2026-03-31"):
        time += datetime.timedelta(hours=23, minutes=59, seconds=59)
    return time.replace(tzinfo=datetime.UTC) if time.tzinfo is None else time.astimezone(datetime.UTC)


def slack(one: str, other: str) -> datetime.timedelta:
    """Return what a missing time zone may hide: nothing where both times have one, or neither has."""
    zones = [datetime.datetime.fromisoformat(moment).tzinfo is not None for moment in (one, other)]
    return TIME_ZONES if zones[0] != zones[1] else datetime.timedelta(0)


def method_faults(methods: MethodFiles, tissues: Collection[str] | None) -> list[Fault]:
    """Tissues named by a method are tissues of the study."""
    if tissues is None:
        return []
    return [
        fault
        for document in methods.documents.values()
        for place in (("minimum_dilution",), ("stability",), ("recovery", "factors"))
        for fault in _unlisted(document, place, tissues)
    ]


def _unlisted(document: Document, place: tuple[str, ...], tissues: Collection[str]) -> list[Fault]:
    block = document.value(place)
    unknown = [name for name in block if name not in tissues] if isinstance(block, dict) else []
    return [
        Fault(
            document.file,
            f"'{name}'",
            f"a tissue of {CONFIG}: {listed(tissues)}{did_you_mean(name, tissues)}",
            document.line((*place, name)),
            document.key((*place, name)),
        )
        for name in unknown
    ]


def send_faults(config: Document | None, methods: MethodFiles) -> list[Fault]:
    """The method of the SEND data set is a method of the study."""
    name = config.value(("send", "method_id")) if config is not None else None
    if config is None or not isinstance(name, str) or name in methods.documents:
        return []
    expected = f"a method_id of config/methods: {listed(methods.documents)}{did_you_mean(name, methods.documents)}"
    return [Fault(config.file, f"'{name}'", expected, config.line(("send", "method_id")), "send.method_id")]
