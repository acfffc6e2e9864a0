"""Traces extracted from full scans: the intensity of chosen ions, scan by scan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.arrays import Decoder, in_minutes
from bioanalysis.instruments.matching import window_fault
from bioanalysis.instruments.outline import (
    INTENSITY_ARRAY,
    MS_LEVEL,
    MZ_ARRAY,
    PROFILE,
    SCAN_START,
    TIME_UNITS,
    Announced,
    NotMzml,
    Outline,
)
from bioanalysis.instruments.traces import FullScanTransition, Trace
from bioanalysis.text_files import quoted

PPM = 1e-6


def extract_traces(
    outline: Outline, decoder: Decoder, transitions: Sequence[FullScanTransition], file: str
) -> dict[str, Trace]:
    """Return one trace per transition: over all MS1 scans of its polarity, the summed intensity of its ions.

    Parameters
    ----------
    outline : Outline
        What the file declares.
    decoder : Decoder
        Of the file's arrays.
    transitions : sequence
        Of the method, at MS level 1.
    file : str
        What the user calls it, for messages.

    Raises
    ------
    BatchError
        With all faults: scans are missing, in profile mode, not in order of time, not numbers, or do not reach where a
        transition is expected.
    """
    faults: list[Fault] = []
    if outline.declared_spectra != len(outline.spectra):
        found = f"spectrumList announces {outline.declared_spectra} spectra and holds {len(outline.spectra)}"
        faults.append(Fault(file, found, "equal numbers"))
    scans = [scan for scan in outline.spectra if scan.terms.get(MS_LEVEL) == "1"]
    if not scans:
        found = f"the file holds {len(outline.spectra)} spectra, none of MS level 1"
        raise BatchError([*faults, Fault(file, found, "full scans, as the method's transitions of ms_level 1 need")])
    summed = np.zeros((len(transitions), len(scans)))
    time_min = np.empty(len(scans))
    for number, scan in enumerate(scans):
        try:
            time_min[number] = _start_min(scan)
            summed[:, number] = _sums(scan, decoder, transitions)
        except NotMzml as fault:
            faults.append(Fault(file, fault.found, fault.expected, scan.line, f"spectrum {quoted(scan.name)}"))
    if not faults and (backwards := np.diff(time_min) < 0).any():
        place = f"spectrum {quoted(scans[int(np.argmax(backwards)) + 1].name)}"
        faults.append(Fault(file, "time runs backwards", "scans in order of time", column=place))
    if faults:
        raise BatchError(faults)
    return _traces(scans, time_min, summed, transitions, file)


def _traces(
    scans: Sequence[Announced],
    time_min: NDArray[np.float64],
    summed: NDArray[np.float64],
    transitions: Sequence[FullScanTransition],
    file: str,
) -> dict[str, Trace]:
    """Return the traces over the scans of each transition's polarity, if its peak can be on them."""
    traces, faults = {}, []
    for transition, intensity in zip(transitions, summed, strict=True):
        ours = np.array([_agrees(scan, transition) for scan in scans])
        trace = Trace(
            transition.name, transition.q1_mz, transition.q3_mz, transition.polarity, time_min[ours], intensity[ours]
        )
        found, expected = window_fault(trace, transition)
        if found:
            faults.append(Fault(file, found, expected, column=f"transition {transition.name}"))
        traces[transition.name] = trace
    if faults:
        raise BatchError(faults)
    return traces


def _agrees(scan: Announced, transition: FullScanTransition) -> bool:
    return scan.polarity is None or transition.polarity is None or scan.polarity == transition.polarity


def _start_min(scan: Announced) -> float:
    unit, value = scan.units.get(SCAN_START, "none"), scan.terms.get(SCAN_START, "")
    try:
        start = float(value)
    except ValueError:
        start = float("nan")
    if unit not in TIME_UNITS or not np.isfinite(start):
        raise NotMzml(f"scan start time is '{value}' in unit '{unit}'", "a number of seconds or minutes")
    return float(in_minutes(np.array([start]), unit)[0])


def _sums(scan: Announced, decoder: Decoder, transitions: Sequence[FullScanTransition]) -> list[float]:
    """Return the summed intensity of each transition's ions in one scan."""
    if PROFILE in scan.terms:
        raise NotMzml("a profile spectrum", "centroided spectra (converters have an option for this)")
    mz, intensity = decoder.array_of(scan, MZ_ARRAY), decoder.array_of(scan, INTENSITY_ARRAY)
    if not scan.points == mz.size == intensity.size:
        raise NotMzml(f"{mz.size} m/z and {intensity.size} intensities of {scan.points} points", "equal numbers")
    if not (np.isfinite(mz).all() and np.isfinite(intensity).all() and (intensity >= 0).all()):
        raise NotMzml("m/z or intensities that are not finite, or negative", "counts of 0 or more")
    if (np.diff(mz) < 0).any():
        order = np.argsort(mz, kind="stable")
        mz, intensity = mz[order], intensity[order]
    before = np.concatenate([[0.0], np.cumsum(intensity)])
    return [_within(transition, mz, before) for transition in transitions]


def _within(transition: FullScanTransition, mz: NDArray[np.float64], before: NDArray[np.float64]) -> float:
    """Return the intensity within the windows of a transition's ions; where windows overlap, each point once."""
    ions = np.sort(transition.ions_mz)
    reach = transition.mz_tolerance_ppm * PPM * ions
    first, stop = np.searchsorted(mz, ions - reach, "left"), np.searchsorted(mz, ions + reach, "right")
    first[1:] = np.maximum(first[1:], stop[:-1])
    return float((before[np.maximum(stop, first)] - before[first]).sum())
