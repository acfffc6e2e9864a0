"""Formulas of the four- and five-parameter logistic curve.

    y = infinite + (zero - infinite) / (1 + (x / midpoint)^slope)^asymmetry

Parameters on the scale of the fit are zero, ln slope, ln midpoint, infinite and, for the five-parameter curve,
ln asymmetry; every function takes them as (fits, 4) or (fits, 5) and ln x as (fits, points) or (points,).
"""

from __future__ import annotations

import numpy as np

from bioanalysis.calibration.least_squares import Array


def share_left(log_x: Array, parameters: Array) -> tuple[Array, list[Array]]:
    """Return what the curve keeps of zero - infinite at each point, and its derivatives by the shape.

    Returns
    -------
    kept : (fits, points) array
        (1 + (x/midpoint)^slope)^-asymmetry.
    derivatives : list of (fits, points) arrays
        Of it by ln slope, ln midpoint and, for five parameters, ln asymmetry.
    """
    slope = np.exp(parameters[:, 1, None])
    distance = log_x - parameters[:, 2, None]
    exponent = slope * distance
    kept, gone = _split(exponent)
    tilt = slope * gone
    further = []
    if parameters.shape[1] == 5:
        asymmetry = np.exp(parameters[:, 4, None])
        log_kept = -asymmetry * np.logaddexp(0, exponent)
        kept, tilt = np.exp(log_kept), asymmetry * tilt
        further = [kept * np.where(kept > 0, log_kept, 0.0)]
    tilt = tilt * kept
    return kept, [-tilt * np.where(tilt > 0, distance, 0.0), tilt, *further]


def _split(exponent: Array) -> tuple[Array, Array]:
    """Return 1/(1 + e^z) and 1/(1 + e^-z), both to full precision, with one exponential."""
    small = np.exp(-np.abs(exponent))
    large_share = 1 / (1 + small)
    small_share = small * large_share
    rising = exponent > 0
    return np.where(rising, small_share, large_share), np.where(rising, large_share, small_share)


def logistic(log_x: Array, parameters: Array) -> tuple[Array, Array]:
    """Return responses (fits, points) and their derivatives by the parameters of the fit (fits, points, parameters)."""
    kept, by_shape = share_left(log_x, parameters)
    span = parameters[:, 0, None] - parameters[:, 3, None]
    jacobian = np.empty((*kept.shape, parameters.shape[1]))
    jacobian[:, :, 0], jacobian[:, :, 3] = kept, 1 - kept
    for column, derivative in zip((1, 2, 4), by_shape, strict=False):
        np.multiply(span, derivative, out=jacobian[:, :, column])
    return parameters[:, 3, None] + span * kept, jacobian


def log_concentration(response: Array, parameters: Array) -> Array:
    """Return ln x at each response: -inf at or before the response of zero, +inf at or beyond the one of infinity.

    Parameters
    ----------
    response : (points,) array
    parameters : (4,) or (5,) array, scale of the fit
    """
    zero, log_slope, log_midpoint, infinite = parameters[:4]
    asymmetry = np.exp(parameters[4]) if len(parameters) == 5 else 1.0
    with np.errstate(all="ignore"):
        gone = (response - zero) / (infinite - zero)
        log_kept = np.where(gone < 1, np.log1p(-np.clip(gone, 0, 1)), -np.inf)
        odds = np.expm1(-log_kept / asymmetry)
        return log_midpoint + np.log(odds) * np.exp(-log_slope)
