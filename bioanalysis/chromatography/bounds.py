"""Where peaks begin and end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bioanalysis.chromatography.apex import smoothing_gain
from bioanalysis.chromatography.block import Floats, value_at
from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.place import Placed
from bioanalysis.chromatography.signal import LIGHT, Signal

VALLEY_SD, VALLEY_RISE = 5.0, 0.03


@dataclass(frozen=True, eq=False)
class Bounds:
    """Boundaries (s); the height of the valley they were drawn in to over that of the peak, and where the peak behind
    it stands (s), both NaN where there is no valley."""

    left_s: Floats
    right_s: Floats
    valley: Floats
    neighbour_s: Floats


def boundaries(signal: Signal, placed: Placed, known: Expectation, scale: Floats) -> Bounds:
    """Return the boundaries of each peak, drawn in to a valley where a neighbour rises behind it."""
    apex_s, time_s, light = placed.centre_s, signal.block.time_s, signal.light
    left_s, right_s = apex_s - known.left_s * scale, apex_s + known.right_s * scale
    gain = smoothing_gain(LIGHT * known.width_s, signal.spacing_s)
    top = light[np.arange(len(apex_s)), placed.top][:, None]
    rise = np.maximum(VALLEY_SD * gain * np.sqrt(signal.variance), VALLEY_RISE * top)
    reach = known.width_s / 2
    right_valley = _valley(time_s, light, rise, apex_s + reach, right_s + reach)
    left_valley = -_valley(-time_s[:, ::-1], light[:, ::-1], rise[:, ::-1], -(apex_s - reach), -(left_s - reach))
    new_left, new_right = np.fmax(left_s, left_valley), np.fmin(right_s, right_valley)
    valley, neighbour_s = np.full(len(apex_s), np.nan), np.full(len(apex_s), np.nan)
    for moved, at_s, far_s in (
        (new_left > left_s, new_left, -known.base_s),
        (new_right < right_s, new_right, known.base_s),
    ):
        rows = np.flatnonzero(moved)
        depth = value_at(time_s[rows], light[rows], at_s[rows]) / np.maximum(placed.height[rows], 1e-150)
        higher = ~(valley[rows] > depth)
        valley[rows] = np.fmax(valley[rows], np.maximum(depth, 0.0))
        ends = np.sort(np.stack([at_s[rows], at_s[rows] + far_s]), axis=0)
        beyond = (time_s[rows] >= ends[:1].T) & (time_s[rows] <= ends[1:].T)
        highest = np.where(beyond, light[rows], -np.inf).argmax(axis=1)
        neighbour_s[rows[higher]] = time_s[rows, highest][higher]
    return Bounds(new_left, new_right, valley, neighbour_s)


def _valley(time_s: Floats, light: Floats, rise: Floats, from_s: Floats, to_s: Floats) -> Floats:
    """Return the time of the lowest point after which the signal rises again within the given range, else NaN."""
    searched = (time_s >= from_s[:, None]) & (time_s <= to_s[:, None])
    lowest = np.minimum.accumulate(np.where(searched, light, np.inf), axis=1)
    rising = searched & (light - lowest > rise)
    found = rising.any(axis=1)
    before = searched & (np.arange(time_s.shape[1]) <= rising.argmax(axis=1)[:, None])
    bottom = np.where(before, light, np.inf).argmin(axis=1)
    return np.where(found, time_s[np.arange(len(time_s)), bottom], np.nan)
