"""The area of the peak of one trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike

from bioanalysis.chromatography.block import Block, Floats, trapezoid_weights, value_at
from bioanalysis.chromatography.expectation import Expectation, learn
from bioanalysis.chromatography.flags import flags_of, words_of
from bioanalysis.chromatography.measure import Measured, measure, over_noise
from bioanalysis.chromatography.noise import ion_quantum
from bioanalysis.chromatography.settings import IntegrationSettings


@dataclass(frozen=True)
class Peak:
    """One integrated peak, named as the columns of `peaks.tsv`.

    Parameters
    ----------
    retention_time_min, left_min, right_min : float
        Apex and boundaries (min).
    area, area_se : float
        Counts x s above the baseline, and its standard error from the trace's own noise. The area is NaN where it is
        less than three standard errors (flag `no_peak`).
    height, signal_to_noise : float
        Highest point above the baseline; the same over the SD of a baseline point.
    width_s, asymmetry : float
        Width at half height; trailing over leading part at a tenth of the height. NaN where noise hides them.
    points : int
        Points from boundary to boundary.
    flags : tuple of str
    """

    retention_time_min: float
    left_min: float
    right_min: float
    area: float
    area_se: float
    height: float
    signal_to_noise: float
    width_s: float
    asymmetry: float
    points: int
    flags: tuple[str, ...]


def integrate(
    time_min: ArrayLike,
    intensity: ArrayLike,
    *,
    rt_min: float,
    rt_window_min: float = 0.5,
    peak_width_s: float = 6.0,
    left_min: float | None = None,
    right_min: float | None = None,
    settings: IntegrationSettings | None = None,
) -> Peak:
    """Return the peak of one trace.

    Without boundaries: perpendicular drop on a straight baseline taken from outside the peak. The peak is looked for in
    `rt_min` +- `rt_window_min`; a strong one sets its own width and boundaries, for a weak one those follow from
    `peak_width_s`. With `left_min` and `right_min`: exactly between them, by trapezoids, less a level background as
    high as the lower of the two edges.

    Parameters
    ----------
    time_min, intensity : array_like, shape (n_points,)
        Minutes, never decreasing; counts.
    rt_min, rt_window_min : float
        Expected retention time and half-width of the window (min).
    peak_width_s : float
        Approximate width at the base (s), a starting value.
    left_min, right_min : float, optional
        Boundaries (min), both or neither.
    settings : IntegrationSettings, optional

    Raises
    ------
    ValueError
        If the arrays differ in length, have fewer than 3 points, hold values that are not finite or times that run
        backwards; if only one boundary is given, or they are reversed or outside the trace.
    """
    time, signal = _checked(time_min, intensity)
    settings = settings or IntegrationSettings()
    if (left_min is None) != (right_min is None):
        raise ValueError("left_min and right_min are given together or not at all")
    transition = SimpleNamespace(name="", rt_min=rt_min, rt_window_min=rt_window_min, peak_width_s=peak_width_s)
    block, eligible, quantum = Block.stack([(time, signal)]), np.array([True]), ion_quantum(signal)
    window_s = 60 * settings.learning_windows * rt_window_min
    near = block.around(np.array([60 * rt_min - window_s]), np.array([60 * rt_min + window_s]))
    known, _ = learn(near, transition, np.arange(1), None, quantum, settings)
    found = measure(block, known, eligible, quantum, settings)
    if left_min is not None and right_min is not None:
        found = within_boundaries(block, found, np.array([left_min]), np.array([right_min]), quantum)
    return _peak(found, settings, known)


def within_boundaries(
    block: Block, automatic: Measured, left_min: Floats, right_min: Floats, quantum: float
) -> Measured:
    """Return the peaks integrated between given boundaries (min), less a level background at the lower edge.

    Noise is that of the automatic integration; what is off the expected time or width is no longer judged.

    Raises
    ------
    ValueError
        If boundaries are reversed or outside the trace.
    """
    left_s, right_s = 60 * np.asarray(left_min, dtype=float), 60 * np.asarray(right_min, dtype=float)
    first, last = block.time_s[:, 0], block.time_s[:, -1]
    slack = 1e-9 * np.maximum(np.abs(last), 1)
    if not ((left_s < right_s) & (left_s >= first - slack) & (right_s <= last + slack)).all():
        raise ValueError("boundaries must lie within the trace, left before right")
    weights = trapezoid_weights(block.time_s, left_s, right_s)
    edges = [value_at(block.time_s, block.intensity, edge) for edge in (left_s, right_s)]
    background = np.minimum(*edges)
    above = np.where(block.valid, block.intensity - background[:, None], 0.0)
    inside = block.valid & (block.time_s >= left_s[:, None]) & (block.time_s <= right_s[:, None])
    height = np.maximum(np.where(inside, above, -np.inf).max(axis=1), 0.0)
    top = np.where(inside, above, -np.inf).argmax(axis=1)
    sd = automatic.noise_sd
    variance = sd[:, None] ** 2 + quantum * np.maximum(above, 0.0)
    area_se = np.sqrt((weights**2 * variance).sum(axis=1) + (sd * (right_s - left_s)) ** 2)
    usual, nothing = np.ones(len(left_s)), np.full(len(left_s), np.nan)
    area = (weights * above).sum(axis=1)
    return replace(
        automatic, retention_s=block.time_s[np.arange(len(top)), top], left_s=left_s, right_s=right_s,
        area=area, area_se=area_se, drop_area=area, drop_se=area_se, template_area=nothing, template_se=nothing,
        fitted_width=nothing, misfit=nothing, stray=0 * usual, height=height,
        signal_to_noise=over_noise(height, sd), points=inside.sum(axis=1),
        off_expected_s=0 * usual, width_ratio=usual, tail_ratio=usual, asymmetry_ratio=usual,
        beyond_trace_s=-usual, valley=nothing, edge=0 * usual, higher_neighbour=0 * usual, baseline_sd=0 * usual,
    )  # fmt: skip


def _checked(time_min: ArrayLike, intensity: ArrayLike) -> tuple[Floats, Floats]:
    time, signal = np.asarray(time_min, dtype=float), np.asarray(intensity, dtype=float)
    if time.ndim != 1 or time.shape != signal.shape or time.size < 3:
        raise ValueError("time and intensity must be of one dimension and equal length, with 3 points or more")
    if not (np.isfinite(time).all() and np.isfinite(signal).all()):
        raise ValueError("times and intensities must be finite")
    if (np.diff(time) < 0).any():
        raise ValueError("times must not run backwards")
    return time, signal


def _peak(found: Measured, settings: IntegrationSettings, known: Expectation) -> Peak:
    flags = words_of(flags_of(found, settings, known))[0]
    row = found[0]
    present = "no_peak" not in flags
    return Peak(
        retention_time_min=float(row["retention_s"] / 60) if present else float("nan"),
        left_min=float(row["left_s"] / 60),
        right_min=float(row["right_s"] / 60),
        area=float(row["area"]) if present else float("nan"),
        area_se=float(row["area_se"]),
        height=float(row["height"]),
        signal_to_noise=float(row["signal_to_noise"]),
        width_s=float(row["width_s"]) if present else float("nan"),
        asymmetry=float(row["asymmetry"]) if present else float("nan"),
        points=int(row["points"]),
        flags=flags,
    )
