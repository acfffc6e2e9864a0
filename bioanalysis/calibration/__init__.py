"""Calibration: from response to concentration in the homogenate, with its uncertainty.

Names are loaded when they are asked for: a job that needs one rule of this room starts without the estimators.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
MODULES = ("compare", "curve", "models", "plates", "polynomial", "sigmoid")


def __getattr__(name: str) -> Any:
    """Return one of the names above from the module that defines it."""
    if name in __all__:
        for module in MODULES:
            found = import_module(f"{__name__}.{module}")
            if hasattr(found, name):
                return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
