"""Where each peak of a transition stands, and how wide it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.apex import centre_sd, half_widths, highest, parabola, smooth, smoothing_gain
from bioanalysis.chromatography.block import Floats, Mask, middle_of
from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.settings import IntegrationSettings
from bioanalysis.chromatography.signal import Signal, tolerance_s

WIDTH_PRIOR = 0.1  # SD of a peak's width about the run's, as a fraction


@dataclass(frozen=True, eq=False)
class Placed:
    """Where each peak stands: highest point, centre, how far that is from expected, how much higher another is."""

    top: NDArray[np.intp]
    centre_s: Floats
    off_s: Floats
    height: Floats
    higher_neighbour: Floats


@dataclass(frozen=True, eq=False)
class Shape:
    """Apex, and distances from it (s): to half of the height (left, right) and to a tenth (lead, tail)."""

    apex_s: Floats
    left: Floats
    right: Floats
    lead: Floats
    tail: Floats

    @property
    def width(self) -> Floats:
        """Width at half height."""
        return self.left + self.right


def place(signal: Signal, known: Expectation, settings: IntegrationSettings) -> Placed:
    """Return where each peak stands.

    The trace's own apex counts the more, the better its noise lets it be placed against the run's scatter; so a strong
    peak is taken where it is, and a weak one where it must be.
    """
    time_s, valid, spacing_s = signal.block.time_s, signal.block.valid, signal.spacing_s
    folded = smooth(signal.above, known.width_s, spacing_s)
    tolerance = tolerance_s(known, settings, spacing_s)
    distance = np.abs(time_s - known.rt_s[:, None])
    own, found = highest(folded, valid & (distance <= tolerance))
    own_s, own_height = parabola(time_s, folded, own)
    noise = np.maximum(signal.sd * smoothing_gain(known.width_s, spacing_s), 1e-150)
    to_noise = np.where(found, np.maximum(own_height / noise, 0.0), 0.0)
    own_sd = centre_sd(known.width_s, known.width_s, to_noise)
    share = known.rt_sd_s**2 / (known.rt_sd_s**2 + own_sd**2)
    off_s = np.where(found, own_s - known.rt_s, 0.0)
    centre_s = known.rt_s + share * off_s
    close = valid & (np.abs(time_s - centre_s[:, None]) <= max(known.width_s / 2, spacing_s))
    top = np.where(close, signal.light, -np.inf).argmax(axis=1)
    height = np.where(close.any(axis=1), np.where(close, signal.above, -np.inf).max(axis=1), 0.0)
    other = np.where(valid & (distance <= tolerance + known.base_s), folded, -np.inf).max(axis=1)
    seen = other > settings.strong_signal_to_noise * noise
    higher = np.where(seen, other / np.maximum(np.where(found, own_height, 0.0), noise), 0.0)
    return Placed(top, centre_s, off_s, np.maximum(height, 0.0), higher)


def shape_of(signal: Signal, top: NDArray[np.intp]) -> Shape:
    time_s = signal.block.time_s
    apex_s, height = parabola(time_s, signal.light, top)
    left, right = half_widths(time_s, signal.light, top, apex_s, height, 0.5)
    lead, tail = half_widths(time_s, signal.light, top, apex_s, height, 0.1)
    return Shape(apex_s, left, right, lead, tail)


def width_scale(shape: Shape, strong: Mask, to_noise: Floats) -> Floats:
    """Return by which factor to stretch the boundaries of each peak.

    Where the two sides of a peak disagree, the wider one touches a neighbour, and the narrower is believed.
    """
    left, right = relative(shape.left, strong), relative(shape.right, strong)
    narrower, wider = np.fmin(left, right), np.fmax(left, right)
    ratio = np.where(wider > 1.25 * narrower, narrower, (left + right) / 2)
    trust = WIDTH_PRIOR**2 / (WIDTH_PRIOR**2 + (1.2 / np.maximum(to_noise, 1e-9)) ** 2)
    return 1 + trust * (np.clip(np.nan_to_num(ratio, nan=1.0), 0.8, 1.4) - 1)


def relative(values: Floats, strong: Mask) -> Floats:
    usual = values[strong & np.isfinite(values)]
    middle = middle_of(usual) if usual.size else 0.0
    return values / middle if middle > 0 else np.ones_like(values)
