"""From homogenate to tissue: concentration in the organ with the uncertainty of every step behind it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from bioanalysis.tissue.homogenate import ADDED_VOLUME, Homogenate, homogenate


class Contribution(NamedTuple):
    """One part of an uncertainty budget: relative standard uncertainty and its degrees of freedom."""

    uncertainty: np.ndarray
    degrees_of_freedom: np.ndarray


def tissue_concentration(
    homogenate_ng_ml: ArrayLike,
    *,
    tissue_mass_mg: ArrayLike,
    buffer_volume_ul: ArrayLike,
    density_g_ml: ArrayLike,
    recovery_factor: ArrayLike = 1.0,
    curve_uncertainty: ArrayLike = 0.0,
    curve_df: ArrayLike = np.inf,
    reading_uncertainty: ArrayLike = 0.0,
    reading_df: ArrayLike = np.inf,
    extraction_uncertainty: ArrayLike = 0.0,
    extraction_df: ArrayLike = np.inf,
    recovery_uncertainty: ArrayLike = 0.0,
    recovery_df: ArrayLike = np.inf,
    dilution_uncertainty: ArrayLike = 0.0,
    dilution_df: ArrayLike = np.inf,
    balance_mg: ArrayLike = 0.0,
    buffer_percent: ArrayLike = 0.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the concentration in tissue with its uncertainty, one row per sample.

    Parameters
    ----------
    homogenate_ng_ml : array_like (n_samples,) or float
        Concentration in the homogenate as received: back-calculated times dilution, before any recovery correction.
        NaN where there is none; such a row keeps its factor.
    tissue_mass_mg, buffer_volume_ul, density_g_ml : array_like
        Wet mass taken, buffer added to it, density of the tissue. Everything broadcasts over the samples.
    recovery_factor : array_like
        Fraction recovered, by which the result is divided; 1 where none is applied.
    curve_uncertainty, reading_uncertainty, extraction_uncertainty, recovery_uncertainty, dilution_uncertainty
        Relative standard uncertainties (0.05 is 5 %) of the calibration curve, the reading (injection or wells), the
        single extraction, the recovery factor and the dilution; ``*_df`` their degrees of freedom, infinite where
        known. One that is 0 is left out.
    balance_mg, buffer_percent : array_like
        Standard uncertainties of the mass in mg and of the buffer volume in percent.
    level : float
        Confidence of the interval.

    Returns
    -------
    DataFrame
        `homogenate_factor_ml_per_g`, `uncorrected_ug_g`, `tissue_ug_g`, `tissue_ug_g_low`, `tissue_ug_g_high`,
        `relative_uncertainty`, `degrees_of_freedom` (Welch-Satterthwaite); on the index of `homogenate_ng_ml` where
        that is a Series.

    Raises
    ------
    ValueError
        For a mass, density or recovery factor that is not above zero, a negative volume, concentration or
        uncertainty, or degrees of freedom that are not above zero where there is an uncertainty.

    Notes
    -----
    With V = buffer + mass/density, C_t = C_h V / mass / 1000 / recovery. First order, with w = buffer / V:
    u^2 = curve^2 + reading^2 + extraction^2 + recovery^2 + dilution^2 + (w buffer_percent/100)^2 + (w balance/mass)^2.
    The interval is multiplicative, exp(ln C_t -+ t u), Student's t at the Welch-Satterthwaite degrees of freedom,
    because a symmetric one fails above about 10 %.

    References
    ----------
    JCGM 100:2008 (GUM), 5.1.2 and annex G.4.
    """
    _refuse(
        above_zero={"tissue_mass_mg": _array(tissue_mass_mg), "density_g_ml": _array(density_g_ml)},
        not_negative={
            "buffer_volume_ul": _array(buffer_volume_ul),
            "balance_mg": _array(balance_mg),
            "buffer_percent": _array(buffer_percent),
        },
    )
    made = homogenate(
        ADDED_VOLUME,
        tissue_mass_mg=tissue_mass_mg,
        buffer_volume_ul=buffer_volume_ul,
        density_g_ml=density_g_ml,
        balance_mg=balance_mg,
        buffer_percent=buffer_percent,
    )
    contributions = [
        Contribution(_array(curve_uncertainty), _array(curve_df)),
        Contribution(_array(reading_uncertainty), _array(reading_df)),
        Contribution(_array(extraction_uncertainty), _array(extraction_df)),
        Contribution(_array(recovery_uncertainty), _array(recovery_df)),
        Contribution(_array(dilution_uncertainty), _array(dilution_df)),
    ]
    return concentration_of(homogenate_ng_ml, made, contributions, recovery_factor=recovery_factor, level=level)


def concentration_of(
    homogenate_ng_ml: ArrayLike,
    made: Homogenate,
    contributions: list[Contribution],
    *,
    recovery_factor: ArrayLike = 1.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return what `tissue_concentration` does, for homogenates made by any convention.

    Parameters
    ----------
    made : Homogenate
        Homogenate per gram of tissue, and what its making adds to the uncertainty.
    contributions : list of Contribution
        Relative standard uncertainties of everything but the making of the homogenate.
    """
    found, factor = _array(homogenate_ng_ml), _array(recovery_factor)
    _refuse(above_zero={"recovery_factor": factor}, not_negative={"homogenate_ng_ml": found})
    known = np.asarray(np.inf)
    making = [Contribution(made.mass_uncertainty, known), Contribution(made.buffer_uncertainty, known)]
    relative, degrees = combined([*contributions, *making])
    spread = np.exp(stdtrit(degrees, (1 + level) / 2) * relative)
    uncorrected = found * made.factor_ml_per_g / 1000
    tissue = uncorrected / factor
    columns = {
        "homogenate_factor_ml_per_g": made.factor_ml_per_g,
        "uncorrected_ug_g": uncorrected,
        "tissue_ug_g": tissue,
        "tissue_ug_g_low": tissue / spread,
        "tissue_ug_g_high": tissue * spread,
        "relative_uncertainty": relative,
        "degrees_of_freedom": degrees,
    }
    shape = np.broadcast_shapes((1,), *(column.shape for column in columns.values()))
    index = homogenate_ng_ml.index if isinstance(homogenate_ng_ml, pd.Series) else None
    return pd.DataFrame({name: np.broadcast_to(column, shape) for name, column in columns.items()}, index=index)


def combined(contributions: list[Contribution]) -> tuple[np.ndarray, np.ndarray]:
    """Return the combined relative uncertainty and its Welch-Satterthwaite degrees of freedom.

    Contributions of 0 are left out, whatever their degrees of freedom.
    """
    square, behind = np.asarray(0.0), np.asarray(0.0)
    for uncertainty, degrees in contributions:
        used = uncertainty > 0
        if np.any(uncertainty < 0) or np.any(used & ~(degrees > 0)):
            raise ValueError("an uncertainty must not be negative, and needs degrees of freedom above 0")
        square = square + uncertainty**2
        behind = behind + np.where(used, uncertainty**4 / np.where(used, degrees, np.inf), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(square), np.where(behind > 0, square**2 / behind, np.inf)


def _array(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, dtype=float)


def _refuse(above_zero: dict[str, np.ndarray], not_negative: dict[str, np.ndarray]) -> None:
    faults = [f"{name} must be above 0" for name, values in above_zero.items() if np.any(values <= 0)]
    faults += [f"{name} must not be negative" for name, values in not_negative.items() if np.any(values < 0)]
    if faults:
        raise ValueError("; ".join(faults))
