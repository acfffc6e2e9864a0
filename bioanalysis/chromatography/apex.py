"""Where peaks are, and how wide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioanalysis.chromatography.block import Floats, Mask, crossings

FWHM_PER_SIGMA = 2.3548200450309493
MOST_POINTS = 200.0  # of a smoothing sigma, where all points of a trace have one time


def smooth(signal: Floats, width_s: float, spacing_s: float) -> Floats:
    """Return the signal of each row folded with a Gaussian of the given width at half height."""
    from scipy.ndimage import gaussian_filter1d

    sigma = _sigma_points(width_s, spacing_s)
    return gaussian_filter1d(signal, sigma, axis=1, mode="nearest") if sigma > 0.05 else signal


def smoothing_gain(width_s: float, spacing_s: float) -> float:
    """Return the SD of white noise after `smooth` over that before."""
    sigma = _sigma_points(width_s, spacing_s)
    taps = np.exp(-0.5 * (np.arange(-int(4 * sigma) - 1, int(4 * sigma) + 2) / max(sigma, 1e-9)) ** 2)
    return float(np.sqrt((taps**2).sum()) / taps.sum())


def _sigma_points(width_s: float, spacing_s: float) -> float:
    return min(width_s / FWHM_PER_SIGMA / spacing_s, MOST_POINTS)


def highest(signal: Floats, within: Mask) -> tuple[NDArray[np.intp], Mask]:
    """Return the index of each row's highest local maximum within the mask, and whether there is one.

    Without one, the highest point of the mask is returned.
    """
    local: Mask = np.zeros(within.shape, dtype=bool)
    local[:, 1:-1] = (signal[:, 1:-1] >= signal[:, :-2]) & (signal[:, 1:-1] > signal[:, 2:])
    local &= within
    found: Mask = np.asarray(local.any(axis=1))
    eligible = np.where(found[:, None], local, within)
    return np.where(eligible, signal, -np.inf).argmax(axis=1), found


def parabola(time_s: Floats, signal: Floats, apex: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return time (s) and height of the parabola through each row's apex and its two neighbours."""
    rows = np.arange(len(time_s))
    middle = np.clip(apex, 1, time_s.shape[1] - 2)
    before, here, after = (signal[rows, middle + step] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    step = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    step = np.where(middle == apex, np.clip(step, -1, 1), 0.0)
    gap = (time_s[rows, middle + 1] - time_s[rows, middle - 1]) / 2
    at_apex = signal[rows, apex]
    return time_s[rows, apex] + step * gap, np.where(middle == apex, at_apex - 0.25 * (before - after) * step, at_apex)


def half_widths(
    time_s: Floats, signal: Floats, apex: NDArray[np.intp], apex_s: Floats, height: Floats, fraction: float
) -> tuple[Floats, Floats]:
    """Return the distances (s) from the apex to a fraction of its height, on either side (NaN: never reached)."""
    left, right = crossings(time_s, signal, apex, fraction * height)
    return apex_s - left, right - apex_s


def centre_sd(width_s: float, spacing_s: float, signal_to_noise: Floats) -> Floats:
    """Return the least SD (s) with which a Gaussian peak in white noise can be placed in time (Cramer-Rao)."""
    sigma = width_s / FWHM_PER_SIGMA
    return sigma / np.maximum(signal_to_noise, 1e-9) * np.sqrt(2 * spacing_s / (np.sqrt(np.pi) * sigma))
