"""The curves a method can name."""

from __future__ import annotations

from typing import Any

from bioanalysis.calibration.curve import CalibrationCurve
from bioanalysis.calibration.polynomial import WeightedLinear, WeightedQuadratic
from bioanalysis.calibration.sigmoid import FiveParameterLogistic, FourParameterLogistic

MODELS: dict[str, type[CalibrationCurve]] = {
    curve.model: curve for curve in (WeightedLinear, WeightedQuadratic, FourParameterLogistic, FiveParameterLogistic)
}


def make_estimator(model: str, weighting: str = "none", weight_by: str | None = None) -> CalibrationCurve:
    """Return the unfitted curve that a method names.

    Parameters
    ----------
    model : {"linear", "quadratic", "4pl", "5pl"}
    weighting : {"none", "1/x", "1/x^2", "1/y", "1/y^2"}
        Or ``1/y^p`` with a number for p.
    weight_by : {"fitted", "observed"}, optional
        Which response 1/y takes; as the model's own default where not given.
    """
    if model not in MODELS:
        raise ValueError(f"model is {model!r}; it must be one of {', '.join(MODELS)}")
    return MODELS[model](weighting=weighting, **({} if weight_by is None else {"weight_by": weight_by}))


def curve_from_dict(written: dict[str, Any]) -> CalibrationCurve:
    """Return the fitted curve that `to_dict` wrote, whatever its model."""
    return MODELS[written["model"]].from_dict(written)
