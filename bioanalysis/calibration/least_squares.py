"""Weighted nonlinear least squares for one curve or for thousands at once.

Every array carries a leading axis of fits: responses are (fits, points), parameters (fits, parameters), Jacobians
(fits, points, parameters). A point of weight 0 takes no part, so that ragged sets can be padded.

The search is Levenberg and Marquardt's with the scaling of Moré and the damping of Nielsen; the last digits come from
Gauss-Newton and Newton steps on the estimating equations J'W(y - f) = 0. Both solve by QR of the column-scaled
Jacobian, never by normal equations.

References
----------
Moré (1978), The Levenberg-Marquardt algorithm, Lecture Notes in Mathematics 630, 105-116.
Nielsen (1999), Damping parameter in Marquardt's method, IMM-REP-1999-05, Technical University of Denmark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Model = Callable[[Array], tuple[Array, Array]]

SETTLED = 1e-12  # relative step below which a fit needs no further one
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Problem:
    """What is to be fitted.

    Parameters
    ----------
    model : callable
        Parameters (fits, parameters) -> fitted responses (fits, points) and their Jacobian (fits, points, parameters).
    response : (fits, points) array
        Measured responses.
    weight : (fits, points) array
        Weights, in the reciprocal unit of a variance.
    power : float
        Weights by fitted response: `weight` is divided by this power of it. A fitted response that is not above 0 then
        takes no part.
    lower, upper : (parameters,) arrays
        Bounds that no step crosses.
    """

    model: Model
    response: Array
    weight: Array
    power: float
    lower: Array
    upper: Array

    def rows(self, chosen: Array) -> Problem:
        """Return the problem of the chosen fits; the model must treat its fits alike."""
        return replace(self, response=self.response[chosen], weight=self.weight[chosen])

    def weights(self, fitted: Array) -> Array:
        """Return the weights (fits, points) that go with fitted responses."""
        if not self.power:
            return self.weight
        return np.where(fitted > 0, self.weight * np.maximum(fitted, 1e-300) ** -float(self.power), 0.0)


@dataclass(frozen=True)
class Solution:
    """Where the fits ended.

    Parameters
    ----------
    parameters : (fits, parameters) array
    sum_of_squares : (fits,) array
        Weighted residual sum of squares.
    factor : (fits, parameters, parameters) array
        Upper triangle R of the weighted Jacobian's QR decomposition: the covariance is s^2 inv(R) inv(R)'.
    last_step : (fits,) array
        Largest component of the last step, relative to its parameter: about 1e-13 where the fit converged.
    """

    parameters: Array
    sum_of_squares: Array
    factor: Array
    last_step: Array


def unbounded(model: Model, response: Array, n_parameters: int) -> Problem:
    """Return an unweighted problem without bounds."""
    edge = np.full(n_parameters, np.inf)
    return Problem(model, response, np.ones_like(response), 0, -edge, edge)


def fit_least_squares(problem: Problem, start: Array) -> Solution:
    """Return the least squares solution from one start: search, then polish.

    Parameters
    ----------
    problem : Problem
    start : (fits, parameters) array
    """
    return polish(problem, search(problem, start))


def search(problem: Problem, start: Array, steps: int = 300, tolerance: float = 1e-9) -> Array:
    """Return parameters (fits, parameters) near a minimum, by Levenberg and Marquardt.

    Stops when the predicted gain of every fit is below `tolerance` of its sum of squares.
    """
    state = _State.at(problem, start)
    damping, growth = np.full(len(start), 1e-3), np.full(len(start), 2.0)
    scale = _column_scale(state.jacobian)
    for _ in range(steps):
        scale = np.maximum(scale, _column_scale(state.jacobian))
        step, gain = _inward_step(problem, state, scale, damping)
        if np.all((gain <= tolerance * state.sum_of_squares) | (damping > 1e12)):
            break
        trial = _State.at(problem, np.clip(state.parameters + step, problem.lower, problem.upper), state.weight)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = (state.sum_of_squares - trial.sum_of_squares) / gain
        better = np.nan_to_num(ratio, nan=-1.0) > 0
        damping, growth = _next_damping(damping, growth, np.where(better, ratio, -1.0))
        state = state.where(better, trial)
    return state.parameters


def polish(problem: Problem, start: Array, settled: float = SETTLED) -> Solution:
    """Return the solution to full double precision, from parameters already near it.

    A fit is settled by a step below `settled` of each parameter, which is still taken. Gauss-Newton steps settle fits
    with small residuals; what is left gets Newton steps, whose second derivatives are differences of the Jacobian.
    Weights by fitted response follow the fit, so that at the end they belong to it.
    """
    parameters, size = start.copy(), np.full(len(start), np.inf)
    for newton in (False, True):
        unsettled = size > settled
        if unsettled.any():
            part = problem.rows(unsettled)
            parameters[unsettled], size[unsettled] = _step_on(
                part, parameters[unsettled], size[unsettled], settled, newton=newton
            )
    end = _State.at(problem, parameters)
    factor = np.asarray(np.linalg.qr(end.jacobian, mode="r"))
    return Solution(parameters, end.sum_of_squares, factor, np.where(_exact(problem, end), 0.0, size))


def _exact(problem: Problem, state: _State) -> Array:
    """Return which fits go through all responses but for rounding: no step can better those, however long it is."""
    responses = np.einsum("mn,mn,mn->m", state.weight, problem.response, problem.response)
    return np.asarray(state.sum_of_squares <= (8 * _EPS) ** 2 * responses)


def _step_on(
    problem: Problem, start: Array, size: Array, settled: float, *, newton: bool, steps: int = 30
) -> tuple[Array, Array]:
    """Return the parameters with the smallest undamped steps met, and the sizes of those steps.

    A fit rests once its step is negligible or has not shrunk three times. The last of ever smaller steps is taken.
    """
    here, best, smallest = start.copy(), start.copy(), size.copy()
    idle = np.zeros(len(start), dtype=int)
    for _ in range(steps):
        active = np.flatnonzero((smallest > settled) & (idle < 3))
        if not len(active):
            break
        part = problem.rows(active)
        state = _State.at(part, here[active])
        step = _inner_step(part, state, newton=newton)
        now = _step_size(part, state, step)
        ahead = np.clip(np.where(np.isfinite(step), here[active] + step, here[active]), problem.lower, problem.upper)
        closer = now < smallest[active]
        taken = np.where((now < 1e-8)[:, None], ahead, here[active])
        best[active] = np.where(closer[:, None], taken, best[active])
        smallest[active] = np.minimum(now, smallest[active])
        idle[active] = np.where(closer, 0, idle[active] + 1)
        here[active] = ahead
    return best, smallest


def _inner_step(problem: Problem, state: _State, *, newton: bool) -> Array:
    """Return the undamped step, with parameters held that would leave through their bound."""
    step = _undamped_step(problem, state, newton=newton)
    outward = _outward(problem, state, step)
    return _undamped_step(problem, state.holding(outward), newton=newton) * ~outward if outward.any() else step


@dataclass(frozen=True)
class _State:
    """One point of the search: weighted residuals and Jacobian there."""

    parameters: Array
    weight: Array
    residual: Array
    jacobian: Array
    sum_of_squares: Array

    @classmethod
    def at(cls, problem: Problem, parameters: Array, weight: Array | None = None) -> _State:
        """Return the state at `parameters`; with `weight` given the sums of squares are comparable to that state's."""
        with np.errstate(all="ignore"):
            fitted, jacobian = problem.model(parameters)
            weight = problem.weights(fitted) if weight is None else weight
            root = np.sqrt(weight)
            residual = root * (problem.response - fitted)
            squares = np.vecdot(residual, residual)
            jacobian = jacobian * root[:, :, None]
        lost = ~np.isfinite(squares + np.einsum("mnp->m", jacobian))
        if lost.any():
            jacobian[lost], residual[lost], squares[lost] = 0.0, 0.0, np.inf
        return cls(parameters, weight, residual, jacobian, squares)

    def where(self, chosen: Array, other: _State) -> _State:
        """Return the other state for the chosen fits, this one for the rest."""
        names = ("parameters", "weight", "residual", "jacobian", "sum_of_squares")
        return _State(*(_pick(chosen, getattr(other, name), getattr(self, name)) for name in names))

    def holding(self, held: Array) -> _State:
        """Return the state in which the held parameters (fits, parameters) change nothing."""
        return replace(self, jacobian=self.jacobian * ~held[:, None, :])


