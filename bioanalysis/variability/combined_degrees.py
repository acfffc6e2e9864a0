"""Degrees of freedom of a sum of independent variances."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def combined_degrees(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the sum of independent variances and its effective degrees of freedom, after Welch and Satterthwaite.

    Parameters
    ----------
    parts : sequence of (variance, degrees of freedom)
        Degrees are infinite where a variance is known. A variance of 0 is left out, whatever its degrees.

    Returns
    -------
    (float, float)
        ``sum(v)`` and ``sum(v)^2 / sum(v^2 / df)``: infinite where nothing was estimated, NaN where a variance is or
        one above 0 has no degrees of freedom.

    References
    ----------
    Satterthwaite, Biometrics Bull 2 (1946) 110; Welch, Biometrika 34 (1947) 28; JCGM 100:2008 (GUM), G.4.1.
    """
    total = math.fsum(variance for variance, _ in parts)
    behind = math.fsum(variance**2 / degrees if degrees else np.nan for variance, degrees in parts if variance)
    return total, total**2 / behind if behind else np.inf
