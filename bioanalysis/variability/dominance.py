"""Which step of a nested design scatters most, how surely that is known, and what more replicates would buy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtri

from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.variability.mean_squares import MeanSquares, mean_squares
from bioanalysis.variability.nesting import Nesting, read_nesting

DRAWS = 2**13  # a power of two, for which every column of the lattice is a grid of equal chances
GENERATOR = (1, 182667, 469891, 498753, 110745, 446247, 250185, 118627, 245333, 283199)


class Dominance(NamedTuple):
    """The dominant step; `component` is '' where none is the largest beyond doubt, or `note` says why.

    `probability` is that with which the likeliest step exceeds the rival that comes nearest to it.
    """

    component: str
    probability: float
    candidates: tuple[str, ...]
    shares: pd.DataFrame
    note: str


def dominant_step(
    table: pd.DataFrame,
    value: str,
    nested: Sequence[str],
    fixed: Sequence[str] = (),
    crossed: str | None = None,
) -> Dominance:
    """Return the step with the largest variance, if it exceeds each other one as surely as `largest_variance` asks.

    Parameters
    ----------
    table, value, nested, fixed, crossed
        As for `variance_components`; rows without a value must have been left out.

    Returns
    -------
    Dominance
        `component` (its name as in `variance_components`, joined levels included), `probability` with which the
        likeliest step exceeds its nearest rival, `candidates` (the fewest steps of which one is the largest with a
        probability of `step_shares`), `shares` (component, percent, low, high) of the steps that can be told apart, and
        `note`.
    """
    design = read_nesting(table, value, nested, fixed, crossed)
    squares = mean_squares(design)
    missing = [n for n, kept in zip(design.levels, squares.separable, strict=True) if not kept and n != crossed]
    if missing or squares.separable.sum() < 2:
        return _nothing(_why_none(design, missing))
    return largest_variance(squares, design.levels, crossed)


def largest_variance(squares: MeanSquares, levels: Sequence[str], crossed: str | None = None) -> Dominance:
    """Return which of the `levels` behind `squares` has the largest variance: `dominant_step` from its mean squares.

    Parameters
    ----------
    squares : MeanSquares
        At least two of its levels separable.
    levels : sequence of str
        Their names, outermost first; `crossed` is the one that is not nested.

    Notes
    -----
    A step is named that exceeds each other one with the probability `dominant_step` of limits/statistics.tsv; shares
    and candidates have the confidence `step_shares` of the same table.

    Generalised pivotal quantities: each expected mean square is drawn as MS df / chi-square(df), solved for the
    variances, negative ones cut to zero. Between neighbours this is the F test, exactly. With few degrees of freedom
    no step is named. A name asks for all its pairwise tests at once (intersection-union), so none of them needs a
    correction: where two steps scatter alike, each is named in at most 1 - `dominant_step` of the studies.

    A rival outside the step takes in the mean squares of all levels outside itself, as though those scattered nothing
    more. What they do scatter makes the rival larger, so that the chance of a wrong name stays; their degrees of
    freedom are gained. A crossed step with fewer than 3 degrees of freedom is taken out as it is estimated, and does
    not compete.

    References
    ----------
    Weerahandi, J Am Stat Assoc 88 (1993) 899; Burdick, Borror & Montgomery, Design and Analysis of Gauge R&R Studies
    (2005), chapter 4; Berger, Technometrics 24 (1982) 295 (intersection-union).
    """
    kept, limits = squares.separable, statistical_limits()
    confidence, level = limits["dominant_step"], limits["step_shares"]
    names = [name for name, one in zip(levels, kept, strict=True) if one]
    few = [name == crossed and squares.degrees_of_freedom[kept][k] < limits["fewest_degrees"]
           for k, name in enumerate(names)]  # fmt: skip
    drawn = _drawn(squares, np.array(few))
    judged = [k for k in range(len(names)) if not few[k]]
    variances = np.maximum(drawn, 0.0)[:, judged]
    total = variances.sum(axis=1, keepdims=True)
    if not np.all(total > 0):
        return _nothing("values agree exactly: check rounding or copies")
    shares = 100 * variances / total
    low, middle, high = np.quantile(shares, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    exceeds = _exceeds(squares, drawn, [k for k in judged if names[k] != crossed])[np.ix_(judged, judged)].min(axis=1)
    names = [names[k] for k in judged]
    best = int(exceeds.argmax())
    known = pd.DataFrame({"component": names, "percent": middle, "low": low, "high": high})
    named = names[best] if exceeds[best] >= confidence else ""
    left_out = f"too few values of {crossed} to judge it as a step" if any(few) else ""
    return Dominance(named, float(exceeds[best]), _likely(shares, names, level), known, left_out)


def _nothing(why: str) -> Dominance:
    return Dominance("", np.nan, (), pd.DataFrame(columns=_SHARES), why)


def _likely(shares: np.ndarray, names: Sequence[str], level: float) -> tuple[str, ...]:
    """Return the fewest steps of which one is the largest with a probability of `level`."""
    wins = np.bincount(shares.argmax(axis=1), minlength=len(names)) / len(shares)
    order = np.argsort(-wins, kind="stable")
    enough = int(np.searchsorted(np.cumsum(wins[order]), level)) + 1
    return tuple(names[k] for k in sorted(order[:enough]))


@cache
def _chances(levels: int) -> np.ndarray:
    """Return points (DRAWS, levels) evenly spread over the unit cube, each column a grid of equal chances.

    A lattice rule, by the first numbers of a generating vector made for all pairs of columns: Cools, Kuo & Nuyens,
    SIAM J Sci Comput 28 (2006) 2162.
    """
    numbers = np.arange(DRAWS)[:, None] * np.array(GENERATOR[:levels]) % DRAWS
    return np.asarray((numbers + 0.5) / DRAWS)


@cache
def _chi_squares(levels: int, level: int, freedom: float) -> np.ndarray:
    """Return chi-squares over their degrees of freedom (DRAWS,), by the chances of one of the levels."""
    return np.asarray(chdtri(freedom, _chances(levels)[:, level]) / freedom)


def _drawn(squares: MeanSquares, as_estimated: np.ndarray) -> np.ndarray:
    """Return the variances (DRAWS, n) of the separable levels, negative ones included."""
    known, freedom = squares.squares[squares.separable], squares.degrees_of_freedom[squares.separable]
    n = len(known)
    expected = [np.full(DRAWS, known[k]) if as_estimated[k] else known[k] / _chi_squares(n, k, float(freedom[k]))
                for k in range(n)]  # fmt: skip
    return np.column_stack(expected) @ squares.weights.T


def _exceeds(squares: MeanSquares, drawn: np.ndarray, nested: Sequence[int]) -> np.ndarray:
    """Return the probability (n, n) with which the variance of each row exceeds that of each column; 1 with itself."""
    n = drawn.shape[1]
    found = np.ones((n, n))
    for rival in range(n):
        alone = drawn[:, rival]
        pooled = _with_outer(squares, drawn, rival) if rival in nested and rival > 0 else alone
        for step in set(range(n)) - {rival}:
            other = pooled if step > rival else alone
            found[step, rival] = np.mean(np.maximum(drawn[:, step], 0.0) > np.maximum(other, 0.0))
    return found


def _with_outer(squares: MeanSquares, drawn: np.ndarray, level: int) -> np.ndarray:
    """Return the variance (DRAWS,) of a level from its mean square and those of all levels outside it together."""
    kept = squares.separable
    freedom = squares.degrees_of_freedom[kept][: level + 1].astype(float)
    total = float(freedom.sum())
    together = float(freedom @ squares.squares[kept][: level + 1]) / total
    holds = freedom @ squares.expectation[np.ix_(kept, kept)][: level + 1] / total
    inner = drawn[:, level + 1 :] @ holds[level + 1 :]
    return np.asarray((together / _chi_squares(drawn.shape[1], level, total) - inner) / holds[level])


_SHARES = ["component", "percent", "low", "high"]


def _why_none(design: Nesting, missing: list[str]) -> str:
    if missing:
        return f"the design leaves no degree of freedom for {', '.join(missing)}"
    return f"without replication {', '.join(design.levels[0].split('+'))} cannot be told apart"


def replication(
    table: pd.DataFrame, value: str, nested: Sequence[str], fixed: Sequence[str] = (), crossed: str | None = None
) -> dict[str, int]:
    """Return how many units of each level a mean of one fixed cell has, by the names of `variance_components`.

    Medians: animals in a cell, pieces in an animal and so on, `crossed` (runs) in a cell.
    """
    design = read_nesting(table, value, nested, fixed, crossed)
    above, counts = design.cell, {}
    names = [*design.levels[: design.depth], design.levels[-1]]
    for name, node in zip(names, [*design.nodes, np.arange(len(design.measured))], strict=True):
        pairs = np.unique(np.column_stack([above, node]), axis=0)
        counts[name] = max(1, int(np.median(np.unique(pairs[:, 0], return_counts=True)[1])))
        above = node
    if design.crossed is not None:
        pairs = np.unique(np.column_stack([design.cell, design.crossed]), axis=0)
        counts[design.levels[-2]] = max(1, int(np.median(np.unique(pairs[:, 0], return_counts=True)[1])))
    return counts


def variance_of_mean(
    variances: Mapping[str, float], counts: Mapping[str, int], crossed: str | None = None
) -> dict[str, float]:
    """Return what each step adds to the variance of a group's mean.

    ``Var(mean) = s2_animal / n_animals + s2_piece / (n_animals n_pieces) + ...``; a crossed step by its own number.

    Parameters
    ----------
    variances : mapping
        Variance of each step, outermost first.
    counts : mapping
        Units of each step inside one of the step above.
    """
    parts, units = {}, 1
    for name, variance in variances.items():
        if name == crossed:
            parts[name] = variance / counts[name]
            continue
        units *= counts[name]
        parts[name] = variance / units
    return parts


def one_more(variances: Mapping[str, float], counts: Mapping[str, int], crossed: str | None = None) -> pd.DataFrame:
    """Return by how much one more unit of each step would lower the standard error of a group's mean.

    Returns
    -------
    DataFrame
        `step`, `now` and `then` (units), `error_now` and `error_then` (standard errors, in units of `variances`'
        root), `gain_percent`.
    """
    before = float(np.sqrt(math.fsum(variance_of_mean(variances, counts, crossed).values())))
    rows = []
    for name in variances:
        more = {**counts, name: counts[name] + 1}
        after = float(np.sqrt(math.fsum(variance_of_mean(variances, more, crossed).values())))
        gain = 100 * (1 - after / before) if before > 0 else np.nan
        rows.append((name, counts[name], counts[name] + 1, before, after, gain))
    return pd.DataFrame(rows, columns=["step", "now", "then", "error_now", "error_then", "gain_percent"])
