"""Traces of one transition side by side, and the sums taken over them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SPARED = 1.5  # a stretch this many times longer than the longest trace needs is still cheaper than gathering


@dataclass(frozen=True, eq=False)
class Block:
    """Traces cut to a common number of points; where a trace is shorter, `valid` is False.

    Parameters
    ----------
    time_s, intensity : ndarray, shape (n_traces, n_points)
        Seconds, never decreasing along a row, padding included; counts.
    valid : ndarray of bool, shape (n_traces, n_points)
    """

    time_s: Floats
    intensity: Floats
    valid: Mask

    @classmethod
    def stack(cls, traces: Sequence[tuple[Floats, Floats]]) -> Block:
        """Return the block of traces given as (time_min, intensity)."""
        lengths = np.array([len(time) for time, _ in traces])
        shape = (len(traces), max(int(lengths.max(initial=0)), 2))
        valid = np.arange(shape[1]) < lengths[:, None]
        time_s, intensity = np.zeros(shape), np.zeros(shape)
        time_s[valid] = np.concatenate([time for time, _ in traces]) * 60
        intensity[valid] = np.concatenate([signal for _, signal in traces])
        last = time_s[np.arange(shape[0]), np.maximum(lengths - 1, 0)]
        return cls(np.where(valid, time_s, last[:, None]), intensity, valid)

    def around(self, low_s: Floats, high_s: Floats) -> Block:
        """Return each trace cut to [low_s, high_s] (one bound per trace), with one more point on either side."""
        points = self.time_s.shape[1]
        first = np.maximum((self.valid & (self.time_s < low_s[:, None])).sum(axis=1) - 1, 0)
        stop = (self.valid & (self.time_s <= high_s[:, None])).sum(axis=1) + 1
        stop = np.minimum(stop, self.valid.sum(axis=1))
        low, high = int(first.min(initial=points)), max(int(stop.max(initial=0)), int(first.min(initial=points)) + 2)
        width = max(int((stop - first).max(initial=0)), 2)
        if high <= points and high - low <= SPARED * width:  # nearly one stretch for all: no need to gather
            index = np.arange(low, high)
            inside = (index >= first[:, None]) & (index < stop[:, None])
            return Block(self.time_s[:, low:high], self.intensity[:, low:high], inside)
        index = first[:, None] + np.arange(width)
        inside = index < stop[:, None]
        index = np.minimum(index, np.minimum(np.maximum(stop, 1), points)[:, None] - 1)
        return Block(
            np.take_along_axis(self.time_s, index, axis=1),
            np.where(inside, np.take_along_axis(self.intensity, index, axis=1), 0.0),
            inside,
        )

    def rows(self, rows: NDArray[np.intp]) -> Block:
        """Return the block of some traces."""
        return Block(self.time_s[rows], self.intensity[rows], self.valid[rows])

    @property
    def spacing_s(self) -> Floats:
        """Mean distance of points of each trace, shape (n_traces,)."""
        count = np.maximum(self.valid.sum(axis=1) - 1, 1)
        return np.maximum((self.time_s[:, -1] - self.time_s[:, 0]) / count, 1e-9)


def trapezoid_weights(time_s: Floats, left_s: Floats, right_s: Floats) -> Floats:
    """Return weights (s) whose sum of products with the signal is its trapezoid area between two boundaries.

    The signal is a straight line from point to point, so boundaries may fall between points.

    Parameters
    ----------
    time_s : ndarray, shape (n_traces, n_points)
    left_s, right_s : ndarray, shape (n_traces,)
    """
    start, stop = time_s[:, :-1], time_s[:, 1:]
    low, high = np.maximum(start, left_s[:, None]), np.minimum(stop, right_s[:, None])
    length = np.maximum(high - low, 0.0)
    gap = stop - start
    toward_stop = length * ((low + high) / 2 - start) / np.where(gap > 0, gap, 1.0)
    weights = np.zeros_like(time_s)
    weights[:, :-1] += length - toward_stop
    weights[:, 1:] += toward_stop
    return weights


def value_at(time_s: Floats, signal: Floats, at_s: Floats) -> Floats:
    """Return the signal of each trace at a time of its own, on the straight line between points.

    At and beyond the last time it is the last point, whatever padding repeats that time.
    """
    right = np.clip((time_s < np.minimum(at_s, time_s[:, -1])[:, None]).sum(axis=1), 1, time_s.shape[1] - 1)
    rows = np.arange(len(time_s))
    t0, t1, y0, y1 = time_s[rows, right - 1], time_s[rows, right], signal[rows, right - 1], signal[rows, right]
    share = np.clip((at_s - t0) / np.where(t1 > t0, t1 - t0, 1.0), 0.0, 1.0)
    return np.where((share < 1) | (t1 <= t0), y0 + share * (y1 - y0), y1)


def crossings(time_s: Floats, signal: Floats, apex: NDArray[np.intp], level: Floats) -> tuple[Floats, Floats]:
    """Return where the signal first falls to `level` before and after the apex (NaN where it does not), in s.

    Parameters
    ----------
    time_s, signal : ndarray, shape (n_traces, n_points)
    apex : ndarray of int, shape (n_traces,)
        Index of the highest point.
    level : ndarray, shape (n_traces,)
    """
    points = time_s.shape[1]
    index = np.arange(points)
    low = signal <= level[:, None]
    before = np.where(low & (index < apex[:, None]), index, -1).max(axis=1)
    after = np.where(low & (index > apex[:, None]), index, points).min(axis=1)
    return (
        np.where(before >= 0, _between(time_s, signal, before, before + 1, level), np.nan),
        np.where(after < points, _between(time_s, signal, after - 1, after, level), np.nan),
    )


def _between(
    time_s: Floats, signal: Floats, first: NDArray[np.intp], second: NDArray[np.intp], level: Floats
) -> Floats:
    rows, last = np.arange(len(time_s)), time_s.shape[1] - 1
    i, j = np.clip(first, 0, last), np.clip(second, 0, last)
    rise = signal[rows, j] - signal[rows, i]
    share = np.clip((level - signal[rows, i]) / np.where(rise == 0, 1.0, rise), 0.0, 1.0)
    return time_s[rows, i] + share * (time_s[rows, j] - time_s[rows, i])


def middle_of(values: Floats) -> float:
    """Return the median of finite values in one dimension; numpy's own takes most of its time for other cases."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
