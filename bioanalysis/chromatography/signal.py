"""Traces above their baselines, with the noise of every point."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.apex import smooth
from bioanalysis.chromatography.baseline import Baseline, fit_baseline
from bioanalysis.chromatography.block import Block, Floats, Mask, middle_of
from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.noise import variance_per_count
from bioanalysis.chromatography.settings import IntegrationSettings

CORE_BASES = 1.25  # what is kept of a trace beyond where its peak may stand, in widths at base
LIGHT = 0.3  # smoothing before widths and valleys are read, in widths at half height


@dataclass(frozen=True, eq=False)
class Signal:
    """A block above its baseline, with the noise of its points."""

    block: Block
    line: Baseline
    above: Floats
    light: Floats
    variance: Floats
    per_count: float
    quantum: float
    spacing_s: float

    @property
    def sd(self) -> Floats:
        """SD of a point of the baseline, shape (n_traces,)."""
        return np.sqrt(self.line.variance)

    def between(self, low_s: Floats, high_s: Floats) -> Mask:
        """Return which points lie between two times of each trace, shape (n_traces, n_points)."""
        time_s = self.block.time_s
        return self.block.valid & (time_s >= low_s[:, None]) & (time_s <= high_s[:, None])

    def columns(self, part: slice) -> Signal:
        """Return one stretch of points of all traces."""
        parts = {name: getattr(self, name)[:, part] for name in ("above", "light", "variance")}
        block = Block(self.block.time_s[:, part], self.block.intensity[:, part], self.block.valid[:, part])
        return replace(self, block=block, **parts)

    def rows(self, rows: NDArray[np.intp]) -> Signal:
        """Return the signal of some traces."""
        parts = {name: getattr(self, name)[rows] for name in ("above", "light", "variance")}
        return replace(self, block=self.block.rows(rows), line=self.line.rows(rows), **parts)


def signal_above(whole: Block, known: Expectation, quantum: float, settings: IntegrationSettings) -> Signal:
    """Return the traces about their expected peaks, above a line through the points outside.

    Parameters
    ----------
    whole : Block
        Traces of all injections.
    known : Expectation
        Where and how wide the peaks are.
    quantum : float
        Intensity of one ion, 0 if unknown.
    settings : IntegrationSettings
    """
    reach = settings.reach * known.base_s
    far = whole.around(known.rt_s - known.left_s - reach, known.rt_s + known.right_s + reach)
    margin = 0.5 * known.width_s + 2 * known.rt_sd_s
    offset = far.time_s - known.rt_s[:, None]
    outside = (offset < -known.left_s - margin) | (offset > known.right_s + margin)
    line = fit_baseline(far, known.rt_s, outside, exclusion_sd=settings.exclusion_sd, least_sd=quantum, bend=True)
    spacing_s = middle_of(far.spacing_s)
    core = tolerance_s(known, settings, spacing_s) + CORE_BASES * known.base_s
    block = far.around(known.rt_s - core, known.rt_s + core)
    drawn = line.at(block.time_s)
    above = np.where(block.valid, block.intensity - drawn, 0.0)
    light = smooth(above, LIGHT * known.width_s, spacing_s)
    per_count = quantum or variance_per_count(block, drawn, line.variance)
    variance = np.where(block.valid, line.variance[:, None] + per_count * np.maximum(light, 0.0), 0.0)
    return Signal(block, line, above, light, variance, per_count, quantum, spacing_s)


def tolerance_s(known: Expectation, settings: IntegrationSettings, spacing_s: float) -> float:
    """Return how far (s) from its expected time a peak is looked for."""
    return max(6 * known.rt_sd_s, settings.search_widths * known.width_s, 2 * spacing_s)
