"""Areas of one transition's peaks, all injections at once: perpendicular drop on a line from outside the peak."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.apex import (
    centre_sd,
    half_widths,
    highest,
    parabola,
    smooth,
    smoothing_gain,
)
from bioanalysis.chromatography.block import Block, Floats, Mask, trapezoid_weights
from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.settings import IntegrationSettings
from bioanalysis.chromatography.signal import LIGHT, Signal, signal_above
from bioanalysis.chromatography.template import template_areas

WIDTH_PRIOR = 0.1  # SD of a peak's width about the run's, as a fraction
VALLEY_SD, VALLEY_RISE = 5.0, 0.03
HIGHER = 3.0  # times the peak's own height: then a neighbour may be the peak, or hide it


@dataclass(frozen=True, eq=False)
class Measured:
    """One value per injection; times in s."""

    retention_s: Floats
    left_s: Floats
    right_s: Floats
    area: Floats
    area_se: Floats
    estimates_disagree: Mask
    height: Floats
    signal_to_noise: Floats
    noise_sd: Floats
    width_s: Floats
    asymmetry: Floats
    points: NDArray[np.int64]
    off_expected_s: Floats
    width_ratio: Floats
    tail_ratio: Floats
    cut_by_window: Mask
    overlap: Mask
    higher_neighbour: Mask
    saturated: Mask
    negative_baseline: Mask

    def __getitem__(self, row: int) -> dict[str, float]:
        return {field.name: getattr(self, field.name)[row] for field in fields(self)}


@dataclass(frozen=True, eq=False)
class Placed:
    """Where each peak stands: highest point, centre, how far that is from expected, and if a higher peak is near."""

    top: NDArray[np.intp]
    centre_s: Floats
    off_s: Floats
    height: Floats
    higher_neighbour: Mask


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


def measure(
    whole: Block, known: Expectation, eligible: Mask, quantum: float, settings: IntegrationSettings
) -> Measured:
    """Return the peaks of one transition.

    Parameters
    ----------
    whole : Block
        Traces of all injections.
    known : Expectation
        Where and how wide the peaks are.
    eligible : ndarray of bool, shape (n_injections,)
        Injections whose strong peaks set the usual width.
    quantum : float
        Intensity of one ion, 0 if unknown.
    settings : IntegrationSettings
    """
    signal = signal_above(whole, known, quantum, settings)
    time_s = signal.block.time_s
    placed = _place(signal, known, settings)
    to_noise = over_noise(placed.height, signal.sd)
    shape = _shape(signal, placed.top)
    strong = eligible & (to_noise >= settings.strong_signal_to_noise) & np.isfinite(shape.width)
    lag_s = np.median((shape.apex_s - placed.centre_s)[strong]) if strong.any() else 0.0  # of tailing peaks, before it
    scale = _width_scale(shape, strong, to_noise)
    left_s, right_s, overlap = _bounds(signal, placed, known, scale)
    weights = trapezoid_weights(time_s, left_s, right_s)
    variance = (weights**2 * signal.variance).sum(axis=1) + signal.line.area_variance(weights, time_s)
    drop = (weights * signal.above).sum(axis=1), np.maximum(np.sqrt(variance), quantum * signal.spacing_s)
    fitted = drop
    if settings.estimate == "template":
        reach_s = known.left_s, known.right_s
        fitted = template_areas(signal, placed.centre_s, scale, (left_s, right_s), reach_s, drop[0], strong & ~overlap)
    area, area_se, disagree = _choose(drop, fitted, to_noise, settings)
    inside = signal.block.valid & (time_s >= left_s[:, None]) & (time_s <= right_s[:, None])
    return Measured(
        retention_s=placed.centre_s + lag_s, left_s=left_s, right_s=right_s,
        area=area, area_se=area_se, estimates_disagree=disagree,
        height=placed.height, signal_to_noise=to_noise, noise_sd=signal.sd,
        width_s=np.where(to_noise >= 3, shape.width, np.nan),
        asymmetry=np.where(to_noise >= 10, shape.tail / np.where(shape.lead > 0, shape.lead, np.nan), np.nan),
        points=inside.sum(axis=1), off_expected_s=placed.off_s, width_ratio=_relative(shape.width, strong),
        tail_ratio=_relative(shape.lead + shape.tail, strong),
        cut_by_window=_is_cut(whole, left_s, right_s, signal.spacing_s),
        overlap=overlap, higher_neighbour=placed.higher_neighbour,
        saturated=_has_flat_top(signal, inside) & (to_noise > 50),
        negative_baseline=signal.line.level < -3 * signal.sd / np.sqrt(np.maximum(signal.line.points, 1)),
    )  # fmt: skip


def _choose(
    drop: tuple[Floats, Floats], fitted: tuple[Floats, Floats], to_noise: Floats, settings: IntegrationSettings
) -> tuple[Floats, Floats, Mask]:
    """Return area and standard error of the estimate the settings name, and where the two cannot both be right."""
    known = np.isfinite(fitted[0])
    chosen = known & (to_noise < settings.template_below)
    allowed = settings.disagreement_sd * drop[1] + settings.disagreement * np.abs(drop[0])
    disagree = known & (np.abs(drop[0] - np.where(known, fitted[0], 0.0)) > allowed)
    return np.where(chosen, fitted[0], drop[0]), np.where(chosen, fitted[1], drop[1]), disagree


def over_noise(height: Floats, sd: Floats) -> Floats:
    """Return the signal-to-noise ratio: infinite on a baseline without any noise, 0 without a signal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(height > 0, height / sd, 0.0)


