"""Restricted maximum likelihood for a nested design, without ever forming its covariance matrix.

The covariance V of one outermost node is nested blocks of ones times a variance plus a diagonal, so that the
Sherman-Morrison formula, applied from the rows upwards, gives log|V| and [Z X y]'V^-1 [Z X y] in time proportional to
the number of readings; Z are the indicators of a factor that lies across the nesting (the run), X those of the fixed
cells. Runs meet only where they share an outermost node, so that their part of the matrix is sparse; it is solved for
as in Henderson's mixed model equations.

References
----------
Patterson & Thompson, Biometrika 58 (1971) 545 (the likelihood); Searle, Casella & McCulloch, Variance Components
(1992), chapters 6 and 8 (mixed model equations, boundary); Martins, Sturdza & Alonso, ACM Trans Math Softw 29 (2003)
245 (derivatives by a complex step: exact to rounding).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from bioanalysis.variability.mean_squares import MeanSquares, counts_of, factored
from bioanalysis.variability.nesting import Nesting

STEPS = 200  # about 10 are needed, hardly ever more than 30
LAST_STEPS = 8  # from the first on that should raise the likelihood by less than 1e-8, which rounding may hide
VISIBLE = 1e-3  # gain in likelihood worth a refusal: 1/22 of a standard error; rounding alone gains less
TINY = 1e-30  # of a complex step: its square vanishes beside 1


class Slope(NamedTuple):
    """Restricted log likelihood with its derivative by each variance, outermost first, residual last."""

    log_likelihood: float
    score: np.ndarray


def fit_reml(design: Nesting, squares: MeanSquares) -> tuple[np.ndarray, float]:
    """Return the variances with the largest restricted likelihood, and its logarithm.

    Parameters
    ----------
    design : Nesting
        With a residual that is not zero.
    squares : MeanSquares
        Of the design: levels that are not separable stay at zero, the others start at their ANOVA estimates.

    Returns
    -------
    variances : ndarray (n_levels,)
        Exactly zero where the likelihood falls from zero on.
    log_likelihood : float

    Raises
    ------
    ValueError
        If the top of the likelihood is not reached.

    Notes
    -----
    Newton's method on the variances with `_Information`; steps are halved until the likelihood rises, and variances
    that would turn negative are held at zero as long as the score there is negative.
    """
    scale = float(np.var(design.measured))
    model, information = _Model(design, squares.separable, scale), _Information(design, squares)
    variances = np.where(squares.separable, np.maximum(squares.variances() / scale, 1e-3), 0.0)
    here, last_steps = model.slope(variances), 0
    for _ in range(STEPS):
        direction, gain = _newton(variances, here, information)
        last_steps += last_steps > 0 or gain < 1e-8
        if last_steps == LAST_STEPS or gain < 1e-22:
            break
        moved = _projected(variances, direction) if last_steps else _risen(model, variances, direction, here)
        if not np.array_equal(moved, variances):
            there = model.slope(moved)
            information.learn(moved, moved - variances, here.score - there.score)
            variances, here = moved, there
        elif information.is_corrected:
            information.forget()
        else:
            break
    else:
        if gain > VISIBLE:
            raise ValueError(f"the top of the restricted likelihood was not reached in {STEPS} steps")
    return variances * scale, here.log_likelihood


class _Information:
    """What the values tell of the variances: Fisher's information of the mean squares, corrected by the scores seen.

    The mean squares are taken as independent chi-squares times their expectations, which in a balanced design they
    are; nested ones as though runs had been taken out before. What the change of the score along each step shows
    beyond that is added as a matrix of rank one.

    References
    ----------
    Nocedal & Wright, Numerical Optimization (2006), section 6.2 (symmetric rank-one updates).
    """

    def __init__(self, design: Nesting, squares: MeanSquares) -> None:
        self.free, self.degrees = squares.separable, squares.degrees_of_freedom
        self.expectation = np.where(self.free[:, None] & self.free, squares.expectation, 0.0)
        if design.crossed is not None:
            self.expectation[:-2, -2] = 0.0
        self.forget()

    def forget(self) -> None:
        """Drop the correction."""
        self.correction = np.zeros_like(self.expectation)

    @property
    def is_corrected(self) -> bool:
        return bool(self.correction.any())

    def of_squares(self, variances: np.ndarray) -> np.ndarray:
        """Return the information (n_levels, n_levels) of the mean squares at `variances`, in units of their scale."""
        expected = np.where(self.free, self.expectation @ variances, 1.0)
        return self.expectation.T @ ((self.degrees / (2 * expected**2))[:, None] * self.expectation)

    def of_moving(self, variances: np.ndarray, moving: np.ndarray) -> np.ndarray:
        """Return the information of the moving variances, uncorrected where it would not be positive definite."""
        chosen = np.ix_(moving, moving)
        plain = self.of_squares(variances)[chosen]
        root = np.sqrt(np.diag(plain))
        if np.linalg.eigvalsh((plain + self.correction[chosen]) / np.outer(root, root))[0] < 1e-6:
            self.forget()
        return plain + self.correction[chosen]

    def learn(self, variances: np.ndarray, step: np.ndarray, seen: np.ndarray) -> None:
        """Correct the information so that it explains by how much the score fell along the step to `variances`."""
        gap = seen - (self.of_squares(variances) + self.correction) @ step
        along = gap @ step
        if abs(along) > 1e-8 * np.linalg.norm(gap) * np.linalg.norm(step):
            self.correction = self.correction + np.outer(gap, gap) / along


def _newton(variances: np.ndarray, here: Slope, information: _Information) -> tuple[np.ndarray, float]:
    """Return Newton's step, and by how much it should raise the likelihood."""
    moving = information.free & ((variances > 0) | (here.score > 0))
    direction = np.zeros(len(variances))
    direction[moving] = np.linalg.solve(information.of_moving(variances, moving), here.score[moving])
    return direction, float(here.score @ direction) / 2


