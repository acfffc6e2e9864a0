"""How retention times move over a run, and what of that an analyte shares with its internal standard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.block import Floats, middle_of

MEDIAN_OF, MEAN_OF = 5, 15  # injections
LEAST_TEACHERS = 4
USELESS = 0.7  # scatter without over scatter with the standard's shift, below which it does not steady anything


def own_drift(apex_s: Floats, rows: NDArray[np.intp], injections: int) -> Floats:
    """Return the shift of each injection against the median, straight between those with a strong peak.

    Parameters
    ----------
    apex_s : ndarray, shape (n_strong,)
        Of the strong peaks (or of all, if there is none).
    rows : ndarray of int, shape (n_strong,)
        Their injections.
    injections : int
        Of the run.
    """
    return np.interp(np.arange(injections), rows, apex_s - middle_of(apex_s))


def shared_drift(apex_s: Floats, rows: NDArray[np.intp], shift_s: Floats) -> Floats:
    """Return by how much the analyte moves with its internal standard, injection by injection.

    The slow part of the standard's shift is the column's, and taken over; of what is left from injection to injection,
    the share that the teachers' peaks follow. Neither, where the standard's shift does not steady them at all.

    Parameters
    ----------
    apex_s : ndarray, shape (n_teachers,)
        Of the analyte's strong peaks.
    rows : ndarray of int, shape (n_teachers,)
        Their injections.
    shift_s : ndarray, shape (n_injections,)
        Of the internal standard against its median.
    """
    slow = smoothed(shift_s)
    jitter = shift_s - slow
    drift = slow + _share(apex_s - slow[rows], jitter[rows]) * jitter
    if len(rows) >= LEAST_TEACHERS and mad(apex_s) < USELESS * mad(apex_s - drift[rows]):
        return np.zeros_like(shift_s)
    return drift


def smoothed(values: Floats) -> Floats:
    """Return a running mean of running medians; ends are continued by point reflection, so that a slope stays one."""
    return _running(_running(values, MEDIAN_OF, np.median), MEAN_OF, np.mean)


def _running(values: Floats, width: int, statistic: object) -> Floats:
    half = min(width // 2, len(values) - 1)
    if half < 1:
        return values
    before, after = 2 * values[0] - values[half:0:-1], 2 * values[-1] - values[-2 : -half - 2 : -1]
    extended = np.concatenate([before, values, after])
    windows = np.lib.stride_tricks.sliding_window_view(extended, 2 * half + 1)
    return np.asarray(statistic(windows, axis=1))  # type: ignore[operator]


def _share(followed_s: Floats, jitter_s: Floats) -> float:
    """Return the slope (0 to 1) of the analyte's residual times on the standard's, without far-off pairs."""
    if len(jitter_s) < LEAST_TEACHERS:
        return 1.0
    x, y = jitter_s - middle_of(jitter_s), followed_s - middle_of(followed_s)
    near = (np.abs(x) <= 5 * 1.4826 * mad(x) + 1e-9) & (np.abs(y) <= 5 * 1.4826 * mad(y) + 1e-9)
    squares = float((x[near] ** 2).sum())
    return float(np.clip((x[near] * y[near]).sum() / squares, 0.0, 1.0)) if squares > 0 else 1.0


def mad(values: Floats) -> float:
    """Return the median distance from the median."""
    return middle_of(np.abs(values - middle_of(values)))
