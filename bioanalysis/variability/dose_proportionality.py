"""Whether concentration rises in proportion to dose: the power model C = a dose^b."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from bioanalysis.variability.combined_degrees import combined_degrees


class PowerModel(NamedTuple):
    """Exponent of dose with its interval; NaN where `note` says why."""

    exponent: float
    low: float
    high: float
    n: int
    doses: int
    note: str
    standard_error: float = np.nan
    degrees_of_freedom: float = np.nan


def power_model(
    dose: ArrayLike, concentration: ArrayLike, *, level: float = 0.90, shared: Sequence[tuple[float, float]] = ()
) -> PowerModel:
    """Return the exponent b of ``C = a dose^b`` from a straight line through logarithms, one value per animal.

    Parameters
    ----------
    dose, concentration : array_like (n_animals,)
        Both above 0.
    level : float
        Confidence of the interval, Student's t with n - 2 degrees of freedom.
    shared : sequence of (variance, degrees of freedom)
        Variances of the exponent that the scatter about the line does not hold, of curves and recovery factors; the
        degrees of freedom are then those after Welch and Satterthwaite.

    Raises
    ------
    ValueError
        For doses or concentrations that are not above 0, or not in pairs.

    References
    ----------
    Smith et al., Pharm Res 17 (2000) 1278, doi:10.1023/A:1026451721686.
    """
    x, y = np.asarray(dose, dtype=float).ravel(), np.asarray(concentration, dtype=float).ravel()
    if len(x) != len(y) or not (np.all(x > 0) and np.all(y > 0)):
        raise ValueError("doses and concentrations must come in pairs, all above 0")
    doses = len(np.unique(x))
    if doses < 2:
        return PowerModel(np.nan, np.nan, np.nan, len(x), doses, "fewer than two doses: no exponent")
    off, log = np.log(x) - np.log(x).mean(), np.log(y)
    slope = float(off @ log / (off @ off))
    degrees = len(x) - 2
    if degrees < 1:
        return PowerModel(slope, np.nan, np.nan, len(x), doses, "two values: no interval")
    residual = log - log.mean() - slope * off
    own = float(residual @ residual / degrees / (off @ off))
    total, freedom = combined_degrees([(own, float(degrees)), *shared])
    error = float(np.sqrt(total))
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return PowerModel(slope, slope - half, slope + half, len(x), doses, "", error, freedom)
