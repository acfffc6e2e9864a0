"""The line a peak stands on, and the noise about it: straight, or bent where the points outside the peak say so."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.block import Block, Floats, Mask

ROUNDS = 3
LEAST_PER_SIDE = 3
BENT = 25.0  # F of the bend from which it is taken in: five standard errors
LEAST_FOR_BEND = 12  # points on either side


@dataclass(frozen=True, eq=False)
class Baseline:
    """A line per trace, fitted to points outside peaks.

    Parameters
    ----------
    centre_s : ndarray, shape (n_traces,)
        Time from which it is counted.
    terms : ndarray, shape (n_traces, 3)
        Level (counts) at `centre_s`, slope (counts per s), bend (counts per s^2; 0 for a straight line).
    variance : ndarray, shape (n_traces,)
        Of a point about the line (counts squared).
    weights : ndarray, shape (n_traces, 3, 3)
        Covariance of the terms over `variance`.
    points : ndarray, shape (n_traces,)
        Points the line was fitted to.
    stray : ndarray, shape (n_traces,)
        SD of the points about the line beyond that from point to point (counts): steps, waves, what no line follows.
    """

    centre_s: Floats
    terms: Floats
    variance: Floats
    weights: Floats
    points: Floats
    stray: Floats

    @property
    def level(self) -> Floats:
        """The line at `centre_s`, shape (n_traces,)."""
        return self.terms[:, 0]

    @property
    def slope(self) -> Floats:
        """Counts per s at `centre_s`, shape (n_traces,)."""
        return self.terms[:, 1]

    @property
    def bent(self) -> Mask:
        """Where the line is bent, shape (n_traces,)."""
        return self.terms[:, 2] != 0

    def at(self, time_s: Floats) -> Floats:
        """Return the line at times of shape (n_traces, n_points)."""
        offset_s = time_s - self.centre_s[:, None]
        line = self.terms[:, :1] + self.terms[:, 1:2] * offset_s
        return line + self.terms[:, 2:] * offset_s**2 if self.bent.any() else line

    def rows(self, rows: NDArray[np.intp]) -> Baseline:
        """Return the lines of some traces."""
        return Baseline(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def area_variance(self, weights: Floats, time_s: Floats) -> Floats:
        """Return the variance of the area under the line, for `trapezoid_weights` of a peak."""
        offset_s = time_s - self.centre_s[:, None]
        moments = np.empty((len(weights), 3))
        for power in range(3):
            moments[:, power] = weights.sum(axis=1)
            weights = weights * offset_s
        return self.variance * np.einsum("ni,nij,nj->n", moments, self.weights, moments)


def fit_baseline(
    block: Block, centre_s: Floats, outside: Mask, *, exclusion_sd: float, least_sd: float | Floats, bend: bool = False
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
    bend : bool
        Let the line bend where its points show it beyond doubt.
    """
    usable = block.valid & outside
    middle, keep = _lower_half(block, usable, least_sd)
    points = _Points.about(block.time_s - centre_s[:, None], block.intensity - middle[:, None])
    line, keep = _in_rounds(points, keep, usable, block, centre_s, exclusion_sd, least_sd)
    if bend:
        line = _with_bends(line, points, keep, usable, block, exclusion_sd, least_sd)
    line.terms[:, 0] += middle
    return replace(line, stray=_stray(line, block, usable))


@dataclass(frozen=True, eq=False)
class _Points:
    """Time and signal about values near the line, so that sums of squares lose no digits."""

    x: Floats
    y: Floats
    before: Floats

    @classmethod
    def about(cls, x: Floats, y: Floats) -> _Points:
        return cls(x, y, (x < 0).astype(float))

    def rows(self, rows: NDArray[np.intp]) -> _Points:
        return _Points(self.x[rows], self.y[rows], self.before[rows])


