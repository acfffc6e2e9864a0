"""Traces between their points."""

from __future__ import annotations

import numpy as np

from bioanalysis.chromatography.block import Block, Floats

UNEVEN = 0.2  # SD of the distances of points over their mean, from which they are not taken for equal


def between_points(block: Block, signal: Floats, at_s: Floats) -> Floats:
    """Return the cubic splines through the points of each trace at times of its own, its ends continued level.

    Parameters
    ----------
    block : Block
        With the times, shape (n_traces, n_points).
    signal : ndarray, shape (n_traces, n_points)
        0 where a trace has no points.
    at_s : ndarray, shape (n_traces, n_times)
    """
    gaps = np.diff(block.time_s, axis=1)
    if block.valid.all() and (gaps.std(axis=1) < UNEVEN * gaps.mean(axis=1)).all() and (gaps > 0).all():
        return _evenly_spaced(block.time_s, signal, at_s)
    return np.stack([_one_by_one(block, signal, at_s, row) for row in range(len(signal))])


def _evenly_spaced(time_s: Floats, signal: Floats, at_s: Floats) -> Floats:
    """Return all splines at once, in numbers of points; at a whole row number the spline across rows is the row."""
    from scipy.ndimage import map_coordinates

    index = np.arange(time_s.shape[1], dtype=float)
    place = np.stack([np.interp(at, time, index) for at, time in zip(at_s, time_s, strict=True)])
    across = np.broadcast_to(np.arange(len(signal), dtype=float)[:, None], place.shape)
    return np.asarray(map_coordinates(signal, [across, place], order=3, mode="mirror"))


def _one_by_one(block: Block, signal: Floats, at_s: Floats, row: int) -> Floats:
    from scipy.interpolate import make_interp_spline

    valid = block.valid[row]
    time_s, keep = np.unique(block.time_s[row][valid], return_index=True)
    curve = make_interp_spline(time_s, signal[row][valid][keep], k=3)
    return np.asarray(curve(np.clip(at_s[row], time_s[0], time_s[-1])))
