"""How much of the scatter a covariate of animals or samples explains, inside the groups."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import brentq
from scipy.special import fdtrc, fdtri, ncfdtr

from bioanalysis.variability.mean_squares import counts_of, pseudo_inverse


class Explained(NamedTuple):
    """Share of variance a covariate explains; NaN where `note` says why."""

    percent: float
    low: float
    high: float
    p_value: float
    n: int
    between: str
    note: str


def explained_share(
    values: pd.Series, cell: pd.Series, animal: pd.Series, covariate: pd.Series, *, level: float = 0.95
) -> Explained:
    """Return the share of the variance inside the groups that a covariate explains.

    Parameters
    ----------
    values : Series (n,)
        Logarithmic concentrations.
    cell, animal : Series (n,)
        Group (and day) and animal of each value.
    covariate : Series (n,)
        Numbers (a slope is fitted) or words (a mean each); missing values leave their rows out.
    level : float
        Confidence of the interval.

    Returns
    -------
    Explained
        `percent` is the adjusted partial R^2 (not below 0), its interval from the noncentral F distribution (the
        upper end at no less than the median of F without an effect, where it would be drawn to zero by luck),
        `p_value` of the F test, not adjusted for other tests. A covariate that is the same throughout each animal
        is held to the scatter of animal means (`between` animals); one that differs within animals to the scatter
        inside them. What cannot be tested (constant, confounded with the groups, too few values) says so.

    References
    ----------
    Steiger, Psychol Methods 9 (2004) 164 (intervals of shares of variance).
    """
    table = pd.DataFrame({"y": values, "cell": cell.astype(str), "animal": animal.astype(str), "x": covariate})
    table = table[table.x.notna() & (table.x.astype(str) != "")]
    if table.x.nunique() < 2:
        return _none(len(table), "the same throughout" if len(table) else "not given")
    within = bool((table.groupby("animal").x.nunique() > 1).any())
    if not within:
        table = table.groupby("animal", as_index=False, sort=False).agg({"y": "mean", "cell": "first", "x": "first"})
    if not pd.api.types.is_numeric_dtype(table.x) and table.x.nunique() > len(table) / 2:
        return _none(len(table), "nearly every value has a word of its own")
    base = pd.factorize(table.animal if within else table.cell)[0]
    return _partial(table.y.to_numpy(float), base, table.x, "inside" if within else "between", level)


def _none(n: int, note: str) -> Explained:
    return Explained(np.nan, np.nan, np.nan, np.nan, n, "", note)


def _partial(y: np.ndarray, base: np.ndarray, x: pd.Series, between: str, level: float) -> Explained:
    """Return the F test of `x` (n,) after the means of the groups `base` (n,)."""
    n, groups = len(y), int(base.max()) + 1
    off = _centred(y, base)
    left = float(off @ off)
    numeric = pd.api.types.is_numeric_dtype(x)
    rest, added = _line(off, base, x.to_numpy(float)) if numeric else _means(y, base, pd.factorize(x.astype(str))[0])
    freedom = n - groups - added
    if added < 1:
        return _none(n, "confounded with the groups" if between == "between" else "confounded with the animals")
    if freedom < 2 or left <= 1e-20 * max(1.0, y @ y):
        return _none(n, "too few values")
    gain = max(0.0, left - rest)  # rounding can make it less than nothing
    f = gain / added / (rest / freedom) if rest > 0 else np.inf
    share = max(0.0, 1 - (rest / freedom) / (left / (added + freedom)))
    usual = max(f, float(fdtri(added, freedom, 0.5)))
    ends = [_noncentrality(at, added, freedom, tail) for at, tail in ((f, (1 + level) / 2), (usual, (1 - level) / 2))]
    low, high = (100 * end / (end + added + freedom + 1) for end in ends)
    return Explained(100 * share, low, high, float(fdtrc(added, freedom, f)), n, between, "")


def _centred(values: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return values (n,) less the mean of their group: what least squares on a dummy of each group leaves."""
    return values - (np.bincount(base, values) / np.bincount(base))[base]


def _line(off: np.ndarray, base: np.ndarray, numbers: np.ndarray) -> tuple[float, int]:
    """Return the sum of squares that a slope leaves of `off` (n,), and its rank: 0 where it is constant in the groups.

    A line through values and numbers less the means of their groups (Frisch-Waugh-Lovell).
    """
    scaled = (numbers - numbers.mean()) / numbers.std()
    slope = _centred(scaled, base)
    size = float(slope @ slope)
    if size <= (1e-9 * np.linalg.norm(scaled)) ** 2:
        return float(off @ off), 0
    rest = off - slope * float(slope @ off) / size
    return float(rest @ rest), 1


def _means(y: np.ndarray, base: np.ndarray, words: np.ndarray) -> tuple[float, int]:
    """Return the sum of squares that a mean of each group and of each word leaves, and the rank the words add.

    Those of which there are more, groups or words, are taken out as means; the others are solved for: a study of
    a thousand runs has a thousand words in four groups.
    """
    few, many = sorted((base, words), key=np.max)
    counts, sizes = counts_of(many, few), np.bincount(few)
    shared = (counts.T @ sparse.diags_array(1 / np.bincount(many)) @ counts).toarray()
    inverse, rank = pseudo_inverse(np.diag(sizes) - shared, float(sizes.max()))
    effect = inverse @ np.bincount(few, _centred(y, many))
    rest = _centred(y - effect[few], many)
    return float(rest @ rest), int(many.max()) + 1 + rank - (int(base.max()) + 1)


def _noncentrality(f: float, added: int, freedom: int, probability: float) -> float:
    """Return the noncentrality at which F falls below `f` with `probability`; 0 where none is that small."""

    def above(noncentrality: float) -> float:
        return float(ncfdtr(added, freedom, noncentrality, f)) - probability

    if not np.isfinite(f) or above(0.0) <= 0:
        return 0.0
    top = 1.0
    while above(top) > 0 and top < 1e6:
        top *= 2
    return brentq(above, 0.0, top, xtol=1e-9) if top < 1e6 else top
