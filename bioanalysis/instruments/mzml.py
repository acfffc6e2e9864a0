"""Read the traces of an LC-MS/MS run from mzML."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.arrays import Decoder, in_minutes, needs_openms
from bioanalysis.instruments.full_scan import extract_traces
from bioanalysis.instruments.matching import match_transitions
from bioanalysis.instruments.outline import (
    INTENSITY_ARRAY,
    SELECTED_ION,
    TIME_ARRAY,
    TIME_UNITS,
    WINDOW_TARGET,
    Announced,
    NotMzml,
    Outline,
    require_checksum,
)
from bioanalysis.instruments.traces import RunTraces, Trace, TransitionLike, is_full_scan
from bioanalysis.text_files import quoted

MOST_BYTES = 2**30
MOST_EXPANSION = 100
ARRAY_SHARE = 16  # of the most bytes, for one array


class Injection(NamedTuple):
    """What one file holds for the method, and what it says of its own acquisition (see `Outline`)."""

    matched: dict[str, Trace]
    left_over: list[Trace]
    run_name: str
    started_at: str


def read_traces(path: Path, name: str, *, most_bytes: int = MOST_BYTES) -> list[Trace]:
    """Return every chromatogram of an mzML file, plain or gzipped, in the order of the file.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What the user calls it, for messages.
    most_bytes : int
        Refuse a file that is, or expands to, more than this.

    Raises
    ------
    BatchError
        With all faults found: the file is missing, not mzML, truncated, altered, or holds traces that cannot be true.
    """
    return _chromatograms(*_opened(path, name, most_bytes), name, most_bytes)


def read_injection(
    path: Path, name: str, transitions: Sequence[TransitionLike], mz_tolerance: float, *, most_bytes: int = MOST_BYTES
) -> Injection:
    """Return the trace of each transition, from chromatograms or from full scans, and the chromatograms left over.

    Raises
    ------
    BatchError
        With the faults of the file, or of every transition that has not exactly one sound trace.
    """
    text, outline = _opened(path, name, most_bytes)
    scanned = [transition for transition in transitions if is_full_scan(transition)]
    monitored = [transition for transition in transitions if not is_full_scan(transition)]
    matched: dict[str, Trace] = {}
    left_over: list[Trace] = []
    if monitored:
        traces = _chromatograms(text, outline, name, most_bytes)
        matched, left_over = match_transitions(traces, monitored, mz_tolerance, name)
    if scanned:
        matched |= extract_traces(outline, Decoder(text, most_bytes // ARRAY_SHARE), scanned, name)
    return Injection(matched, left_over, outline.run_name, outline.started_at)


def _opened(path: Path, name: str, most_bytes: int) -> tuple[bytes, Outline]:
    try:
        text = read_text(path, most_bytes)
        outline = Outline(text)
        require_checksum(text)
    except NotMzml as fault:
        raise BatchError([Fault(name, fault.found, fault.expected, fault.line)]) from None
    return text, outline


def _chromatograms(text: bytes, outline: Outline, name: str, most_bytes: int) -> list[Trace]:
    try:
        _require_chromatograms(outline)
        by_openms = _load_numpress(text, outline, most_bytes)
    except NotMzml as fault:
        raise BatchError([Fault(name, fault.found, fault.expected, fault.line)]) from None
    traces: list[Trace] = []
    faults: list[Fault] = []
    decoder = Decoder(text, most_bytes // ARRAY_SHARE)
    for number, said in enumerate(outline.chromatograms):
        place = f"chromatogram {number + 1} {quoted(said.name)}"
        try:
            trace = _trace(said, *(by_openms[number] if by_openms else _arrays(said, decoder)))
        except NotMzml as fault:
            faults.append(Fault(name, fault.found, fault.expected, said.line, place))
            continue
        faults += [Fault(name, *finding, said.line, place) for finding in _transition_findings(trace, said)]
        traces.append(trace)
    if faults:
        raise BatchError(faults)
    return traces


def read_lcms_run(
    folder: Path, files: Sequence[tuple[Any, str, str]], transitions: Sequence[TransitionLike], mz_tolerance: float
) -> RunTraces:
    """Return the traces of all injections of a run.

    Parameters
    ----------
    folder : Path
        Where the raw files of the run lie.
    files : sequence of (position, file_name, display_name)
        Injections in order; `display_name` is what messages say, `file_name` what `peaks.tsv`
        does: the worklist's word.
    transitions : sequence
        Of the method.
    mz_tolerance : float
        Half-width on Q1 and Q3 (Th).

    Raises
    ------
    BatchError
        Once, with the faults of all files.
    """
    faults: list[Fault] = []
    injections: list[list[Trace]] = []
    unmatched: list[tuple[str, str]] = []
    own_words: list[tuple[str, str]] = []
    for _, file_name, display_name in files:
        try:
            read = read_injection(folder / file_name, display_name, transitions, mz_tolerance)
        except BatchError as error:
            faults.extend(error.faults)
            continue
        injections.append([read.matched[transition.name] for transition in transitions])
        unmatched.extend((display_name, trace.name) for trace in read.left_over)
        own_words.append((read.run_name, read.started_at))
    if faults:
        raise BatchError(faults)
    return RunTraces.gather(
        positions=[str(position) for position, _, _ in files],
        files=[file_name for _, file_name, _ in files],
        transitions=[transition.name for transition in transitions],
        injections=[[(trace.time_min, trace.intensity) for trace in injection] for injection in injections],
        unmatched=unmatched,
        own_words=own_words,
    )


def read_text(path: Path, most_bytes: int) -> bytes:
    """Return the text of a file, decompressed; NotMzml where it cannot be had or is too large."""
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise NotMzml(f"the file has {size:,} bytes", f"at most {most_bytes:,}")
        content = path.read_bytes()
    except OSError as error:
        raise NotMzml(f"the file cannot be opened ({error.strerror or error})", "a readable mzML file") from None
    if content[:2] != b"\x1f\x8b":
        return content
    return _expand(content, min(most_bytes, max(2**26, MOST_EXPANSION * size)))


def _expand(content: bytes, most_bytes: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            text = stream.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NotMzml(f"the .gz file is truncated or damaged ({error})", "a whole gzip file") from None
    if len(text) > most_bytes:
        found = f"the .gz file of {len(content):,} bytes expands to more than {most_bytes:,}"
        raise NotMzml(found, f"at most {MOST_EXPANSION} times its size")
    return text


def _require_chromatograms(outline: Outline) -> None:
    held = len(outline.chromatograms)
    if outline.declared_chromatograms != held:
        found = f"chromatogramList announces {outline.declared_chromatograms} chromatograms and holds {held}"
        raise NotMzml(found, "equal numbers")
    if not held:
        found = f"the file holds {len(outline.spectra)} spectra and no chromatograms"
        raise NotMzml(found, "one chromatogram per transition (converters have an option for this)")


def _load_numpress(text: bytes, outline: Outline, most_bytes: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return (time_s, intensity) of all chromatograms by pyOpenMS where some are packed with numpress, else nothing."""
    if not any(needs_openms(said) for said in outline.chromatograms):
        return []
    from bioanalysis.instruments.openms import load_chromatograms

    return load_chromatograms(text, outline, most_bytes // ARRAY_SHARE)


def _arrays(said: Announced, decoder: Decoder) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (time_min, intensity); of chromatograms that are no transition, only where they have just these."""
    if not said.is_transition and {TIME_ARRAY, INTENSITY_ARRAY} - {term for one in said.arrays for term in one.terms}:
        return np.empty(0), np.empty(0)
    time = decoder.array_of(said, TIME_ARRAY)
    intensity = decoder.array_of(said, INTENSITY_ARRAY)
    if not said.points == time.size == intensity.size:
        found = f"{time.size} times and {intensity.size} intensities, {said.points} points announced"
        raise NotMzml(found, "equal numbers")
    return in_minutes(time, said.time_unit), intensity


def _trace(said: Announced, time_min: NDArray[np.float64], intensity: NDArray[np.float64]) -> Trace:
    q1_mz, q3_mz = _mass(said.precursor), _mass(said.product)
    known = q1_mz > 0 and q3_mz > 0
    masses = (q1_mz, q3_mz) if known else (np.nan, np.nan)
    return Trace(said.name, *masses, said.polarity, time_min, intensity)


def _mass(terms: dict[str, str]) -> float:
    """Return the target of an isolation window, or the selected ion's m/z; NaN without either."""
    try:
        return float(terms.get(WINDOW_TARGET) or terms.get(SELECTED_ION) or np.nan)
    except ValueError:
        return float("nan")


def _transition_findings(trace: Trace, said: Announced) -> list[tuple[str, str]]:
    """Return what makes a transition's trace unbelievable; other chromatograms are not judged."""
    time, intensity = trace.time_min, trace.intensity
    if not (said.is_transition or np.isfinite(trace.q1_mz)):
        return []
    if _is_sound(trace) and said.time_unit in TIME_UNITS:
        return []
    backwards = np.diff(time) < 0
    checks = [
        (not np.isfinite(trace.q1_mz), "Q1 or Q3 is missing", "both masses of the transition"),
        (said.time_unit not in TIME_UNITS and said.points > 0, f"times are in {said.time_unit}", "seconds or minutes"),
        (not np.isfinite(time).all(), f"{_count(~np.isfinite(time))} times are not finite", "numbers"),
        (bool(backwards.any()), f"time runs backwards {_first(backwards)}", "sorted times"),
        (not np.isfinite(intensity).all(), f"{_count(~np.isfinite(intensity))} intensities are not finite", "numbers"),
        (bool((intensity < 0).any()), f"{_count(intensity < 0)} intensities are negative", "counts of 0 or more"),
    ]
    return [(found, expected) for wrong, found, expected in checks if wrong]


def _is_sound(trace: Trace) -> bool:
    """Return whether a trace has masses, sorted finite times and finite counts, by few passes over it."""
    time, intensity = trace.time_min, trace.intensity
    if not (np.isfinite(trace.q1_mz) and time.size):
        return False
    finite = np.isfinite(time[0]) and np.isfinite(time[-1]) and bool((time[1:] >= time[:-1]).all())
    return finite and bool(intensity.min() >= 0) and bool(np.isfinite(intensity.max()))


def _count(wrong: NDArray[np.bool_]) -> str:
    return f"{int(wrong.sum())} of {wrong.size}"


def _first(wrong: NDArray[np.bool_]) -> str:
    return f"after point {int(np.argmax(wrong)) + 1}" if wrong.any() else ""
