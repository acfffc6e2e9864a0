"""Many plates with the same standards, fitted at once.

Wells of one concentration are pooled, which changes no estimate. The shape of each curve (slope, midpoint, asymmetry)
is sought alone while the plateaus follow by regression (variable projection with Kaufman's derivative), for all plates
in one array; the same steps as for a single curve then make the parameters good to about nine digits. A plate that
leaves any doubt is fitted by itself, with more starts, and says in words what is wrong with it.

References
----------
Golub & Pereyra, Inverse Problems 19 (2003) R1, doi:10.1088/0266-5611/19/2/201.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone

from bioanalysis.calibration.curve import as_row
from bioanalysis.calibration.least_squares import Array, Problem, Solution, polish
from bioanalysis.calibration.logistic import logistic, share_left
from bioanalysis.calibration.sigmoid import (
    CONVERGED,
    DETERMINED,
    FourParameterLogistic,
    Sigmoid,
    checked_concentrations,
    natural_parameters,
    parameter_bounds,
    shape_columns,
)
from bioanalysis.calibration.starts import plateaus, starting_values

STARTS = 2
TOGETHER = 334  # plates in one array: more of them leave the processor's cache and take half as long again
AGREEING = 0.01  # in ln slope and ln midpoint, before the last digits are sought


@dataclass(frozen=True)
class ManyCurves:
    """Curves of many plates.

    Parameters
    ----------
    model : FourParameterLogistic or FiveParameterLogistic
        What was fitted, with its weighting.
    nominal : (wells,) array
        Concentrations of the standards.
    responses : (plates, wells) array
    solution : Solution
        All plates, parameters on the scale of the fit, sums of squares over wells.
    alone : dict of int to curve
        The plates that were fitted by themselves.
    """

    model: Sigmoid
    nominal: Array
    responses: Array
    solution: Solution
    alone: dict[int, Sigmoid]

    def __len__(self) -> int:
        return len(self.solution.parameters)

    @property
    def parameters(self) -> Array:
        """Parameters (plates, n_parameters) on their natural scale, in the order of the model's names."""
        natural = natural_parameters(self.solution.parameters)
        for plate, curve in self.alone.items():
            natural[plate] = curve.parameters_
        return natural

    @property
    def converged(self) -> Array:
        """Whether each plate's curve may be used, (plates,)."""
        converged = np.ones(len(self), dtype=bool)
        converged[list(self.alone)] = [curve.converged_ for curve in self.alone.values()]
        return converged

    def curve(self, plate: int) -> Sigmoid:
        """Return the fitted curve of one plate, counted from 0."""
        if plate in self.alone:
            return self.alone[plate]
        curve, fit = clone(self.model), self.solution
        inner, factor, squares = fit.parameters[plate], fit.factor[plate], float(fit.sum_of_squares[plate])
        curve.adopt(self.nominal, self.responses[plate], inner, factor, squares)
        return curve


