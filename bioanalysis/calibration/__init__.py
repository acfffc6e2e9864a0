"""Calibration: from response to concentration in the homogenate, with its uncertainty."""

from __future__ import annotations

from bioanalysis.calibration.compare import compare_weightings, corrected_aic
from bioanalysis.calibration.curve import CalibrationCurve
from bioanalysis.calibration.models import MODELS, curve_from_dict, make_estimator
from bioanalysis.calibration.plates import ManyCurves, fit_many
from bioanalysis.calibration.polynomial import WeightedLinear, WeightedQuadratic
from bioanalysis.calibration.sigmoid import FiveParameterLogistic, FourParameterLogistic

__all__ = [
    "MODELS",
    "CalibrationCurve",
    "FiveParameterLogistic",
    "FourParameterLogistic",
    "ManyCurves",
    "WeightedLinear",
    "WeightedQuadratic",
    "compare_weightings",
    "corrected_aic",
    "curve_from_dict",
    "fit_many",
    "make_estimator",
]
