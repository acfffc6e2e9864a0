"""Traces above their baselines, with the noise of every point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bioanalysis.chromatography.apex import smooth
from bioanalysis.chromatography.baseline import Baseline, fit_baseline
from bioanalysis.chromatography.block import Block, Floats
from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.noise import variance_per_count
from bioanalysis.chromatography.settings import IntegrationSettings

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
    spacing_s: float

    @property
    def sd(self) -> Floats:
        """SD of a point of the baseline, shape (n_traces,)."""
        return np.sqrt(self.line.variance)


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
    block = whole.around(known.rt_s - known.left_s - reach, known.rt_s + known.right_s + reach)
    margin = 0.5 * known.width_s + 2 * known.rt_sd_s
    offset = block.time_s - known.rt_s[:, None]
    outside = (offset < -known.left_s - margin) | (offset > known.right_s + margin)
    line = fit_baseline(block, known.rt_s, outside, exclusion_sd=settings.exclusion_sd, least_sd=quantum)
    drawn = line.at(block.time_s)
    above = np.where(block.valid, block.intensity - drawn, 0.0)
    spacing_s = float(np.median(block.spacing_s))
    light = smooth(above, LIGHT * known.width_s, spacing_s)
    per_count = quantum or variance_per_count(block, drawn, line.variance)
    variance = np.where(block.valid, line.variance[:, None] + per_count * np.maximum(light, 0.0), 0.0)
    return Signal(block, line, above, light, variance, per_count, spacing_s)
