"""Calibration: from response to concentration in the homogenate, with its uncertainty."""

from __future__ import annotations

from bioanalysis.calibration.curve import CalibrationCurve
from bioanalysis.calibration.polynomial import WeightedLinear, WeightedQuadratic
from bioanalysis.calibration.sigmoid import FiveParameterLogistic, FourParameterLogistic

MODELS: dict[str, type[CalibrationCurve]] = {
    curve.model: curve for curve in (WeightedLinear, WeightedQuadratic, FourParameterLogistic, FiveParameterLogistic)
}

__all__ = [
    "MODELS",
    "CalibrationCurve",
    "FiveParameterLogistic",
    "FourParameterLogistic",
    "WeightedLinear",
    "WeightedQuadratic",
    "curve_from_dict",
    "make_estimator",
]


def make_estimator(model: str, weighting: str = "none") -> CalibrationCurve:
    """Return the unfitted curve that a method names: ``linear``, ``quadratic``, ``4pl`` or ``5pl``."""
    if model not in MODELS:
        raise ValueError(f"model is {model!r}; it must be one of {', '.join(MODELS)}")
    return MODELS[model](weighting=weighting)


def curve_from_dict(written: dict) -> CalibrationCurve:
    """Return the curve that `to_dict` wrote, whatever its model."""
    return MODELS[written["model"]].from_dict(written)
