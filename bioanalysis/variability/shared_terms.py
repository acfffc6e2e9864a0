"""Uncertainty that samples share: curve and recovery neither shrink with the number of animals nor always cancel."""

from __future__ import annotations

import numpy as np
import pandas as pd


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
