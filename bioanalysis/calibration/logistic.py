"""Formulas of the four- and five-parameter logistic curve.

    y = infinite + (zero - infinite) / (1 + (x / midpoint)^slope)^asymmetry

Parameters on the scale of the fit are zero, ln slope, ln midpoint, infinite and, for the five-parameter curve,
ln asymmetry; every function takes them as (fits, 4) or (fits, 5) and ln x as (fits, points) or (points,).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from bioanalysis.calibration.least_squares import Array


def share_left(log_x: Array, parameters: Array) -> tuple[Array, Array, Array, Array]:
    """Return what the curve keeps of zero - infinite at each point, and the pieces its derivatives need.

    Returns
    -------
    kept, tilt, distance, log_share : (fits, points) arrays
        (1 + u)^-g for u = (x/midpoint)^slope; g slope u/(1 + u) times it; ln(x/midpoint); -ln(1 + u).
    """
    slope, asymmetry = np.exp(parameters[:, 1, None]), _asymmetry(parameters)
    distance = log_x - parameters[:, 2, None]
    exponent = slope * distance
    log_share = -np.logaddexp(0, exponent)
    kept = np.exp(asymmetry * log_share)
    return kept, asymmetry * slope * expit(exponent) * kept, np.where(np.isfinite(distance), distance, 0.0), log_share


def logistic(log_x: Array, parameters: Array) -> tuple[Array, Array]:
    """Return responses (fits, points) and their derivatives by the parameters of the fit (fits, points, parameters)."""
    kept, tilt, distance, log_share = share_left(log_x, parameters)
    span = parameters[:, 0, None] - parameters[:, 3, None]
    jacobian = np.empty((*kept.shape, parameters.shape[1]))
    jacobian[:, :, 0] = kept
    jacobian[:, :, 1] = -span * tilt * distance
    jacobian[:, :, 2] = span * tilt
    jacobian[:, :, 3] = 1 - kept
    if parameters.shape[1] == 5:
        jacobian[:, :, 4] = span * _asymmetry(parameters) * kept * log_share
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


def _asymmetry(parameters: Array) -> Array | float:
    return np.exp(parameters[:, 4, None]) if parameters.shape[1] == 5 else 1.0
