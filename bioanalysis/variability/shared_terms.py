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


def shared_parts(samples: pd.DataFrame, weights: pd.Series) -> list[tuple[float, float]]:
    """Return the variances that curve and recovery add to a weighted sum of samples, with their degrees of freedom.

    Parameters
    ----------
    samples : DataFrame
        Rows of tissue_concentrations.tsv: run_id, method_id, tissue, recovery_source, and ``<kind>_uncertainty`` and
        ``<kind>_degrees_of_freedom`` of curve and recovery (relative; missing counts as none).
    weights : Series (index of `samples`)
        Weight of each sample's *relative* error. For the logarithm of a geometric mean of n animals: 1/n each; for a
        mean: value/n; for the logarithm of a ratio of two groups: 1/n in one, -1/n in the other.

    Returns
    -------
    list of (variance, degrees of freedom)
        One for each recovery factor and one or two for each curve, to be added to what the animals contribute, the
        degrees of freedom after Welch-Satterthwaite.

    Notes
    -----
    One recovery factor is one number: its error is the same in every sample it divides, so it cancels where a ratio
    has it on both sides, and ``variance = (sum of weight x uncertainty)^2``. A curve's error is taken to be the same
    in all samples of a run with the same sign of the weight, which is the largest it can be in a mean; between the
    two sides of a ratio, which may lie decades apart on the curve, it is not taken to cancel.
    """
    signs = np.sign(weights)
    curve = [samples.method_id, samples.run_id, signs]
    factor = [samples.method_id, samples.tissue, samples.recovery_source]
    return [*_parts(samples, weights, "curve", curve), *_parts(samples, weights, "recovery", factor)]


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
        Rows of tissue_concentrations.tsv with `weight` of each one's relative error, `side` (of one side the errors of
        a curve have one sign) and `group` (whose scatter is estimated together; one of a single animal holds nothing).
    """
    if not set(NEEDED) <= set(table):
        return []
    curve = [table.method_id, table.run_id, table.side]
    factor = [table.method_id, table.tissue, table.recovery_source]
    return [*_beyond_scatter(table, "curve", curve), *_beyond_scatter(table, "recovery", factor)]


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


def _beyond_scatter(table: pd.DataFrame, kind: str, keys: list) -> list[tuple[float, float]]:
    """Return for each source its variance less what the scatter of the animals holds of it."""
    animals = {group: own.subject_id.unique() for group, own in table.groupby("group", sort=False)}
    errors = table.assign(error=table.weight * table[f"{kind}_uncertainty"].fillna(0.0).astype(float))
    parts = []
    for _, source in errors.groupby(keys, sort=False):
        held = sum(
            len(names) * float(own.groupby("subject_id").error.sum().reindex(names, fill_value=0.0).var(ddof=1))
            for group, names in animals.items()
            if len(names) > 1 and len(own := source[source.group == group])
        )
        freedom = source[f"{kind}_degrees_of_freedom"][source.error != 0].astype(float).min()
        variance = max(0.0, float(source.error.sum()) ** 2 - held)
        parts.append((variance, np.inf if np.isnan(freedom) else float(freedom)))
    return parts


def _parts(samples: pd.DataFrame, weights: pd.Series, kind: str, keys: list) -> list[tuple[float, float]]:
    errors = weights * samples[f"{kind}_uncertainty"].fillna(0.0).astype(float)
    freedom = samples[f"{kind}_degrees_of_freedom"].astype(float)
    table = pd.DataFrame({"error": errors, "freedom": freedom.where(errors != 0)})
    together = table.groupby(keys, sort=False).agg({"error": "sum", "freedom": "min"})
    return [(float(row.error) ** 2, np.inf if np.isnan(row.freedom) else float(row.freedom))
            for row in together.itertuples()]  # fmt: skip


def combined_degrees(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the sum of independent variances and its Welch-Satterthwaite degrees of freedom."""
    total = sum(variance for variance, _ in parts)
    behind = sum(variance**2 / freedom for variance, freedom in parts if variance)
    return total, total**2 / behind if behind else np.inf
