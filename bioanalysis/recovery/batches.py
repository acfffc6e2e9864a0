"""From the extraction batches' own recoveries to the factor each batch's samples are divided by.

Few batches share one factor; from four on each has its own, drawn towards their mean as far as its rows are uncertain.
An error is split in two: what the batches share does not average out over them, the rest is each batch's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.recovery.estimates import ShrunkRecovery, shrink_recovery
from bioanalysis.recovery.sets import degrees_of

FEW_BATCHES = int(statistical_limits()["few_batches"])
MEAN = ""
EXACT = 1e-30  # variance where rows and batches agree exactly: all weigh the same


@dataclass(frozen=True)
class BatchFactor:
    """The factor of one batch's samples.

    Attributes
    ----------
    batch : str
        Its name; '' for the mean over batches.
    factor, relative_uncertainty, degrees_of_freedom : float
        Recovery as a fraction, its relative standard uncertainty (NaN where not estimable).
    shared_uncertainty : float
        The part of it that the factors of all these batches have in common.
    note : str
    """

    batch: str
    factor: float
    relative_uncertainty: float
    degrees_of_freedom: float
    shared_uncertainty: float
    note: str


def batch_factors(
    own: pd.DataFrame, singles: pd.Series, lacking: Sequence[str], between_cv: float | None, *, itself: bool
) -> list[BatchFactor]:
    """Return the mean over batches, then the factor of each batch with recovery rows and of each without.

    Parameters
    ----------
    own : DataFrame
        What each batch's rows say by themselves: batch, factor, relative_uncertainty, degrees_of_freedom, reference_of
        (whose rows they are held against) and reference_uncertainty.
    singles : Series
        Single recoveries, indexed by batch; needed from four batches on.
    lacking : sequence of str
        Batches of samples without recovery rows.
    between_cv : float or None
        The method's scatter between batches, for where there is one batch.
    itself : bool
        Whether a batch that is alone keeps the uncertainty of its own rows; else it stands for batches to come.
    """
    if len(own) == 1:
        return _one_batch(own.iloc[0], lacking, between_cv, itself)
    return (_pooled if len(own) < FEW_BATCHES else _shrunken)(own, singles, lacking)


def _one_batch(own: pd.Series, lacking: Sequence[str], between_cv: float | None, itself: bool) -> list[BatchFactor]:
    """Return the one batch's factor; for another batch, both lie off the mean: u^2 + 2 tau^2."""
    between = np.nan if between_cv is None else between_cv
    why = "scatter between batches " + ("is not estimable" if between_cv is None else "from the method")
    freedom, u, shared = float(own.degrees_of_freedom), float(own.relative_uncertainty), 0.0
    as_mean = float(np.hypot(u, between))
    if lacking and as_mean > 0:
        shared = u**2 / as_mean  # times as_mean it is u^2, what the batch has in common with the others
    spread, said = (u, "") if itself else (as_mean, f"one batch: {why}")
    known = [BatchFactor(name, own.factor, spread, freedom, shared, said) for name in (MEAN, own.batch)]
    off, said = float(np.hypot(as_mean, between)), f"no recovery rows in this batch: factor of {own.batch}; {why}"
    return [*known, *(BatchFactor(name, own.factor, off, freedom, as_mean, said) for name in lacking)]


def _pooled(own: pd.DataFrame, _singles: pd.Series, lacking: Sequence[str]) -> list[BatchFactor]:
    """Return one factor for few batches, u^2 = s^2/n from the scatter of their means with n - 1 degrees of freedom.

    A batch without rows lies off the mean itself: s^2 (1 + 1/n). What rows that serve several batches are uncertain by
    is not in the scatter and is added. Batches share what the mean is uncertain by the rows alone.
    """
    logs, n = np.log(own.factor.to_numpy(float)), len(own)
    scatter, common = float(logs.var(ddof=1)), _off_diagonal(_reference_covariance(own))
    mean, freedom = float(np.exp(logs.mean())), float(n - 1)
    of_rows = own.relative_uncertainty.dropna().to_numpy(float) ** 2 - common
    rows = max(0.0, float(of_rows.mean())) if len(of_rows) else 0.0
    shared = float(np.sqrt(min(scatter, rows) / n + common))
    spread = float(np.sqrt(scatter / n + common))
    said = f"mean of {n} batches, uncertainty from their scatter"
    known = [BatchFactor(name, mean, spread, freedom, shared, said) for name in [MEAN, *own.batch]]
    off = float(np.sqrt(scatter * (1 + 1 / n) + common))
    said = f"no recovery rows in this batch: mean of {n} batches, with the scatter between them"
    return [*known, *(BatchFactor(name, mean, off, freedom, spread, said) for name in lacking)]


