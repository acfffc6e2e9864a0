"""Subjects, samples, methods and the side tables held against each other."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping

import numpy as np

from bioanalysis.errors import Fault
from bioanalysis.study.reading import CONFIG, MethodFiles, Rows
from bioanalysis.study.schema import HOMOGENATE_COLUMNS
from bioanalysis.text_files import did_you_mean, listed, other_capitals
from bioanalysis.yaml_with_lines import Document

TIME_ZONES = datetime.timedelta(hours=14)


def subject_faults(subjects: Rows) -> list[Fault]:
    """A dose counts only with its basis."""
    missing = (subjects.cells("dose_mg_per_kg") > 0) & (subjects.cells("dose_basis") == "")
    return subjects.faults(missing, "dose_basis", "free_acid or sodium_salt: what the dose counts")


def sample_faults(samples: Rows, subjects: Rows, pools: Rows | None, tissues: Collection[str] | None) -> list[Fault]:
    """Every sample has a known animal or pool, a listed tissue, and times in their order."""
    faults = of_known_subjects(samples, subjects, pools)
    if tissues is not None:
        faults += samples.faults(
            [bool(tissue) and tissue not in tissues for tissue in samples.cells("tissue")],
            "tissue",
            lambda i: f"a tissue of {CONFIG}: {listed(tissues)}{did_you_mean(samples.cells('tissue')[i], tissues)}",
        )
    faults += _homogenates_named_twice(samples)
    return faults + samples.faults(
        _later(samples, "collected_at", "received_at"), "received_at", "a time after collected_at"
    )


def homogenate_faults(
    samples: Rows, conventions: Mapping[str, tuple[str, ...]], fluids: Collection[str]
) -> list[Fault]:
    """Every homogenate has the masses and volumes that the methods it is measured by need, or a reason.

    Parameters
    ----------
    conventions : mapping
        By sample_id: how its methods count the homogenate (`HOMOGENATE_COLUMNS`).
    fluids : collection of str
        Tissues that are no tissue: nothing is weighed.
    """
    available = samples.cells("not_available_reason") == ""
    tissues, names = samples.cells("tissue"), samples.cells("sample_id")
    columns_of = {hows: {c for how in hows for c in HOMOGENATE_COLUMNS[how]} for hows in {(), *conventions.values()}}
    needed = [
        columns_of[() if tissue in fluids else conventions.get(name, ())]
        for tissue, name in zip(tissues, names, strict=True)
    ]
    return [
        fault
        for column in dict.fromkeys(c for columns in HOMOGENATE_COLUMNS.values() for c in columns)
        for fault in samples.faults(
            available & np.isnan(samples.cells(column)) & np.array([column in columns for columns in needed], bool),
            column,
            "a number greater than 0, or a not_available_reason",
        )
    ]


def pool_faults(pools: Rows, subjects: Rows) -> list[Fault]:
    """A pool is no animal, and its animals are known and of one group, sex and treatment."""
    known = set(subjects.cells("subject_id"))
    expected = f"the name of a pool: a subject of {subjects.file} has it"
    faults = pools.faults([name in known for name in pools.cells("pool_id")], "pool_id", expected)
    faults += of_known_subjects(pools, subjects)
    about = subjects.frame.drop_duplicates("subject_id").set_index("subject_id")
    for column in ("group", "treatment"):
        kinds = {name: about[column].get(name, "") for name in pools.cells("subject_id")}
        first: dict[str, str] = {}
        mixed = [
            bool(kinds[animal]) and first.setdefault(pool, kinds[animal]) != kinds[animal]
            for pool, animal in zip(pools.cells("pool_id"), pools.cells("subject_id"), strict=True)
        ]
        faults += pools.faults(mixed, "subject_id", f"animals of one {column} in a pool")
    return faults


def of_known_subjects(rows: Rows, subjects: Rows, pools: Rows | None = None) -> list[Fault]:
    """Return faults of rows whose `subject_id` is no row of the subjects, nor a pool where there are pools."""
    known = set(subjects.cells("subject_id")) | set(pools.cells("pool_id") if pools is not None else ())
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
        for place in (("minimum_dilution",), ("stability",), ("tissues",), ("recovery", "factors"))
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
