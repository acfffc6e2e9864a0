"""The line a peak stands on, and the noise about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bioanalysis.chromatography.block import Block, Floats, Mask

ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Baseline:
    """A straight line per trace, fitted to points outside peaks.

    Parameters
    ----------
    centre_s : ndarray, shape (n_traces,)
        Time at which `level` is meant.
    level, slope : ndarray, shape (n_traces,)
        Counts; counts per s.
    variance : ndarray, shape (n_traces,)
        Of a point about the line (counts squared).
    level_weight, cross_weight, slope_weight : ndarray, shape (n_traces,)
        Inverse of the normal matrix: covariance of (level, slope) over `variance`.
    points : ndarray of int, shape (n_traces,)
        Points the line was fitted to.
    """

    centre_s: Floats
    level: Floats
    slope: Floats
    variance: Floats
    level_weight: Floats
    cross_weight: Floats
    slope_weight: Floats
    points: Floats

    def at(self, time_s: Floats) -> Floats:
        """Return the line at times of shape (n_traces, n_points)."""
        return self.level[:, None] + self.slope[:, None] * (time_s - self.centre_s[:, None])

    def area_variance(self, weights: Floats, time_s: Floats) -> Floats:
        """Return the variance of the area under the line, for `trapezoid_weights` of a peak."""
        total = weights.sum(axis=1)
        moment = (weights * (time_s - self.centre_s[:, None])).sum(axis=1)
        form = self.level_weight * total**2 + 2 * self.cross_weight * total * moment + self.slope_weight * moment**2
        return self.variance * form


def fit_baseline(
    block: Block, centre_s: Floats, outside: Mask, *, exclusion_sd: float, least_sd: float | Floats
) -> Baseline:
    """Return the least-squares line through the points outside the peak that belong to no other peak either.

    Starts from the lower half of the points and, round by round, takes in what lies less than `exclusion_sd` above the
    line; the mean counts, not the median, because few ions make a skewed noise.

    Parameters
    ----------
    block : Block
    centre_s : ndarray, shape (n_traces,)
        Expected retention time.
    outside : ndarray of bool, shape (n_traces, n_points)
        True at points away from the peak.
    exclusion_sd : float
        Points higher than this many SD above the line, and their neighbours, are taken for peaks.
    least_sd : float or ndarray
        The noise is taken to be at least this (one ion, where the detector counts).
    """
    offset_s = block.time_s - centre_s[:, None]
    usable = block.valid & outside
    middle, keep = _lower_half(block, usable, least_sd)
    signal = block.intensity - middle[:, None]  # sums of squares about a level near the line lose no digits
    moments = np.stack([np.ones_like(signal), offset_s, signal, offset_s**2, offset_s * signal, signal**2])
    sides = np.stack([offset_s < 0, offset_s > 0]).astype(float)
    line = _least_squares(moments, sides, keep, centre_s, least_sd)
    for _ in range(ROUNDS):
        limit = exclusion_sd * np.maximum(np.sqrt(line.variance), least_sd)
        high = signal - line.at(block.time_s) > limit[:, None]
        taken_in = usable & ~_with_neighbours(high & block.valid)
        if np.array_equal(taken_in, keep):
            break
        keep = taken_in
        line = _least_squares(moments, sides, keep, centre_s, least_sd)
    return replace(line, level=line.level + middle)


def _lower_half(block: Block, usable: Mask, least_sd: float | Floats) -> tuple[Floats, Mask]:
    """Return the median of each trace (of every third point: a start is all it is), and the points not far above it."""
    ordered = np.sort(np.where(usable, block.intensity, np.inf)[:, ::3], axis=1)
    count = usable[:, ::3].sum(axis=1)
    rows = np.arange(len(ordered))
    last = ordered.shape[1] - 1
    low, middle, high = (ordered[rows, np.clip(count * eighths // 8, 0, last)] for eighths in (1, 4, 7))
    low, middle, high = (np.where(np.isfinite(value), value, 0.0) for value in (low, middle, high))
    spread = np.where(middle > low, middle - low, high - middle)  # few ions: half of the points are 0
    sd = np.maximum(spread / 1.15, least_sd)  # of a normal distribution, from its median and 12.5 % point
    return middle, usable & (block.intensity <= (middle + 4 * sd)[:, None])


def _with_neighbours(mask: Mask) -> Mask:
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    return wide


def _least_squares(moments: Floats, sides: Floats, keep: Mask, centre_s: Floats, least_sd: float | Floats) -> Baseline:
    """Return the line through kept points; level only where they lie on one side of the peak.

    Parameters
    ----------
    moments : ndarray, shape (6, n_traces, n_points)
        1, x, y, x^2, x y, y^2 of every point.
    sides : ndarray, shape (2, n_traces, n_points)
        1 before and after the peak.
    """
    kept = keep.astype(float)
    count, sum_x, sum_y, sum_xx, sum_xy, sum_yy = np.einsum("kij,ij->ki", moments, kept)
    two_sided = (np.einsum("kij,ij->ki", sides, kept) >= 3).all(axis=0)
    divisor = np.maximum(count, 1)
    mean_x, mean_y = sum_x / divisor, sum_y / divisor
    spread = np.maximum(sum_xx - sum_x * mean_x, 1e-12)
    covariation = sum_xy - sum_x * mean_y
    slope = np.where(two_sided, covariation / spread, 0.0)
    squares = np.maximum(sum_yy - sum_y * mean_y - slope * covariation, 0.0)
    variance = squares / np.maximum(count - 1 - two_sided, 1)
    slope_weight = np.where(two_sided, 1 / spread, 0.0)
    return Baseline(
        centre_s=centre_s,
        level=mean_y - slope * mean_x,
        slope=slope,
        variance=np.maximum(variance, np.square(least_sd) / np.maximum(count, 2)),
        level_weight=1 / divisor + slope_weight * mean_x**2,
        cross_weight=-slope_weight * mean_x,
        slope_weight=slope_weight,
        points=count,
    )