def fit_many(nominal: Any, responses: Any, model: Sigmoid | None = None) -> ManyCurves:
    """Return the curves of plates that share their standards.

    Parameters
    ----------
    nominal : (wells,) array
        Concentrations of the standards.
    responses : (plates, wells) array
    model : FourParameterLogistic or FiveParameterLogistic, optional
        Unfitted, with its weighting; an unweighted four-parameter curve where not given.

    Raises
    ------
    ValueError
        Where a plate can carry no curve, as in the model's own `fit`.
    """
    model = model or FourParameterLogistic()
    nominal, responses = _checked_plates(nominal, responses, model)
    levels, place = np.unique(nominal, return_inverse=True)
    with np.errstate(divide="ignore"):
        log_x = np.log(levels)
    portions = np.array_split(responses, -(-len(responses) // TOGETHER))
    parts = [_fit_pooled(model, nominal, portion, log_x, place) for portion in portions]
    solution, agree = _joined([part for part, _ in parts]), np.concatenate([agree for _, agree in parts])
    doubtful = ~(agree & _sound(model, solution, log_x, len(nominal)))
    alone = {int(plate): clone(model).fit(nominal, responses[plate]) for plate in np.flatnonzero(doubtful)}
    return ManyCurves(model, nominal, responses, solution, alone)


def _joined(parts: list[Solution]) -> Solution:
    names = ("parameters", "sum_of_squares", "factor", "last_step")
    return Solution(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _checked_plates(nominal: Any, responses: Any, model: Sigmoid) -> tuple[Array, Array]:
    nominal, responses = as_row(nominal, "nominal"), np.asarray(responses, dtype=float)
    if responses.ndim != 2 or not len(responses) or responses.shape[1] != len(nominal):
        raise ValueError(
            f"responses have shape {responses.shape}; there must be a row of {len(nominal)} for each plate"
        )
    unusual = np.flatnonzero(~np.isfinite(responses).all(axis=1) | (np.ptp(responses, axis=1) == 0))
    first = unusual[0] if len(unusual) else 0
    nominal, _ = checked_concentrations(nominal, responses[first], model)
    return nominal, responses


def _fit_pooled(model: Sigmoid, nominal: Array, responses: Array, log_x: Array, place: Array) -> tuple[Solution, Array]:
    """Return the fits with sums of squares over wells, and whether the starts of each plate agree."""
    weighting, n_parameters = model.weights, len(model.names)
    member = (place == np.arange(len(log_x))[:, None]).astype(float)
    means, weight = _pool(responses, weighting.start(nominal, responses), member)
    starts = starting_values(log_x, means, weight, n_parameters, most=STARTS)
    lower, upper = parameter_bounds(log_x, n_parameters)
    parameters, agree = _search(log_x, means, weight, starts, (lower, upper))
    base, power = weighting.base(nominal, responses)
    means, pooled = _pool(responses, base, member)
    pooled = np.broadcast_to(pooled, means.shape)
    problem = Problem(lambda inner: logistic(log_x, inner), means, pooled, power, lower, upper)
    found = polish(problem, np.clip(parameters, lower, upper), settled=CONVERGED)
    zero, infinite = found.parameters[:, 0, None], found.parameters[:, 3, None]
    fitted = infinite + (zero - infinite) * share_left(log_x, found.parameters)[0]
    residual = responses - fitted[:, place]
    with np.errstate(all="ignore"):
        squares = _dot(base * fitted[:, place] ** -power if power else base, residual**2)
    bounded = np.any((found.parameters <= lower) | (found.parameters >= upper), axis=1)
    read = fitted.min(axis=1) > 0 if power else True
    return replace(found, sum_of_squares=squares), agree & ~bounded & read


def _pool(responses: Array, weight: Array, member: Array) -> tuple[Array, Array]:
    """Return weighted means (plates, levels) of wells of one concentration, and weights ((1, levels) if common)."""
    pooled = np.atleast_2d(weight) @ member.T
    return (weight * responses) @ member.T / pooled, pooled


def _search(
    log_x: Array, means: Array, weight: Array, starts: Array, bounds: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return parameters (plates, n_parameters) near the best minimum, and whether the starts agree on it."""
    n_plates, n_starts, n_parameters = starts.shape
    share = weight / weight.sum(axis=1, keepdims=True)
    centred = means - _dot(share, means)[:, None]
    each = np.repeat(centred, n_starts, axis=0)
    each_share = share if len(share) == 1 else np.repeat(share, n_starts, axis=0)
    ends, squares = _search_shapes(log_x, each, each_share, starts.reshape(-1, n_parameters), bounds, tolerance=1e-4)
    ends = ends.reshape(n_plates, n_starts, n_parameters)
    agree = np.ptp(ends[:, :, shape_columns(n_parameters)], axis=1).max(axis=1) < AGREEING
    best = ends[np.arange(n_plates), squares.reshape(n_plates, n_starts).argmin(axis=1)]
    parameters, _ = _search_shapes(log_x, centred, share, best, bounds, tolerance=1e-14)
    parameters[:, 0], parameters[:, 3] = plateaus(share_left(log_x, parameters)[0], means, share)
    return parameters, agree


def _search_shapes(
    log_x: Array, centred: Array, share: Array, starts: Array, bounds: tuple[Array, Array], *, tolerance: float
) -> tuple[Array, Array]:
    """Return parameters whose shape is near a minimum, and their sums of squares, by damped Gauss-Newton steps.

    A fit rests once the predicted gain is below `tolerance` of its sum of squares.
    """
    columns = shape_columns(starts.shape[1])
    lower, upper = (bound[columns] for bound in bounds)
    shapes, damping, open_ = starts.copy(), np.full(len(starts), 1e-2), np.arange(len(starts))
    squares, gradient, hessian = _projected(log_x, centred, share, shapes)
    for _ in range(60):
        step = _damped_step(hessian[open_], gradient[open_], damping[open_])
        gain = _dot(step, gradient[open_])
        busy = (gain > tolerance * squares[open_]) & (damping[open_] < 1e8)
        open_, step = open_[busy], step[busy]
        if not len(open_):
            break
        trial = shapes[open_]
        trial[:, columns] = np.clip(trial[:, columns] + step, lower, upper)
        new = _projected(log_x, centred[open_], share if len(share) == 1 else share[open_], trial)
        better = new[0] < squares[open_]
        took = open_[better]
        shapes[took] = trial[better]
        squares[took], gradient[took], hessian[took] = (array[better] for array in new)
        damping[open_] *= np.where(better, 0.1, 20.0)
    return shapes, squares


def _damped_step(hessian: Array, gradient: Array, damping: Array) -> Array:
    """Return the solutions (fits, k) of the normal equations with Marquardt's damping, which are never singular."""
    diagonal = np.einsum("mkk->mk", hessian)
    diagonal = diagonal + np.maximum(damping, 1e-9)[:, None] * np.where(diagonal > 0, diagonal, 1.0)
    if hessian.shape[1] == 2:  # written out, since small systems cost more in calls than in arithmetic
        step = diagonal[:, ::-1] * gradient
        step -= hessian[:, :1, 1] * gradient[:, ::-1]
        step /= (diagonal[:, 0] * diagonal[:, 1] - hessian[:, 0, 1] ** 2)[:, None]
        return step
    damped = hessian.copy()
    np.einsum("mkk->mk", damped)[:] = diagonal
    return np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]


def _projected(log_x: Array, centred: Array, share: Array, parameters: Array) -> tuple[Array, Array, Array]:
    """Return sums of squares, gradients and Hessians (Gauss-Newton) by the shape alone, the plateaus being fitted.

    The weights `share` sum to 1, the responses are centred; every derivative is made orthogonal to the plateaus.
    """
    kept, derivatives = share_left(log_x, parameters)
    apart = kept - _dot(share, kept)[:, None]
    weighted = share * apart
    spread = np.maximum(_dot(weighted, apart), 1e-300)
    span = _dot(weighted, centred) / spread
    residual = centred - span[:, None] * apart
    slopes = np.empty((len(kept), len(derivatives), len(log_x)))
    for k, derivative in enumerate(derivatives):
        derivative = derivative - _dot(share, derivative)[:, None]
        slopes[:, k] = span[:, None] * (derivative - (_dot(weighted, derivative) / spread)[:, None] * apart)
    heavy = slopes * share[:, None]
    return _dot(share, residual**2), np.einsum("mkn,mn->mk", heavy, residual), heavy @ np.swapaxes(slopes, 1, 2)


def _dot(left: Array, right: Array) -> Array:
    return np.vecdot(left, right)


def _sound(model: Sigmoid, found: Solution, log_x: Array, n_wells: int) -> Array:
    """Return which fits converged and determine their slope."""
    sound = (found.last_step < CONVERGED) & np.isfinite(found.factor).all(axis=(1, 2))
    sound &= np.abs(np.einsum("mpp->mp", found.factor)).min(axis=1) > 0
    freedom = n_wells - len(model.names)
    if freedom and model.model == "4pl":
        factor = np.where(sound[:, None, None], found.factor, np.eye(len(model.names)))
        error = np.linalg.norm(np.linalg.inv(factor)[:, 1], axis=1) * np.sqrt(found.sum_of_squares / freedom)
        sound &= student.ppf(0.975, freedom) * error <= DETERMINED
    return sound
