"""What a run teaches about the peaks of one transition: when they come, how wide they are, where they end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.apex import FWHM_PER_SIGMA, half_widths, highest, parabola, smooth
from bioanalysis.chromatography.baseline import fit_baseline
from bioanalysis.chromatography.block import Block, Floats, Mask, middle_of
from bioanalysis.chromatography.drift import LEAST_TEACHERS, mad, own_drift, shared_drift
from bioanalysis.chromatography.settings import IntegrationSettings

MOST_TEACHERS = 12
BASE_PER_FWHM = 4 / FWHM_PER_SIGMA
GAUSSIAN_REACH = 2.82  # half widths at half height down to 0.4 % of the height
LEAST_REACH, MOST_REACH = 2.4, 8.0
MAD_TO_SD = 1.4826


class TransitionLike(Protocol):
    """What a transition of the method tells about its peak."""

    name: str
    rt_min: float
    rt_window_min: float
    peak_width_s: float


@dataclass(frozen=True, eq=False)
class Expectation:
    """The peak of one transition as the run shows it.

    Parameters
    ----------
    rt_s : ndarray, shape (n_injections,)
        Expected retention time of each injection (s), drift included.
    rt_sd_s : float
        Scatter of retention times about it.
    width_s : float
        Width at half height.
    left_s, right_s : float
        Distance of the boundaries from the apex.
    teachers : int
        Peaks it was learned from; 0 means that the method's values stand.
    """

    rt_s: Floats
    rt_sd_s: float
    width_s: float
    left_s: float
    right_s: float
    teachers: int = 0

    @property
    def base_s(self) -> float:
        """Distance from boundary to boundary."""
        return self.left_s + self.right_s


@dataclass(frozen=True, eq=False)
class Candidates:
    """The most likely peak of each trace, above the line through its lower points."""

    above: Floats
    sd: Floats
    apex: NDArray[np.intp]
    apex_s: Floats
    height: Floats
    strong: Mask

    def best(self) -> NDArray[np.intp]:
        """Return the rows of the highest third of strong peaks, at least three, highest first."""
        rows = np.flatnonzero(self.strong)
        rows = rows[np.argsort(-self.height[rows], kind="stable")]
        return rows[: min(max(3, -(-len(rows) // 3)), MOST_TEACHERS)]


def learn(
    block: Block,
    transition: TransitionLike,
    teachers: NDArray[np.intp],
    shift_s: Floats | None,
    quantum: float,
    settings: IntegrationSettings,
) -> tuple[Expectation, Floats]:
    """Return the expectation for one transition, and each injection's shift against it (s).

    Parameters
    ----------
    block : Block
        Traces of all injections about the method's window.
    transition : TransitionLike
        Starting values.
    teachers : ndarray of int
        Rows known to hold a peak: calibrators and QCs (all injections, for an internal standard).
    shift_s : ndarray, shape (n_injections,), or None
        Shift of the internal standard; None where this transition is one itself.
    quantum : float
        Intensity of one ion, 0 if unknown.
    settings : IntegrationSettings
    """
    rows = np.asarray(teachers)
    part = block.rows(rows)
    seen = _candidates(part, transition, quantum, settings)
    best = seen.best()
    nothing = np.zeros(len(block.time_s)) if shift_s is None else shift_s
    if not best.size:
        return _starting_values(transition, nothing), nothing
    width_s = _width(part, seen, best, transition.peak_width_s / BASE_PER_FWHM)
    seen = _refine(part, seen, width_s)
    drift = _drift(seen, best, shift_s, rows, len(nothing))
    rt_s = middle_of((seen.apex_s - drift[rows])[best])
    residual = (seen.apex_s - drift[rows] - rt_s)[seen.strong]
    rt_sd_s = _scatter(residual[np.abs(residual) <= width_s], width_s)
    left_s, right_s = _boundaries(part, seen, best, width_s, settings)
    return Expectation(rt_s + drift, rt_sd_s, width_s, left_s, right_s, int(best.size)), drift


def _starting_values(transition: TransitionLike, drift: Floats) -> Expectation:
    width_s = transition.peak_width_s / BASE_PER_FWHM
    reach = GAUSSIAN_REACH * width_s / 2
    return Expectation(60.0 * transition.rt_min + drift, 0.25 * width_s, width_s, reach, reach)


def _candidates(block: Block, transition: TransitionLike, quantum: float, settings: IntegrationSettings) -> Candidates:
    """Return the highest peak of each trace in the method's window, a little preferred near its middle."""
    centre_s, window_s = 60 * transition.rt_min, 60 * transition.rt_window_min
    centres = np.full(len(block.time_s), centre_s)
    line = fit_baseline(block, centres, block.valid, exclusion_sd=settings.exclusion_sd, least_sd=quantum)
    above = np.where(block.valid, block.intensity - line.at(block.time_s), 0.0)
    sd = np.maximum(np.sqrt(line.variance), 1e-150)
    lightly = above.copy()
    lightly[:, 1:-1] = above[:, 1:-1] / 2 + (above[:, :-2] + above[:, 2:]) / 4
    distance = (block.time_s - centre_s) / window_s
    apex, found = highest(lightly * np.exp(-2 * distance**2), block.valid & (np.abs(distance) <= 1))
    apex_s, height = parabola(block.time_s, lightly, apex)
    return Candidates(above, sd, apex, apex_s, height, found & (height > settings.strong_signal_to_noise * sd))