def _lower_half(block: Block, usable: Mask, least_sd: float | Floats) -> tuple[Floats, Mask]:
    """Return the median of each trace (of every third point: a start is all it is), and the points not far above it."""
    ordered = np.sort(np.where(usable[:, ::3], block.intensity[:, ::3], np.inf), axis=1)
    count = usable[:, ::3].sum(axis=1)
    rows = np.arange(len(ordered))
    last = ordered.shape[1] - 1
    low, middle, high = (ordered[rows, np.clip(count * eighths // 8, 0, last)] for eighths in (1, 4, 7))
    low, middle, high = (np.where(np.isfinite(value), value, 0.0) for value in (low, middle, high))
    spread = np.where(middle > low, middle - low, high - middle)  # few ions: half of the points are 0
    sd = np.maximum(spread / 1.15, least_sd)  # of a normal distribution, from its median and 12.5 % point
    return middle, usable & (block.intensity <= (middle + 4 * sd)[:, None])


def _in_rounds(
    points: _Points,
    keep: Mask,
    usable: Mask,
    block: Block,
    centre_s: Floats,
    exclusion_sd: float,
    least_sd: float | Floats,
    bent: bool = False,
) -> tuple[Baseline, Mask]:
    fit = _parabola if bent else _straight
    line = fit(points, keep, centre_s, least_sd)
    for _ in range(ROUNDS):
        limit = exclusion_sd * np.maximum(np.sqrt(line.variance), least_sd)
        high = points.y - line.at(block.time_s) > limit[:, None]
        taken_in = usable & ~_with_neighbours(high & block.valid)
        if np.array_equal(taken_in, keep):
            break
        keep = taken_in
        line = fit(points, keep, centre_s, least_sd)
    return line, keep


def _with_neighbours(mask: Mask) -> Mask:
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    return wide


def _straight(points: _Points, keep: Mask, centre_s: Floats, least_sd: float | Floats) -> Baseline:
    """Return the line through kept points; level only where they lie on one side of the peak."""
    kept = keep.astype(float)
    x, y = points.x, points.y
    kept_x, kept_y = kept * x, kept * y
    count, sum_x, sum_y = (part.sum(axis=1) for part in (kept, kept_x, kept_y))
    sum_xx, sum_xy, sum_yy = (np.einsum("ij,ij->i", a, b) for a, b in ((kept_x, x), (kept_x, y), (kept_y, y)))
    two_sided = _two_sided(points, kept, count, LEAST_PER_SIDE)
    divisor = np.maximum(count, 1)
    mean_x, mean_y = sum_x / divisor, sum_y / divisor
    spread = np.maximum(sum_xx - sum_x * mean_x, 1e-12)
    covariation = sum_xy - sum_x * mean_y
    slope = np.where(two_sided, covariation / spread, 0.0)
    squares = np.maximum(sum_yy - sum_y * mean_y - slope * covariation, 0.0)
    variance = squares / np.maximum(count - 1 - two_sided, 1)
    slope_weight = np.where(two_sided, 1 / spread, 0.0)
    weights = np.zeros((len(x), 3, 3))
    weights[:, 0, 0] = 1 / divisor + slope_weight * mean_x**2
    weights[:, 0, 1] = weights[:, 1, 0] = -slope_weight * mean_x
    weights[:, 1, 1] = slope_weight
    terms = np.stack([mean_y - slope * mean_x, slope, np.zeros(len(x))], axis=1)
    return Baseline(centre_s, terms, _at_least(variance, least_sd, count), weights, count, np.zeros(len(count)))


def _parabola(points: _Points, keep: Mask, centre_s: Floats, least_sd: float | Floats) -> Baseline:
    """Return level, slope and bend through kept points."""
    reach = np.maximum(np.abs(np.where(keep, points.x, 0.0)).max(axis=1), 1e-9)[:, None]
    x = points.x / reach
    powers = np.stack([np.ones_like(x), x, x**2], axis=1) * keep[:, None]
    normal = np.einsum("nip,njp->nij", powers, powers) + 1e-12 * np.eye(3)
    inverse = np.linalg.inv(normal)
    terms = np.einsum("nij,njp,np->ni", inverse, powers, points.y)
    residual = np.where(keep, points.y, 0.0) - np.einsum("ni,nip->np", terms, powers)
    count = keep.sum(axis=1).astype(float)
    variance = np.einsum("np,np->n", residual, residual) / np.maximum(count - 3, 1)
    unit = 1 / reach ** np.arange(3)
    weights = inverse * unit[:, :, None] * unit[:, None, :]
    return Baseline(centre_s, terms * unit, _at_least(variance, least_sd, count), weights, count, np.zeros(len(count)))


def _with_bends(
    line: Baseline,
    points: _Points,
    keep: Mask,
    usable: Mask,
    block: Block,
    exclusion_sd: float,
    least_sd: float | Floats,
) -> Baseline:
    """Return the lines, bent where that takes away far more of the scatter than chance does."""
    kept = keep.astype(float)
    rows = np.flatnonzero(_two_sided(points, kept, line.points, LEAST_FOR_BEND) & _looks_bent(line, points, kept))
    if not rows.size:
        return line
    part, here = points.rows(rows), block.rows(rows)
    bent, _ = _in_rounds(part, keep[rows], usable[rows], here, line.centre_s[rows], exclusion_sd, least_sd, bent=True)
    for name in ("terms", "variance", "weights", "points"):
        getattr(line, name)[rows] = getattr(bent, name)
    return line


def _looks_bent(line: Baseline, points: _Points, kept: Floats) -> Mask:
    """Return where a bend beside the line is more than five of its standard errors from zero."""
    x = points.x
    count = np.maximum(line.points, 1)
    square = x**2 * kept
    mean_x, mean_square = np.einsum("ij,ij->i", x, kept) / count, square.sum(axis=1) / count
    centred = (x - mean_x[:, None]) * kept
    tilt = np.einsum("ij,ij->i", centred, square) / np.maximum(np.einsum("ij,ij->i", centred, centred), 1e-12)
    bend = (x**2 - mean_square[:, None] - tilt[:, None] * centred) * kept
    left_over = points.y - line.terms[:, :1] - line.terms[:, 1:2] * x
    pull = np.einsum("ij,ij->i", bend, left_over)
    size = np.einsum("ij,ij->i", bend, bend)
    return pull**2 > BENT * line.variance * size


def _stray(line: Baseline, block: Block, usable: Mask) -> Floats:
    """Return by how much points lie off the line together: zero where that is not beyond four standard errors."""
    kept = usable & (np.abs(block.intensity - line.at(block.time_s)) <= (4 * np.sqrt(line.variance))[:, None])
    pair = kept[:, 1:] & kept[:, :-1]
    count = np.maximum(pair.sum(axis=1), 1)
    from_point_to_point = np.where(pair, np.diff(block.intensity, axis=1) ** 2, 0.0).sum(axis=1) / (2 * count)
    beyond = line.variance - from_point_to_point
    return np.where(beyond > 4 * line.variance * np.sqrt(2 / count), np.sqrt(np.maximum(beyond, 0.0)), 0.0)


def _two_sided(points: _Points, kept: Floats, count: Floats, least: int) -> Mask:
    """Return where there are at least so many kept points both before and after the centre."""
    before = np.einsum("ij,ij->i", kept, points.before)
    return (before >= least) & (count - before >= least)


def _at_least(variance: Floats, least_sd: float | Floats, count: Floats) -> Floats:
    return np.maximum(variance, np.square(least_sd) / np.maximum(count, 2))