def _pick(chosen: Array, new: Array, old: Array) -> Array:
    return np.where(chosen.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)


def _inward_step(problem: Problem, state: _State, scale: Array, damping: Array) -> tuple[Array, Array]:
    """Return the damped step and its predicted gain, with parameters held that would leave through their bound."""
    step, gain = _damped_step(state, scale, damping)
    outward = _outward(problem, state, step)
    return _damped_step(state.holding(outward), scale, damping) if outward.any() else (step, gain)


def _outward(problem: Problem, state: _State, step: Array) -> Array:
    """Return which parameters (fits, parameters) stand at a bound and would leave through it."""
    return (state.parameters <= problem.lower) & (step < 0) | (state.parameters >= problem.upper) & (step > 0)


def _damped_step(state: _State, scale: Array, damping: Array) -> tuple[Array, Array]:
    """Return the step and the gain that the linear model predicts of it."""
    scaled = state.jacobian / scale[:, None, :]
    n_fits, _, n_parameters = scaled.shape
    ridge = np.sqrt(damping)[:, None, None] * np.eye(n_parameters)
    q, r = np.linalg.qr(np.concatenate([scaled, ridge], axis=1))
    target = np.concatenate([state.residual, np.zeros((n_fits, n_parameters))], axis=1)
    step = _back_substitute(r, np.einsum("mnp,mn->mp", q, target))
    moved = np.einsum("mnp,mp->mn", scaled, step)
    gain = np.einsum("mn,mn->m", moved, moved) + 2 * damping * np.einsum("mp,mp->m", step, step)
    return step / scale, gain


