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
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Model = Callable[[Array], tuple[Array, Array]]
Weight = Callable[[Array], Array]

SETTLED = 1e-12  # relative step below which a Gauss-Newton fit needs no Newton steps
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
    weight : callable
        Fitted responses (fits, points) -> weights (fits, points), in the reciprocal unit of a variance.
    lower, upper : (fits, parameters) arrays
        Bounds that no step crosses.
    """

    model: Model
    response: Array
    weight: Weight
    lower: Array
    upper: Array


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


def unbounded(model: Model, response: Array, weight: Weight, n_parameters: int) -> Problem:
    """Return a problem without bounds."""
    edge = np.full((len(response), n_parameters), np.inf)
    return Problem(model, response, weight, -edge, edge)


def fit_least_squares(problem: Problem, start: Array) -> Solution:
    """Return the least squares solution from one start: search, then polish.

    Parameters
    ----------
    problem : Problem
    start : (fits, parameters) array
    """
    return polish(problem, search(problem, start))


def search(problem: Problem, start: Array, steps: int = 300, tolerance: float = 1e-9) -> Array:
    """Return parameters (fits, parameters) near a minimum, by Levenberg-Marquardt with the weights of each step's fit.

    Stops when the predicted gain of every fit is below `tolerance` of its sum of squares.
    """
    state = _State.at(problem, start)
    damping, growth = np.full(len(start), 1e-3), np.full(len(start), 2.0)
    scale = np.linalg.norm(state.jacobian, axis=1)
    for _ in range(steps):
        scale = np.maximum(scale, np.linalg.norm(state.jacobian, axis=1))
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


def polish(problem: Problem, start: Array) -> Solution:
    """Return the solution to full double precision, from parameters already near it.

    Gauss-Newton steps settle fits with small residuals; if any is left, Newton steps follow, whose second derivatives
    are differences of the Jacobian. Weights by fitted response follow the fit, so that at the end they belong to it.
    """
    best, size = _repeat_steps(problem, start, newton=False)
    if np.any(size > SETTLED):
        finer, finer_size = _repeat_steps(problem, best.parameters, newton=True)
        best, size = best.where(finer_size < size, finer), np.minimum(size, finer_size)
    factor = np.asarray(np.linalg.qr(np.nan_to_num(best.jacobian), mode="r"))
    return Solution(best.parameters, best.sum_of_squares, factor, size)


def _repeat_steps(problem: Problem, start: Array, *, newton: bool, steps: int = 30) -> tuple[_State, Array]:
    """Return the states with the smallest undamped steps met, and the sizes of those steps."""
    best, smallest = _State.at(problem, start), np.full(len(start), np.inf)
    parameters, idle = start, 0
    for _ in range(steps):
        state = _State.at(problem, parameters)
        step = _undamped_step(problem, state, newton=newton)
        outward = _outward(problem, state, step)
        if outward.any():
            step = _undamped_step(problem, state.holding(outward), newton=newton) * ~outward
        size = _step_size(problem, state, step)
        closer = size < smallest
        idle = 0 if np.any(closer & (smallest > SETTLED)) else idle + 1
        best, smallest = best.where(closer, state), np.minimum(size, smallest)
        if idle == 2:
            break
        parameters = np.clip(np.where(np.isfinite(step), parameters + step, parameters), problem.lower, problem.upper)
    return best, smallest


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
            weight = problem.weight(fitted) if weight is None else weight
            root = np.sqrt(weight)
            residual = root * (problem.response - fitted)
            squares = np.einsum("mn,mn->m", residual, residual)
        squares = np.where(np.isfinite(squares), squares, np.inf)
        return cls(parameters, weight, residual, jacobian * root[:, :, None], squares)

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
    scale = np.where(scale > 0, scale, 1.0)
    scaled = np.nan_to_num(state.jacobian) / scale[:, None, :]
    n_fits, _, n_parameters = scaled.shape
    ridge = np.sqrt(damping)[:, None, None] * np.eye(n_parameters)
    q, r = np.linalg.qr(np.concatenate([scaled, ridge], axis=1))
    target = np.concatenate([np.nan_to_num(state.residual), np.zeros((n_fits, n_parameters))], axis=1)
    step = _solve(r, np.einsum("mnp,mn->mp", q, target)[:, :, None])[:, :, 0]
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
    q, r = np.linalg.qr(np.nan_to_num(state.jacobian) / scale[:, None, :])
    target = np.einsum("mnp,mn->mp", q, np.nan_to_num(state.residual))[:, :, None]
    held = np.abs(r).max(axis=1) == 0
    r = r + np.eye(r.shape[1]) * held[:, :, None]
    if newton:
        curvature = _curvature(problem, state, scale) * ~(held[:, :, None] | held[:, None, :])
        left = _solve(np.swapaxes(r, 1, 2), curvature)
        bend = np.swapaxes(_solve(np.swapaxes(r, 1, 2), np.swapaxes(left, 1, 2)), 1, 2)
        target = _solve(np.eye(r.shape[1]) - bend, target)
    return _solve(r, target)[:, :, 0] / scale


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
        return np.einsum("mnp,mn->mp", jacobian, problem.weight(fitted) * raw)


def _column_scale(jacobian: Array) -> Array:
    norm = np.linalg.norm(np.nan_to_num(jacobian), axis=1)
    return np.where(norm > 0, norm, 1.0)


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
    size = np.max(np.abs(step) / (np.abs(state.parameters) + reach[:, None] / _column_scale(state.jacobian)), axis=1)
    return np.where(np.isfinite(size), size, np.inf)