def _place(signal: Signal, known: Expectation, settings: IntegrationSettings) -> Placed:
    """Return where each peak stands.

    The trace's own apex counts the more, the better its noise lets it be placed against the run's scatter; so a strong
    peak is taken where it is, and a weak one where it must be.
    """
    time_s, valid, spacing_s = signal.block.time_s, signal.block.valid, signal.spacing_s
    folded = smooth(signal.above, known.width_s, spacing_s)
    tolerance = max(6 * known.rt_sd_s, 1.5 * settings.rt_shift_widths * known.width_s, 2 * spacing_s)
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
    higher = (other > HIGHER * np.maximum(own_height, 0.0)) & (other > settings.strong_signal_to_noise * noise)
    return Placed(top, centre_s, off_s, np.maximum(height, 0.0), higher)


def _shape(signal: Signal, top: NDArray[np.intp]) -> Shape:
    time_s = signal.block.time_s
    apex_s, height = parabola(time_s, signal.light, top)
    left, right = half_widths(time_s, signal.light, top, apex_s, height, 0.5)
    lead, tail = half_widths(time_s, signal.light, top, apex_s, height, 0.1)
    return Shape(apex_s, left, right, lead, tail)


def _width_scale(shape: Shape, strong: Mask, to_noise: Floats) -> Floats:
    """Return by which factor to stretch the boundaries of each peak.

    Where the two sides of a peak disagree, the wider one touches a neighbour, and the narrower is believed.
    """
    left, right = _relative(shape.left, strong), _relative(shape.right, strong)
    narrower, wider = np.fmin(left, right), np.fmax(left, right)
    ratio = np.where(wider > 1.25 * narrower, narrower, (left + right) / 2)
    trust = WIDTH_PRIOR**2 / (WIDTH_PRIOR**2 + (1.2 / np.maximum(to_noise, 1e-9)) ** 2)
    return 1 + trust * (np.clip(np.nan_to_num(ratio, nan=1.0), 0.8, 1.4) - 1)


def _relative(values: Floats, strong: Mask) -> Floats:
    usual = values[strong & np.isfinite(values)]
    return values / np.median(usual) if usual.size and np.median(usual) > 0 else np.ones_like(values)


def _bounds(signal: Signal, placed: Placed, known: Expectation, scale: Floats) -> tuple[Floats, Floats, Mask]:
    """Return the boundaries, drawn in to a valley where a neighbour rises behind it, and where that was so."""
    apex_s = placed.centre_s
    left_s, right_s = apex_s - known.left_s * scale, apex_s + known.right_s * scale
    gain = smoothing_gain(LIGHT * known.width_s, signal.spacing_s)
    rise = np.maximum(
        VALLEY_SD * gain * np.sqrt(signal.variance),
        VALLEY_RISE * signal.light[np.arange(len(apex_s)), placed.top][:, None],
    )
    reach = known.width_s / 2
    right_valley = _valley(signal.block.time_s, signal.light, rise, apex_s + reach, right_s + reach)
    left_valley = _valley(
        -signal.block.time_s[:, ::-1], signal.light[:, ::-1], rise[:, ::-1], -(apex_s - reach), -(left_s - reach)
    )
    new_left, new_right = np.fmax(left_s, -left_valley), np.fmin(right_s, right_valley)
    return new_left, new_right, (new_left > left_s) | (new_right < right_s)


def _valley(time_s: Floats, light: Floats, rise: Floats, from_s: Floats, to_s: Floats) -> Floats:
    """Return the time of the lowest point after which the signal rises again within the given range, else NaN."""
    searched = (time_s >= from_s[:, None]) & (time_s <= to_s[:, None])
    lowest = np.minimum.accumulate(np.where(searched, light, np.inf), axis=1)
    rising = searched & (light - lowest > rise)
    found = rising.any(axis=1)
    before = searched & (np.arange(time_s.shape[1]) <= rising.argmax(axis=1)[:, None])
    bottom = np.where(before, light, np.inf).argmin(axis=1)
    return np.where(found, time_s[np.arange(len(time_s)), bottom], np.nan)


def _is_cut(whole: Block, left_s: Floats, right_s: Floats, spacing_s: float) -> Mask:
    return (left_s < whole.time_s[:, 0] - spacing_s) | (right_s > whole.time_s[:, -1] + spacing_s)


def _has_flat_top(signal: Signal, inside: Mask) -> Mask:
    """Return where three neighbouring points share the highest intensity."""
    highest_value = np.where(inside, signal.block.intensity, -np.inf).max(axis=1)
    flat = inside & (signal.block.intensity == highest_value[:, None])
    return (flat[:, 2:] & flat[:, 1:-1] & flat[:, :-2]).any(axis=1)