def _next_damping(damping: Array, growth: Array, ratio: Array) -> tuple[Array, Array]:
    """Return Nielsen's damping after a step whose gain was `ratio` of the predicted one (negative: refused)."""
    eased = damping * np.maximum(1 / 3, 1 - (2 * np.clip(ratio, 0, 1.5) - 1) ** 3)
    refused = ratio < 0
    return np.where(refused, np.minimum(damping * growth, 1e15), np.maximum(eased, 1e-15)), np.where(
        refused, np.minimum(growth * 2, 1e6), 2.0
    )


def _undamped_step(problem: Problem, state: _State, *, newton: bool) -> Array:
    """Return the Gauss-Newton or Newton step towards J'W(y - f) = 0.

    With J = QR and S the curvature, Newton's (R'R - S) step = R'Q'r becomes R step = inv(I - inv(R') S inv(R)) Q'r.
    """
    scale = _column_scale(state.jacobian)
    q, r = np.linalg.qr(state.jacobian / scale[:, None, :])
    target = np.einsum("mnp,mn->mp", q, state.residual)
    held: Array = ~np.any(r, axis=1)
    if held.any():
        r = r + np.eye(r.shape[1]) * held[:, :, None]
    if newton:
        curvature = _curvature(problem, state, scale) * ~(held[:, :, None] | held[:, None, :])
        left = _solve(np.swapaxes(r, 1, 2), curvature)
        bend = np.swapaxes(_solve(np.swapaxes(r, 1, 2), np.swapaxes(left, 1, 2)), 1, 2)
        target = _solve(np.eye(r.shape[1]) - bend, target[:, :, None])[:, :, 0]
    return _back_substitute(r, target) / scale


def _curvature(problem: Problem, state: _State, scale: Array) -> Array:
    """Return d(J'W)/d(parameters) times the residuals, by central differences, per scaled parameter."""
    raw = problem.response - problem.model(state.parameters)[0]
    raw = np.where(state.weight > 0, raw, 0.0)
    norm = np.sqrt(np.maximum(state.sum_of_squares, _EPS))[:, None]
    width = 1e-5 * np.maximum(np.abs(state.parameters), 1e-2 * norm / scale)
    columns = []
    for j in range(scale.shape[1]):
        shift = np.zeros_like(state.parameters)
        shift[:, j] = width[:, j]
        ahead, behind = (_weighted_gradient(problem, state.parameters + side * shift, raw) for side in (1, -1))
        columns.append((ahead - behind) / (2 * width[:, j, None] * scale[:, j, None]) / scale)
    return np.stack(columns, axis=2)


def _weighted_gradient(problem: Problem, parameters: Array, raw: Array) -> Array:
    with np.errstate(all="ignore"):
        fitted, jacobian = problem.model(parameters)
        return np.einsum("mnp,mn->mp", jacobian, problem.weights(fitted) * raw)


def _column_scale(jacobian: Array) -> Array:
    norm = np.sqrt(np.einsum("mnp,mnp->mp", jacobian, jacobian))
    return np.where(norm > 0, norm, 1.0)


def _back_substitute(triangle: Array, target: Array) -> Array:
    """Return the solutions (fits, p) of upper triangular systems; not finite where one is singular."""
    solution = np.zeros_like(target)
    with np.errstate(all="ignore"):
        for j in range(target.shape[1] - 1, -1, -1):
            known = np.einsum("mp,mp->m", triangle[:, j, j + 1 :], solution[:, j + 1 :])
            solution[:, j] = (target[:, j] - known) / triangle[:, j, j]
    return solution


def _solve(system: Array, target: Array) -> Array:
    """Return the solutions of stacked systems (fits, p, p) for (fits, p, k) targets; NaN where one is singular."""
    sound: Array = np.asarray(np.isfinite(system).all(axis=(1, 2)) & np.isfinite(target).all(axis=(1, 2)))
    with np.errstate(over="ignore"):
        sound[sound] &= np.abs(np.linalg.det(system[sound])) > 0
    safe = np.where(sound[:, None, None], system, np.eye(system.shape[1]))
    return np.where(sound[:, None, None], np.linalg.solve(safe, np.nan_to_num(target)), np.nan)


def _step_size(problem: Problem, state: _State, step: Array) -> Array:
    """Return each step's largest component, relative to its parameter.

    Near zero a parameter is measured by the shift that would explain a thousandth of the residuals or, where there are
    none, a millionth of the responses.
    """
    responses = np.einsum("mn,mn,mn->m", state.weight, problem.response, problem.response)
    reach = 1e-3 * np.sqrt(state.sum_of_squares) + 1e-6 * np.sqrt(responses)
    relative = np.abs(step) / (np.abs(state.parameters) + reach[:, None] / _column_scale(state.jacobian))
    size = reduce(np.maximum, relative.T)
    return np.where(np.isfinite(size), size, np.inf)
