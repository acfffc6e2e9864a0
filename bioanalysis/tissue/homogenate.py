"""From a homogenate to the tissue it was made of: what one gram of tissue became, by the convention of the method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

ADDED_VOLUME, FINAL_VOLUME, GRAVIMETRIC = "added_volume", "final_volume", "gravimetric"
TISSUE_EQUIVALENT, FLUID = "tissue_equivalent", "fluid"
CONVENTIONS = (ADDED_VOLUME, FINAL_VOLUME, GRAVIMETRIC, TISSUE_EQUIVALENT, FLUID)


class Homogenate(NamedTuple):
    """Homogenate per gram of tissue, and what measuring it adds to the relative uncertainty.

    Attributes
    ----------
    factor_ml_per_g : ndarray (n_samples,)
        mL per g of tissue (g per g under ``gravimetric``; 1 where the curve is in tissue equivalents, or for a fluid).
    mass_uncertainty, buffer_uncertainty : ndarray (n_samples,)
        Relative standard uncertainties through the tissue mass, and through the volume or mass of buffer.
    """

    factor_ml_per_g: np.ndarray
    mass_uncertainty: np.ndarray
    buffer_uncertainty: np.ndarray


def homogenate(
    convention: ArrayLike,
    *,
    tissue_mass_mg: ArrayLike = np.nan,
    buffer_volume_ul: ArrayLike = np.nan,
    density_g_ml: ArrayLike = np.nan,
    homogenate_volume_ul: ArrayLike = np.nan,
    buffer_mass_mg: ArrayLike = np.nan,
    balance_mg: ArrayLike = 0.0,
    buffer_percent: ArrayLike = 0.0,
) -> Homogenate:
    """Return homogenate per gram of tissue with its uncertainty; everything broadcasts over the samples.

    Parameters
    ----------
    convention : array_like of str
        ``added_volume``: buffer added to the tissue, so that its volume is V = buffer + mass / density;
        ``final_volume``: made up to a measured volume; ``gravimetric``: buffer weighed, concentrations in ng per g of
        homogenate; ``tissue_equivalent``: calibrators labelled in ng per g of tissue; ``fluid``: no homogenate.
    balance_mg, buffer_percent : array_like
        Standard uncertainty of a weighing in mg, and of the buffer's (or the made-up) volume in percent.

    Notes
    -----
    With w = buffer / V, first order: added volume ``w balance/m`` and ``w percent/100``; final volume ``balance/m`` and
    ``percent/100``; gravimetric, w = m_b / (m + m_b): ``w balance/m`` and ``w balance/m_b``.
    """
    words = np.asarray(convention)
    mass, buffer, density, volume, buffer_mass, balance, percent = (
        np.asarray(values, dtype=float)
        for values in (
            tissue_mass_mg, buffer_volume_ul, density_g_ml, homogenate_volume_ul, buffer_mass_mg, balance_mg,
            buffer_percent,
        )
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        added = buffer + mass / density
        whole = mass + buffer_mass
        cases = {
            ADDED_VOLUME: (added / mass, buffer / added * balance / mass, buffer / added * percent / 100),
            FINAL_VOLUME: (volume / mass, balance / mass, percent / 100),
            GRAVIMETRIC: (whole / mass, buffer_mass / whole * balance / mass, balance / whole),
            TISSUE_EQUIVALENT: (1.0, 0.0, 0.0),
            FLUID: (1.0, 0.0, 0.0),
        }
    shape = np.broadcast_shapes((1,), words.shape, *(np.shape(part) for case in cases.values() for part in case))
    chosen = [words == name for name in cases]
    parts = (
        np.select(chosen, [np.broadcast_to(case[k], shape) for case in cases.values()], default=np.nan)
        for k in range(3)
    )
    return Homogenate(*parts)
