"""Standards that do not go with the rest: a bad well, a hook at the top, a saturated reader.

Each well, and all wells of each concentration together, are held against the curve that the others give (deletion
residuals, linearised at the fit). Nothing is removed here; a suspicion is put into words for whoever reads the plate.

References
----------
Cook & Weisberg, Residuals and Influence in Regression (1982), section 2.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import f as fisher

from bioanalysis.calibration.least_squares import Array

SATURATED_READER = "a saturated reader?"
FALSE_ALARMS = 0.01  # share of sound plates on which one of all wells and levels is suspected


class Deletion(NamedTuple):
    """What leaving out some wells changes."""

    wells: Array
    p_value: float
    explained: float
    remaining: float
    left: int
    shift: Array


def suspicions(nominal: Array, response: Array, fitted: Array, gradient: Array, weight: Array) -> list[str]:
    """Return in words what looks wrong with the standards, empty where nothing does.

    Parameters
    ----------
    nominal, response, fitted, weight : (n,) arrays
        Concentrations, responses, the curve's responses and the weights of the standards.
    gradient : (n, n_parameters) array
        Derivatives of the curve by its parameters.
    """
    words = _saturation(nominal, response)
    if not (np.isfinite(fitted).all() and np.isfinite(gradient).all() and np.all(weight > 0)):
        return words
    root = np.sqrt(weight)
    with np.errstate(over="ignore", invalid="ignore"):
        worst = _worst(nominal, root * response, root * fitted, root[:, None] * gradient)
    if worst is None:
        return words
    expected = response[worst.wells] - worst.shift / root[worst.wells]
    return [*words, _in_words(worst.wells, expected.mean(), nominal, response, fitted)]


def _saturation(nominal: Array, response: Array) -> list[str]:
    """Return a sentence if wells of several concentrations share the very highest response."""
    top = response == response.max()
    levels = np.unique(nominal[top])
    if top.sum() < 3 or len(levels) < 2:
        return []
    names = ", ".join(f"{level:g}" for level in levels)
    return [f"{top.sum()} standards ({names}) all read {response.max():.5g}, the highest response: {SATURATED_READER}"]


def _worst(nominal: Array, response: Array, fitted: Array, gradient: Array) -> Deletion | None:
    """Return the most improbable well or level (all weighted), None where none is improbable among so many."""
    residual = response - fitted
    freedom = len(nominal) - gradient.shape[1]
    norm = np.linalg.norm(gradient, axis=0)
    size = float(response @ response)
    if not np.isfinite(size) or residual @ residual <= 1e-20 * size or not np.all(norm > 0):
        return None
    q, _ = np.linalg.qr(gradient / norm)
    levels = [np.flatnonzero(nominal == level) for level in np.unique(nominal)]
    groups = [*np.arange(len(nominal))[:, None], *(wells for wells in levels if len(wells) > 1)]
    deletions = [found for wells in groups if (found := _delete(wells, residual, q, freedom))]
    worst = min(deletions, key=lambda found: found.p_value, default=None)
    if worst is None or worst.p_value * len(groups) > FALSE_ALARMS:
        return None
    return _one_well_of(worst, [found for found in deletions if len(found.wells) == 1])


def _delete(wells: Array, residual: Array, q: Array, freedom: int) -> Deletion | None:
    """Return what deleting the wells changes, None where the others then give no curve."""
    left = freedom - len(wells)
    kept = np.eye(len(wells)) - q[wells] @ q[wells].T
    if left < 1 or np.linalg.eigvalsh(kept)[0] < 1e-6:
        return None
    shift = np.linalg.solve(kept, residual[wells])
    explained = float(residual[wells] @ shift)
    remaining = max(float(residual @ residual) - explained, 1e-300)
    p_value = float(fisher.sf(explained / len(wells) / (remaining / left), len(wells), left))
    return Deletion(wells, p_value, explained, remaining, left, shift)


def _one_well_of(level: Deletion, singles: list[Deletion]) -> Deletion:
    """Return the one well that is to blame for its level, or the level where the other wells are no better."""
    inside = [found for found in singles if found.wells[0] in level.wells]
    if len(level.wells) == 1 or not inside:
        return level
    single = max(inside, key=lambda found: found.explained)
    others = (level.explained - single.explained) / (len(level.wells) - 1)
    p_value = fisher.sf(others / (level.remaining / level.left), len(level.wells) - 1, level.left)
    return single if p_value > FALSE_ALARMS else level


def _in_words(wells: Array, expected: float, nominal: Array, response: Array, fitted: Array) -> str:
    level, read = nominal[wells[0]], response[wells].mean()
    rise = fitted[nominal.argmax()] - fitted[nominal.argmin()]
    if level == nominal.max() and (expected - read) * rise > 0:
        return f"the highest standard ({level:g}) reads {read:.4g}, the others put it at {expected:.4g}: a hook?"
    which = "a well" if len(wells) == 1 else "all wells"
    return (
        f"{which} of standard {level:g} read {read:.4g}, the others put it at {expected:.4g}: a bad well or standard?"
    )