def _shrunken(own: pd.DataFrame, singles: pd.Series, lacking: Sequence[str]) -> list[BatchFactor]:
    """Return each batch's factor drawn towards the mean, and the mean for batches without recovery rows.

    The mean has the variance tau^2 + u^2(mean). A batch's own, with lambda = tau^2 / (tau^2 + v) and v the variance of
    its rows' mean and of what they are held against, has lambda v + (1 - lambda)^2 u^2(mean) + g; g is what lambda is
    uncertain by, an estimate of few batches (Kackar & Harville, J Am Stat Assoc 79 (1984) 853).
    """
    singles = singles[singles.index.isin(own.batch)]
    found = shrink_recovery(singles.index.to_numpy(), singles.to_numpy(float))
    n, few = len(own), float(len(own) - 1)
    unseen = f"mean of {n} batches (REML), for a batch without recovery rows"
    if np.isnan(found.between_variance):
        numbers = (float(np.exp(found.mean_log)), found.new_batch_sd_log, few, found.mean_log_uncertainty)
        words = {**dict.fromkeys(own.batch, found.note), **dict.fromkeys([MEAN, *lacking], unseen)}
        return [BatchFactor(name, *numbers, words[name]) for name in [MEAN, *own.batch, *lacking]]
    blup = _predicted(own, found, singles)
    spread, shared = float(np.sqrt(blup.between + blup.mean_variance)), float(np.sqrt(blup.mean_variance))
    mean = BatchFactor(MEAN, float(np.exp(blup.mean)), spread, few, shared, unseen)
    said = f"no recovery rows in this batch: mean of {n} batches (REML), with the scatter between them"
    return [mean, *blup.factors, *(replace(mean, batch=name, note=said) for name in lacking)]


@dataclass(frozen=True)
class Predicted:
    """Best linear unbiased prediction: logarithm of the mean, its variance, that between batches, and the factors."""

    mean: float
    mean_variance: float
    between: float
    factors: list[BatchFactor]


def _predicted(own: pd.DataFrame, found: ShrunkRecovery, singles: pd.Series) -> Predicted:
    """Return the factors of batches whose rows' means y have errors of covariance M: y - M P y.

    M = diag(s^2/n) + what references are uncertain by, V = tau^2 I + M, P = V^-1 less its part in the mean. References
    of batches' own are seen as scatter between batches, so REML's tau^2 is less by them. Errors: M - M P M.
    """
    logs = np.log(singles).groupby(level=0).agg(["mean", "size"]).loc[list(own.batch)]
    reference = _reference_covariance(own)
    errors = np.diag(found.within_variance / logs["size"].to_numpy(float)) + reference
    between = max(0.0, found.between_variance - float(np.diag(reference).mean()) + _off_diagonal(reference))
    total = between * np.eye(len(own)) + errors
    inverse = np.linalg.inv(total if np.any(total) else EXACT * np.eye(len(own)))
    weight = inverse.sum(axis=0)
    projection = inverse - np.outer(weight, weight) / weight.sum()
    y = logs["mean"].to_numpy(float)
    degrees = len(singles) - len(own)
    unsure = _of_the_pull(np.diag(errors), np.diag(total), projection, degrees) if np.any(total) else np.zeros(len(own))
    pull = between / np.diag(total) if np.any(total) else np.zeros(len(own))
    words = [f"drawn towards the mean (REML, lambda {one:.3g})" + (f"; {found.note}" if found.note else "")
             for one in pull]  # fmt: skip
    factors = _with_errors(
        own.batch, y - errors @ projection @ y, errors - errors @ projection @ errors, unsure, degrees, words
    )
    return Predicted(float(weight @ y / weight.sum()), float(1 / weight.sum()), between, factors)


def _with_errors(
    batches: pd.Series, logs: np.ndarray, covariance: np.ndarray, unsure: np.ndarray, degrees: int, words: list[str]
) -> list[BatchFactor]:
    """Return factors whose errors have this covariance, what they share apart; `unsure` comes on top."""
    shared = np.minimum(_shared(covariance) ** 2, np.diag(covariance))
    factors = []
    for batch, log, own, common, more, said in zip(
        batches, logs, np.diag(covariance) - shared, shared, unsure, words, strict=True
    ):
        parts = [(float(own), float(degrees)), (float(common + more), float(len(batches) - 1))]
        spread = float(np.sqrt(own + common + more))
        freedom = degrees_of(parts)
        factors.append(BatchFactor(batch, float(np.exp(log)), spread, freedom, float(np.sqrt(common)), said))
    return factors


def _of_the_pull(errors: np.ndarray, total: np.ndarray, projection: np.ndarray, degrees: int) -> np.ndarray:
    """Return the variance (n_batches,) that lambda's own uncertainty adds: Var(v/V) V by first order.

    Of V the variance is 2 / tr(P P), of v it is 2 v^2 / degrees of freedom.
    """
    square = float(np.sum(projection**2))
    of_total = 2 / square / total**2 if square else np.zeros_like(total)
    return (errors / total) ** 2 * total * (of_total + (2 / degrees if degrees else 0.0))


def _reference_covariance(own: pd.DataFrame) -> np.ndarray:
    """Return what the batches' references are uncertain by (n_batches, n_batches); one reference is one error."""
    u = own.reference_uncertainty.fillna(0.0).to_numpy(float)
    whose = own.reference_of.to_numpy(object)
    return np.where(whose[:, None] == whose[None, :], np.outer(u, u), 0.0)


def _off_diagonal(matrix: np.ndarray) -> float:
    """Return the mean of the elements beside the diagonal."""
    n = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (n * (n - 1)))


def _shared(covariance: np.ndarray) -> np.ndarray:
    """Return the shared part c (n_batches,) of errors whose covariances are c_i c_j, or nearly so."""
    beside = _off_diagonal(covariance)
    if beside <= 0:
        return np.zeros(len(covariance))
    mean = (covariance.sum(axis=0) - np.diag(covariance)) / (len(covariance) - 1)
    return np.maximum(0.0, mean) / np.sqrt(beside)
