"""Areas of one transition's peaks, all injections at once, by perpendicular drop and by template."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.block import Block, Floats, Mask, middle_of, trapezoid_weights
from bioanalysis.chromatography.bounds import boundaries
from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.place import Placed, place, relative, shape_of, width_scale
from bioanalysis.chromatography.settings import IntegrationSettings
from bioanalysis.chromatography.signal import Signal, signal_above
from bioanalysis.chromatography.template import Fitted, Standing, template_areas

STRIP = 0.5  # beside the boundaries, in widths at base, where the signal should be that of the baseline
LEAST = 1e-150  # in place of zero, to divide by
COUNTED_IONS = 300  # above so many, three equal counts in a row are no chance


@dataclass(frozen=True, eq=False)
class Measured:
    """One value per injection; times in s."""

    retention_s: Floats
    left_s: Floats
    right_s: Floats
    area: Floats
    area_se: Floats
    drop_area: Floats
    drop_se: Floats
    template_area: Floats
    template_se: Floats
    fitted_width: Floats
    fitted_width_sd: Floats
    misfit: Floats
    freedom: Floats
    height: Floats
    signal_to_noise: Floats
    noise_sd: Floats
    width_s: Floats
    asymmetry: Floats
    points: NDArray[np.int64]
    off_expected_s: Floats
    width_ratio: Floats
    tail_ratio: Floats
    asymmetry_ratio: Floats
    beyond_trace_s: Floats
    valley: Floats
    edge: Floats
    edge_sd: Floats
    higher_neighbour: Floats
    flat_points: Floats
    baseline_sd: Floats
    stray: Floats

    def __getitem__(self, row: int) -> dict[str, float]:
        return {field.name: getattr(self, field.name)[row] for field in fields(self)}


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
    placed = place(signal, known, settings)
    to_noise = over_noise(placed.height, signal.sd)
    shape = shape_of(signal, placed.top)
    strong = eligible & (to_noise >= settings.strong_signal_to_noise) & np.isfinite(shape.width)
    lag_s = middle_of((shape.apex_s - placed.centre_s)[strong]) if strong.any() else 0.0  # of tailing peaks, before it
    scale = width_scale(shape, strong, to_noise)
    bounds = boundaries(signal, placed, known, scale)
    left_s, right_s = bounds.left_s, bounds.right_s
    drop = _drop(signal, left_s, right_s, quantum)
    standing = Standing(
        placed.centre_s, scale, left_s, right_s, bounds.neighbour_s, *drop, strong & np.isnan(bounds.valley),
        (known.left_s, known.right_s), known.rt_sd_s,
    )  # fmt: skip
    fitted = template_areas(signal, standing)
    area, area_se = _choose(drop, fitted, to_noise, np.isfinite(bounds.neighbour_s), settings)
    inside = signal.between(left_s, right_s)
    asymmetry = shape.tail / np.where(shape.lead > 0, shape.lead, np.nan)
    edge, edge_sd = _edge(signal, placed, known, left_s, right_s)
    return Measured(
        retention_s=placed.centre_s + lag_s, left_s=left_s, right_s=right_s, area=area, area_se=area_se,
        drop_area=drop[0], drop_se=drop[1], template_area=fitted.area, template_se=fitted.area_se,
        fitted_width=fitted.width, fitted_width_sd=fitted.width_sd, misfit=fitted.misfit, freedom=fitted.freedom,
        height=placed.height, signal_to_noise=to_noise, noise_sd=signal.sd,
        width_s=np.where(to_noise >= 3, shape.width, np.nan), asymmetry=np.where(to_noise >= 10, asymmetry, np.nan),
        points=inside.sum(axis=1), off_expected_s=placed.off_s, width_ratio=relative(shape.width, strong),
        tail_ratio=relative(shape.lead + shape.tail, strong), asymmetry_ratio=relative(asymmetry, strong),
        beyond_trace_s=np.maximum(whole.time_s[:, 0] - left_s, right_s - whole.time_s[:, -1]) - signal.spacing_s,
        valley=bounds.valley, edge=edge, edge_sd=edge_sd, higher_neighbour=placed.higher_neighbour,
        flat_points=_flat_points(signal, inside, quantum),
        stray=signal.line.stray * known.base_s / np.maximum(np.maximum(drop[0], drop[1]), LEAST),
        baseline_sd=signal.line.level / np.maximum(signal.sd, LEAST) * np.sqrt(np.maximum(signal.line.points, 1)),
    )  # fmt: skip


def _drop(signal: Signal, left_s: Floats, right_s: Floats, quantum: float) -> tuple[Floats, Floats]:
    """Return areas by perpendicular drop, and their standard errors from the noise of points and baseline."""
    weights = trapezoid_weights(signal.block.time_s, left_s, right_s)
    variance = (weights**2 * signal.variance).sum(axis=1) + signal.line.area_variance(weights, signal.block.time_s)
    return (weights * signal.above).sum(axis=1), np.maximum(np.sqrt(variance), quantum * signal.spacing_s)


def _choose(
    drop: tuple[Floats, Floats], fitted: Fitted, to_noise: Floats, crowded: Mask, settings: IntegrationSettings
) -> tuple[Floats, Floats]:
    """Return area and standard error of the estimate that the settings' rule names."""
    wanted = {
        "drop": np.zeros(len(to_noise), dtype=bool),
        "template": np.ones(len(to_noise), dtype=bool),
        "by_signal_to_noise": (to_noise < settings.template_below) | (crowded & settings.template_with_neighbour),
    }[settings.estimate]
    chosen = wanted & np.isfinite(fitted.area)
    return np.where(chosen, fitted.area, drop[0]), np.where(chosen, fitted.area_se, drop[1])


def over_noise(height: Floats, sd: Floats) -> Floats:
    """Return the signal-to-noise ratio: infinite on a baseline without any noise, 0 without a signal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(height > 0, height / sd, 0.0)


def _edge(signal: Signal, placed: Placed, known: Expectation, left_s: Floats, right_s: Floats) -> tuple[Floats, Floats]:
    """Return how far the signal just outside the boundaries lies off the baseline, over the peak's height, with its SD.

    Of the two sides, the one farther off.
    """
    strip_s = max(STRIP * known.base_s, 3 * signal.spacing_s)
    height = np.maximum(np.maximum(placed.height, signal.sd), LEAST)
    sides = []
    for low_s, high_s in ((left_s - strip_s, left_s), (right_s, right_s + strip_s)):
        here = signal.between(low_s, high_s)
        count = np.maximum(here.sum(axis=1), 1)
        sides.append(
            (np.where(here, signal.above, 0.0).sum(axis=1) / count / height, signal.sd / np.sqrt(count) / height)
        )
    (left, left_sd), (right, right_sd) = sides
    farther = np.abs(right) > np.abs(left)
    return np.where(farther, right, left), np.where(farther, right_sd, left_sd)


def _flat_points(signal: Signal, inside: Mask, quantum: float) -> Floats:
    """Return how many neighbouring points share the highest intensity, three at most; 0 where few ions explain it."""
    highest = np.where(inside, signal.block.intensity, -np.inf).max(axis=1)
    flat = inside & (signal.block.intensity == highest[:, None])
    pair = flat[:, 1:] & flat[:, :-1]
    triple = pair[:, 1:] & pair[:, :-1]
    number = 1.0 + pair.any(axis=1) + triple.any(axis=1)
    return np.where(highest > COUNTED_IONS * quantum, number, 0.0)
