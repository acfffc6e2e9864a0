"""Four- and five-parameter logistic standard curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils import Tags

from bioanalysis.calibration.curve import ABOVE, BELOW, CalibrationCurve, checked_standards
from bioanalysis.calibration.least_squares import Array, Problem, Solution, Weight, polish, search
from bioanalysis.calibration.logistic import log_concentration, logistic
from bioanalysis.calibration.starts import starting_values

MIDPOINT_REACH = {4: 1e3, 5: 1e5}
STEEPEST, FLATTEST = 50.0, 0.02
MOST_ASYMMETRIC = 50.0
CONVERGED = 1e-8


@dataclass(frozen=True)
class SigmoidFit:
    """Fits of one family to one or many plates.

    Parameters
    ----------
    solution : Solution
        The best of the starts, parameters on the scale of the fit.
    starts_agreeing : (fits,) int array
        How many starts ended at the best.
    rivals : (fits,) bool array
        Whether another minimum fits as well within one standard error, with another curve.
    bounded : (fits, parameters) bool array
        Parameters at a bound.
    """

    solution: Solution
    starts_agreeing: Array
    rivals: Array
    bounded: Array


def fit_sigmoids(
    log_x: Array, response: Array, weight: Array, following: Weight | None, n_parameters: int
) -> SigmoidFit:
    """Return logistic fits to plates with common standards.

    Parameters
    ----------
    log_x : (points,) array
        ln of the concentrations, -inf for a zero standard.
    response, weight : (fits, points) arrays
        Weights of the search.
    following : callable, optional
        Weights by fitted response (fits, points), for the last steps; None keeps `weight`.
    n_parameters : int
        4 or 5.
    """
    starts = starting_values(log_x, response, weight, n_parameters)
    n_fits, n_starts, _ = starts.shape
    lower, upper = _bounds(log_x, n_parameters)

    def model(parameters: Array) -> tuple[Array, Array]:
        return logistic(log_x, parameters)

    def problem(response: Array, weight: Weight) -> Problem:
        return Problem(model, response, weight, lower, upper)

    repeated, fixed = np.repeat(response, n_starts, axis=0), np.repeat(weight, n_starts, axis=0)
    every = problem(repeated, lambda fitted: fixed)
    ends = polish(every, search(every, np.clip(starts.reshape(-1, n_parameters), lower, upper)))
    best, agreeing, rivals = _judge_starts(model, ends, n_fits, response, weight)
    solution = polish(problem(response, following or (lambda fitted: weight)), ends.parameters[best])
    bounded = (solution.parameters <= lower) | (solution.parameters >= upper)
    return SigmoidFit(solution, agreeing, rivals, bounded)


def _bounds(log_x: Array, n_parameters: int) -> tuple[Array, Array]:
    known, reach = log_x[np.isfinite(log_x)], np.log(MIDPOINT_REACH[n_parameters])
    lower = [-np.inf, np.log(FLATTEST), known.min() - reach, -np.inf, -np.log(MOST_ASYMMETRIC)]
    upper = [np.inf, np.log(STEEPEST), known.max() + reach, np.inf, np.log(MOST_ASYMMETRIC)]
    return np.array(lower[:n_parameters]), np.array(upper[:n_parameters])


def _judge_starts(
    model: Any, ends: Solution, n_fits: int, response: Array, weight: Array
) -> tuple[Array, Array, Array]:
    """Return the index of each fit's best start, how many starts agree with it, and whether a rival fits as well."""
    squares = ends.sum_of_squares.reshape(n_fits, -1)
    n_starts, n_parameters = squares.shape[1], ends.parameters.shape[1]
    best = squares.argmin(axis=1)
    least = squares.min(axis=1)[:, None]
    negligible = 1e-20 * (weight * response**2).sum(axis=1)[:, None]
    agree = squares <= least * (1 + 1e-6) + negligible
    fitted = model(ends.parameters)[0].reshape(n_fits, n_starts, -1)
    apart = np.abs(fitted - fitted[np.arange(n_fits), best][:, None]).max(axis=2)
    freedom = np.maximum((weight > 0).sum(axis=1)[:, None] - n_parameters, 1)
    settled = ends.last_step.reshape(n_fits, -1) < CONVERGED
    rival = (
        settled & ~agree & (squares <= least * (1 + 1 / freedom)) & (apart > 0.01 * np.ptp(response, axis=1)[:, None])
    )
    return best + n_starts * np.arange(n_fits), agree.sum(axis=1), rival.any(axis=1)


