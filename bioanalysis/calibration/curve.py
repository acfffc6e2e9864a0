"""What all calibration curves share: checked standards, inverse prediction with its uncertainty, a written form."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from bioanalysis.calibration.least_squares import Array
from bioanalysis.calibration.suspicions import SATURATED_READER, suspicions
from bioanalysis.calibration.weighting import Weighting

BELOW, ABOVE, NO_RESPONSE = "below the curve", "above the curve", "no response"
NO_INTERVAL = "no finite interval: the curve is too flat here for its uncertainty"
NO_FREEDOM = "no interval: as many parameters as standards leave no degrees of freedom"


class CalibrationCurve(RegressorMixin, BaseEstimator):
    """Base of the calibration curves: response as a function of concentration, and its inverse.

    Parameters
    ----------
    weighting : {"none", "1/x", "1/x^2", "1/y", "1/y^2"}
        Weight of each standard: the reciprocal of its relative variance.
    weight_by : {"fitted", "observed"}
        Whether 1/y and 1/y^2 take the fitted response (weights and curve then agree at the end) or the observed one.

    Attributes
    ----------
    parameter_names_ : tuple of str
    covariance_ : (n_parameters, n_parameters) array
        Of the parameters on their natural scale, in the order of `parameter_names_`.
    residual_sd_ : float
        s, so that a reading's standard deviation is s / sqrt(its weight); NaN without degrees of freedom.
    degrees_of_freedom_ : int
    converged_ : bool
        Whether the curve may be used; `back_calculate` gives no numbers where it is False.
    messages_ : tuple of str
        What is wrong with the fit or worth knowing of it, with what to do.
    lowest_, highest_ : float
        Range of the standards' concentrations.
    """

    model: ClassVar[str]

    def __init__(self, weighting: str = "none", weight_by: str = "observed") -> None:
        self.weighting = weighting
        self.weight_by = weight_by

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def predict(self, concentration: Any) -> Array:
        """Return the response (n,) at each concentration (n,) or (n, 1)."""
        check_is_fitted(self)
        return self._response(as_row(concentration, "concentration"))

    def back_calculate(self, response: Any, replicates: Any = 1, level: float = 0.95) -> pd.DataFrame:
        """Return the concentration of each response, with its interval.

        Parameters
        ----------
        response : (n,) array
            Readings, or means of `replicates` readings.
        replicates : int or (n,) array
            How many readings each response is the mean of.
        level : float
            Confidence level of the interval.

        Returns
        -------
        DataFrame
            concentration, low, high (in the unit of the standards), relative_uncertainty (one standard uncertainty,
            of curve and reading, over the concentration) and reason: why a row has no concentration or no interval.

        Notes
        -----
        The reading's variance is s^2 / (w m) with the weight w of the new point and m replicates. A reading below the
        lowest standard has no weight of its own and takes that of the lowest standard.
        """
        check_is_fitted(self)
        response, replicates = _checked_readings(response, replicates, level)
        concentration, reason = self._concentration(response)
        parts = self._standard_errors(concentration, response, replicates)
        low, high = self._interval(concentration, response, parts, self._quantile(level))
        with np.errstate(all="ignore"):
            relative = np.where(concentration > 0, np.hypot(*parts) / concentration, np.nan)
        why_none = self._why_no_interval()
        lost = (reason == "") & (concentration > 0) & (~(np.isfinite(low) & np.isfinite(high)) | (why_none != ""))
        low, high = np.where(lost, np.nan, low), np.where(lost, np.nan, high)
        reason = np.where(lost, why_none or NO_INTERVAL, reason)
        return pd.DataFrame(
            {
                "concentration": concentration,
                "low": low,
                "high": high,
                "relative_uncertainty": np.where(np.isfinite(relative), relative, np.nan),
                "reason": reason.astype(object),
            }
        )

    def _why_no_interval(self) -> str:
        """Return why no reading off this curve has an interval, '' where each may."""
        if not self.degrees_of_freedom_:
            return NO_FREEDOM
        saturated = [message for message in self.messages_ if message.endswith(SATURATED_READER)]
        return f"no interval: {saturated[0]} Leave them out of the fit" if saturated else ""

    def relative_uncertainty_parts(self, response: Any, replicates: Any = 1) -> pd.DataFrame:
        """Return the relative standard uncertainty of each concentration in two parts.

        Returns
        -------
        DataFrame
            curve: from the parameters, shared by all samples read off this curve; reading: from the response itself.
            Empty where there is no concentration above 0.
        """
        check_is_fitted(self)
        response, replicates = _checked_readings(response, replicates, 0.95)
        concentration, _ = self._concentration(response)
        with np.errstate(all="ignore"):
            above = np.where(concentration > 0, concentration, np.nan)
            curve, reading = (part / above for part in self._standard_errors(concentration, response, replicates))
        return pd.DataFrame({"curve": curve, "reading": reading})

    def standard_weights(self, nominal: Any, response: Any) -> Array:
        """Return the weight (n,) that this curve gives each standard: `residual_sd_` squared over its variance."""
        check_is_fitted(self)
        nominal, response = as_row(nominal, "nominal"), as_row(response, "response")
        return self.weights.final(nominal, response, self._response(nominal))

    def suspicions(self, nominal: Any, response: Any) -> list[str]:
        """Return in words which standards do not go with the others: a bad well, a hook, a saturated reader."""
        nominal, response = as_row(nominal, "nominal"), as_row(response, "response")
        weight = self.standard_weights(nominal, response)
        return suspicions(nominal, response, self._response(nominal), self._gradient(nominal), weight)

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted curve as plain numbers and words, None where a number is missing."""
        check_is_fitted(self)
        return {
            "model": self.model,
            "weighting": self.weighting,
            "weight_by": self.weight_by,
            "parameter_names": list(self.parameter_names_),
            "parameters": dict(zip(self.parameter_names_, map(_plain, self.parameters_), strict=True)),
            "covariance": [[_plain(value) for value in row] for row in self.covariance_],
            "residual_sd": _plain(self.residual_sd_),
            "degrees_of_freedom": int(self.degrees_of_freedom_),
            "converged": bool(self.converged_),
            "messages": list(self.messages_),
            "range": [_plain(self.lowest_), _plain(self.highest_)],
            "least_weight_variable": _plain(self.least_weight_variable_),
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> Self:
        """Return the curve that `to_dict` wrote."""
        curve = cls(weighting=written["weighting"], weight_by=written["weight_by"])
        curve.n_features_in_ = 1
        # by name: JSON may have sorted the parameters, while the covariance keeps the order of the names
        curve.parameter_names_ = tuple(written["parameter_names"])
        curve.parameters_ = np.array([_number(written["parameters"][name]) for name in curve.parameter_names_])
        curve.covariance_ = np.array([[_number(value) for value in row] for row in written["covariance"]])
        curve.residual_sd_ = _number(written["residual_sd"])
        curve.degrees_of_freedom_ = written["degrees_of_freedom"]
        curve.converged_, curve.messages_ = written["converged"], tuple(written["messages"])
        curve.lowest_, curve.highest_ = map(_number, written["range"])
        curve.least_weight_variable_ = _number(written["least_weight_variable"])
        curve._name_parameters()
        return curve

    @property
    def weights(self) -> Weighting:
        """How the standards are weighted."""
        return Weighting(self.weighting, self.weight_by)

    def _learn(self, parameters: Array, covariance: Array, sum_of_squares: float, n_standards: int) -> None:
        """Store what was learned; `covariance` is still to be multiplied by s^2."""
        self.n_features_in_ = 1
        self.parameters_ = parameters
        self.degrees_of_freedom_ = n_standards - len(parameters)
        freedom = self.degrees_of_freedom_ or np.nan
        self.residual_sd_ = float(np.sqrt(sum_of_squares / freedom))
        self.covariance_ = covariance * self.residual_sd_**2
        self._name_parameters()

    def _note_range(self, nominal: Array, fitted: Array) -> None:
        """Store the range of the standards, in concentration and in what the weights depend on."""
        self.lowest_, self.highest_ = float(nominal.min()), float(nominal.max())
        variable = nominal if self.weights.variable == "x" else fitted
        above = variable[variable > 0]
        self.least_weight_variable_ = float(above.min()) if len(above) else 0.0

    def _concentration(self, response: Array) -> tuple[Array, Array]:
        """Return concentrations, NaN where there is none, and the reasons."""
        if not self.converged_:
            unusable = "curve not usable: " + "; ".join(self.messages_)
            return np.full(len(response), np.nan), np.full(len(response), unusable, dtype=object)
        concentration, reason = self._invert(response)
        missing = ~np.isfinite(response)
        return np.where(missing, np.nan, concentration), np.where(missing, NO_RESPONSE, reason)

    def _standard_errors(self, concentration: Array, response: Array, replicates: Array) -> tuple[Array, Array]:
        """Return the standard error of each concentration from the parameters and from the reading."""
        with np.errstate(all="ignore"):
            gradient = self._gradient(concentration)
            of_curve = np.einsum("np,pq,nq->n", gradient, self.covariance_, gradient)
            spread = self.weights.relative_variance(concentration, response, self.least_weight_variable_)
            of_reading = self.residual_sd_**2 * spread / replicates
            slope = np.abs(self._steepness(concentration))
            return np.sqrt(np.maximum(of_curve, 0)) / slope, np.sqrt(of_reading) / slope

    def _quantile(self, level: float) -> float:
        return float(student.ppf((1 + level) / 2, self.degrees_of_freedom_)) if self.degrees_of_freedom_ else np.nan

    def _interval(
        self, concentration: Array, response: Array, parts: tuple[Array, Array], quantile: float
    ) -> tuple[Array, Array]:
        """Return the interval of the delta method on ln x: concentration / k and concentration * k."""
        with np.errstate(all="ignore"):
            factor = np.exp(quantile * np.hypot(*parts) / concentration)
            above = np.where(concentration > 0, concentration, np.nan)
            return above / factor, above * factor

    def _name_parameters(self) -> None:
        """Set the named attributes (`slope_` ...) from `parameters_`."""
        raise NotImplementedError

    def _response(self, concentration: Array) -> Array:
        raise NotImplementedError

    def _gradient(self, concentration: Array) -> Array:
        """Return the derivatives of the response by the natural parameters, (n, n_parameters)."""
        raise NotImplementedError

    def _steepness(self, concentration: Array) -> Array:
        """Return the derivative of the response by the concentration."""
        raise NotImplementedError

    def _invert(self, response: Array) -> tuple[Array, Array]:
        """Return the concentrations of the responses and the reason where there is none."""
        raise NotImplementedError


def checked_standards(nominal: Any, response: Any, n_parameters: int, model: str) -> tuple[Array, Array]:
    """Return standards as two float arrays (n,), or raise ValueError saying why no curve can be fitted."""
    nominal, response = as_row(nominal, "nominal"), as_row(response, "response")
    if len(nominal) != len(response):
        raise ValueError(
            f"{len(nominal)} nominal concentrations but {len(response)} responses; there must be one of each"
        )
    missing = np.flatnonzero(~(np.isfinite(nominal) & np.isfinite(response)))
    if len(missing):
        rows = ", ".join(str(row + 1) for row in missing[:5])
        raise ValueError(f"standard {rows}: nominal or response is NaN or infinity; every standard needs both numbers")
    levels = len(np.unique(nominal))
    if levels < n_parameters:
        raise ValueError(f"a {model} curve needs at least {n_parameters} different concentrations; there are {levels}")
    if np.all(response == response[0]):
        raise ValueError(f"all responses are {response[0]:g}; standards that do not differ cannot carry a curve")
    return nominal, response


def as_row(values: Any, what: str) -> Array:
    """Return (n,) or (n, 1) values as a float array (n,)."""
    if values is None:
        raise ValueError(f"{what} is None; a curve requires y to be passed, but the target y is None")
    array = np.asarray(values)
    if array.dtype.kind not in "biufO":
        raise ValueError(f"{what} holds {array.dtype}; it must hold real numbers (Complex data not supported)")
    array = array.astype(float)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{what} has shape {array.shape}; it must be one column of numbers")
    if not len(array):
        raise ValueError(f"{what} is empty; there must be at least one number")
    return array


def _checked_readings(response: Any, replicates: Any, level: float) -> tuple[Array, Array]:
    response = np.atleast_1d(np.asarray(response, dtype=float))
    response = response if not len(response) else as_row(response, "response")
    replicates = np.broadcast_to(np.asarray(replicates, dtype=float), response.shape)
    if np.any(~(replicates > 0)):
        raise ValueError("replicates must be above 0: the number of readings behind each response")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1")
    return response, replicates


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
