"""Read the traces of an LC-MS/MS run from mzML, and tell which trace belongs to which transition."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.outline import TIME_UNITS, Announced, NotMzml, Outline, require_intact_text
from bioanalysis.instruments.traces import RunTraces

MOST_BYTES = 2**30
MOST_EXPANSION = 100


class TransitionLike(Protocol):
    """What a transition of the method tells about its trace."""

    @property
    def name(self) -> str: ...

    @property
    def q1_mz(self) -> float: ...

    @property
    def q3_mz(self) -> float: ...

    @property
    def polarity(self) -> str | None: ...

    @property
    def rt_min(self) -> float: ...

    @property
    def rt_window_min(self) -> float: ...

    @property
    def peak_width_s(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Trace:
    """One chromatogram of one injection.

    Parameters
    ----------
    name : str
        As the file calls it.
    q1_mz, q3_mz : float
        Selected masses (Th); NaN for a chromatogram that has none, such as a total ion current.
    polarity : {'positive', 'negative'} or None
        None where the file does not say.
    time_min, intensity : ndarray of float64, shape (n,)
        Minutes, never decreasing; counts (or counts per second, as the instrument has it), never negative.
    """

    name: str
    q1_mz: float
    q3_mz: float
    polarity: str | None
    time_min: NDArray[np.float64]
    intensity: NDArray[np.float64]

    def __str__(self) -> str:
        masses = f"Q1 {self.q1_mz:.2f}, Q3 {self.q3_mz:.2f}" if np.isfinite(self.q1_mz) else "no masses"
        times = f"{self.time_min[0]:.3f} to {self.time_min[-1]:.3f} min" if self.time_min.size else "no points"
        return f"'{self.name}' ({masses}, {times})"


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
    try:
        text = _read_text(path, most_bytes)
        outline = Outline(text)
        require_intact_text(text, outline, most_bytes // 16)
        _require_chromatograms(outline)
        chromatograms = _load(text)
    except NotMzml as fault:
        raise BatchError([Fault(name, fault.found, fault.expected, fault.line)]) from None
    if len(chromatograms) != len(outline.chromatograms):
        found = f"{len(chromatograms)} of {len(outline.chromatograms)} chromatograms could be read"
        raise BatchError([Fault(name, found, "every chromatogram the file announces")])
    traces = [
        _trace(chromatogram, said) for chromatogram, said in zip(chromatograms, outline.chromatograms, strict=True)
    ]
    pairs = enumerate(zip(traces, outline.chromatograms, strict=True), start=1)
    faults = [fault for number, (trace, said) in pairs for fault in _trace_faults(trace, said, name, number)]
    if faults:
        raise BatchError(faults)
    return traces


def match_transitions(
    traces: Sequence[Trace], transitions: Iterable[TransitionLike], mz_tolerance: float, file: str
) -> tuple[dict[str, Trace], list[Trace]]:
    """Return the one trace of each transition, and the traces that belong to none.

    A trace fits if Q1 and Q3 lie within `mz_tolerance` (Th), polarity agrees where both sides name it, and its times
    reach into `rt_min` +- `rt_window_min`.

    Raises
    ------
    BatchError
        With one fault for each transition that fits no trace, several, or one whose times cannot be true.
    """
    matched: dict[str, Trace] = {}
    faults: list[Fault] = []
    for transition in transitions:
        fits, found, expected = _fitting(traces, transition, mz_tolerance)
        if len(fits) == 1 and not found:
            matched[transition.name] = fits[0]
        else:
            faults.append(Fault(file, found, expected, column=f"transition {transition.name}"))
    if faults:
        raise BatchError(faults)
    used = {id(trace) for trace in matched.values()}
    return matched, [trace for trace in traces if id(trace) not in used]


def read_lcms_run(
    folder: Path, files: Sequence[tuple[Any, str, str]], transitions: Sequence[TransitionLike], mz_tolerance: float
) -> RunTraces:
    """Return the traces of all injections of a run.

    Parameters
    ----------
    folder : Path
        Where the raw files of the run lie.
    files : sequence of (position, file_name, display_name)
        Injections in order; `display_name` is what messages and `peaks.tsv` say.
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
    for _, file_name, display_name in files:
        try:
            traces = read_traces(folder / file_name, display_name)
            matched, left_over = match_transitions(traces, transitions, mz_tolerance, display_name)
        except BatchError as error:
            faults.extend(error.faults)
            continue
        injections.append([matched[transition.name] for transition in transitions])
        unmatched.extend((display_name, trace.name) for trace in left_over)
    if faults:
        raise BatchError(faults)
    return RunTraces.gather(
        positions=[str(position) for position, _, _ in files],
        files=[display_name for _, _, display_name in files],
        transitions=[transition.name for transition in transitions],
        injections=[[(trace.time_min, trace.intensity) for trace in injection] for injection in injections],
        unmatched=unmatched,
    )


