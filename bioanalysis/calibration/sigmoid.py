"""Four- and five-parameter logistic standard curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils import Tags

from bioanalysis.calibration.curve import ABOVE, BELOW, CalibrationCurve, checked_standards
from bioanalysis.calibration.least_squares import Array, Problem, Solution, fit_least_squares, polish
from bioanalysis.calibration.logistic import log_concentration, logistic
from bioanalysis.calibration.starts import starting_values
from bioanalysis.calibration.weighting import Weighting

MIDPOINT_REACH = {4: 1e3, 5: 1e5}
STEEPEST, FLATTEST = 50.0, 0.02
MOST_ASYMMETRIC = 50.0
CONVERGED = 1e-8
LOG_SCALE = ("slope", "midpoint", "asymmetry")


@dataclass(frozen=True)
class SigmoidFit:
    """The fit of one family to one plate.

    Parameters
    ----------
    solution : Solution
        From the best of the starts; parameters on the scale of the fit.
    starts_agreeing : int
        How many starts ended at the best.
    rival : bool
        Whether another minimum fits as well within one standard error, with another curve.
    bounded : (parameters,) bool array
        Parameters at a bound.
    """

    solution: Solution
    starts_agreeing: int
    rival: bool
    bounded: Array


def fit_sigmoid(log_x: Array, response: Array, weighting: Weighting, n_parameters: int) -> SigmoidFit:
    """Return the logistic fit to one plate: from several starts with the weights known beforehand, then with the fit's.

    Parameters
    ----------
    log_x, response : (points,) arrays
        ln of the concentrations, -inf for a zero standard, and responses.
    weighting : Weighting
    n_parameters : int
        4 or 5.
    """
    concentration = np.exp(log_x)
    weight = weighting.start(concentration, response)[None]
    starts = starting_values(log_x, response[None], weight, n_parameters)[0]
    lower, upper = parameter_bounds(log_x, n_parameters)

    def model(parameters: Array) -> tuple[Array, Array]:
        return logistic(log_x, parameters)

    repeated = np.broadcast_to(response, (len(starts), len(response)))
    every = Problem(model, repeated, np.broadcast_to(weight, repeated.shape), 0, lower, upper)
    ends = fit_least_squares(every, np.clip(starts, lower, upper))
    best, agreeing, rival = _judge_starts(every, ends)
    base, power = weighting.base(concentration, response)
    solution = polish(Problem(model, response[None], base[None], power, lower, upper), ends.parameters[best][None])
    bounded = (solution.parameters[0] <= lower) | (solution.parameters[0] >= upper)
    return SigmoidFit(solution, agreeing, rival, bounded)


def parameter_bounds(log_x: Array, n_parameters: int) -> tuple[Array, Array]:
    """Return the bounds (n_parameters,) of the search, far outside what standards can determine."""
    known, reach = log_x[np.isfinite(log_x)], np.log(MIDPOINT_REACH[n_parameters])
    lower = [-np.inf, np.log(FLATTEST), known.min() - reach, -np.inf, -np.log(MOST_ASYMMETRIC)]
    upper = [np.inf, np.log(STEEPEST), known.max() + reach, np.inf, np.log(MOST_ASYMMETRIC)]
    return np.array(lower[:n_parameters]), np.array(upper[:n_parameters])


def _judge_starts(problem: Problem, ends: Solution) -> tuple[int, int, bool]:
    """Return the best start, how many agree with it, and whether a rival fits as well with another curve."""
    squares, response = ends.sum_of_squares, problem.response[0]
    best = int(squares.argmin())
    negligible = 1e-20 * float(problem.weight[0] @ response**2)
    agree = squares <= squares[best] * (1 + 1e-6) + negligible
    fitted = problem.model(ends.parameters)[0]
    apart = np.abs(fitted - fitted[best]).max(axis=1) > 0.01 * np.ptp(response)
    freedom = max(len(response) - ends.parameters.shape[1], 1)
    as_good = (ends.last_step < CONVERGED) & (squares <= squares[best] * (1 + 1 / freedom))
    return best, int(agree.sum()), bool(np.any(as_good & apart & ~agree))


class Sigmoid(CalibrationCurve):
    """Base of the logistic curves."""

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
        nominal, response = checked_concentrations(nominal, response, self)
        with np.errstate(divide="ignore"):
            log_x = np.log(nominal)
        found = fit_sigmoid(log_x, response, self.weights, len(self.names))
        solution = found.solution
        self.adopt(nominal, response, solution.parameters[0], solution.factor[0], float(solution.sum_of_squares[0]))
        faults = _faults(found, self)
        if faults:
            self.messages_, self.converged_ = tuple(faults), False
        return self

    def adopt(self, nominal: Array, response: Array, inner: Array, factor: Array, sum_of_squares: float) -> None:
        """Become the curve of a fit that settled elsewhere, and note what is worth knowing of its standards.

        Parameters
        ----------
        nominal, response : (n,) arrays
            The standards.
        inner : (n_parameters,) array
            Parameters on the scale of the fit.
        factor : (n_parameters, n_parameters) array
            Triangle R of the fit: the covariance is s^2 inv(R) inv(R)'.
        sum_of_squares : float
        """
        natural = natural_parameters(inner)
        try:
            inverse = self._log_scale(natural)[:, None] * np.linalg.inv(factor)
        except np.linalg.LinAlgError:
            inverse = np.full((len(natural), len(natural)), np.nan)
        with np.errstate(all="ignore"):
            self._learn(natural, inverse @ inverse.T, sum_of_squares, len(nominal))
        self._note_range(nominal, self._response(nominal))
        self.messages_, self.converged_ = (*_remarks(self), *self.suspicions(nominal, response)), True

    def _log_scale(self, natural: Array) -> Array:
        """Return d(natural)/d(inner): the parameter itself where the fit uses its logarithm."""
        return np.where(np.isin(self.names, LOG_SCALE), natural, 1.0)

    def _name_parameters(self) -> None:
        self.parameter_names_ = self.names
        for name, value in zip(self.names, self.parameters_, strict=True):
            setattr(self, f"{name}_", float(value))

    def _inner(self) -> Array:
        """Return the parameters on the scale of the fit."""
        logs = np.isin(self.names, LOG_SCALE)
        return np.where(logs, np.log(np.where(logs, self.parameters_, 1.0)), self.parameters_)

    def _curve(self, concentration: Array) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            fitted, jacobian = logistic(np.log(concentration), self._inner()[None])
        return fitted[0], jacobian[0]

    def _response(self, concentration: Array) -> Array:
        return self._curve(concentration)[0]

    def _gradient(self, concentration: Array) -> Array:
        return self._curve(concentration)[1] / self._log_scale(self.parameters_)

    def _steepness(self, concentration: Array) -> Array:
        return -self._curve(concentration)[1][:, 2] / concentration

    def _invert(self, response: Array) -> tuple[Array, Array]:
        log_x = log_concentration(response, self._inner())
        with np.errstate(over="ignore"):
            concentration = np.exp(log_x)
        below, above = concentration == 0, concentration == np.inf
        reason = np.select([below, above], [BELOW, ABOVE], default="").astype(object)
        return np.where(below | above, np.nan, concentration), reason


class FourParameterLogistic(Sigmoid):
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


class FiveParameterLogistic(Sigmoid):
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


def checked_concentrations(nominal: Any, response: Any, curve: Sigmoid) -> tuple[Array, Array]:
    """Return standards as two float arrays (n,), or raise ValueError saying why no logistic curve can be fitted."""
    nominal, response = checked_standards(nominal, response, len(curve.names), curve.model)
    if nominal.min() < 0:
        raise ValueError(f"Negative values in data: a concentration is {nominal.min():g}; it must be 0 or more")
    return nominal, response


def shape_columns(n_parameters: int) -> list[int]:
    """Return where slope, midpoint and asymmetry stand among the parameters."""
    return [1, 2, 4][: n_parameters - 2]


def natural_parameters(inner: Array) -> Array:
    """Return parameters (..., n_parameters) on their natural scale from those of the fit."""
    natural = inner.copy()
    columns = shape_columns(inner.shape[-1])
    natural[..., columns] = np.exp(inner[..., columns])
    return natural


ADVICE = {
    "slope": "no standard lies in the steep part of the curve; add levels there",
    "midpoint": "the standards show only one end of the curve; add levels towards the other, or use another model",
    "asymmetry": "asymmetry not identifiable from these standards; use the four-parameter curve",
}
DETERMINED = np.log(10)  # a parameter whose 95 % interval spans more than tenfold either way is not


def _faults(found: SigmoidFit, curve: Sigmoid) -> list[str]:
    """Return in words why the curve must not be used, with what to do; empty where it may."""
    bounded = [
        f"{name} ran to its bound ({getattr(curve, f'{name}_'):.3g}): {ADVICE[name]}"
        for name in np.array(curve.names)[found.bounded]
    ]
    if bounded:
        return bounded
    least = curve.predict([curve.lowest_, curve.highest_]).min()
    if curve.weights.follows_fit and least <= 0:
        need = f"weights {curve.weighting} need fitted responses above 0, the curve falls to {least:.3g}"
        return [f"{need}: do not subtract the blank, or weight otherwise"]
    if not found.solution.last_step[0] < CONVERGED:
        return [f"the fit did not converge: {_advice_on_no_end(curve)}"]
    if found.rival:
        return ["starts disagree: two different curves fit equally well; add standards where they part"]
    if found.starts_agreeing < 2:
        return ["starts disagree: only one of them found this curve; look for a bad well or a hook at the top"]
    if curve.degrees_of_freedom_ and not np.all(np.isfinite(curve.covariance_)):
        return ["the standards do not determine all parameters; add levels, or use a simpler model"]
    if curve.model == "4pl" and _log_half_width(curve, "slope") > DETERMINED:
        return [f"slope not identifiable: {ADVICE['slope']}"]
    return []


def _advice_on_no_end(curve: Sigmoid) -> str:
    if not 0.1 * curve.lowest_ <= curve.midpoint_ <= 10 * curve.highest_:
        return ADVICE["midpoint"]
    return "look for a bad well, a hook at the top or too few standards in the slope"


def _remarks(curve: Sigmoid) -> list[str]:
    """Return what is worth knowing of a curve that may be used: the parameters its standards do not determine."""
    remarks = []
    for name in LOG_SCALE[: len(curve.names) - 2]:
        log_half_width = _log_half_width(curve, name)
        if log_half_width > DETERMINED:
            factor = (
                f"a factor of {np.exp(log_half_width):.2g}" if log_half_width < np.log(1e6) else "over a millionfold"
            )
            remarks.append(f"{name} not identifiable: its 95 % interval spans {factor} either way")
    return remarks


def _log_half_width(curve: Sigmoid, name: str) -> float:
    """Return half the width of the 95 % interval of ln parameter; 0 without degrees of freedom."""
    if not curve.degrees_of_freedom_:
        return 0.0
    place = curve.names.index(name)
    return float(curve._quantile(0.95) * np.sqrt(curve.covariance_[place, place]) / curve.parameters_[place])
