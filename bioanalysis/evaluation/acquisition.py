"""What the raw files of a run say of their own acquisition, held against the worklist.

Two files whose contents were exchanged are read without a fault; their times and names tell. Gaps are not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from bioanalysis.flags import flag
from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.study import Run
from bioanalysis.text_files import listed, quoted
from bioanalysis.words import STUDY_SAMPLES, count_of

WORD = "file_out_of_place"
FEW = statistical_limits()["out_of_place_named"]
TIME, NAME = "mzML: startTimeStamp", "mzML: id of the run"
SUFFIXES = (".gz", ".mzml")
Finding = tuple[str, str, str]  # position, what was observed, where it is from


def acquisition_flags(run: Run, acquisitions: pd.DataFrame) -> list[dict[str, object]]:
    """Return a flag for each injection whose file contradicts its place, or one for the run where they are many.

    Parameters
    ----------
    acquisitions : DataFrame
        work/<run>/acquisitions.tsv: position, file, own_name, started_at; one row per injection.
    """
    rows = in_order(acquisitions)
    times, _ = moments(rows)
    found: dict[str, list[tuple[str, str]]] = {}
    for position, observed, source in (*_misplaced(rows, times), *_shared(rows, times), *_misnamed(rows)):
        found.setdefault(position, []).append((observed, source))
    if len(found) > FEW * len(rows):
        observed = f"{len(found)} of {count_of(len(rows), 'file')}"
        return [flag(WORD, run_id=run.run_id, observed=observed, source=f"{TIME}, {NAME}")]
    return [_flag(run, position, found[position]) for position in rows.position if position in found]


def _flag(run: Run, position: str, findings: list[tuple[str, str]]) -> dict[str, object]:
    (row,) = run.worklist[run.worklist.position.astype(str) == position].itertuples()
    tissue = row.tissue if row.sample_type in STUDY_SAMPLES else ""  # a calibrator or QC concerns every tissue
    return flag(
        WORD, run_id=run.run_id, position=position, sample_id=row.sample_id, tissue=tissue,
        observed="; ".join(observed for observed, _ in findings),
        source=", ".join(dict.fromkeys(source for _, source in findings)),
    )  # fmt: skip


def acquisition_note(acquisitions: pd.DataFrame) -> str:
    """Return in a sentence or two when the files of a run were acquired, and what could not be judged."""
    rows = in_order(acquisitions)
    times, why_not = moments(rows)
    judged = sorted(times.dropna().index, key=lambda number: times[number])
    if not judged:
        return f"Whether the files stand in the order of their acquisition was not judged: {why_not}."
    contradicting = {position for position, *_ in (*_misplaced(rows, times), *_shared(rows, times))}
    said = f"Acquired from {rows.started_at[judged[0]]} to {rows.started_at[judged[-1]]}, "
    if contradicting:
        said += f"but start times contradict the positions of {count_of(len(contradicting), 'file')} (see Flags)."
    else:
        said += "in the order of positions."
    return f"{said} Not judged: {why_not}." if why_not else said


def in_order(acquisitions: pd.DataFrame) -> pd.DataFrame:
    """Return the acquisitions in the order of positions, numbered from 0."""
    return acquisitions.sort_values("position", key=lambda column: column.astype(int), ignore_index=True)


def moments(rows: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return the start of each acquisition (missing where it tells nothing), and why some or all are not judged.

    A stamp with a time zone and one without cannot be compared; stamps of which none stands in one file alone are not
    those of injections, but of a day or a conversion.
    """
    read = [_moment(text) for text in rows.started_at]
    times = pd.Series(read, index=rows.index, dtype=object)
    known = times.dropna()
    if known.empty:
        return times, "they bear no start time"
    if len({moment.tzinfo for moment in known}) > 1:
        return _none(times), "some start times have a time zone and some have none"
    if len(known) > 1 and known.duplicated(keep=False).all():
        return _none(times), "each start time stands in several files, so it is not that of an injection"
    lacking = len(times) - len(known)
    return times, f"{count_of(lacking, 'file')} without a start time that can be read" if lacking else ""


def _none(times: pd.Series) -> pd.Series:
    return pd.Series(None, index=times.index, dtype=object)


def _moment(text: str) -> datetime | None:
    """Return an ISO 8601 date and time, in UTC where it has a zone; None where the text is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if "T" not in text:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _misplaced(rows: pd.DataFrame, times: pd.Series) -> Iterator[Finding]:
    known = times.dropna()
    places = known.rank(method="first").astype(int).tolist() if len(known) else []
    for number in out_of_order(places):
        row = rows.loc[known.index[number]]
        said = f"started {row.started_at}, number {places[number]} by time and {number + 1} by position"
        yield row.position, said, TIME


def out_of_order(places: Sequence[int]) -> list[int]:
    """Return which entries (counted from 0) stand out of order: the fewest without which the rest is in order.

    Parameters
    ----------
    places : sequence of int
        The place of each entry by time, from 1; each once.

    Notes
    -----
    The longest increasing subsequence stays, of several that which keeps most entries at their own place. An entry
    taken out that stands exactly where another belongs, and the other way round, was exchanged with it: both are named.
    """
    place = np.asarray(places, dtype=int) - 1
    own = (place == np.arange(len(place))).astype(int)
    worth, before = np.zeros(len(place), dtype=int), np.full(len(place), -1)
    for i in range(len(place)):
        earlier = np.flatnonzero(place[:i] < place[i])
        if len(earlier):
            before[i] = earlier[np.argmax(worth[earlier])]
        worth[i] = len(place) + 1 + own[i] + (worth[before[i]] if len(earlier) else 0)
    kept, last = set(), int(np.argmax(worth)) if len(place) else -1
    while last >= 0:
        kept.add(last)
        last = int(before[last])
    taken = [i for i in range(len(place)) if i not in kept]
    return sorted({*taken, *(int(place[i]) for i in taken if place[place[i]] == i)})


def _shared(rows: pd.DataFrame, times: pd.Series) -> Iterator[Finding]:
    """Yield the files that started at one moment: one instrument begins one injection at a time."""
    known = times.dropna()
    for _, same in known.groupby(known):
        positions = rows.position[same.index]
        for position in positions if len(same) > 1 else ():
            others = listed(positions[positions != position])
            yield position, f"started at the same moment as that of position {others}", TIME


def _misnamed(rows: pd.DataFrame) -> Iterator[Finding]:
    """Yield the files that call themselves by the name of another file; a name that all files bear is none's own."""
    stems = rows.file.map(lambda file: _stem(PurePosixPath(file).name))
    position_of = dict(zip(stems, rows.position, strict=True))
    own = rows.own_name.map(_stem)
    if own.duplicated(keep=False).all():
        return
    for row, stem, name in zip(rows.itertuples(), stems, own, strict=True):
        if name != stem and name in position_of:
            yield row.position, f"calls itself {quoted(row.own_name)}, the file of position {position_of[name]}", NAME


def _stem(name: str) -> str:
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name