def _read_text(path: Path, most_bytes: int) -> bytes:
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
        found = f"the file holds {outline.spectra} spectra and no chromatograms"
        raise NotMzml(found, "one chromatogram per transition (converters have an option for this)")


@cache
def _pyopenms() -> Any:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # its threads spin, and cost more than they bring
    import pyopenms

    log = pyopenms.LogConfigHandler.getInstance()
    log.configure(log.parse(["WARNING remove cout", "WARNING remove cerr"]))  # it would repeat itself when Python ends
    return pyopenms


def _load(text: bytes) -> list[Any]:
    pyopenms = _pyopenms()
    experiment, reader = pyopenms.MSExperiment(), pyopenms.MzMLFile()
    options = reader.getOptions()
    options.setSortChromatogramsByRT(False)  # sorting would hide that times run backwards
    reader.setOptions(options)
    try:
        with _silent_streams():
            reader.loadBuffer(text, experiment)
    except Exception as error:  # whatever pyOpenMS raises here speaks of this file's content
        reason = str(error).replace("the file 'memory' could not be found", "arrays of unequal length")
        raise NotMzml(f"its binary data cannot be decoded ({reason})", "arrays as the converter wrote them") from None
    return list(experiment.getChromatograms())


@contextmanager
def _silent_streams() -> Iterator[None]:
    """Keep what pyOpenMS prints from C++ off the user's screen: we say it ourselves, once and with the file's name."""
    sys.stdout.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number, _ in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


def _trace(chromatogram: Any, said: Announced) -> Trace:
    q1_mz, q3_mz = chromatogram.getPrecursor().getMZ(), chromatogram.getProduct().getMZ()
    time_s, intensity = chromatogram.get_peaks()
    known = q1_mz > 0 and q3_mz > 0
    return Trace(
        name=said.name,
        q1_mz=q1_mz if known else np.nan,
        q3_mz=q3_mz if known else np.nan,
        polarity=said.polarity,
        time_min=np.asarray(time_s, dtype=float) / 60,
        intensity=np.asarray(intensity, dtype=float),
    )


def _trace_faults(trace: Trace, said: Announced, file: str, number: int) -> list[Fault]:
    """Return what makes a transition's trace unbelievable; other chromatograms are held to their length only."""
    place = f"chromatogram {number} '{trace.name}'"
    findings = [(f"{trace.time_min.size} of {said.points} points could be read", "as many as announced")] * (
        trace.time_min.size != said.points
    )
    if said.is_transition or np.isfinite(trace.q1_mz):
        findings += _transition_findings(trace, said)
    return [Fault(file, found, expected, column=place) for found, expected in findings]


