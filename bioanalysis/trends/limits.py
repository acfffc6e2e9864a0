"""Limits of charts: fixed once in a declared phase, kept as versions that are only ever added to.

`limits.tsv` holds each version with centre, standard deviation, the runs behind them, author, reason and time. Every
version carries a digest over its rows and the digest before it, so that an edited, reordered or removed row is found;
a last version removed whole shows as long as the `trends.tsv` that used it is there. A digest is no signature: who can
compute it can forge it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.limits import Rule, trend_rules
from bioanalysis.tables import read_results, write_table
from bioanalysis.text_files import plain
from bioanalysis.trends.reading import RunResults
from bioanalysis.trends.series import ACCEPTED
from bioanalysis.words import count_of

FILE, CHARTED = "trends/limits.tsv", "trends/trends.tsv"
COLUMNS = [
    "version", "series", "centre", "sd", "n", "first", "last", "last_date", "runs", "author", "reason", "time",
    "digest",
]  # fmt: skip
BETWEEN = "; "


@dataclass(frozen=True)
class FixedLimits:
    """Centre and standard deviation of one series in one version, and the runs they were found from."""

    version: int
    series: str
    centre: float
    sd: float
    runs: tuple[str, ...]
    last: tuple[pd.Timestamp, str, str]


@dataclass(frozen=True)
class Declaration:
    """Who fixes limits from which runs, why and when (ISO 8601, UTC)."""

    first: str
    last: str
    author: str
    reason: str
    time: str


def point_names(points: pd.DataFrame) -> pd.Series:
    """Return the name of the run (and plate) of each point, as `limits.tsv` lists it, without a semicolon inside."""
    plate = points.plate.where(points.plate == "", "/" + points.plate)
    return (points.study + ":" + points.run_id + plate).str.replace(";", ",")


def read_limits(folder: Path) -> pd.DataFrame:
    """Return `limits.tsv` as text, empty where no limits were ever fixed.

    Raises
    ------
    BatchError
        Where a version is not what it was when it was written, or one that charts were judged by is gone.
    """
    path = folder / FILE
    table = pd.DataFrame(columns=COLUMNS, dtype="str")
    if path.is_file():
        try:
            table = read_results(path)
        except (ValueError, OSError) as error:
            raise BatchError([Fault(FILE, f"cannot be read ({error})", "the table this software wrote")]) from error
        if list(table.columns) != COLUMNS:
            raise BatchError([Fault(FILE, "other columns", f"the columns {', '.join(COLUMNS)}", 1)])
    if faults := _digest_faults(table) or _lost_versions(folder, table):
        raise BatchError(faults)
    return table


def _lost_versions(folder: Path, table: pd.DataFrame) -> list[Fault]:
    """Return a fault where the charts written last were judged by a version that is no longer there."""
    path = folder / CHARTED
    if not path.is_file():
        return []
    charted = set(read_results(path).get("limits_version", pd.Series(dtype="str"))) - {"", *table.version}
    return [
        Fault(FILE, f"no version {version}", f"the version that {CHARTED} was judged by; versions are never removed")
        for version in sorted(charted)
    ]


def _digest_faults(table: pd.DataFrame) -> list[Fault]:
    """Return the first place where a version does not match its digest, or versions are not 1, 2, 3 ..."""
    before, start = "", 0
    for number, (version, rows) in enumerate(_in_blocks(table), start=1):
        line = start + 2
        if version != str(number):
            return [Fault(FILE, f"version '{version}'", f"version {number}: versions are only ever added", line)]
        if set(rows.digest) != {digest_of(rows, before)}:
            found = f"version {version} is not what it was when it was fixed"
            expected = "the file as written; limits are changed by `bioanalysis trends --fix-limits` alone"
            return [Fault(FILE, found, expected, line, "digest")]
        before, start = rows.digest.iloc[0], start + len(rows)
    return []


def _in_blocks(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return runs of rows with one version, in the order of the file."""
    block = (table.version != table.version.shift()).cumsum()
    return [(rows.version.iloc[0], rows) for _, rows in table.groupby(block, sort=True)]


