"""A second estimate of the area: the run's own strong peaks of the same transition, fitted as a shape.

Perpendicular drop adds up all points between the boundaries, noise included; a fit weighs them by what they tell. The
shape comes from the same transition (never from the internal standard), and may move and widen a little: beside the
shape itself its derivatives by time and by width are fitted. Both have no area of their own, so the area stays that of
the shape, and a peak wider than the calibrators' loses none; all three enter linearly, so that noise adds no bias.
Knowing nothing of the width costs 22 % of the Cramer-Rao bound of a Gaussian peak (a factor of sqrt(3/2)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.block import Floats, Mask, middle_of
from bioanalysis.chromatography.interpolation import between_points
from bioanalysis.chromatography.signal import Signal

MOST_TEACHERS = 12
GRID, FINER, LEAST_POINTS = 161, 8, 8
WIDTH_SD, LEAST_TIME_SD = 0.5, 0.1  # of the width before it is fitted, as a fraction; of the time, in reaches
LEAST_TOLERANCE = 0.06  # of the height: what peaks of one run may differ in shape
LEAST_LEVEL = 0.1  # of the height: the tolerance does not fall with the flanks below it
TOLERANCE_OVER_USUAL = 2.0  # where the standards themselves differ by more: twice their median


@dataclass(frozen=True, eq=False)
class Template:
    """The shape of a transition's peaks (area 1), and its derivatives by time and by relative width.

    Parameters
    ----------
    first_s, step_s : float
        Times about the centre, equally spaced.
    shapes : ndarray, shape (n_times, 3)
        0 at both ends.
    """

    first_s: float
    step_s: float
    shapes: Floats

    @classmethod
    def of(cls, grid_s: Floats, shape: Floats) -> Template:
        """Return the template of a shape on an equally spaced grid, with a finer one to look it up in."""
        by_time = -np.gradient(shape, grid_s)
        coarse = np.stack([shape, by_time, -shape + grid_s * by_time])
        fine_s = np.linspace(grid_s[0], grid_s[-1], FINER * (len(grid_s) - 1) + 1)
        shapes = np.stack([np.interp(fine_s, grid_s, part) for part in coarse], axis=1)
        shapes[[0, -1]] = 0.0
        return cls(float(fine_s[0]), float(fine_s[1] - fine_s[0]), shapes)

    def at(self, offset_s: Floats, scale: Floats) -> Floats:
        """Return shape and derivatives at times about the centre of peaks of some width; shape (n_traces, n_points, 3).

        Parameters
        ----------
        offset_s : ndarray, shape (n_traces, n_points)
        scale : ndarray, shape (n_traces,)
            Width over the usual one.
        """
        place = (offset_s / scale[:, None] - self.first_s) / self.step_s + 0.5
        index = np.clip(place, 0, len(self.shapes) - 1).astype(np.intp)
        return np.asarray(self.shapes[index] / scale[:, None, None])


@dataclass(frozen=True, eq=False)
class Fitted:
    """Areas by the template, shape (n_traces,) each; NaN where nothing could be learned.

    `width` is that of the fit over the usual one, `misfit` the mean square of what the fit leaves over what noise and
    the usual differences of shape explain, and `freedom` the points behind it.
    """

    area: Floats
    area_se: Floats
    width: Floats
    width_sd: Floats
    misfit: Floats
    freedom: Floats

    @classmethod
    def nothing(cls, traces: int) -> Fitted:
        """Return what stands where there is no template."""
        missing = np.full(traces, np.nan)
        return cls(missing, missing, missing, missing, missing, np.zeros(traces))


@dataclass(frozen=True, eq=False)
class Standing:
    """Where the peaks of a transition stand, and what the perpendicular drop found; shape (n_traces,) each.

    Parameters
    ----------
    centre_s, scale : ndarray
        Where each peak stands, and its width over the usual one.
    left_s, right_s : ndarray
        Boundaries of the drop.
    neighbour_s : ndarray
        Where the peak behind the nearest valley stands, NaN where there is none.
    drop, drop_se : ndarray
        Areas of the perpendicular drop, and their standard errors.
    teachers : ndarray of bool
        Strong peaks without neighbours.
    reach_s : pair of float
        How far the usual peak reaches before and after its centre.
    time_sd_s : float
        How far a peak may stand from its place.
    """

    centre_s: Floats
    scale: Floats
    left_s: Floats
    right_s: Floats
    neighbour_s: Floats
    drop: Floats
    drop_se: Floats
    teachers: Mask
    reach_s: tuple[float, float]
    time_sd_s: float

    def rows(self, rows: NDArray[np.intp]) -> Standing:
        """Return what is known of some traces."""
        names = ("centre_s", "scale", "left_s", "right_s", "neighbour_s", "drop", "drop_se", "teachers")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


def template_areas(signal: Signal, standing: Standing) -> Fitted:
    """Return areas by weighted least squares on the learned shape and its derivatives.

    Where a peak has a neighbour, that one is fitted too. On the teachers, areas agree with those of the perpendicular
    drop in the median, so both have one scale.
    """
    time_s = signal.block.time_s
    enough = np.count_nonzero(np.diff(time_s, axis=1) > 0, axis=1) >= LEAST_POINTS
    teachers = standing.teachers & (standing.drop > 0) & enough
    if not teachers.any():
        return Fitted.nothing(len(teachers))
    template = _learn(signal, standing, teachers)
    alone = _fit_alone(signal, template, standing)
    ratio = middle_of(standing.drop[teachers] / np.where(alone.area > 0, alone.area, standing.drop)[teachers])
    crowded = np.flatnonzero(np.isfinite(standing.neighbour_s))
    usual = _usual_difference(alone, teachers)
    found = _judged(alone, usual)
    if crowded.size:
        beside = _judged(_with_neighbour(signal.rows(crowded), template, standing.rows(crowded)), usual)
        for name in ("area", "area_se", "width", "width_sd", "misfit", "freedom"):
            getattr(found, name)[crowded] = getattr(beside, name)
    return replace(found, area=ratio * found.area, area_se=ratio * found.area_se)


@dataclass(frozen=True, eq=False)
class _Fit:
    """One fit: areas, widths, and the sums that tell how well it fits."""

    area: Floats
    area_se: Floats
    width: Floats
    width_sd: Floats
    square: Floats
    noise: Floats
    peak: Floats
    freedom: Floats


def _fit_alone(signal: Signal, template: Template, standing: Standing) -> _Fit:
    """Return the fit of each peak to the points between its boundaries."""
    inside = signal.between(standing.left_s, standing.right_s)
    here = np.flatnonzero(inside.any(axis=0))
    part = slice(int(here[0]), int(here[-1]) + 1) if here.size else slice(0, 1)
    near = signal.columns(part)
    parts = template.at(near.block.time_s - standing.centre_s[:, None], standing.scale)
    return _fit(near, parts, inside[:, part], standing)


def _with_neighbour(signal: Signal, template: Template, standing: Standing) -> _Fit:
    """Return the fit of each peak and of the one behind its valley together, over the points of both."""
    time_s, centre_s, neighbour_s = signal.block.time_s, standing.centre_s, standing.neighbour_s
    ours = template.at(time_s - centre_s[:, None], standing.scale)
    theirs = template.at(time_s - neighbour_s[:, None], np.ones(len(neighbour_s)))
    before, after = standing.reach_s
    inside = signal.between(np.minimum(centre_s, neighbour_s) - before, np.maximum(centre_s, neighbour_s) + after)
    return _fit(signal, np.concatenate([ours, theirs], axis=2), inside, standing)


def _fit(signal: Signal, parts: Floats, inside: Mask, standing: Standing) -> _Fit:
    """Return the fit of shape and derivatives (parts 0 to 2; a neighbour's are 3 to 5) to points inside."""
    size, kinds = np.maximum(standing.drop, 3 * standing.drop_se), parts.shape[2]
    shot = signal.per_count * np.maximum(standing.drop, 0.0)[:, None] * parts[:, :, 0]
    if kinds > 3:
        shot = np.maximum(shot, signal.per_count * np.maximum(signal.light, 0.0))
    variance = signal.line.variance[:, None] + shot
    weight = np.where(inside & (variance > 0), 1 / np.where(variance > 0, variance, 1.0), 0.0)
    least_time_sd = LEAST_TIME_SD * sum(standing.reach_s) / 2
    prior_sd = (np.inf, max(standing.time_sd_s, least_time_sd), WIDTH_SD) * (kinds // 3)
    inverse, pulls = _least_squares(parts, weight, size, prior_sd)
    terms = np.matmul(pulls, signal.above[:, :, None])[:, :, 0]
    fitted = np.matmul(parts, terms[:, :, None])[:, :, 0]
    line_variance = signal.line.area_variance(pulls[:, 0], signal.block.time_s)
    area_se = np.sqrt(np.maximum(inverse[:, 0, 0], 0.0) + line_variance)
    size = np.maximum(np.maximum(terms[:, 0], 3 * area_se), 1e-150)
    width, width_sd = standing.scale * (1 + terms[:, 2] / size), standing.scale * np.sqrt(inverse[:, 2, 2]) / size
    return _Fit(terms[:, 0], area_se, width, width_sd, *_left_over(signal, fitted, inside, variance, kinds))


def _least_squares(parts: Floats, weight: Floats, size: Floats, prior_sd: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return the covariance of the terms (n_traces, k, k), and the weights whose sums with the signal are the terms.

    Parameters
    ----------
    parts : ndarray, shape (n_traces, n_points, k)
    weight : ndarray, shape (n_traces, n_points)
        1 over variance, 0 where a point is not fitted.
    size : ndarray, shape (n_traces,)
        Areas, about.
    prior_sd : tuple of float, length k
        SD of the terms before they are fitted, over the areas.
    """
    weighted = np.ascontiguousarray((parts * weight[:, :, None]).transpose(0, 2, 1))
    normal = np.matmul(weighted, parts)
    for term, sd in enumerate(prior_sd):
        normal[:, term, term] += 1 / np.maximum(size * sd, 1e-60) ** 2 if np.isfinite(sd) else 1e-150
    root = np.sqrt(np.einsum("nkk->nk", normal))
    scaled = normal / root[:, :, None] / root[:, None, :] + 1e-12 * np.eye(len(prior_sd))
    inverse = np.linalg.inv(scaled) / root[:, :, None] / root[:, None, :]
    return inverse, np.matmul(inverse, weighted)


def _left_over(
    signal: Signal, fitted: Floats, inside: Mask, variance: Floats, terms: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return, per point: squares of what the fit leaves, of noise, of the peak's height; and the degrees of freedom."""
    freedom = np.maximum(inside.sum(axis=1) - terms, 1).astype(float)
    top = np.maximum(fitted.max(axis=1), 0.0)[:, None]
    least = signal.quantum**2  # few ions scatter more than their expectation says
    square, noise = (signal.above - fitted) ** 2, np.maximum(variance, max(least, 1e-150))
    peak = top * np.maximum(fitted, LEAST_LEVEL * top)
    return *(np.where(inside, part, 0.0) for part in (square, noise, peak)), freedom


def _usual_difference(fit: _Fit, teachers: Mask) -> float:
    """Return by how much of the height the teachers' own peaks differ from the shape, in the median and twice."""
    square, noise, peak = (part[teachers].sum(axis=1) for part in (fit.square, fit.noise, fit.peak))
    unexplained = np.maximum(square - noise, 0.0) / np.maximum(peak, 1e-150)
    return max(LEAST_TOLERANCE, TOLERANCE_OVER_USUAL * middle_of(unexplained) ** 0.5)


def _judged(fit: _Fit, usual: float) -> Fitted:
    """Return the fit with the mean of its squares over what noise and the usual differences explain."""
    explained = np.where(fit.noise > 0, fit.noise + usual**2 * fit.peak, 1.0)
    misfit = (fit.square / explained).sum(axis=1) / fit.freedom
    return Fitted(fit.area, fit.area_se, fit.width, fit.width_sd, misfit, fit.freedom)


def _learn(signal: Signal, standing: Standing, teachers: Mask) -> Template:
    """Return the median shape of the highest teachers on a grid of times (s) about the centre."""
    scale, drop, reach_s = standing.scale, standing.drop, standing.reach_s
    rows = np.flatnonzero(teachers)
    rows = rows[np.argsort(-drop[rows], kind="stable")][: max(3, min(MOST_TEACHERS, rows.size // 3))]
    grid_s = np.linspace(-reach_s[0], reach_s[1], GRID)
    at_s = standing.centre_s[rows, None] + scale[rows, None] * grid_s
    size = (scale / np.where(drop > 0, drop, 1.0))[rows, None]
    shape = np.median(between_points(signal.block.rows(rows), signal.above[rows], at_s) * size, axis=0)
    return Template.of(grid_s, shape)
