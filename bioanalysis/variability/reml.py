"""Restricted maximum likelihood for a nested design, without ever forming its covariance matrix.

The covariance V of one outermost node is nested blocks of ones times a variance plus a diagonal, so that the
Sherman-Morrison formula, applied from the rows upwards, gives V^-1 x, log|V| and every trace that the score and the
information need, in time proportional to the number of nodes. The few effects of a factor that lies across the
nesting (the run) are solved for with the fixed cells, as in Henderson's mixed model equations.

References
----------
Patterson & Thompson, Biometrika 58 (1971) 545 (the likelihood); Searle, Casella & McCulloch, Variance Components
(1992), chapters 6 and 8 (score, information, boundary).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from bioanalysis.variability.nesting import Nesting

STEPS = 200  # Newton needs 5 to 15


class Curvature(NamedTuple):
    """Restricted log likelihood with its derivatives by the variances, outermost first, residual last."""

    log_likelihood: float
    score: np.ndarray
    observed: np.ndarray
    expected: np.ndarray


def fit_reml(design: Nesting, start: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the variances with the largest restricted likelihood, and its logarithm.

    Parameters
    ----------
    design : Nesting
        With a residual that is not zero.
    start : ndarray (n_levels,)
        Where to begin (the ANOVA estimates; negative ones are raised).
    free : ndarray of bool (n_levels,)
        Levels to estimate; the others stay at zero. The residual is always estimated.

    Returns
    -------
    variances : ndarray (n_levels,)
        Exactly zero where the likelihood falls from zero on.
    log_likelihood : float

    Notes
    -----
    Newton's method on the variances, with the expected information wherever the observed one is not positive
    definite, steps halved until the likelihood rises, and variances that would turn negative held at zero as long as
    the score there is negative.
    """
    if design.crossed is not None and not free[-2]:
        return _without_crossed(design, start, free)
    scale = float(np.var(design.measured))
    model = _Model(design)
    variances = np.where(free, np.maximum(start / scale, 1e-3), 0.0)
    here, last_steps = model.curvature(variances * scale), 0
    for _ in range(STEPS):
        direction, gain = _newton(variances, here, free, scale)
        last_steps += gain < 1e-8
        moved = _projected(variances, direction) if last_steps else _risen(model, variances, direction, here, scale)
        if last_steps == 4 or np.array_equal(moved, variances):
            break
        variances, here = moved, model.curvature(moved * scale)
    return variances * scale, here.log_likelihood


