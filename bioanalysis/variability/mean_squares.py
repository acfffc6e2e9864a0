"""Type-1 analysis of variance of a nested design: mean squares, what they are expected to be, and intervals.

References
----------
Searle, Casella & McCulloch, Variance Components (1992), chapter 5 (Henderson's method I for unbalanced data).
Ting, Burdick, Graybill, Jeyaratnam & Lu, J Stat Comput Simul 35 (1990) 135, and Burdick & Graybill, Confidence
Intervals on Variance Components (1992), chapter 3 (modified large sample intervals).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import chdtri, fdtri

from bioanalysis.variability.nesting import Nesting

if TYPE_CHECKING:
    from scipy.sparse.linalg import SuperLU


class Interval(NamedTuple):
    """Two ends of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class MeanSquares:
    """Sequential mean squares, outermost level first, residual last.

    Parameters
    ----------
    squares : ndarray (n_levels,)
        Mean square of each level after everything above it; NaN where no degree of freedom is left for it.
    degrees_of_freedom : ndarray of int (n_levels,)
    expectation : ndarray (n_levels, n_levels)
        Coefficient of each variance in the expectation of each mean square (upper triangular).
    """

    squares: np.ndarray
    degrees_of_freedom: np.ndarray
    expectation: np.ndarray

    @cached_property
    def separable(self) -> np.ndarray:
        """True for the levels that the design can tell from the fixed cells."""
        return self.degrees_of_freedom > 0

    @cached_property
    def weights(self) -> np.ndarray:
        """Weights of the separable mean squares in each separable variance."""
        kept = self.separable
        return np.linalg.inv(self.expectation[np.ix_(kept, kept)])

    def variances(self) -> np.ndarray:
        """Return the unbiased estimates, negative ones included; NaN where a level cannot be separated."""
        estimates = np.full(len(self.squares), np.nan)
        estimates[self.separable] = self.weights @ self.squares[self.separable]
        return estimates

    def intervals(self, variances: np.ndarray, level: float) -> list[Interval]:
        """Return a modified large sample interval for each separable variance, cut off at zero.

        The mean squares are taken at what `variances` make them expect, so that the same formula serves estimates
        of another kind; with the ANOVA estimates these are the mean squares themselves.
        """
        kept = self.separable
        expected = self.expectation[np.ix_(kept, kept)] @ variances[kept]
        degrees = self.degrees_of_freedom[kept].astype(float)
        return [modified_large_sample(row, expected, degrees, level) for row in self.weights]


