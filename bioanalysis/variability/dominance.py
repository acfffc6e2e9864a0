"""Which step of a nested design scatters most, how surely that is known, and what more replicates would buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtri

from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.variability.mean_squares import mean_squares
from bioanalysis.variability.nesting import Nesting, read_nesting


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
    *,
    confidence: float | None = None,
    level: float = 0.95,
    draws: int = 10_000,
    rng: np.random.Generator | None = None,
) -> Dominance:
    """Return the step with the largest variance, if it exceeds each other one with `confidence`.

    Parameters
    ----------
    table, value, nested, fixed, crossed
        As for `variance_components`; rows without a value must have been left out.
    confidence : float
        Probability with which a step must exceed each other one, to be named; `dominant_step` of
        limits/statistics.tsv if None.
    level : float
        Confidence of the intervals of the shares.
    draws : int
        Draws behind probability and intervals.
    rng : Generator, optional
        Where the draws come from; the same ones at every call by default.

    Returns
    -------
    Dominance
        `component` (its name as in `variance_components`, joined levels included), `probability` with which the
        likeliest step exceeds its nearest rival, `candidates` (the fewest steps of which one is the largest with a
        probability of `level`), `shares` (component, percent, low, high) of the steps that can be told apart, `note`.

    Notes
    -----
    Generalised pivotal quantities: each expected mean square is drawn as MS df / chi-square(df), solved for the
    variances, negative ones cut to zero. With few degrees of freedom no step is named. A name asks for all its
    pairwise tests at once (intersection-union), so none of them needs a correction. Where two steps scatter alike,
    each is named in 1 - `confidence` of the studies: the price of a lower confidence is a wrong name near a tie.
    The chi-squares are stratified: quantiles of equal chance, shuffled. A
    crossed step with fewer than 3 degrees of freedom is taken out as it is estimated, and does not compete.

    References
    ----------
    Weerahandi, J Am Stat Assoc 88 (1993) 899; Burdick, Borror & Montgomery, Design and Analysis of Gauge R&R Studies
    (2005), chapter 4; Berger, Technometrics 24 (1982) 295 (intersection-union).
    """
    design = read_nesting(table, value, nested, fixed, crossed)
    squares = mean_squares(design)
    kept = squares.separable
    names = [name for name, one in zip(design.levels, kept, strict=True) if one]
    missing = [n for k, n in enumerate(design.levels) if not kept[k] and n != crossed]
    if missing or len(names) < 2:
        return Dominance("", np.nan, (), pd.DataFrame(columns=_SHARES), _why_none(design, missing))
    limits = statistical_limits()
    rng = rng or np.random.default_rng(1993)
    freedom = squares.degrees_of_freedom[kept].astype(float)
    drawn = squares.squares[kept] * freedom / _chi_squares(freedom, draws, rng)
    few = np.array([name == crossed for name in names]) & (freedom < limits["fewest_degrees"])
    drawn[:, few] = squares.squares[kept][few]
    variances = np.maximum(drawn @ squares.weights.T, 0.0)[:, ~few]
    names = [name for name, one in zip(names, few, strict=True) if not one]
    total = variances.sum(axis=1, keepdims=True)
    if not np.all(total > 0):
        return Dominance(
            "", np.nan, (), pd.DataFrame(columns=_SHARES), "values agree exactly: check rounding or copies"
        )
    shares = 100 * variances / total
    low, middle, high = np.quantile(shares, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    wins = np.bincount(shares.argmax(axis=1), minlength=len(names)) / draws
    exceeds = np.array([_nearest(variances, k) for k in range(len(names))])
    best = int(exceeds.argmax())
    known = pd.DataFrame({"component": names, "percent": middle, "low": low, "high": high})
    named = names[best] if exceeds[best] >= (limits["dominant_step"] if confidence is None else confidence) else ""
    left_out = f"too few values of {crossed} to judge it as a step" if few.any() else ""
    order = np.argsort(-wins, kind="stable")
    enough = int(np.searchsorted(np.cumsum(wins[order]), level)) + 1
    likely = tuple(names[k] for k in sorted(order[:enough]))
    return Dominance(named, float(exceeds[best]), likely, known, left_out)


def _chi_squares(freedom: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return stratified chi-squares (draws, n): every column holds each of `draws` slices of equal chance once."""
    chances = (np.arange(draws) + 0.5) / draws
    return np.column_stack([chdtri(each, rng.permutation(chances)) for each in freedom])


def _nearest(variances: np.ndarray, step: int) -> float:
    """Return the least probability with which a step exceeds another one."""
    others = np.delete(variances, step, axis=1)
    return float((variances[:, [step]] > others).mean(axis=0).min()) if others.shape[1] else 1.0


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
    before = float(np.sqrt(sum(variance_of_mean(variances, counts, crossed).values())))
    rows = []
    for name in variances:
        more = {**counts, name: counts[name] + 1}
        after = float(np.sqrt(sum(variance_of_mean(variances, more, crossed).values())))
        gain = 100 * (1 - after / before) if before > 0 else np.nan
        rows.append((name, counts[name], counts[name] + 1, before, after, gain))
    return pd.DataFrame(rows, columns=["step", "now", "then", "error_now", "error_then", "gain_percent"])