def _transition_findings(trace: Trace, said: Announced) -> list[tuple[str, str]]:
    time, intensity = trace.time_min, trace.intensity
    checks = [
        (not np.isfinite(trace.q1_mz), "Q1 or Q3 is missing", "both masses of the transition"),
        (not said.time_units <= TIME_UNITS.keys(), f"times are in {sorted(said.time_units)}", "seconds or minutes"),
        (not np.isfinite(time).all(), f"{_count(~np.isfinite(time))} times are not finite", "numbers"),
        (bool((np.diff(time) < 0).any()), f"time runs backwards {_first(np.diff(time) < 0)}", "sorted times"),
        (not np.isfinite(intensity).all(), f"{_count(~np.isfinite(intensity))} intensities are not finite", "numbers"),
        (bool((intensity < 0).any()), f"{_count(intensity < 0)} intensities are negative", "counts of 0 or more"),
    ]
    return [(found, expected) for wrong, found, expected in checks if wrong]


def _count(wrong: NDArray[np.bool_]) -> str:
    return f"{int(wrong.sum())} of {wrong.size}"


def _first(wrong: NDArray[np.bool_]) -> str:
    return f"after point {int(np.argmax(wrong)) + 1}" if wrong.any() else ""


def _fitting(traces: Sequence[Trace], transition: TransitionLike, mz_tolerance: float) -> tuple[list[Trace], str, str]:
    """Return the traces that fit, and, unless it is exactly one sound trace, what was found and expected."""
    low, high = transition.rt_min - transition.rt_window_min, transition.rt_min + transition.rt_window_min
    wanted = f"Q1 {transition.q1_mz:.2f} and Q3 {transition.q3_mz:.2f} within {mz_tolerance:g} Th"
    by_mass = [trace for trace in traces if _same_reaction(trace, transition, mz_tolerance)]
    fits = [
        trace for trace in by_mass if trace.time_min.size and trace.time_min[0] <= high and trace.time_min[-1] >= low
    ]
    if not by_mass:
        found = f"no trace has {wanted}{f' ({transition.polarity})' if transition.polarity else ''}"
        return [], found, f"one trace; nearest: {_nearest(traces, transition)}"
    if not any(trace.time_min.size for trace in by_mass):
        return [], f"the trace with {wanted} has no points: {_list(by_mass)}", "a trace with points"
    if not fits:
        found = f"the trace with {wanted} does not reach {low:.3f} to {high:.3f} min: {_list(by_mass)}"
        return [], found, "times in that window, in the unit the file names (minutes labelled as seconds?)"
    if len(fits) > 1:
        return (
            fits,
            f"{len(fits)} traces have {wanted}: {_list(fits)}",
            "exactly one (a narrower mz_tolerance or window may tell them apart)",
        )
    return fits, *_implausible_spacing(fits[0], transition)


def _same_reaction(trace: Trace, transition: TransitionLike, mz_tolerance: float) -> bool:
    allowed = mz_tolerance * (1 + 1e-9)  # 500.3 - 500.0 is a little more than 0.3 in binary
    masses = abs(trace.q1_mz - transition.q1_mz) <= allowed and abs(trace.q3_mz - transition.q3_mz) <= allowed
    return masses and (trace.polarity is None or transition.polarity is None or trace.polarity == transition.polarity)


def _implausible_spacing(trace: Trace, transition: TransitionLike) -> tuple[str, str]:
    spacing_s = 60 * (trace.time_min[-1] - trace.time_min[0]) / max(trace.time_min.size - 1, 1)
    if trace.time_min.size > 1 and 0 < spacing_s <= transition.peak_width_s:
        return "", ""
    found = f"{trace.time_min.size} points {spacing_s:.3g} s apart in {trace}"
    return found, f"several points within a peak of about {transition.peak_width_s:g} s (seconds labelled as minutes?)"


def _nearest(traces: Sequence[Trace], transition: TransitionLike) -> str:
    with_masses = [trace for trace in traces if np.isfinite(trace.q1_mz)]
    ordered = sorted(with_masses, key=lambda t: abs(t.q1_mz - transition.q1_mz) + abs(t.q3_mz - transition.q3_mz))
    return _list(ordered[:3]) or "none with masses"


def _list(traces: Sequence[Trace]) -> str:
    return ", ".join(f"{trace}{f' {trace.polarity}' if trace.polarity else ''}" for trace in traces)
