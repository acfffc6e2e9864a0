"""A second estimate of the area: the run's own strong peaks of the same transition, fitted as a shape.

Perpendicular drop adds up all points between the boundaries, noise included; a fit weighs them by what they tell, and
comes near the Cramer-Rao bound. It is only as right as its shape: that is why the shape comes from the same transition
(never from the internal standard), and why the drop stands beside it.
"""

from __future__ import annotations

import numpy as np

from bioanalysis.chromatography.block import Floats, Mask
from bioanalysis.chromatography.signal import Signal

MOST_TEACHERS = 12
GRID, LEAST_POINTS = 161, 8


def template_areas(
    signal: Signal,
    centre_s: Floats,
    scale: Floats,
    bounds_s: tuple[Floats, Floats],
    reach_s: tuple[float, float],
    drop: Floats,
    teachers: Mask,
) -> tuple[Floats, Floats]:
    """Return areas by weighted least squares on the learned shape, and their standard errors; shape (n_traces,) each.

    On the teachers, areas agree with those of the perpendicular drop in the median, so both have one scale.

    Parameters
    ----------
    signal : Signal
        Traces above their baselines.
    centre_s, scale : ndarray, shape (n_traces,)
        Where each peak stands, and its width over the usual one.
    bounds_s : pair of ndarray, shape (n_traces,)
        Boundaries of the drop; points outside are not fitted.
    reach_s : pair of float
        How far the shape reaches before and after its centre.
    drop : ndarray, shape (n_traces,)
        Areas of the perpendicular drop.
    teachers : ndarray of bool, shape (n_traces,)
        Strong peaks without neighbours; NaN is returned where there is none.
    """
    enough = np.count_nonzero(np.diff(signal.block.time_s, axis=1) > 0, axis=1) >= LEAST_POINTS
    teachers = teachers & (drop > 0) & enough
    if not teachers.any():
        return np.full(len(drop), np.nan), np.full(len(drop), np.nan)
    grid_s, shape = _learn_shape(signal, centre_s, scale, reach_s, drop, teachers)
    time_s = signal.block.time_s
    offset_s = (time_s - centre_s[:, None]) / scale[:, None]
    expected = np.interp(offset_s, grid_s, shape, left=0.0, right=0.0) / scale[:, None]
    inside = signal.block.valid & (time_s >= bounds_s[0][:, None]) & (time_s <= bounds_s[1][:, None])
    variance = signal.line.variance[:, None] + signal.per_count * np.maximum(drop, 0.0)[:, None] * expected
    weighted = np.where(inside & (variance > 0), expected / np.where(variance > 0, variance, 1.0), 0.0)
    information = np.maximum((weighted * expected).sum(axis=1), 1e-150)
    pull = weighted / information[:, None]
    area = (pull * signal.above).sum(axis=1)
    area_se = np.sqrt(1 / information + signal.line.area_variance(pull, time_s))
    ratio = float(np.median(drop[teachers] / np.where(area > 0, area, drop)[teachers]))
    return ratio * area, ratio * area_se


def _learn_shape(
    signal: Signal, centre_s: Floats, scale: Floats, reach_s: tuple[float, float], drop: Floats, teachers: Mask
) -> tuple[Floats, Floats]:
    """Return the median shape of the highest teachers on a grid of times (s) about the centre."""
    from scipy.interpolate import make_interp_spline

    rows = np.flatnonzero(teachers)
    rows = rows[np.argsort(-drop[rows], kind="stable")][: max(3, min(MOST_TEACHERS, rows.size // 3))]
    grid_s = np.linspace(-reach_s[0], reach_s[1], GRID)
    shapes = []
    for row in rows:
        valid = signal.block.valid[row]
        time_s, keep = np.unique(signal.block.time_s[row][valid], return_index=True)
        curve = make_interp_spline(time_s, signal.above[row][valid][keep], k=3)
        inside = np.clip(centre_s[row] + scale[row] * grid_s, time_s[0], time_s[-1])
        shapes.append(curve(inside) * scale[row] / drop[row])
    return grid_s, np.median(shapes, axis=0)
