"""Gaussian peaks for tests."""

from __future__ import annotations

import numpy as np

TIME_MIN = np.arange(2.5, 3.7, 0.4 / 60)


def peak(centre_min: float, sigma_s: float = 1.4) -> np.ndarray:
    """Return a Gaussian peak of height 1."""
    return np.exp(-0.5 * (60 * (TIME_MIN - centre_min) / sigma_s) ** 2)