class _Sigmoid(CalibrationCurve):
    names: tuple[str, ...]

    def __init__(self, weighting: str = "none", weight_by: str = "fitted") -> None:
        super().__init__(weighting=weighting, weight_by=weight_by)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def fit(self, nominal: Any, response: Any) -> Self:
        """Fit the curve to standards: concentrations (n,), 0 allowed, and responses (n,).

        ValueError where no curve can be fitted at all; a fit that must not be used says so in `messages_`.
        """
        weighting, n_parameters = self._weighting(), len(self.names)
        nominal, response = checked_standards(nominal, response, n_parameters, self.model)
        if nominal.min() < 0:
            raise ValueError(f"Negative values in data: a concentration is {nominal.min():g}; it must be 0 or more")
        with np.errstate(divide="ignore"):
            log_x = np.log(nominal)
        following = weighting.during(nominal, response) if weighting.follows_fit else None
        found = fit_sigmoids(log_x, response[None], weighting.start(nominal, response)[None], following, n_parameters)
        inner = found.solution.parameters[0]
        self._learn_sigmoid(inner, found.solution, len(nominal))
        fitted = self._response(nominal)
        self._note_range(nominal, fitted)
        faults = _faults(found, self, fitted)
        self.messages_, self.converged_ = tuple(faults or _remarks(self)), not faults
        return self

    def _learn_sigmoid(self, inner: Array, solution: Solution, n_standards: int) -> None:
        natural = _natural(inner)
        scale = np.where([name in ("slope", "midpoint", "asymmetry") for name in self.names], natural, 1.0)
        with np.errstate(all="ignore"):
            try:
                inverse = scale[:, None] * np.linalg.inv(solution.factor[0])
            except np.linalg.LinAlgError:
                inverse = np.full((len(natural), len(natural)), np.nan)
        self._learn(natural, inverse @ inverse.T, solution.sum_of_squares[0], n_standards)

    def _name_parameters(self) -> None:
        self.parameter_names_ = self.names
        for name, value in zip(self.names, self.parameters_, strict=True):
            setattr(self, f"{name}_", float(value))

    def _inner(self) -> Array:
        """Return the parameters on the scale of the fit."""
        inner = self.parameters_.copy()
        logs = [i for i, name in enumerate(self.names) if name in ("slope", "midpoint", "asymmetry")]
        inner[logs] = np.log(inner[logs])
        return inner

    def _curve(self, concentration: Array) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            fitted, jacobian = logistic(np.log(concentration), self._inner()[None])
        return fitted[0], jacobian[0]

    def _response(self, concentration: Array) -> Array:
        return self._curve(concentration)[0]

    def _gradient(self, concentration: Array) -> Array:
        scale = np.where([name in ("slope", "midpoint", "asymmetry") for name in self.names], self.parameters_, 1.0)
        return self._curve(concentration)[1] / scale

    def _steepness(self, concentration: Array) -> Array:
        return -self._curve(concentration)[1][:, 2] / concentration

    def _invert(self, response: Array) -> tuple[Array, Array]:
        log_x = log_concentration(response, self._inner())
        with np.errstate(over="ignore"):
            concentration = np.exp(log_x)
        below, above = concentration == 0, concentration == np.inf
        reason = np.select([below, above], [BELOW, ABOVE], default="").astype(object)
        return np.where(below | above, np.nan, concentration), reason


class FourParameterLogistic(_Sigmoid):
    """Standard curve y = infinite + (zero - infinite) / (1 + (x / midpoint) ** slope), rising or falling.

    Parameters
    ----------
    weighting : {"none", "1/x", "1/x^2", "1/y", "1/y^2"}, default="none"
        Weight of each standard in the sum of squares.
    weight_by : {"fitted", "observed"}, default="fitted"
        Which response 1/y and 1/y^2 take. Weights by fitted response are those of the final curve (iteratively
        reweighted); weights by observed response are what most reader software uses.

    Attributes
    ----------
    zero_, infinite_ : float
        Responses at concentration 0 and far above all standards.
    midpoint_ : float
        Concentration whose response lies half-way, in the unit of the standards.
    slope_ : float
        Steepness, always above 0.
        And those of every calibration curve: `parameter_names_`, `covariance_`, `residual_sd_`,
        `degrees_of_freedom_`, `converged_`, `messages_`, `lowest_`, `highest_`.

    References
    ----------
    Findlay & Dillard, AAPS J 9 (2007) E260, doi:10.1208/aapsj0902029.
    """

    model = "4pl"
    names = ("zero", "slope", "midpoint", "infinite")