def digest_of(rows: pd.DataFrame, before: str) -> str:
    """Return the SHA-256 of the rows of one version and of the digest before it."""
    content = [before, rows.drop(columns="digest").astype(str).to_numpy().tolist()]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode("utf-8")).hexdigest()


def fixed_limits(table: pd.DataFrame) -> dict[str, list[FixedLimits]]:
    """Return the versions of each series, oldest first."""
    found: dict[str, list[FixedLimits]] = {}
    for row in table.itertuples():
        study, run_id = str(row.last).rsplit(":", 1)
        day = pd.to_datetime(str(row.last_date), format="ISO8601", utc=True)
        limits = FixedLimits(
            int(row.version), row.series, float(row.centre), float(row.sd), tuple(row.runs.split(BETWEEN)),
            (day, run_id, study),
        )  # fmt: skip
        found.setdefault(row.series, []).append(limits)
    return found


def in_force(versions: Sequence[FixedLimits], order: tuple[pd.Timestamp, str, str]) -> FixedLimits | None:
    """Return the limits that judge a run, by its place in the order of runs.

    After its phase 1 a version judges until the phase 1 of the next one has ended; so a new version changes nothing
    that lies before its own last run. Runs up to the end of the first phase 1 are judged by the version of that phase.
    """
    ended = [limits for limits in versions if limits.last < order]
    if ended:
        return max(ended, key=lambda limits: (limits.last, limits.version))
    return min(versions, key=lambda limits: (limits.last, -limits.version), default=None)


def phase_of(limits: FixedLimits | None, name: str, order: tuple[pd.Timestamp, str, str]) -> str:
    """Return ``1`` for a run behind the limits, ``2`` for one after them, words for the others."""
    if limits is None:
        return "no limits"
    if name in limits.runs:
        return "1"
    return "2" if order > limits.last else "1, not used"


