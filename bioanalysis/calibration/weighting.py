"""Weights of calibration standards, by concentration or by response."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from bioanalysis.calibration.least_squares import Array

POWERS = {"none": ("", 0.0), "1/x": ("x", 1.0), "1/x^2": ("x", 2.0), "1/y": ("y", 1.0), "1/y^2": ("y", 2.0)}
ANY_POWER = re.compile(r"1/y\^(\d+(?:\.\d+)?)", re.ASCII)
SOURCES = ("fitted", "observed")


@dataclass(frozen=True)
class Weighting:
    """One of the named weightings: the variance of a response grows as a power of x or of y.

    Parameters
    ----------
    name : str
        ``none``, ``1/x``, ``1/x^2``, ``1/y``, ``1/y^2``, or ``1/y^p`` with a number for p.
    by : str
        Whether 1/y and 1/y^2 take the ``fitted`` or the ``observed`` response.
    """

    name: str
    by: str

    def __post_init__(self) -> None:
        if self.name not in POWERS and not ANY_POWER.fullmatch(self.name):
            raise ValueError(f"weighting is {self.name!r}; it must be one of {', '.join(POWERS)}, or 1/y^p")
        if self.by not in SOURCES:
            raise ValueError(f"weight_by is {self.by!r}; it must be one of {', '.join(SOURCES)}")

    @property
    def variable(self) -> str:
        """What the weight depends on: ``x``, ``y``, or nothing."""
        return POWERS[self.name][0] if self.name in POWERS else "y"

    @property
    def power(self) -> float:
        """Power of the variable to which the variance is proportional."""
        return POWERS[self.name][1] if self.name in POWERS else float(self.name.removeprefix("1/y^"))

    @property
    def follows_fit(self) -> bool:
        """Whether the weights change with the fitted curve."""
        return self.variable == "y" and self.by == "fitted"

    def start(self, concentration: Array, response: Array) -> Array:
        """Return weights known before the fit; where they follow the fit, by the observed response kept above zero.

        Parameters
        ----------
        concentration : (n,) array
        response : (n,) or (plates, n) array

        Returns
        -------
        (n,) array, or (plates, n) where the weights come from the responses.
        """
        if not self.power:
            return np.ones_like(concentration)
        if self.variable == "x":
            return _reciprocal(concentration, self.power, f"{self.name} weights need concentrations above 0")
        if self.follows_fit:
            least = 1e-3 * np.abs(response).max(axis=-1, keepdims=True)
            return np.maximum(response, least) ** -float(self.power)
        return _reciprocal(response, self.power, f"{self.name} weights by observed response need responses above 0")

    def base(self, concentration: Array, response: Array) -> tuple[Array, float]:
        """Return the part of the weights that stays during the fit, and the power of the fitted response below it."""
        return (
            (np.ones_like(concentration), self.power)
            if self.follows_fit
            else (self.start(concentration, response), 0.0)
        )

    def final(self, concentration: Array, response: Array, fitted: Array) -> Array:
        """Return the weights (n,) that go with a fitted curve; 0 where they need a fitted response above 0."""
        weight, power = self.base(concentration, response)
        above = fitted > 0
        return np.where(above, weight * np.where(above, fitted, 1.0) ** -float(power), 0.0) if power else weight

    def relative_variance(self, concentration: Array, response: Array, lowest: float) -> Array:
        """Return 1/weight of a new reading; below the lowest standard, where none is known, that standard's."""
        if not self.power:
            return np.ones_like(concentration)
        variable = concentration if self.variable == "x" else response
        return np.maximum(variable, lowest) ** float(self.power)


def _reciprocal(variable: Array, power: float, need: str) -> Array:
    if np.any(variable <= 0):
        raise ValueError(
            f"{need}; the lowest is {float(np.min(variable)):g}: leave such standards out, or weight otherwise"
        )
    return variable**-power