def mean_squares(design: Nesting) -> MeanSquares:
    """Return the sequential mean squares of `design`, the fixed cells entering first."""
    projections = [_Projection(design, level) for level in range(-1, design.depth)]
    if design.crossed is not None:
        projections.append(_CrossedProjection(design, design.crossed))
    ranks = np.array([*(p.rank for p in projections), len(design.measured)])
    everything = np.full(len(design.levels), len(design.measured))
    traces = np.array([*(p.traces() for p in projections), everything], dtype=float)
    fits = [*(p.fit() for p in projections), design.measured]
    sums = np.array([np.sum((after - before) ** 2) for before, after in pairwise(fits)])
    degrees = np.diff(ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.where(degrees > 0, sums / degrees, np.nan)
        expectation = np.where(degrees[:, None] > 0, np.diff(traces, axis=0) / degrees[:, None], 0.0)
    return MeanSquares(squares, degrees, np.triu(expectation))


class _Projection:
    """Least squares on the fixed cells and the nodes of one level together; level -1 is the cells alone.

    Where a node may lie in several cells, `effects` are their indicators, and what is fitted beside the node means.
    """

    def __init__(self, design: Nesting, level: int) -> None:
        self.design, self.level = design, level
        self.node = design.cell if level < 0 else design.nodes[level]
        self.size = np.bincount(self.node)
        self.rank = len(self.size)
        self.effects = _indicators(design.cell) if level >= 0 and not design.cell_is_unique else None
        if self.effects is not None:
            self.inverse, rank = pseudo_inverse(self.within(self.effects, self.effects).toarray(), self._largest_cell())
            self.rank += rank

    def _largest_cell(self) -> float:
        return float(np.bincount(self.design.cell).max())

    def within(self, left: sparse.csr_array, right: sparse.csr_array) -> sparse.csr_array:
        """Return left'Q right, Q the removal of node means."""
        nodes = _indicators(self.node).T
        return left.T @ right - (nodes @ left).T @ sparse.diags_array(1 / self.size) @ (nodes @ right)

    def fit(self) -> np.ndarray:
        """Return the fitted value of each row."""
        if self.effects is None:
            return self.means(self.design.measured)
        off_node = self.design.measured - self.means(self.design.measured)
        effect = self.effects @ (self.inverse @ (self.effects.T @ off_node))
        return self.means(self.design.measured - effect) + effect

    def means(self, rows: np.ndarray) -> np.ndarray:
        """Return for each row the mean of its node."""
        return (np.bincount(self.node, rows) / self.size)[self.node]

    def traces(self) -> np.ndarray:
        """Return tr(Z'PZ) for each level's indicators Z, the residual last (there the rank)."""
        design, everything = self.design, float(len(self.design.measured))
        nested = [everything if at <= self.level else self._trace(design.nodes[at]) for at in range(design.depth)]
        if design.crossed is not None:
            nested.append(self._trace(design.crossed))
        return np.array([*nested, self.rank], dtype=float)

    def _trace(self, codes: np.ndarray) -> float:
        shared = counts_of(self.node, codes)
        squares = float(np.sum(shared.multiply(shared).sum(axis=1) / self.size))
        if self.effects is None:
            return squares
        across = self.within(self.effects, _indicators(codes))
        return squares + float(np.sum(self.inverse * (across @ across.T).toarray()))


class _CrossedProjection(_Projection):
    """Least squares on everything: the cells, the lowest nodes and the crossed runs.

    Runs are told apart inside a set of runs chained by nodes that they share, one of each set standing for zero. Their
    equations have an entry for each two runs that share a node: sparse, however many runs there are.
    """

    def __init__(self, design: Nesting, crossed: np.ndarray) -> None:
        super().__init__(design, design.depth - 1)
        from scipy.sparse.csgraph import connected_components  # with the solver 10 MB: loaded where runs lie across

        every = _indicators(crossed)
        shared = self.within(every, every)
        first_of_set = np.unique(connected_components(shared, directed=False)[1], return_index=True)[1]
        told = np.setdiff1d(np.arange(every.shape[1]), first_of_set)
        self.runs = every[:, told]
        self._solve = factored(shared[told][:, told]).solve if len(told) else np.copy
        self.rank = len(self.size) + len(told)
        if self.effects is not None:
            self.beside = self.within(self.runs, self.effects).toarray()
            inner = self.within(self.effects, self.effects).toarray() - self.beside.T @ self._solve(self.beside)
            self.inverse, rank = pseudo_inverse(inner, self._largest_cell())
            self.rank += rank

    def fit(self) -> np.ndarray:
        """Return the fitted value of each row."""
        off_node = self.design.measured - self.means(self.design.measured)
        of_run = self.runs.T @ off_node
        effect = np.zeros(len(off_node))
        if self.effects is not None:
            of_cell = self.inverse @ (self.effects.T @ off_node - self.beside.T @ self._solve(of_run))
            effect, of_run = self.effects @ of_cell, of_run - self.beside @ of_cell
        effect = effect + self.runs @ self._solve(of_run)
        return self.means(self.design.measured - effect) + effect

    def traces(self) -> np.ndarray:
        """Return tr(Z'PZ) for each level's indicators Z, the residual last (there the rank)."""
        return np.array([*[len(self.design.measured)] * (self.design.depth + 1), self.rank], dtype=float)


def _indicators(codes: np.ndarray) -> sparse.csr_array:
    """Return one row per value, one column per code."""
    return counts_of(np.arange(len(codes)), codes)


def counts_of(rows: np.ndarray, columns: np.ndarray) -> sparse.csr_array:
    """Return how many values fall into each pair of `rows` and `columns` codes."""
    shape = (rows.max() + 1, columns.max() + 1)
    return sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()


def factored(matrix: sparse.csc_array) -> SuperLU:
    """Return the decomposition of a sparse symmetric matrix whose leading minors are positive, pivots on its diagonal.

    Rows and columns stand in an order of little fill: a chain of runs costs a time proportional to its length.
    """
    from scipy.sparse.linalg import splu

    return splu(matrix.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def pseudo_inverse(matrix: np.ndarray, scale: float) -> tuple[np.ndarray, int]:
    """Return the inverse of a symmetric matrix on its range, and its rank; what is small beside `scale` is nothing."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9 * scale
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T, int(kept.sum())


def modified_large_sample(weights: np.ndarray, squares: np.ndarray, degrees: np.ndarray, level: float) -> Interval:
    """Return an interval for the sum of `weights` times the expectations of independent mean squares.

    Parameters
    ----------
    weights, squares, degrees : ndarray (n_squares,)
        Weights may be negative; `degrees` are the degrees of freedom of the mean squares.
    level : float
        Confidence of the two-sided interval.

    Notes
    -----
    Exact for one mean square (chi-square); otherwise the formulas of Ting et al. (1990). Cut off at zero.
    """
    used = np.abs(weights) > 1e-12 * np.abs(weights).max()
    terms, degrees = weights[used] * squares[used], degrees[used]
    tail = (1 - level) / 2
    centre = terms.sum()
    low = centre - np.sqrt(max(_spread_below(terms, degrees, weights[used] > 0, tail), 0.0))
    high = centre + np.sqrt(max(_spread_above(terms, degrees, weights[used] > 0, tail), 0.0))
    return Interval(max(low, 0.0), max(high, 0.0))


def _spread_below(terms: np.ndarray, degrees: np.ndarray, added: np.ndarray, tail: float) -> float:
    """Return the squared distance from the estimate to its lower bound."""
    shrink = 1 - degrees / chdtri(degrees, tail)
    swell = degrees / chdtri(degrees, 1 - tail) - 1
    total = np.sum((np.where(added, shrink, swell) * terms) ** 2)
    for q in np.flatnonzero(added):
        for r in np.flatnonzero(~added):
            ratio = fdtri(degrees[q], degrees[r], 1 - tail)
            joint = ((ratio - 1) ** 2 - (shrink[q] * ratio) ** 2 - swell[r] ** 2) / ratio
            total += joint * terms[q] * -terms[r]
    return float(total + _same_side(terms[added], degrees[added], shrink[added], tail))


def _spread_above(terms: np.ndarray, degrees: np.ndarray, added: np.ndarray, tail: float) -> float:
    """Return the squared distance from the estimate to its upper bound."""
    shrink = 1 - degrees / chdtri(degrees, tail)
    swell = degrees / chdtri(degrees, 1 - tail) - 1
    total = np.sum((np.where(added, swell, shrink) * terms) ** 2)
    for q in np.flatnonzero(added):
        for r in np.flatnonzero(~added):
            ratio = fdtri(degrees[q], degrees[r], tail)
            joint = ((1 - ratio) ** 2 - (swell[q] * ratio) ** 2 - shrink[r] ** 2) / ratio
            total += joint * terms[q] * -terms[r]
    return float(total + _same_side(-terms[~added], degrees[~added], shrink[~added], tail))


def _same_side(terms: np.ndarray, degrees: np.ndarray, shrink: np.ndarray, tail: float) -> float:
    """Return the joint contributions of mean squares whose weights have the same sign."""
    total = 0.0
    for i in range(len(terms)):
        for j in range(i + 1, len(terms)):
            both = degrees[i] + degrees[j]
            pooled = (1 - both / chdtri(both, tail)) ** 2 * both**2 / (degrees[i] * degrees[j])
            own = shrink[i] ** 2 * degrees[i] / degrees[j] + shrink[j] ** 2 * degrees[j] / degrees[i]
            total += (pooled - own) / (len(terms) - 1) * terms[i] * terms[j]
    return total