def _without_crossed(design: Nesting, start: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit the nested levels alone: runs that share nothing cost a column each and add nothing to the likelihood."""
    at = len(free) - 2
    nested = replace(design, levels=(*design.levels[:at], design.levels[-1]), crossed=None)
    variances, likelihood = fit_reml(nested, np.delete(start, at), np.delete(free, at))
    return np.insert(variances, at, 0.0), likelihood


def _newton(variances: np.ndarray, here: Curvature, free: np.ndarray, scale: float) -> tuple[np.ndarray, float]:
    """Return Newton's step in units of `scale`, and by how much it should raise the likelihood."""
    moving = free & ((variances > 0) | (here.score > 0))
    score = here.score[moving] * scale
    direction = np.zeros(len(variances))
    direction[moving] = np.linalg.solve(_positive(here, moving) * scale**2, score)
    return direction, float(score @ direction[moving]) / 2


def _projected(variances: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the variances after a step, none negative and the residual above zero."""
    moved = np.maximum(variances + direction, 0.0)
    moved[-1] = max(moved[-1], variances[-1] / 10)
    return moved


def _risen(model: _Model, variances: np.ndarray, direction: np.ndarray, here: Curvature, scale: float) -> np.ndarray:
    """Return variances of a higher likelihood: after the step, or half of it, or half of that ..."""
    for halving in range(60):
        moved = _projected(variances, direction / 2**halving)
        if model.log_likelihood(moved * scale) > here.log_likelihood:
            return moved
    return variances


def _positive(here: Curvature, moving: np.ndarray) -> np.ndarray:
    """Return the observed information of the moving variances, or the expected one where that is not positive."""
    chosen = np.ix_(moving, moving)
    root = np.sqrt(np.diag(here.expected[chosen]))
    relative = np.linalg.eigvalsh(here.observed[chosen] / np.outer(root, root))
    return here.observed[chosen] if relative[0] > 1e-6 else here.expected[chosen]


class _Model:
    """The likelihood of a design reduced to node means of its lowest level and the scatter inside them."""

    def __init__(self, design: Nesting) -> None:
        self.design, self.n_cells = design, design.n_cells
        values = design.measured - (np.bincount(design.cell, design.measured) / np.bincount(design.cell))[design.cell]
        self.columns = _Columns(design, values)

    def log_likelihood(self, variances: np.ndarray) -> float:
        """Return the likelihood at `variances`, minus infinity where rounding leaves the cells without a mean."""
        try:
            return _Terms(self, variances).log_likelihood
        except np.linalg.LinAlgError:
            return -np.inf

    def curvature(self, variances: np.ndarray) -> Curvature:
        """Return likelihood, score and both informations at `variances` (n_levels,)."""
        terms = _Terms(self, variances)
        nested = self._nested_curvature(terms)
        return nested if self.design.crossed is None else self._with_crossed(terms, nested)

    def _nested_curvature(self, terms: _Terms) -> Curvature:
        """Return score and informations by the nested variances and the residual."""
        traces, pairs = terms.tree.traces()
        grams, crosses = terms.grams, terms.crosses()
        cells = slice(0, len(terms.inverse))
        inverse, eta = terms.inverse, terms.contrast
        size = len(grams)
        score = np.empty(size)
        observed, expected = (np.empty((size, size)) for _ in range(2))
        for i, gram in enumerate(grams):
            score[i] = (eta @ gram @ eta - traces[i] + np.sum(inverse * gram[cells, cells])) / 2
        for (i, j), cross in crosses.items():
            from_cells = inverse @ grams[i][cells, cells] @ inverse
            trace = (
                pairs[i, j] - 2 * np.sum(inverse * cross[cells, cells].T) + np.sum(from_cells * grams[j][cells, cells])
            )
            quadratic = eta @ cross @ eta - (grams[i] @ eta)[cells] @ inverse @ (grams[j] @ eta)[cells]
            expected[i, j] = expected[j, i] = trace / 2
            observed[i, j] = observed[j, i] = quadratic - trace / 2
        return Curvature(terms.log_likelihood, score, observed, expected)

    def _with_crossed(self, terms: _Terms, nested: Curvature) -> Curvature:
        """Return the curvature with the crossed variance before the residual.

        With P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1 and Z the indicators of the crossed factor: PZ is the tree's
        inverse times [X Z] B, so that every product asked for comes from the same Gram matrices.
        """
        runs, at = slice(self.n_cells, len(terms.inverse)), self.design.depth
        inner = terms.whole[:-1, :-1]
        shape = (np.eye(len(inner)) - terms.inverse @ inner)[:, runs]
        zpz, zpy = inner[runs] @ shape, (terms.whole @ terms.contrast)[runs]
        score = np.insert(nested.score, at, (zpy @ zpy - np.trace(zpz)) / 2)
        expected, observed = (np.insert(np.insert(m, at, 0, 0), at, 0, 1) for m in (nested.expected, nested.observed))
        for i, gram in enumerate(terms.grams):
            place = i + (i >= at)
            trace = np.sum(shape * (gram[:-1, :-1] @ shape))
            quadratic = zpy @ shape.T @ (gram @ terms.contrast)[:-1]
            expected[place, at] = expected[at, place] = trace / 2
            observed[place, at] = observed[at, place] = quadratic - trace / 2
        expected[at, at] = np.sum(zpz**2) / 2
        observed[at, at] = zpy @ zpz @ zpy - np.sum(zpz**2) / 2
        return Curvature(nested.log_likelihood, score, observed, expected)


class _Columns:
    """Indicators of fixed cells and runs, then the values, as means over the lowest nodes and scatter inside them.

    Where every outermost node lies in one cell and nothing is crossed, the indicators are kept as one column of ones
    beside the cell of each node: time and memory then do not grow with the number of cells.
    """

    def __init__(self, design: Nesting, values: np.ndarray) -> None:
        lowest = design.nodes[-1] if design.depth else np.arange(len(values))
        self.weight = np.bincount(lowest).astype(float)
        self.n_cells = design.n_cells
        compact = design.cell_is_unique and design.crossed is None
        indicators = np.ones((len(values), 1)) if compact else np.eye(self.n_cells)[design.cell]
        if design.crossed is not None:
            indicators = np.hstack([indicators, np.eye(design.crossed.max() + 1)[design.crossed]])
        rows = np.column_stack([indicators, values])
        first = np.flatnonzero(np.diff(lowest, prepend=-1))
        self.means = np.add.reduceat(rows, first, axis=0) / self.weight[:, None]
        self.cell = design.cell[first] if compact else None
        off = rows - self.means[lowest]
        inside = off.T @ off
        self.inside = inside if self.cell is None else np.zeros((self.n_cells + 1, self.n_cells + 1))
        self.inside[-1, -1] = inside[-1, -1]

    def gram(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return left' W right (n_cells + 1 square), W the rows behind each node; both (n_nodes, n_columns)."""
        left = left * self.weight[:, None]
        if self.cell is None:
            return left.T @ right
        diagonal, right_border, lower_border = (
            np.bincount(self.cell, left[:, i] * right[:, j], self.n_cells) for i, j in ((0, 0), (0, 1), (1, 0))
        )
        matrix = np.diag(np.append(diagonal, left[:, 1] @ right[:, 1]))
        matrix[:-1, -1], matrix[-1, :-1] = right_border, lower_border
        return matrix


@dataclass(frozen=True)
class _Tree:
    """Sherman-Morrison from the rows upwards: for each node 1'V^-1 1 before and after its own variance."""

    design: Nesting
    variances: np.ndarray
    weight: np.ndarray

    @cached_property
    def before(self) -> list[np.ndarray]:
        """1'V^-1 1 over each node's children, level by level."""
        inner, found = self.weight / self.variances[-1], []
        for level in reversed(range(self.design.depth)):
            found.append(inner)
            inner = self.design.sums(level - 1, inner / (1 + self.variances[level] * inner)) if level else inner
        return found[::-1]

    @cached_property
    def growth(self) -> list[np.ndarray]:
        """Factor by which each node's own variance raises |V|."""
        return [1 + variance * inner for variance, inner in zip(self.variances[:-1], self.before, strict=True)]

    def log_determinant(self) -> float:
        rows = self.weight.sum() * np.log(self.variances[-1])
        return float(rows + sum(np.log(growth).sum() for growth in self.growth))

    def solve(self, means: np.ndarray) -> np.ndarray:
        """Return V^-1 applied to columns that are constant inside the lowest nodes; (n_nodes, n_columns)."""
        sums, raised = means * (self.weight / self.variances[-1])[:, None], []
        for level in reversed(range(self.design.depth)):
            raised.append(sums)
            sums = self.design.sums(level - 1, sums / self.growth[level][:, None]) if level else sums
        shift = np.zeros(means.shape[1])
        for level in range(self.design.depth):
            inner, growth = self.before[level][:, None], self.growth[level][:, None]
            shift = shift + self.variances[level] * (raised[-1 - level] - shift * inner) / growth
            shift = self.design.spread(level, shift) if level + 1 < self.design.depth else shift
        return (means - shift) / self.variances[-1]

    def node_sums(self, columns: np.ndarray) -> list[np.ndarray]:
        """Return, for every level, the sums of `columns` over each node's rows, handed back to the lowest nodes."""
        sums, found = columns * self.weight[:, None], []
        for level in reversed(range(self.design.depth)):
            handed = sums
            for below in range(level, self.design.depth - 1):
                handed = self.design.spread(below, handed)
            found.append(handed)
            sums = self.design.sums(level - 1, sums) if level else sums
        return found[::-1]

    def _raised(self, level: int, kept: dict) -> dict:
        """Return what is kept about the nodes of `level`, summed over those of the level above."""
        return {key: self.design.sums(level - 1, of_node) for key, of_node in kept.items()}

    def traces(self) -> tuple[np.ndarray, dict[tuple[int, int], float]]:
        """Return tr(V^-1 V_i) and tr(V^-1 V_i V^-1 V_j), V_i the derivative of V by variance i.

        For nodes h and q of levels i and j, with a = 1_h'V^-1 1_q: `single` sums a over h = q, `double` a^2 over all
        pairs inside the node reached; `reach` and `both` are what the next level's update asks for.
        """
        depth, within = self.design.depth, self.variances[-1]
        single = {depth: self.weight / within}
        reach = {depth: self.weight / within**2}
        double = {(depth, depth): self.weight / within**2}
        both = {(depth, depth): self.weight / within**3}
        for level in reversed(range(depth)):
            growth = self.growth[level]
            drop = self.variances[level] / growth
            own = self.before[level] / growth
            for i, j in double:
                double[i, j] = double[i, j] - 2 * drop * both[i, j] + drop**2 * reach[i] * reach[j]
                both[i, j] = (both[i, j] - drop * reach[i] * reach[j]) / growth**2
            for j in single:
                single[j] = single[j] - drop * reach[j]
                reach[j] = reach[j] / growth**2
            single[level], reach[level] = own, own**2
            for j in single:
                double[level, j], both[level, j] = reach[j], own * reach[j]
            if level:
                single, reach, double, both = (self._raised(level, each) for each in (single, reach, double, both))
        levels = range(depth + 1)
        pairs = {pair: float(double[pair].sum()) for pair in combinations_with_replacement(levels, 2)}
        return np.array([single[level].sum() for level in levels]), pairs


class _Terms:
    """What likelihood, score and information have in common at one set of variances."""

    def __init__(self, model: _Model, variances: np.ndarray) -> None:
        self.columns = model.columns
        crossed = model.design.crossed is not None
        nested = np.delete(variances, -2) if crossed else variances
        self.variances = nested
        self.tree = _Tree(model.design, nested, self.columns.weight)
        self.solved = self.tree.solve(self.columns.means)
        self.whole = whole = self.columns.gram(self.columns.means, self.solved) + self.columns.inside / nested[-1]
        self.scale = np.ones(len(whole) - 1)
        self.scale[model.n_cells :] = np.sqrt(variances[-2]) if crossed else 1.0
        ridge = np.diag(np.repeat([0.0, 1.0], [model.n_cells, len(whole) - 1 - model.n_cells]))
        root = np.linalg.cholesky(whole[:-1, :-1] * np.outer(self.scale, self.scale) + ridge)
        effects = self.scale * np.linalg.solve(root.T, np.linalg.solve(root, self.scale * whole[:-1, -1]))
        self.root, self.contrast = root, np.append(-effects, 1.0)
        quadratic = whole[-1, -1] - effects @ whole[:-1, -1]
        determinant = self.tree.log_determinant() + 2 * np.log(np.diag(root)).sum()
        free = self.columns.weight.sum() - model.n_cells
        self.log_likelihood = float(-(determinant + quadratic + free * np.log(2 * np.pi)) / 2)

    @cached_property
    def inverse(self) -> np.ndarray:
        """(X'V^-1 X)^-1; with a crossed factor the inverse of the mixed model equations."""
        half = np.linalg.solve(self.root, np.eye(len(self.root))) * self.scale
        return half.T @ half

    @cached_property
    def carried(self) -> list[np.ndarray]:
        """V_i A for each variance, with A = V^-1 [X y] (V without the crossed factor)."""
        return [*self.tree.node_sums(self.solved), self.solved]

    @cached_property
    def grams(self) -> list[np.ndarray]:
        """A'V_i A."""
        grams = [self.columns.gram(self.solved, each) for each in self.carried]
        grams[-1] = grams[-1] + self.columns.inside / self.variances[-1] ** 2
        return grams

    def crosses(self) -> dict[tuple[int, int], np.ndarray]:
        """Return A'V_i V^-1 V_j A."""
        columns, within, carried = self.columns, self.variances[-1], self.carried
        solved = [self.tree.solve(each) for each in carried]
        pairs = combinations_with_replacement(range(len(carried)), 2)
        crosses = {(i, j): columns.gram(carried[i], solved[j]) for i, j in pairs}
        crosses[len(carried) - 1, len(carried) - 1] += columns.inside / within**3
        return crosses