def _projected(variances: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the variances after a step, none negative and the residual above zero."""
    moved = np.maximum(variances + direction, 0.0)
    moved[-1] = max(moved[-1], variances[-1] / 10)
    return moved


def _risen(model: _Model, variances: np.ndarray, direction: np.ndarray, here: Slope) -> np.ndarray:
    """Return variances of a higher likelihood: after the step, or half of it, or half of that ..."""
    for halving in range(60):
        moved = _projected(variances, direction / 2**halving)
        if model.log_likelihood(moved) > here.log_likelihood:
            return moved
    return variances


class _Floor(NamedTuple):
    """The columns met in the nodes of one level: one entry for each node and column, summed over the node's rows."""

    node: np.ndarray
    column: np.ndarray
    above: sparse.csr_array | None


class _Model:
    """The likelihood of a design as a function of its variances in units of `scale`.

    `sums` are the columns [Z X y] over the rows of each lowest node, `inside` their products about the node's means.
    Runs that share nothing are left out: they would cost a column each and add nothing to the likelihood.
    """

    def __init__(self, design: Nesting, free: np.ndarray, scale: float) -> None:
        self.design, self.free, self.scale = design, np.flatnonzero(free), scale
        self.run = design.crossed if design.crossed is not None and free[-2] else None
        self.runs = 0 if self.run is None else int(self.run.max()) + 1
        self.lowest = design.nodes[-1] if design.depth else np.arange(len(design.measured))
        self.weight = np.bincount(self.lowest).astype(float)
        self.width = self.runs + design.n_cells + 1
        cell_means = np.bincount(design.cell, design.measured) / np.bincount(design.cell)
        values = (design.measured - cell_means[design.cell]) / np.sqrt(scale)
        self._reduce(values)
        self.floors = self._floors()
        columns = np.concatenate([floor.column for floor in self.floors])
        entries = np.concatenate([np.bincount(floor.node) for floor in self.floors])
        self.places = columns, np.append(0, np.cumsum(entries))

    def _reduce(self, values: np.ndarray) -> None:
        """Keep sums of the columns over lowest nodes, entry by entry, and products inside them."""
        factors = [self.design.cell + self.runs] if self.run is None else [self.run, self.design.cell + self.runs]
        columns = np.concatenate([*factors, np.full(len(values), self.width - 1)])
        rows, ones = np.tile(np.arange(len(values)), len(factors) + 1), np.ones(len(values) * len(factors))
        self.keys, entry = np.unique(self.lowest[rows] * self.width + columns, return_inverse=True)
        self.sums = np.bincount(entry, np.concatenate([ones, values]))
        node, column = np.divmod(self.keys, self.width)
        off = values - (np.bincount(self.lowest, values) / self.weight)[self.lowest]
        shape = (len(values), self.width)
        whole = sparse.csr_array((np.concatenate([ones, off]), (rows, columns)), shape=shape)
        at_mean = np.where(column < self.width - 1, self.sums, 0.0) / np.sqrt(self.weight[node])
        between = sparse.csr_array((at_mean, (node, column)), shape=(len(self.weight), self.width))
        self.inside = (whole.T @ whole - between.T @ between).tocsc()

    def _floors(self) -> list[_Floor]:
        """Return the entries of every level, lowest first, each with its way to the level above."""
        keys, floors = self.keys, []
        for level in reversed(range(max(self.design.depth, 1))):
            node, column = np.divmod(keys, self.width)
            if level == 0:
                floors.append(_Floor(node, column, None))
                break
            parent = self.design.spread(level - 1, np.arange(len(self.design.sizes[level - 1])))
            keys, entry = np.unique(parent[node] * self.width + column, return_inverse=True)
            floors.append(_Floor(node, column, counts_of(entry, np.arange(len(entry)))))
        return floors

    def log_likelihood(self, variances: np.ndarray) -> float:
        """Return the likelihood at `variances` (n_levels,), minus infinity where rounding leaves the cells no mean."""
        try:
            determinant, inner = self._absorbed(variances)
            return self._likelihood(determinant, np.linalg.cholesky(inner))
        except np.linalg.LinAlgError:
            return -np.inf

    def slope(self, variances: np.ndarray) -> Slope:
        """Return likelihood and score at `variances` (n_levels,)."""
        stepped = [self._absorbed(variances + 1j * step) for step in TINY * np.eye(len(variances))[self.free]]
        here = stepped[0][1].real
        root = np.linalg.cholesky(here)
        inverse = np.linalg.inv(here[:-1, :-1])
        contrast = np.append(-inverse @ here[:-1, -1], 1.0)
        weight = np.outer(contrast, contrast)
        weight[:-1, :-1] += inverse
        score = np.zeros(len(variances))
        score[self.free] = [-(log.imag + np.sum(weight * inner.imag)) / (2 * TINY) for log, inner in stepped]
        return Slope(self._likelihood(stepped[0][0].real, root), score)

    def _likelihood(self, determinant: np.generic, root: np.ndarray) -> float:
        """Return the likelihood in the unit of the values, from log|V| and the root of [X y]'V^-1 [X y]."""
        rest = len(self.lowest) - self.design.n_cells
        whole = determinant + 2 * np.log(np.diag(root)[:-1]).sum() + root[-1, -1] ** 2
        return float(-(whole + rest * np.log(2 * np.pi * self.scale)) / 2)

    def _absorbed(self, variances: np.ndarray) -> tuple[np.generic, np.ndarray]:
        """Return log|V| and [X y]'V^-1 [X y] (n_cells + 1 square) at `variances` (n_levels,)."""
        determinant, gram = self._gram(variances)
        if not self.runs:
            return determinant, gram.toarray()
        of_run, across, border = variances[-2], gram[:, : self.runs], gram[:, self.runs :].toarray()
        side = border[: self.runs]
        solver = factored(sparse.eye_array(self.runs, format="csc") + across[: self.runs] * of_run)
        determinant = determinant + np.log(solver.U.diagonal()).sum()
        return determinant, border[self.runs :] - of_run * side.T @ solver.solve(side)

    def _gram(self, variances: np.ndarray) -> tuple[np.generic, sparse.csc_array]:
        """Return log|V| and [Z X y]'V^-1 [Z X y], both with V of the nested levels alone."""
        residual, depth = variances[-1], self.design.depth
        inner, sums = self.weight / residual, self.sums / residual
        determinant = len(self.lowest) * np.log(residual)
        left, right = [], []
        for place, floor in enumerate(self.floors):
            level = depth - 1 - place
            own = variances[level] if depth else 0.0
            growth = 1 + own * inner
            determinant = determinant + np.log(growth).sum()
            left.append(sums)
            right.append((-own / growth if place else 1 / (inner * growth))[floor.node] * sums)
            if floor.above is not None:
                sums = floor.above @ (sums / growth[floor.node])
                inner = self.design.sums(level - 1, inner / growth)
        product = self._entries(np.concatenate(left)).T @ self._entries(np.concatenate(right))
        return determinant, product + self.inside / residual

    def _entries(self, values: np.ndarray) -> sparse.csr_array:
        """Return the matrix (nodes of all levels, columns) of these values."""
        return sparse.csr_array((values, *self.places), shape=(len(self.places[1]) - 1, self.width))