class FiveParameterLogistic(_Sigmoid):
    """Standard curve y = infinite + (zero - infinite) / (1 + (x / midpoint) ** slope) ** asymmetry, rising or falling.

    Parameters
    ----------
    weighting : {"none", "1/x", "1/x^2", "1/y", "1/y^2"}, default="none"
        Weight of each standard in the sum of squares.
    weight_by : {"fitted", "observed"}, default="fitted"
        Which response 1/y and 1/y^2 take.

    Attributes
    ----------
    zero_, slope_, midpoint_, infinite_, asymmetry_ : float
        As in the four-parameter curve, which has asymmetry 1; here midpoint is half-way only for asymmetry 1.
        And those of every calibration curve: `parameter_names_`, `covariance_`, `residual_sd_`,
        `degrees_of_freedom_`, `converged_`, `messages_`, `lowest_`, `highest_`.

    References
    ----------
    Gottschalk & Dunn, Anal. Biochem. 343 (2005) 54, doi:10.1016/j.ab.2005.04.035.
    """

    model = "5pl"
    names = ("zero", "slope", "midpoint", "infinite", "asymmetry")


def _natural(inner: Array) -> Array:
    natural = inner.copy()
    natural[[1, 2]] = np.exp(inner[[1, 2]])
    natural[4:] = np.exp(inner[4:])
    return natural


ADVICE = {
    "slope": "no standard lies in the steep part of the curve; add levels there",
    "midpoint": "the standards show only one end of the curve; add levels towards the other, or use another model",
    "asymmetry": "asymmetry not identifiable from these standards; use the four-parameter curve",
}
DETERMINED = np.log(10)  # a parameter whose 95 % interval spans more than tenfold either way is not


def _faults(found: SigmoidFit, curve: _Sigmoid, fitted: Array) -> list[str]:
    """Return in words why the curve must not be used, with what to do; empty where it may."""
    bounded = [
        f"{name} ran to its bound ({getattr(curve, f'{name}_'):.3g}): {ADVICE[name]}"
        for name in np.array(curve.names)[found.bounded[0]]
    ]
    if bounded:
        return bounded
    if curve._weighting().follows_fit and fitted.min() <= 0:
        need = f"weights {curve.weighting} need fitted responses above 0, the curve falls to {fitted.min():.3g}"
        return [f"{need}: do not subtract the blank, or weight otherwise"]
    if not found.solution.last_step[0] < CONVERGED:
        return [f"the fit did not converge: {_advice_on_no_end(curve)}"]
    if found.rivals[0]:
        return ["starts disagree: two different curves fit equally well; add standards where they part"]
    if found.starts_agreeing[0] < 2:
        return ["starts disagree: only one of them found this curve; look for a bad well or a hook at the top"]
    if curve.degrees_of_freedom_ and not np.all(np.isfinite(curve.covariance_)):
        return ["the standards do not determine all parameters; add levels, or use a simpler model"]
    if curve.model == "4pl" and _log_half_width(curve, "slope") > DETERMINED:
        return [f"slope not identifiable: {ADVICE['slope']}"]
    return []


def _advice_on_no_end(curve: _Sigmoid) -> str:
    if not 0.1 * curve.lowest_ <= curve.midpoint_ <= 10 * curve.highest_:
        return ADVICE["midpoint"]
    return "look for a bad well, a hook at the top or too few standards in the slope"


def _remarks(curve: _Sigmoid) -> list[str]:
    """Return what is worth knowing of a curve that may be used: the parameters its standards do not determine."""
    remarks = []
    for name in ("slope", "midpoint", "asymmetry")[: len(curve.names) - 2]:
        log_half_width = _log_half_width(curve, name)
        if log_half_width > DETERMINED:
            factor = (
                f"a factor of {np.exp(log_half_width):.2g}" if log_half_width < np.log(1e6) else "over a millionfold"
            )
            remarks.append(f"{name} not identifiable: its 95 % interval spans {factor} either way")
    return remarks


def _log_half_width(curve: _Sigmoid, name: str) -> float:
    """Return half the width of the 95 % interval of ln parameter; 0 without degrees of freedom."""
    if not curve.degrees_of_freedom_:
        return 0.0
    place = curve.names.index(name)
    return float(curve._quantile(0.95) * np.sqrt(curve.covariance_[place, place]) / curve.parameters_[place])
