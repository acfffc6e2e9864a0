"""Straight line and parabola by weighted least squares."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from bioanalysis.calibration.curve import ABOVE, BELOW, CalibrationCurve, checked_standards
from bioanalysis.calibration.least_squares import Array, Problem, Solution, polish


class _Polynomial(CalibrationCurve):
    degree: int

    def _fit(self, nominal: Any, response: Any) -> Array:
        """Fit and return the checked concentrations."""
        nominal, response = checked_standards(nominal, response, self.degree + 1, self.model)
        solution = _solve(nominal, response, *self.weights.base(nominal, response), self.degree)
        inverse = np.linalg.inv(solution.factor[0])
        self._learn(solution.parameters[0], inverse @ inverse.T, solution.sum_of_squares[0], len(nominal))
        self._note_range(nominal, self._response(nominal))
        messages = []
        if not solution.last_step[0] < 1e-6:
            messages.append(f"weights {self.weighting} by fitted response did not settle; weight by concentration")
        self.messages_ = tuple(messages)
        self.converged_ = not messages
        return nominal

    def _response(self, concentration: Array) -> Array:
        return np.polynomial.polynomial.polyval(concentration, self.parameters_)

    def _gradient(self, concentration: Array) -> Array:
        return np.vander(concentration, self.degree + 1, increasing=True)

    def _steepness(self, concentration: Array) -> Array:
        derivative = np.polynomial.polynomial.polyder(self.parameters_)
        return np.polynomial.polynomial.polyval(concentration, derivative)


class WeightedLinear(_Polynomial):
    """Straight line: response = intercept + slope * concentration.

    Parameters
    ----------
    weighting : {"none", "1/x", "1/x^2", "1/y", "1/y^2"}, default="none"
        Weight of each standard in the sum of squares.
    weight_by : {"observed", "fitted"}, default="observed"
        Which response 1/y and 1/y^2 take.

    Attributes
    ----------
    intercept_, slope_ : float
        And those of every calibration curve: `parameter_names_`, `covariance_`, `residual_sd_`,
        `degrees_of_freedom_`, `converged_`, `messages_`, `lowest_`, `highest_`.

    Notes
    -----
    Intervals of back-calculated concentrations are Fieller's: all x for which the reading is plausible, with the weight
    of the reading taken at the estimate. `relative_uncertainty` is that of the delta method (Wald).

    References
    ----------
    Fieller, J. R. Stat. Soc. B 16 (1954) 175. Graybill & Iyer, Regression Analysis (1994), section 6.
    """

    model = "linear"
    degree = 1

    def fit(self, nominal: Any, response: Any) -> Self:
        """Fit the line to standards: concentrations (n,) and responses (n,); ValueError where none can be."""
        self._fit(nominal, response)
        if self.slope_ == 0:
            self.converged_, self.messages_ = False, ("the line is level; check the standards' concentrations",)
        return self

    def _name_parameters(self) -> None:
        self.parameter_names_ = ("intercept", "slope")
        self.intercept_, self.slope_ = map(float, self.parameters_)

    def _invert(self, response: Array) -> tuple[Array, Array]:
        concentration = (response - self.intercept_) / self.slope_
        return concentration, np.full(len(response), "", dtype=object)

    def _interval(
        self, concentration: Array, response: Array, parts: tuple[Array, Array], quantile: float
    ) -> tuple[Array, Array]:
        """Return the roots x of (y - a - b x)^2 = t^2 (reading's variance + variance of a + b x)."""
        t2 = quantile**2
        (v_aa, v_ab), (_, v_bb) = self.covariance_
        of_reading = (parts[1] * self.slope_) ** 2
        rise = response - self.intercept_
        square = self.slope_**2 - t2 * v_bb
        half = self.slope_ * rise + t2 * v_ab
        rest = rise**2 - t2 * (of_reading + v_aa)
        with np.errstate(all="ignore"):
            reach = np.sqrt(half**2 - square * rest)
            finite = square > 0
            low, high = (
                np.where(finite, (half - reach) / square, np.nan),
                np.where(finite, (half + reach) / square, np.nan),
            )
        return np.where(concentration > 0, low, np.nan), high


class WeightedQuadratic(_Polynomial):
    """Parabola: response = c0 + c1 * concentration + c2 * concentration^2.

    Parameters
    ----------
    weighting : {"none", "1/x", "1/x^2", "1/y", "1/y^2"}, default="none"
        Weight of each standard in the sum of squares.
    weight_by : {"observed", "fitted"}, default="observed"
        Which response 1/y and 1/y^2 take.

    Attributes
    ----------
    coefficients_ : (3,) array
        Constant first. And those of every calibration curve: `parameter_names_`, `covariance_`, `residual_sd_`,
        `degrees_of_freedom_`, `converged_`, `messages_`, `lowest_`, `highest_`.

    Notes
    -----
    Concentrations are read off the branch on which the standards lie. A parabola that turns inside their range answers
    one response with two concentrations: it is refused (`converged_` is False). Intervals are those of the delta method
    on ln x with the full covariance.
    """

    model = "quadratic"
    degree = 2

    def fit(self, nominal: Any, response: Any) -> Self:
        """Fit the parabola to standards: concentrations (n,) and responses (n,); ValueError where none can be."""
        nominal = self._fit(nominal, response)
        ends = self._steepness(np.array([nominal.min(), nominal.max()]))
        if ends[0] * ends[1] <= 0:
            turn = -self.coefficients_[1] / (2 * self.coefficients_[2])
            self.messages_ += (
                f"the parabola turns at {turn:g}, inside the range of the standards; "
                "narrow the range, or use another model or weighting",
            )
            self.converged_ = False
        return self

    def _name_parameters(self) -> None:
        self.parameter_names_ = ("c0", "c1", "c2")
        self.coefficients_ = self.parameters_

    def _invert(self, response: Array) -> tuple[Array, Array]:
        """Return the roots on the branch of the standards; beyond the turning point there is none."""
        c0, c1, c2 = self.coefficients_
        middle = (self.lowest_ + self.highest_) / 2
        rising = np.sign(c1 + 2 * c2 * middle)
        with np.errstate(all="ignore"):
            root = rising * np.sqrt(c1**2 - 4 * c2 * (c0 - response))
            same_side = np.sign(root) * np.sign(c1) >= 0
            concentration = np.where(same_side, 2 * (response - c0) / (c1 + root), (root - c1) / (2 * c2))
        beyond = ABOVE if c2 * rising < 0 else BELOW
        return concentration, np.where(np.isnan(concentration), beyond, "").astype(object)


def _solve(nominal: Array, response: Array, weight: Array, power: float, degree: int) -> Solution:
    basis = np.vander(nominal, degree + 1, increasing=True)

    def model(parameters: Array) -> tuple[Array, Array]:
        return parameters @ basis.T, np.broadcast_to(basis, (len(parameters), *basis.shape))

    start = np.zeros((1, degree + 1))
    start[0, 0] = np.abs(response).mean()
    edge = np.full(degree + 1, np.inf)
    return polish(Problem(model, response[None], weight[None], power, -edge, edge), start)
