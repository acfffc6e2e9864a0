"""How far a tissue with first-order elimination has filled up under repeated dosing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def steady_state_fraction(time: ArrayLike, half_life: ArrayLike) -> np.ndarray | float:
    """Return the fraction of steady state reached after `time`: 1 - 2^(-time / half_life).

    Parameters
    ----------
    time : array_like
        Time under a constant regimen, 0 or more.
    half_life : array_like
        Half-life in the tissue, above 0, in the unit of `time`.

    Returns
    -------
    float or ndarray
        Between 0 and 1; after 3.32 half-lives 0.9.

    Raises
    ------
    ValueError
        For a negative time or a half-life that is not above 0.
    """
    passed = np.asarray(time, dtype=float)
    if np.any(passed < 0):
        raise ValueError("time must not be negative")
    return _plain(-np.expm1(-np.log(2) * passed / _above_zero("half_life", half_life)))


def accumulation_ratio(interval: ArrayLike, half_life: ArrayLike) -> np.ndarray | float:
    """Return the amount at steady state over the amount after one dose: 1 / (1 - 2^(-interval / half_life)).

    Parameters
    ----------
    interval : array_like
        Time between doses, above 0.
    half_life : array_like
        Half-life in the tissue, above 0, in the unit of `interval`.

    Raises
    ------
    ValueError
        For an interval or a half-life that is not above 0.
    """
    rate = np.log(2) / _above_zero("half_life", half_life)
    return _plain(-1 / np.expm1(-rate * _above_zero("interval", interval)))


def _above_zero(name: str, values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    if np.any(numbers <= 0):
        raise ValueError(f"{name} must be above 0")
    return numbers


def _plain(values: np.ndarray) -> np.ndarray | float:
    return float(values) if np.ndim(values) == 0 else values
