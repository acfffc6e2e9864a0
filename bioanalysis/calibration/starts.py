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

SLOPES = np.geomspace(0.3, 6, 9)
ASYMMETRIES = np.array([0.2, 0.5, 1.0, 2.0, 5.0])
HALFWAYS = 19


def starting_values(log_x: Array, response: Array, weight: Array, n_parameters: int, most: int | None = None) -> Array:
    """Return starts (fits, starts, parameters): the best shape of each band of slopes (and asymmetries), best first.

    Parameters
    ----------
    log_x : (points,) array
        ln of the standards' concentrations, -inf for zero; the same for all fits.
    response : (fits, points) array
    weight : (fits, points) or, where all fits share them, (1, points) array
    n_parameters : int
        4 or 5.
    most : int, optional
        How many starts to keep.
    """
    bands = _bands(_shapes(log_x, n_parameters))
    shapes = np.concatenate(bands)
    kept = share_left(log_x, shapes)[0]
    explained = _explained(kept, response, weight)
    ends = np.cumsum([len(band) for band in bands])
    pairs = [(end - len(band), end) for band, end in zip(bands, ends, strict=True)]
    best = np.stack([first + explained[:, first:end].argmax(axis=1) for first, end in pairs], axis=1)
    order = np.take_along_axis(explained, best, axis=1).argsort(axis=1, kind="stable")[:, ::-1]
    best = np.take_along_axis(best, order, axis=1)[:, :most]
    starts = shapes[best]
    starts[:, :, 0], starts[:, :, 3] = plateaus(kept[best], response[:, None], weight[:, None])
    return starts


def plateaus(kept: Array, response: Array, weight: Array) -> tuple[Array, Array]:
    """Return (zero, infinite), each (...,), of the regression on what is kept (..., points)."""
    share = weight / weight.sum(axis=-1, keepdims=True)
    mean_kept, mean = (share * kept).sum(axis=-1), (share * response).sum(axis=-1)
    apart = kept - mean_kept[..., None]
    with np.errstate(all="ignore"):
        span = (share * apart * response).sum(axis=-1) / (share * apart**2).sum(axis=-1)
    span = np.where(np.isfinite(span), span, 0.0)
    infinite = mean - span * mean_kept
    return infinite + span, infinite


def _shapes(log_x: Array, n_parameters: int) -> Array:
    """Return a grid of shapes (shapes, parameters), plateaus left 0; midpoints follow from the half-way points."""
    known = log_x[np.isfinite(log_x)]
    halfway = np.linspace(known.min() - 1, known.max() + 3, HALFWAYS)
    asymmetries = ASYMMETRIES if n_parameters == 5 else np.ones(1)
    slope, half, asymmetry = (axis.ravel() for axis in np.meshgrid(SLOPES, halfway, asymmetries, indexing="ij"))
    midpoint = half - np.log(np.expm1(np.log(2) / asymmetry)) / slope
    zero = np.zeros_like(slope)
    return np.stack([zero, np.log(slope), midpoint, zero, np.log(asymmetry)][:n_parameters], axis=1)


def _explained(kept: Array, response: Array, weight: Array) -> Array:
    """Return the sum of squares (fits, shapes) that a regression on what is kept (shapes, points) explains."""
    total = weight.sum(axis=1)[:, None]
    mean_kept = weight @ kept.T / total
    kept_squares = weight @ (kept**2).T - total * mean_kept**2
    product = (weight * (response - (weight * response).sum(axis=1)[:, None] / total)) @ kept.T
    return product**2 / np.where(kept_squares > 1e-9 * total, kept_squares, np.inf)


def _bands(shapes: Array) -> list[Array]:
    """Return the shapes in bands: three of slope, for five parameters times three of asymmetry."""
    band = np.digitize(shapes[:, 1], np.log([0.7, 1.6]))
    if shapes.shape[1] == 5:
        band += 3 * np.digitize(shapes[:, 4], np.log([0.7, 1.5]))
    return [shapes[band == number] for number in range(band.max() + 1)]
