"""Starting values of logistic curves.

Given slope, midpoint and asymmetry, the two plateaus are linear and follow by simple regression, so that the best of a
whole grid of shapes is found without any search (variable projection).

References
----------
Golub & Pereyra, SIAM J. Numer. Anal. 10 (1973) 413.
"""

from __future__ import annotations

import numpy as np

from bioanalysis.calibration.least_squares import Array
from bioanalysis.calibration.logistic import share_left

SLOPES = np.geomspace(0.3, 6, 10)
ASYMMETRIES = np.array([0.2, 0.5, 1.0, 2.0, 5.0])
HALFWAYS = 25


def starting_values(log_x: Array, response: Array, weight: Array, n_parameters: int) -> Array:
    """Return starts (fits, starts, parameters): the best shape of each band of slopes (and asymmetries).

    Parameters
    ----------
    log_x : (points,) array
        ln of the standards' concentrations, -inf for zero; the same for all fits.
    response, weight : (fits, points) arrays
    """
    shapes = _shapes(log_x, n_parameters)
    kept = share_left(log_x, shapes)[0]
    squares, plateaus = _project(kept, response, weight)
    bands = _bands(shapes)
    best = np.stack(
        [np.where(bands == band, squares, np.inf).argmin(axis=1) for band in range(bands.max() + 1)], axis=1
    )
    starts = shapes[best]
    infinite, zero = (np.take_along_axis(plateau, best, axis=1) for plateau in plateaus)
    starts[:, :, 0], starts[:, :, 3] = zero, infinite
    return starts


def _shapes(log_x: Array, n_parameters: int) -> Array:
    """Return a grid of shapes (shapes, parameters), plateaus left 0; midpoints follow from the half-way points."""
    known = log_x[np.isfinite(log_x)]
    halfway = np.linspace(known.min() - 1, known.max() + 3, HALFWAYS)
    asymmetries = ASYMMETRIES if n_parameters == 5 else np.ones(1)
    slope, half, asymmetry = (axis.ravel() for axis in np.meshgrid(SLOPES, halfway, asymmetries, indexing="ij"))
    midpoint = half - np.log(np.expm1(np.log(2) / asymmetry)) / slope
    zero = np.zeros_like(slope)
    return np.stack([zero, np.log(slope), midpoint, zero, np.log(asymmetry)][:n_parameters], axis=1)


def _project(kept: Array, response: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    """Return the sums of squares (fits, shapes) of y = infinite + (zero - infinite) kept, and (infinite, zero)."""
    total = weight.sum(axis=1)[:, None]
    centre = (weight * response).sum(axis=1)[:, None] / total
    deviation = weight * (response - centre)
    mean_kept = weight @ kept.T / total
    kept_squares = weight @ (kept**2).T - total * mean_kept**2
    product = deviation @ kept.T
    with np.errstate(all="ignore"):
        span = np.where(kept_squares > 1e-9 * total, product / kept_squares, 0.0)
    squares = (deviation * (response - centre)).sum(axis=1)[:, None] - span * product
    infinite = centre - span * mean_kept
    return squares, (infinite, infinite + span)


def _bands(shapes: Array) -> Array:
    """Return the band (shapes,) of each: three of slope, for five parameters times three of asymmetry."""
    of_slope = np.digitize(shapes[:, 1], np.log([0.7, 1.6]))
    if shapes.shape[1] < 5:
        return of_slope
    return of_slope + 3 * np.digitize(shapes[:, 4], np.log([0.7, 1.5]))
