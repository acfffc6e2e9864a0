"""The line a peak stands on, and the noise about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bioanalysis.chromatography.block import Block, Floats, Mask

ROUNDS = 5


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
    keep, sd = _lower_half(block, usable, least_sd)
    for _ in range(ROUNDS):
        line = _least_squares(block, offset_s, keep, centre_s, least_sd)
        sd = np.maximum(np.sqrt(line.variance), least_sd)
        high = block.intensity - line.at(block.time_s) > exclusion_sd * sd[:, None]
        keep = usable & ~_with_neighbours(high & block.valid)
    return _least_squares(block, offset_s, keep, centre_s, least_sd)


def _lower_half(block: Block, usable: Mask, least_sd: float | Floats) -> tuple[Mask, Floats]:
    ordered = np.sort(np.where(usable, block.intensity, np.inf), axis=1)
    count = usable.sum(axis=1)
    rows = np.arange(len(ordered))
    middle = ordered[rows, np.clip(count // 2, 0, ordered.shape[1] - 1)]
    low = ordered[rows, np.clip(count // 8, 0, ordered.shape[1] - 1)]
    middle, low = (np.where(np.isfinite(value), value, 0.0) for value in (middle, low))
    sd = np.maximum((middle - low) / 1.15, least_sd)  # normal: median less 12.5 % point
    return usable & (block.intensity <= (middle + 4 * sd)[:, None]), sd


def _with_neighbours(mask: Mask) -> Mask:
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    return wide


def _least_squares(block: Block, offset_s: Floats, keep: Mask, centre_s: Floats, least_sd: float | Floats) -> Baseline:
    """Return the line through kept points; level only where they lie on one side of the peak."""
    count = keep.sum(axis=1).astype(float)
    kept_offset = np.where(keep, offset_s, 0.0)
    kept_signal = np.where(keep, block.intensity, 0.0)
    both_sides = ((keep & (offset_s < 0)).sum(axis=1) >= 3) & ((keep & (offset_s > 0)).sum(axis=1) >= 3)
    divisor = np.maximum(count, 1)
    mean_offset, mean_signal = kept_offset.sum(axis=1) / divisor, kept_signal.sum(axis=1) / divisor
    spread = np.maximum((kept_offset**2).sum(axis=1) - divisor * mean_offset**2, 1e-12)
    slope = np.where(
        both_sides, ((kept_offset * kept_signal).sum(axis=1) - divisor * mean_offset * mean_signal) / spread, 0
    )
    slope_weight = np.where(both_sides, 1 / spread, 0.0)
    level = mean_signal - slope * mean_offset
    residual = np.where(keep, block.intensity - level[:, None] - slope[:, None] * offset_s, 0.0)
    freedom = np.maximum(count - 1 - both_sides, 1)
    variance = np.maximum((residual**2).sum(axis=1) / freedom, np.square(least_sd) / np.maximum(count, 2))
    return Baseline(
        centre_s, level, slope, variance,
        level_weight=1 / divisor + slope_weight * mean_offset**2,
        cross_weight=-slope_weight * mean_offset,
        slope_weight=slope_weight, points=count,
    )  # fmt: skip
