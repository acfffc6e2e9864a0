"""How the variance of a response grows with the response, pooled over plates: s^2 = coefficient x mean^power.

Each set of replicate wells gives one variance with its degrees of freedom; the power law is fitted to all of them by
the likelihood of scaled chi-squares (a gamma regression with a log link), so that variances near zero and sets of two
wells are used as what they are. The power is what a weighting 1/y^power should have.

References
----------
Davidian & Carroll, J. Am. Stat. Assoc. 82 (1987) 1079; Carroll & Ruppert, Transformation and Weighting in Regression
(1988), chapter 3; O'Connell, Belanger & Haaland, Chemom. Intell. Lab. Syst. 20 (1993) 97 (for immunoassays).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from bioanalysis.calibration.least_squares import Array

FEWEST_FREEDOM = 6
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class ResponseVariance:
    """A pooled power law with its diagnostics.

    Attributes
    ----------
    coefficient, power : float
        variance = coefficient x mean^power; NaN where there is too little to go by.
    power_low, power_high : float
        95 % interval of the power.
    cv_percent_low, cv_percent_high : float
        100 s / mean that the law gives at the lowest and the highest mean response.
    degrees_of_freedom : int
        Of all sets of replicates.
    n_sets, n_plates : int
    heterogeneity_p : float
        That plates share one coefficient: small where some plates scatter more than others; NaN for one plate.
    misfit_p : float
        That the law has the right shape (against one with a further quadratic term in ln mean).
    note : str
    """

    coefficient: float
    power: float
    power_low: float
    power_high: float
    cv_percent_low: float
    cv_percent_high: float
    degrees_of_freedom: int
    n_sets: int
    n_plates: int
    heterogeneity_p: float
    misfit_p: float
    note: str


def pooled_response_variance(sets: pd.DataFrame) -> ResponseVariance:
    """Return the power law of the variance over all sets of replicates.

    Parameters
    ----------
    sets : DataFrame
        One row per set of replicate wells: plate, mean and variance of their responses, n (at least 2). Sets with a
        mean that is not above 0 take no part.
    """
    sets = sets[(sets["mean"] > 0) & (sets.n > 1)]
    freedom = sets.n.to_numpy(float) - 1
    total, plates = int(freedom.sum()), int(sets.plate.nunique())
    log_mean, variance = np.log(sets["mean"].to_numpy(float)), sets.variance.to_numpy(float)
    if total < FEWEST_FREEDOM or np.ptp(log_mean) < np.log(2) or np.sum(variance > 0) < 3:
        note = "too few replicates, or all at one response: not estimable"
        gap = float("nan")
        return ResponseVariance(gap, gap, gap, gap, gap, gap, total, len(sets), plates, gap, gap, note)
    centre = float(np.average(log_mean, weights=freedom))
    straight = np.stack([np.ones_like(log_mean), log_mean - centre], axis=1)
    beta, deviance = _gamma_regression(straight, variance, freedom)
    _, bent_deviance = _gamma_regression(np.column_stack([straight, straight[:, 1] ** 2]), variance, freedom)
    error = np.sqrt(2 / np.sum(freedom * (straight[:, 1] - np.average(straight[:, 1], weights=freedom)) ** 2))
    power = float(beta[1])
    ends = np.array([log_mean.min(), log_mean.max()])
    cv_low, cv_high = 100 * np.exp((beta[0] + power * (ends - centre)) / 2 - ends)
    return ResponseVariance(
        coefficient=float(np.exp(beta[0] - power * centre)),
        power=power,
        power_low=power - NORMAL_95 * float(error),
        power_high=power + NORMAL_95 * float(error),
        cv_percent_low=float(cv_low),
        cv_percent_high=float(cv_high),
        degrees_of_freedom=total,
        n_sets=len(sets),
        n_plates=plates,
        heterogeneity_p=_heterogeneity(np.exp(straight @ beta), variance, freedom, sets.plate.to_numpy()),
        misfit_p=float(chdtrc(1, max(deviance - bent_deviance, 0.0))),
        note="",
    )


def _gamma_regression(design: Array, variance: Array, freedom: Array) -> tuple[Array, float]:
    """Return coefficients of ln variance and -2 ln likelihood, by iteratively reweighted least squares.

    A variance s^2 with f degrees of freedom about v has -2 ln likelihood f (ln v + s^2 / v), less a constant.
    """
    pooled = np.sum(freedom * variance) / np.sum(freedom)
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(pooled)
    best = _minus_twice(design @ beta, variance, freedom)
    root = np.sqrt(freedom)[:, None]
    for _ in range(200):
        working = variance * np.exp(-design @ beta) - 1
        step = np.linalg.lstsq(root * design, root[:, 0] * working, rcond=None)[0]
        size = 1.0
        while _minus_twice(design @ (beta + size * step), variance, freedom) > best and size > 1e-6:
            size /= 2
        beta = beta + size * step
        ahead = _minus_twice(design @ beta, variance, freedom)
        if best - ahead < 1e-10:
            break
        best = ahead
    return beta, _minus_twice(design @ beta, variance, freedom)


def _minus_twice(log_variance: Array, variance: Array, freedom: Array) -> float:
    with np.errstate(over="ignore"):
        return float(np.sum(freedom * (log_variance + variance * np.exp(-log_variance))))


def _heterogeneity(expected: Array, variance: Array, freedom: Array, plate: Array) -> float:
    """Return the p-value that all plates scatter alike (Bartlett's test of their variances over the law's)."""
    table = pd.DataFrame({"plate": plate, "freedom": freedom, "sum": freedom * variance / expected})
    plates = table.groupby("plate").sum()
    plates = plates[plates["sum"] > 0]
    if len(plates) < 2:
        return np.nan
    ratio, total = plates["sum"] / plates.freedom, plates.freedom.sum()
    statistic = total * np.log(plates["sum"].sum() / total) - np.sum(plates.freedom * np.log(ratio))
    correction = 1 + (np.sum(1 / plates.freedom) - 1 / total) / (3 * (len(plates) - 1))
    return float(chdtrc(len(plates) - 1, statistic / correction))
