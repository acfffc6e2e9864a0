"""Several dilutions of one sample: do they agree, is there a trend, does the curve's hook show.

Pure functions of tables, for validation (a spiked sample of known concentration) and for study samples alike. A table
holds one row per dilution: `dilution_factor`, `reading_ng_ml` (on the curve, before dilution is multiplied back; NaN
where there is none) and `place` (where it reads: ``inside``, ``below``, ``above`` ... the range; without this column
every finite reading counts as inside).

References
----------
ICH M10 4.2.6 (dilution linearity, hook effect) and 7.2 (parallelism).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

INSIDE, BELOW = "inside", "below"
FEWEST_FOR_TREND = 3


class Trend(NamedTuple):
    """Regression of ln(dilution-corrected result) on ln(dilution factor).

    Attributes
    ----------
    percent_per_doubling : float
        Change of the corrected result where the dilution is doubled; 0 for a parallel sample.
    low, high : float
        Its 95 % interval.
    p_value : float
        Of no trend; NaN below three different dilutions, where a trend cannot be told from scatter.
    """

    percent_per_doubling: float
    low: float
    high: float
    p_value: float


class Dilutions(NamedTuple):
    """What several dilutions of one sample say.

    Attributes
    ----------
    steps : DataFrame
        The table with corrected_ng_ml (reading x dilution, NaN where not used), used, and bias_percent where a
        nominal value is known.
    n : int
        Dilutions inside the range.
    mean_ng_ml, cv_percent : float
        Of the corrected results.
    trend : Trend
    """

    steps: pd.DataFrame
    n: int
    mean_ng_ml: float
    cv_percent: float
    trend: Trend


def dilution_linearity(table: pd.DataFrame, nominal_ng_ml: float) -> Dilutions:
    """Return how the dilutions of a sample of known concentration recover it.

    Parameters
    ----------
    table : DataFrame
        One row per dilution (and replicate preparation): dilution_factor, reading_ng_ml, place (optional).
    nominal_ng_ml : float
        Prepared concentration of the undiluted sample.

    Returns
    -------
    Dilutions
        With bias_percent of every used step; DIL-LBA-02 holds the largest and cv_percent against its limits.

    Raises
    ------
    ValueError
        Where a dilution factor or the nominal value is not above 0.

    References
    ----------
    ICH M10 4.2.6.
    """
    if not nominal_ng_ml > 0:
        raise ValueError(f"nominal_ng_ml is {nominal_ng_ml}; it must be greater than 0")
    found = parallelism(table)
    bias = 100 * (found.steps.corrected_ng_ml - nominal_ng_ml) / nominal_ng_ml
    return found._replace(steps=found.steps.assign(bias_percent=bias))


def parallelism(table: pd.DataFrame) -> Dilutions:
    """Return whether the dilutions of one sample give one concentration: CV and trend of the corrected results.

    Parameters
    ----------
    table : DataFrame
        One row per dilution: dilution_factor, reading_ng_ml, place (optional).

    Raises
    ------
    ValueError
        Where a dilution factor is not above 0.

    References
    ----------
    ICH M10 7.2.
    """
    factor, reading = table.dilution_factor.to_numpy(float), table.reading_ng_ml.to_numpy(float)
    if np.any(~(factor > 0)):
        raise ValueError("a dilution_factor is not greater than 0")
    used = np.isfinite(reading) & (reading > 0)
    if "place" in table:
        used &= (table.place == INSIDE).to_numpy()
    corrected = np.where(used, reading * factor, np.nan)
    steps = table.assign(corrected_ng_ml=corrected, used=used)
    values = corrected[used]
    mean = float(values.mean()) if len(values) else np.nan
    cv = float(100 * values.std(ddof=1) / mean) if len(values) > 1 else np.nan
    return Dilutions(steps, len(values), mean, cv, trend(factor[used], values))


def trend(factor: np.ndarray, corrected: np.ndarray) -> Trend:
    """Return the trend of corrected results (n,) over dilution factors (n,), all above 0."""
    levels = len(np.unique(factor))
    if levels < 2:
        return Trend(np.nan, np.nan, np.nan, np.nan)
    x, y = np.log2(factor), np.log(corrected)
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    freedom = len(y) - 2
    if levels < FEWEST_FOR_TREND:
        return Trend(_percent(slope), np.nan, np.nan, np.nan)
    residual = y - y.mean() - slope * x
    error = float(np.sqrt(residual @ residual / freedom / (x @ x)))
    reach = float(stdtrit(freedom, 0.975)) * error
    p_value = float(2 * stdtr(freedom, -abs(slope) / error)) if error > 0 else float(slope == 0)
    return Trend(_percent(slope), _percent(slope - reach), _percent(slope + reach), p_value)


def _percent(slope: float) -> float:
    return float(100 * np.expm1(slope))


def hook_check(
    table: pd.DataFrame, uloq_ng_ml: float, nominal_ng_ml: float | None = None, tolerance_percent: float = 0.0
) -> pd.DataFrame:
    """Return which dilutions read too low because the response falls again at high concentrations.

    A dilution whose expected reading (the concentration of the sample over its factor) lies above the ULOQ must itself
    read above the range. The concentration is `nominal_ng_ml` where known, else the corrected result of the most
    diluted step inside the range, where a hook is least likely.

    Parameters
    ----------
    table : DataFrame
        One row per dilution: dilution_factor, reading_ng_ml, place.
    uloq_ng_ml : float
        On the curve.
    nominal_ng_ml : float, optional
        Prepared concentration of the undiluted sample.
    tolerance_percent : float, default=0
        How far above the ULOQ the expected reading must lie, for the scatter of a concentration that was measured.

    Returns
    -------
    DataFrame
        The table with expected_ng_ml (NaN where nothing tells it), must_read_above and hook: True for a step that must
        read above the range and reads inside or below it.

    References
    ----------
    ICH M10 4.2.6.
    """
    known = nominal_ng_ml if nominal_ng_ml is not None else _most_diluted_result(table)
    expected = known / table.dilution_factor.to_numpy(float)
    must = expected > uloq_ng_ml * (1 + tolerance_percent / 100)
    read_low = (table.place == INSIDE) | table.place.str.startswith(BELOW)
    return table.assign(expected_ng_ml=expected, must_read_above=must, hook=must & read_low.to_numpy(bool))


def _most_diluted_result(table: pd.DataFrame) -> float:
    """Return the mean corrected result of the most diluted step inside the range; NaN where none is."""
    inside = table[(table.place == INSIDE) & (table.reading_ng_ml > 0)]
    furthest = inside[inside.dilution_factor == inside.dilution_factor.max()]
    return float((furthest.reading_ng_ml * furthest.dilution_factor).mean())
