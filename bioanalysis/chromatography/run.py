"""Peaks of a whole run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioanalysis.chromatography.block import Block, Floats, Mask
from bioanalysis.chromatography.expectation import Expectation, TransitionLike, learn
from bioanalysis.chromatography.flags import details_of, flags_of, words_of
from bioanalysis.chromatography.integration import within_boundaries
from bioanalysis.chromatography.measure import Measured, measure
from bioanalysis.chromatography.noise import ion_quantum
from bioanalysis.chromatography.settings import IntegrationSettings
from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.traces import RunTraces

COLUMNS = (
    "position", "file", "transition", "retention_time_min", "left_min", "right_min", "area", "area_se", "height",
    "signal_to_noise", "width_s", "asymmetry", "points", "manual", "automatic_area", "flags", "estimate", "drop_area",
    "template_area", "template_area_se", "flag_details", "noise_sd",
)  # fmt: skip


def integrate_run(
    traces: RunTraces,
    transitions: Sequence[TransitionLike],
    *,
    calibrator_positions: Collection[object] = (),
    internal_standards: Mapping[str, str] | None = None,
    manual: pd.DataFrame | None = None,
    settings: IntegrationSettings | None = None,
) -> pd.DataFrame:
    """Return one row per injection and transition, with the columns of `peaks.tsv`.

    Retention time, width and boundaries of each transition are learned from the strong peaks of the run's calibrators
    and QCs (of all injections, for an internal standard, or where none of them has a strong peak), and hold for every
    injection alike. Expected times follow the internal standard from injection to injection where that steadies the
    analyte. Areas: perpendicular drop on a straight line through the points outside the peak.

    Parameters
    ----------
    traces : RunTraces
    transitions : sequence
        Of the method, in the order of `traces.transitions`; attributes name, rt_min, rt_window_min, peak_width_s.
    calibrator_positions : collection
        Positions of injections known to hold the analytes (calibrators, QCs).
    internal_standards : mapping
        Name of an analyte's transition -> name of the transition of its internal standard.
    manual : DataFrame, optional
        Columns position, transition, left_min, right_min: boundaries set by a person (see `check_manual`).
    settings : IntegrationSettings, optional

    Returns
    -------
    DataFrame
        Ordered by injection, then transition. `area`, `retention_time_min`, `width_s` and `asymmetry` are NaN where
        `flags` says `no_peak`. Signal-to-noise is height over `noise_sd`, the SD of a point of the baseline.
    """
    settings = settings or IntegrationSettings()
    internal_standards = dict(internal_standards or {})
    names = [transition.name for transition in transitions]
    if names != list(traces.transitions):
        raise ValueError(f"traces are of {list(traces.transitions)}, transitions are {names}")
    known_positions = {str(position) for position in calibrator_positions}
    known = np.array([position in known_positions for position in traces.positions], dtype=bool)
    shifts: dict[str, Floats] = {}
    points, times_s = traces.equal_length, 60 * traces.time_min
    columns: dict[str, dict[str, NDArray[Any]]] = {}
    leaders = set(internal_standards.values())
    for transition in sorted(transitions, key=lambda one: one.name not in leaders):  # standards first; order is kept
        shift_s = shifts.get(internal_standards.get(transition.name, ""))
        follows = shift_s is not None
        block = _block(traces, times_s, names.index(transition.name), points)
        eligible = known if follows or transition.name not in leaders else np.ones_like(known)
        by_hand = _of_transition(manual, transition.name)
        drift = shift_s if follows else (None if transition.name in leaders else np.zeros(len(known)))
        columns[transition.name], shifts[transition.name] = _integrate_transition(
            traces, block, transition, eligible, drift, by_hand, settings
        )
    return _table(traces, [columns[name] for name in names])


def check_manual(traces: RunTraces, manual: pd.DataFrame, *, file: str = "config/decisions.tsv") -> None:
    """Refuse boundaries set by a person that name no trace of the run, are reversed, or lie outside the trace.

    Parameters
    ----------
    traces : RunTraces
    manual : DataFrame
        Columns position, transition, left_min, right_min, and line where known.
    file : str
        Where they stand, for messages.

    Raises
    ------
    BatchError
        With all faults.
    """
    positions, transitions = [str(one) for one in traces.positions], [str(one) for one in traces.transitions]
    faults = []
    for row in manual.to_dict("records"):
        position, transition = str(row["position"]), str(row["transition"])
        line = int(row["line"]) if "line" in row else None
        if position not in positions or transition not in transitions:
            found = f"position {position}, transition {transition}"
            faults.append(Fault(file, f"{found} is not in the run", "an injection and transition of the run", line))
            continue
        time_min, _ = traces.trace(positions.index(position), transitions.index(transition))
        left, right = float(row["left_min"]), float(row["right_min"])
        if not time_min[0] <= left < right <= time_min[-1]:
            found = f"boundaries {left:g} to {right:g} min at position {position}, transition {transition}"
            expected = f"left before right, both within the trace ({time_min[0]:.4f} to {time_min[-1]:.4f} min)"
            faults.append(Fault(file, found, expected, line, "left_min, right_min"))
    if faults:
        raise BatchError(faults)


def _block(traces: RunTraces, times_s: Floats, transition: int, points: int) -> Block:
    if points > 1:
        shape = (len(traces.positions), len(traces.transitions), points)
        time_s, intensity = (flat.reshape(shape)[:, transition] for flat in (times_s, traces.intensity))
        return Block(time_s, intensity, np.broadcast_to(np.True_, time_s.shape))
    return Block.stack([traces.trace(injection, transition) for injection in range(len(traces.positions))])


def _of_transition(manual: pd.DataFrame | None, name: str) -> dict[str, tuple[float, float]]:
    if manual is None or manual.empty:
        return {}
    rows = manual[manual["transition"].astype(str) == name]
    return {
        str(position): (float(left), float(right))
        for position, left, right in zip(rows["position"], rows["left_min"], rows["right_min"], strict=True)
    }


def _integrate_transition(
    traces: RunTraces,
    block: Block,
    transition: TransitionLike,
    eligible: Mask,
    shift_s: Floats | None,
    manual: Mapping[str, tuple[float, float]],
    settings: IntegrationSettings,
) -> tuple[dict[str, NDArray[Any]], Floats]:
    quantum = ion_quantum(block.intensity)  # where traces are shorter there are zeros, which tell nothing
    known, drift, eligible = _learned(block, transition, eligible, shift_s, quantum, settings)
    automatic = measure(block, known, eligible, quantum, settings)
    by_hand = np.array([position in manual for position in traces.positions], dtype=bool)
    final = _with_manual(block, automatic, by_hand, traces, manual, quantum) if by_hand.any() else automatic
    found = _columns(final, settings, known)
    unattended = _columns(automatic, settings, known)["area"] if by_hand.any() else found["area"]
    word = np.where(by_hand, "by_hand", np.where(final.area == final.drop_area, "drop", "template"))
    return found | {"automatic_area": unattended, "manual": by_hand, "estimate": word}, drift


def _learned(
    block: Block,
    transition: TransitionLike,
    eligible: Mask,
    shift_s: Floats | None,
    quantum: float,
    settings: IntegrationSettings,
) -> tuple[Expectation, Floats, Mask]:
    window_s = 60 * settings.learning_windows * transition.rt_window_min
    middle_s = np.full(len(block.time_s), 60 * transition.rt_min)
    near = block.around(middle_s - window_s, middle_s + window_s)
    if eligible.any():
        known, drift = learn(near, transition, np.flatnonzero(eligible), shift_s, quantum, settings)
    if not eligible.any() or (not known.teachers and not eligible.all()):
        eligible = np.ones_like(eligible)
        known, drift = learn(near, transition, np.arange(len(eligible)), shift_s, quantum, settings)
    return known, drift, eligible


def _with_manual(
    block: Block,
    automatic: Measured,
    by_hand: Mask,
    traces: RunTraces,
    manual: Mapping[str, tuple[float, float]],
    quantum: float,
) -> Measured:
    rows = np.flatnonzero(by_hand)
    bounds = np.array([manual[str(traces.positions[row])] for row in rows])
    there = Measured(**{field.name: getattr(automatic, field.name)[rows] for field in fields(Measured)})
    drawn = within_boundaries(block.rows(rows), there, bounds[:, 0], bounds[:, 1], quantum)
    merged = {field.name: getattr(automatic, field.name).copy() for field in fields(Measured)}
    for name, values in merged.items():
        values[rows] = getattr(drawn, name)
    return replace(automatic, **merged)


def _columns(found: Measured, settings: IntegrationSettings, known: Expectation) -> dict[str, NDArray[Any]]:
    raised = flags_of(found, settings, known)
    present = ~raised[0].where
    return {
        "retention_time_min": np.where(present, found.retention_s / 60, np.nan),
        "left_min": found.left_s / 60,
        "right_min": found.right_s / 60,
        "area": np.where(present, found.area, np.nan),
        "area_se": found.area_se,
        "height": found.height,
        "signal_to_noise": found.signal_to_noise,
        "width_s": np.where(present, found.width_s, np.nan),
        "asymmetry": np.where(present, found.asymmetry, np.nan),
        "points": found.points,
        "drop_area": found.drop_area,
        "template_area": found.template_area,
        "template_area_se": found.template_se,
        "flags": np.array([";".join(words) for words in words_of(raised)], dtype=object),
        "flag_details": np.array(details_of(raised), dtype=object),
        "noise_sd": found.noise_sd,
    }


def _table(traces: RunTraces, columns: Sequence[dict[str, NDArray[Any]]]) -> pd.DataFrame:
    """Return one row per injection and transition from one dictionary of columns per transition."""
    named = {
        "position": np.repeat(traces.positions, len(columns)),
        "file": np.repeat(traces.files, len(columns)),
        "transition": np.tile(traces.transitions, len(traces.positions)),
    }
    measured = {name: np.stack([one[name] for one in columns], axis=1).ravel() for name in COLUMNS if name not in named}
    return pd.DataFrame({name: (named | measured)[name] for name in COLUMNS})
