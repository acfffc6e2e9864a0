"""Models and weightings side by side, as evidence for choosing in validation; nothing here chooses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.calibration.curve import CalibrationCurve
from bioanalysis.calibration.models import make_estimator

FIGURES = ("sum_abs_re_percent", "max_abs_re_percent", "unread", "aicc", "residual_sd")


def compare_weightings(
    nominal: Any,
    response: Any,
    models: Iterable[str] = ("linear", "quadratic", "4pl", "5pl"),
    weightings: Iterable[str] = ("none", "1/x", "1/x^2", "1/y", "1/y^2"),
) -> pd.DataFrame:
    """Return how every model and weighting describes the same standards.

    Parameters
    ----------
    nominal, response : (n,) arrays
        Concentrations and responses of the standards.
    models, weightings : iterables of str

    Returns
    -------
    DataFrame
        One row per model and weighting: model, weighting, sum_abs_re_percent and max_abs_re_percent (over standards
        above zero that the curve can read back), unread (standards above zero it cannot read), aicc (comparable between
        weightings too), residual_sd, converged, reason (why there are no figures, or what is worth knowing).

    References
    ----------
    Sum of %RE: Almeida, Castel-Branco & Falcão, J. Chromatogr. B 774 (2002) 215.
    AICc: Hurvich & Tsai, Biometrika 76 (1989) 297.
    """
    weightings = tuple(weightings)
    rows = [
        {"model": model, "weighting": weighting, **_figures(make_estimator(model, weighting), nominal, response)}
        for model in models
        for weighting in weightings
    ]
    return pd.DataFrame(rows, columns=["model", "weighting", *FIGURES, "converged", "reason"])


def corrected_aic(curve: CalibrationCurve, nominal: Any, response: Any) -> float:
    """Return AICc of a fitted curve under normal errors with variance s^2 / weight; NaN with too few standards."""
    nominal, response = np.asarray(nominal, dtype=float), np.asarray(response, dtype=float)
    n, estimated = len(nominal), len(curve.parameters_) + 1
    if n <= estimated + 1:
        return np.nan
    fitted = curve.predict(nominal)
    weight = curve.standard_weights(nominal, response)
    with np.errstate(divide="ignore"):
        variance = np.sum(weight * (response - fitted) ** 2) / n
        minus_twice_log_likelihood = n * np.log(2 * np.pi * variance) - np.sum(np.log(weight)) + n
    return float(minus_twice_log_likelihood + 2 * estimated * n / (n - estimated - 1))


def _figures(curve: CalibrationCurve, nominal: Any, response: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(FIGURES, np.nan)
    try:
        curve.fit(nominal, response)
    except ValueError as refusal:
        return {**nothing, "converged": False, "reason": str(refusal)}
    reason = "; ".join(curve.messages_)
    if not curve.converged_:
        return {**nothing, "converged": False, "reason": reason}
    nominal, response = np.asarray(nominal, dtype=float), np.asarray(response, dtype=float)
    above = nominal > 0
    found = curve.back_calculate(response[above]).concentration.to_numpy()
    error = np.abs(100 * (found / nominal[above] - 1))
    read = error[np.isfinite(error)]
    return {
        "sum_abs_re_percent": read.sum(),
        "max_abs_re_percent": read.max(initial=0.0),
        "unread": len(error) - len(read),
        "aicc": corrected_aic(curve, nominal, response),
        "residual_sd": curve.residual_sd_,
        "converged": True,
        "reason": reason,
    }
