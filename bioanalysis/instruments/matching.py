"""Which trace of a file belongs to which transition of the method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.traces import Trace, TransitionLike


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


def window_fault(trace: Trace, transition: TransitionLike) -> tuple[str, str]:
    """Return what was found and expected where a trace cannot show the peak of its transition, else empty words."""
    low, high = transition.rt_min - transition.rt_window_min, transition.rt_min + transition.rt_window_min
    if not trace.time_min.size:
        return f"no points: {trace}", "a trace with points"
    if trace.time_min[0] > high or trace.time_min[-1] < low:
        return f"{trace} does not reach {low:.3f} to {high:.3f} min", "times in that window, in the unit the file names"
    return _implausible_spacing(trace, transition)


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