def new_version(
    points: pd.DataFrame, runs: Sequence[RunResults], table: pd.DataFrame, declared: Declaration, only: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of a new version, and why series of the phase got none.

    Parameters
    ----------
    points : DataFrame
        What `gather` returned.
    only : sequence of str
        Names of the series to fix; empty: all with enough accepted points.

    Raises
    ------
    BatchError
        Where runs, series, author or reason are not what they must be, or no series has enough points.
    """
    first, last = _phase(runs, declared, only, points)
    inside = {run.name for run in runs if first.order <= run.order <= last.order}
    usable = points[(points.study + ":" + points.run_id).isin(inside)]
    rows, short = [], []
    for series, here in usable.groupby("series", sort=True):
        if only and series not in only:
            continue
        good = here[(here.state == ACCEPTED) & np.isfinite(here.value)]
        if reason := why_not(good.value.to_numpy(), trend_rules()["CC-01"]):
            short.append(f"{series}: {reason}")
        else:
            rows.append(_row(str(series), good))
    if not rows:
        expected = "a longer phase 1; until then charts show the limits of the method"
        raise BatchError(Fault("--fix-limits", reason, expected) for reason in short or ["no point in this phase"])
    return _block(rows, table, declared, first, last), short


def why_not(values: np.ndarray, rule: Rule) -> str:
    """Return why limits cannot be fixed from these values (rule CC-01), or ''."""
    if len(values) < rule.number:
        return f"{len(values)} accepted points, {rule.printed_limit} are needed"
    return "" if np.ptp(values) > 0 else f"all {len(values)} points are the same: no spread"


def _row(series: str, points: pd.DataFrame) -> dict[str, object]:
    return {
        "series": series, "centre": float(points.value.mean()), "sd": float(points.value.std(ddof=1)),
        "n": len(points), "runs": BETWEEN.join(point_names(points)),
    }  # fmt: skip


def _block(
    rows: list[dict[str, object]], table: pd.DataFrame, declared: Declaration, first: RunResults, last: RunResults
) -> pd.DataFrame:
    """Return the rows of the next version as text, with their digest."""
    version = int(table.version.iloc[-1]) + 1 if len(table) else 1
    common = {
        "version": version, "first": first.name, "last": last.name, "last_date": last.run_date,
        "author": plain(declared.author), "reason": plain(declared.reason), "time": declared.time, "digest": "",
    }  # fmt: skip
    block = pd.DataFrame([row | common for row in rows], columns=COLUMNS)
    block = block.assign(**{name: [repr(value) for value in block[name]] for name in ("centre", "sd")}).astype(str)
    return block.assign(digest=digest_of(block, table.digest.iloc[-1] if len(table) else ""))


def _phase(
    runs: Sequence[RunResults], declared: Declaration, only: Sequence[str], points: pd.DataFrame
) -> tuple[RunResults, RunResults]:
    """Return the first and last run of the phase; BatchError with everything that is wrong with the declaration."""
    faults = [
        Fault("--fix-limits", f"no {name}", expected, column=f"--{name}")
        for name, expected in (("author", "the name of who fixes the limits"), ("reason", "the reason in words"))
        if not plain(getattr(declared, name))
    ]
    ends = []
    for name in ("first", "last"):
        found, fault = _named_run(runs, name, getattr(declared, name))
        faults += [fault] if fault else []
        ends += [found] if found else []
    if len(ends) == 2 and ends[0].order > ends[1].order:
        order = f"{ends[0].name} comes after {ends[1].name}"
        faults.append(Fault("--fix-limits", order, "the first run no later than the last", column="--first"))
    known = set(points.series)
    faults += [
        Fault("--fix-limits", f"'{series}'", "the name of a series as in trends.tsv", column="--series")
        for series in only
        if series not in known
    ]
    if faults:
        raise BatchError(faults)
    return ends[0], ends[1]


def _named_run(runs: Sequence[RunResults], option: str, name: str) -> tuple[RunResults | None, Fault | None]:
    """Return the run called `name` (run id, or STUDY:RUN where the id is not unique), or what is wrong."""
    if not name.strip():
        return None, Fault("--fix-limits", f"no {option} run", "the id of a run", column=f"--{option}")
    found = [run for run in runs if name in (run.run_id, run.name)]
    if len(found) == 1:
        return found[0], None
    if not found:
        known = f"the id of a run, {runs[0].name} to {runs[-1].name}"
        return None, Fault("--fix-limits", f"no run '{name}'", known, column=f"--{option}")
    choices = " or ".join(run.name for run in found)
    return None, Fault("--fix-limits", f"several runs '{name}'", choices, column=f"--{option}")


def append_version(folder: Path, table: pd.DataFrame, block: pd.DataFrame) -> pd.DataFrame:
    """Write `limits.tsv` with one version more, and return it."""
    whole = pd.concat([table, block], ignore_index=True)
    write_table(whole, folder / FILE)
    return whole


def changed_since(points: pd.DataFrame, versions: Iterable[FixedLimits]) -> list[str]:
    """Return, in words, limits whose runs no longer give the values they were fixed from."""
    names = point_names(points)
    said = []
    for limits in versions:
        here = points[(points.series == limits.series) & names.isin(limits.runs) & (points.state == ACCEPTED)]
        values = here.value[np.isfinite(here.value)]
        if len(values) != len(limits.runs):
            every = count_of(len(limits.runs), "run")
            said.append(f"{limits.series}: {len(limits.runs) - len(values)} of {every} of version "
                        f"{limits.version} are no longer there as accepted values")  # fmt: skip
        elif not np.allclose([values.mean(), values.std(ddof=1)], [limits.centre, limits.sd], rtol=1e-9, atol=0):
            said.append(f"{limits.series}: the values of the runs of version {limits.version} have changed since")
    return said
