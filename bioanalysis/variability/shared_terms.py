"""Uncertainty that samples share: curve and recovery neither shrink with the number of animals nor always cancel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

NEEDED = (
    "method_id", "run_id", "tissue", "recovery_source", "curve_uncertainty", "curve_degrees_of_freedom",
    "recovery_uncertainty", "recovery_degrees_of_freedom",
)  # fmt: skip
SHARED = "recovery_shared_uncertainty"


class Side(NamedTuple):
    """One geometric mean in a ratio.

    Attributes
    ----------
    sign : float
        1 above the line, -1 below it.
    subjects : collection of str
        Animals of the mean.
    tissue : str
    day : float
        Day of collection; NaN takes every day.
    group : str
        Animals whose scatter is estimated together: both tissues of a ratio within animals have one.
    """

    sign: float
    subjects: Collection[str]
    tissue: str
    day: float
    group: str


def shared_of_ratio(values: pd.DataFrame, sides: Sequence[Side]) -> list[tuple[float, float]]:
    """Return what curve and recovery add to the variance of the logarithm of a ratio of geometric means.

    Parameters
    ----------
    values : DataFrame
        Quantified rows of tissue_concentrations.tsv of one analyte and method, pieces of an animal each a row.
    sides : sequence of Side
        The means above and below the line.

    Returns
    -------
    list of (variance, degrees of freedom)
        To be added to the variance of the ratio that comes of the animals' own scatter.

    Notes
    -----
    A source of error (a recovery factor, the curve of a run on one side) that all animals share is not in their
    scatter; one that each animal has by itself is wholly in it. With e_i its error through animal i, it adds
    ``(sum e_i)^2`` less ``n var(e_i)``, which s^2/n of the n animals of a group holds already: nothing counts twice.
    """
    rows = [_of_side(values, side, number) for number, side in enumerate(sides)]
    return beyond_scatter(pd.concat(rows, ignore_index=True))


def beyond_scatter(table: pd.DataFrame) -> list[tuple[float, float]]:
    """Return what curve and recovery add to the variance of a weighted sum, beyond what the animals' scatter holds.

    Parameters
    ----------
    table : DataFrame
        Rows of tissue_concentrations.tsv: run_id, method_id, tissue, recovery_source, ``<kind>_uncertainty`` and
        ``<kind>_degrees_of_freedom`` of curve and recovery (relative; missing counts as none), and where batches share
        a part of it recovery_shared_uncertainty and recovery_shared_by. With `weight` of each one's *relative* error
        (for a mean of n animals value/n, for the logarithm of a geometric mean 1/n), `side` (of one side the errors of
        a curve have one sign) and `group` (whose scatter is estimated together; one of a single animal holds nothing).

    Returns
    -------
    list of (variance, degrees of freedom)
        To be added to the variance that comes of the animals' own scatter, degrees after Welch-Satterthwaite.

    Notes
    -----
    One recovery factor is one number: its error is the same in every sample it divides, and cancels where a ratio has
    it on both sides. The factors of several batches have in common what their mean is uncertain by; the rest is each
    one's own. A curve's error is taken to be the same in all samples of a run with the same sign of the weight, the
    largest it can be in a mean; between the sides of a ratio, decades apart on the curve, it is not taken to cancel.
    """
    if not set(NEEDED) <= set(table):
        return []
    whole = table.recovery_uncertainty.astype(float).fillna(0.0)
    shared = table[SHARED].astype(float).fillna(0.0) if SHARED in table else whole * 0.0
    sharing = table.recovery_shared_by.fillna("") if SHARED in table else table.recovery_source
    own = np.sqrt(np.maximum(0.0, whole**2 - shared**2))
    tissue = [table.method_id, table.tissue]
    of_recovery = table.recovery_degrees_of_freedom
    return [
        *_parts(table, table.curve_uncertainty.astype(float).fillna(0.0), table.curve_degrees_of_freedom,
                [table.method_id, table.run_id, table.side]),
        *_parts(table, own, of_recovery, [*tissue, table.recovery_source]),
        *_parts(table, shared, of_recovery, [*tissue, sharing]),
    ]  # fmt: skip


def shared_of_slope(rows: pd.DataFrame, keys: list[str], x: pd.Series) -> list[tuple[float, float]]:
    """Return what curve and recovery add to the variance of the slope of a straight line through logarithms.

    Parameters
    ----------
    rows : DataFrame
        Rows of tissue_concentrations.tsv behind the points; pieces of one point each a row.
    keys : list of str
        Columns of `rows` that say which point a row belongs to.
    x : Series
        Where each point lies, indexed by `keys`.

    Notes
    -----
    The weights of a slope sum to 0: one recovery factor behind all points cancels, factors of several batches do not.
    Low and high points are two sides, between which a curve's error is not taken to cancel. Errors are taken whole:
    the scatter about the line holds little of them.
    """
    off = x - x.mean()
    shares = (off / float(off @ off)).rename("weight")
    table = rows.join(shares, on=keys, how="inner")
    pieces = table.groupby(keys).weight.transform("size")
    weight = table.weight / pieces
    return beyond_scatter(table.assign(weight=weight, side=np.sign(weight), group=np.arange(len(table)).astype(str)))


def _of_side(values: pd.DataFrame, side: Side, number: int) -> pd.DataFrame:
    own = values[values.subject_id.isin(list(side.subjects)) & (values.tissue == side.tissue)]
    own = own if np.isnan(side.day) else own[own.collection_day == side.day]
    pieces = own.groupby("subject_id").subject_id.transform("size")
    weight = side.sign / own.subject_id.nunique() / pieces if len(own) else pd.Series(dtype=float)
    return own.assign(weight=weight, side=number, group=side.group)


def _parts(table: pd.DataFrame, uncertainty: pd.Series, degrees: pd.Series, keys: list) -> list[tuple[float, float]]:
    """Return for each source its variance less what the scatter of the animals holds of it."""
    errors = (table.weight * uncertainty).to_numpy(float)
    there = errors != 0
    if not there.any():
        return []
    source, names = pd.factorize(pd.Series(list(zip(*(key.to_numpy()[there] for key in keys), strict=True))))
    animal, animals = pd.factorize(pd.Series(list(zip(table.group, table.subject_id, strict=True))))
    freedom = np.full(len(names), np.inf)
    np.fmin.at(freedom, source, degrees.to_numpy(float)[there])
    (source, animal), error = _summed(source, animal[there], errors[there])
    total = np.bincount(source, error, len(names))
    groups = pd.factorize(pd.Series([group for group, _ in animals]))[0]
    held = _held_by_scatter(source, groups[animal], error, np.bincount(groups), len(names))
    variance = np.maximum(0.0, total**2 - held)
    return list(zip(variance.tolist(), freedom.tolist(), strict=True))


def _summed(first: np.ndarray, second: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of codes present, (2, n_pairs), and the sum of the values of each."""
    pairs, place = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    return pairs, np.bincount(place, values)


def _held_by_scatter(
    source: np.ndarray, group: np.ndarray, error: np.ndarray, sizes: np.ndarray, sources: int
) -> np.ndarray:
    """Return for each source n times the variance of its errors over the n animals of each group, summed (sources,).

    Animals that a source does not reach have an error of 0; a group of a single animal has no scatter.
    """
    (of_source, of_group), sums = _summed(source, group, error)
    _, squares = _summed(source, group, error**2)
    n = sizes[of_group]
    variance = (squares - sums**2 / n) / np.maximum(n - 1, 1)
    return np.bincount(of_source, np.where(n > 1, n * variance, 0.0), sources)