def _width(block: Block, seen: Candidates, best: NDArray[np.intp], otherwise_s: float) -> float:
    time_s, above = block.time_s[best], seen.above[best]
    left, right = half_widths(time_s, above, seen.apex[best], seen.apex_s[best], seen.height[best], 0.5)
    known = np.isfinite(left + right) & (left + right > 0)
    return middle_of((left + right)[known]) if known.any() else otherwise_s


def _refine(block: Block, seen: Candidates, width_s: float) -> Candidates:
    """Place each apex on the trace folded with a Gaussian as wide as the peak, as it will be placed later."""
    spacing_s = block.spacing_s
    near = block.valid & (np.abs(block.time_s - seen.apex_s[:, None]) <= max(width_s, 2 * float(spacing_s.max())))
    here = np.flatnonzero(near.any(axis=0))
    reach = int(np.ceil(2 * width_s / max(middle_of(spacing_s), 1e-9))) + 2  # what the folding looks at
    first, stop = max(int(here[0]) - reach, 0), min(int(here[-1]) + 1 + reach, near.shape[1])
    time_s, near = block.time_s[:, first:stop], near[:, first:stop]
    folded = smooth(np.ascontiguousarray(seen.above[:, first:stop]), width_s, middle_of(spacing_s))
    apex, found = highest(folded, near)
    apex_s, _ = parabola(time_s, folded, apex)
    return replace(seen, apex=apex + first, apex_s=apex_s, strong=seen.strong & found)


def _drift(
    seen: Candidates, best: NDArray[np.intp], shift_s: Floats | None, rows: NDArray[np.intp], injections: int
) -> Floats:
    strong = np.flatnonzero(seen.strong)
    if shift_s is None:
        return own_drift(seen.apex_s[strong], rows[strong], injections) if strong.size else np.zeros(injections)
    used = strong if strong.size >= LEAST_TEACHERS else best
    return shared_drift(seen.apex_s[used], rows[used], shift_s)


def _scatter(residual: Floats, width_s: float) -> float:
    least = 0.05 * width_s
    return max(MAD_TO_SD * mad(residual), least) if residual.size >= 4 else max(0.1 * width_s, least)


def _boundaries(
    block: Block, seen: Candidates, best: NDArray[np.intp], width_s: float, settings: IntegrationSettings
) -> tuple[float, float]:
    """Return how far from the apex the mean of the aligned peaks has come down to `boundary_level`, on either side."""
    grid = np.linspace(0, MOST_REACH * width_s, 401)
    level = max(settings.boundary_level, 3 / middle_of(seen.height[best] / seen.sd[best]) / best.size**0.5)
    about = np.concatenate([-grid[:0:-1], grid])
    aligned = np.array([np.interp(seen.apex_s[row] + about, block.time_s[row], seen.above[row]) for row in best])
    whole = np.median(aligned / np.maximum(aligned[:, len(grid) - 1], seen.height[best] / 2)[:, None], axis=0)
    reach = []
    for shape in (whole[len(grid) - 1 :: -1], whole[len(grid) - 1 :]):
        half = grid[np.argmax(shape <= 0.5)] if (shape <= 0.5).any() else width_s / 2
        reach.append(float(np.clip(grid[_end(shape, level)], LEAST_REACH * half, MOST_REACH * half)))
    return reach[0], reach[1]


def _end(shape: Floats, level: float) -> int:
    """Return where a falling shape reaches the level, or its valley if it rises again before."""
    lowest = np.minimum.accumulate(shape)
    reached, rising = shape <= level, shape > lowest + max(0.02, 3 * level)
    stop = int(np.argmax(reached)) if reached.any() else len(shape) - 1
    if rising[: stop + 1].any():
        stop = int(np.argmin(shape[: int(np.argmax(rising)) + 1]))
    return stop
