"""Readings off the standard curve: single readings, then the reportable value of each unit.

A unit is what one result is made of: an injection, or the replicate wells of one sample, dilution and extraction on a
plate. Whether a unit lies inside the range is decided on the curve, before dilution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bioanalysis.calibration.standards import StandardCurve
from bioanalysis.method import Analyte, Method
from bioanalysis.responses import SATURATED_FLAG
from bioanalysis.study import Run
from bioanalysis.words import STUDY_SAMPLES

INSIDE, BELOW, ABOVE = "inside", "below", "above"
BELOW_REVISED, ABOVE_REVISED, NO_VALUE = "below_revised", "above_revised", "no_value"

UNIT_KEYS = ["plate", "sample_type", "sample_id", "level", "dilution_factor", "extraction_id", "nominal_ng_ml"]


def name_units(rows: pd.DataFrame, platform: str) -> pd.Series:
    """Return the unit of each worklist row: its position (LC-MS/MS), or the key its replicate wells share.

    A row of which nothing was acquired may have no position: it is a unit of its own, by its line.
    """
    if platform == "lcms":
        return rows.position.astype(str).mask(rows.position == "", "line " + rows.line.astype(str))
    keys = rows[UNIT_KEYS].itertuples(index=False)
    return pd.Series(["|".join(map(str, key)) for key in keys], index=rows.index, dtype=str)


def read_off(rows: pd.DataFrame, curve: StandardCurve) -> pd.DataFrame:
    """Return curve_reading_ng_ml (finite or NaN) and beyond ('', 'below', 'above') of each row's response."""
    readings = pd.DataFrame({"curve_reading_ng_ml": np.nan, "beyond": ""}, index=rows.index)
    has_response = rows.response.notna()
    if curve.estimator is None or not has_response.any():
        return readings
    found = curve.estimator.back_calculate(rows.response[has_response].to_numpy(float))
    readings.loc[has_response, "curve_reading_ng_ml"] = found.concentration.to_numpy(float)
    beyond = [next((word for word in (BELOW, ABOVE) if word in reason), "") for reason in found.reason]
    readings.loc[has_response, "beyond"] = np.where(np.isfinite(found.concentration), "", beyond)
    return readings


def saturated_reason(rows: pd.DataFrame, run: Run, analyte: Analyte) -> pd.Series:
    """Return no_value_reason (n,) with that of saturated wells whose reading says nothing.

    A signal at the reader's limit is at least that high: where the curve reads it outside the method's range, it lies
    there; inside the range it may lie anywhere further on. Calibrators are dealt with before the fit.
    """
    inside = rows.curve_reading_ng_ml.between(analyte.lloq_ng_ml, analyte.uloq_ng_ml)
    lost = (rows.peak_flags == SATURATED_FLAG) & (inside | (rows.curve_reading_ng_ml.isna() & (rows.beyond == "")))
    lost &= (rows.no_value_reason == "") & ~rows.sample_type.isin(["calibrator", "anchor", "zero"])
    why = f"SATURATED: the signal is at the reader's limit of {run.method.plate.saturation_signal or np.nan:g}"
    return rows.no_value_reason.mask(lost, why)


@dataclass(frozen=True)
class RangeInForce:
    """The method's range and the one left after truncation, in ng/mL on the curve; ends belong to the range."""

    method_lloq: float
    method_uloq: float
    lloq: float
    uloq: float

    @classmethod
    def of(cls, analyte: Analyte, curve: StandardCurve) -> RangeInForce:
        """Return the range of an analyte, the narrower one where the curve and the analyte disagree."""
        low, high = analyte.lloq_ng_ml, analyte.uloq_ng_ml
        return cls(low, high, max(low, curve.lloq_ng_ml), min(high, curve.uloq_ng_ml))

    def place(self, reading: float) -> str:
        """Return where a reading lies: inside, below or above, or inside the method's range only."""
        if reading < self.method_lloq:
            return BELOW
        if reading > self.method_uloq:
            return ABOVE
        if reading < self.lloq:
            return BELOW_REVISED
        return ABOVE_REVISED if reading > self.uloq else INSIDE

    def reason(self, place: str) -> str:
        """Return why a reading in this place is not inside."""
        return {
            INSIDE: "",
            BELOW: f"below the LLOQ of {self.method_lloq:g} ng/mL on the curve",
            ABOVE: f"above the ULOQ of {self.method_uloq:g} ng/mL on the curve",
            BELOW_REVISED: f"BELOW_REVISED_LLOQ: below {self.lloq:g} ng/mL, the LLOQ left after truncation; reanalyse",
            ABOVE_REVISED: f"ABOVE_ULOQ: above {self.uloq:g} ng/mL, the ULOQ left after truncation; reanalyse",
        }[place]


def summarise_units(rows: pd.DataFrame, curve: StandardCurve, analyte: Analyte, method: Method) -> pd.DataFrame:
    """Return one row per unit with its reading, where it lies and its uncertainty.

    Parameters
    ----------
    rows : DataFrame
        Worklist rows of one analyte and curve with unit, response, no_value_reason, no_peak, curve_reading_ng_ml,
        beyond.

    Returns
    -------
    DataFrame
        Indexed by unit, in order of first appearance: the worklist columns of its first row, and reading_ng_ml,
        place, place_reason, cv_percent, curve_uncertainty, reading_uncertainty (relative, one standard deviation),
        curve_degrees_of_freedom, lloq_in_force, uloq_in_force, rows (labels of its rows).
    """
    whole = _rows_of_units(rows.unit)
    left_out = (curve.points.left_out.reindex(rows.index, fill_value="") != "").to_numpy()
    members = [_kept(unit, left_out) for unit in whole]
    response = rows.response.to_numpy(float)
    means = np.array([response[unit].mean() for unit in members])
    combined = _combined_readings(rows, members, means, curve, method)
    columns = ("curve_reading_ng_ml", "beyond", "no_value_reason", "no_peak")
    reading, beyond, reasons, no_peak = (rows[name].to_numpy(object) for name in columns)
    labels = rows.index.to_numpy()
    units = rows.iloc[[unit[0] for unit in whole]]
    spans = _spans(units, curve, analyte, method)
    found = [
        _place(reading[unit].astype(float), beyond[unit], reasons[unit], no_peak[unit], value, curve, span)
        for unit, value, span in zip(members, combined, spans, strict=True)
    ]
    units = units.assign(
        rows=[tuple(labels[unit].tolist()) for unit in whole],
        no_value_reason=[reasons[unit[0]] for unit in members],
        mean_response=means,
        n_readings=[len(unit) for unit in members],
        lloq_in_force=[span.lloq for span in spans],
        uloq_in_force=[span.uloq for span in spans],
    )
    placed = pd.DataFrame(found, columns=Placed._fields, index=units.index)
    return _with_uncertainty(units.join(placed).set_index("unit", drop=False), curve)


def _spans(units: pd.DataFrame, curve: StandardCurve, analyte: Analyte, method: Method) -> list[RangeInForce]:
    """Return the range in force for each unit: for study samples that of their tissue."""
    whole = RangeInForce.of(analyte, curve)
    own = {name: RangeInForce.of(method.of_tissue(name).analyte(analyte.name), curve) for name in method.tissues}
    samples = units.sample_type.isin(STUDY_SAMPLES)
    return [own.get(tissue, whole) if mine else whole for tissue, mine in zip(units.tissue, samples, strict=True)]


def _rows_of_units(unit: pd.Series) -> list[np.ndarray]:
    """Return the places of the rows of each unit, units in order of first appearance."""
    codes, names = pd.factorize(unit)
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    return np.split(np.argsort(codes, kind="stable"), ends[:-1]) if len(names) else []


def _kept(unit: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Return the rows of a unit without the wells that a rule left out of the fit, where others are left."""
    kept = unit[~left_out[unit]]
    return kept if len(kept) else unit


class Placed(NamedTuple):
    """The reportable reading of a unit, the CV of its replicates, where it lies and why it is not inside."""

    reading_ng_ml: float
    cv_percent: float
    place: str
    place_reason: str


def _place(
    readings: np.ndarray,
    beyond: np.ndarray,
    reasons: np.ndarray,
    no_peak: np.ndarray,
    combined: float,
    curve: StandardCurve,
    span: RangeInForce,
) -> Placed:
    """Return reading, place and reason of one unit: the first rule of 'Replicate wells' that applies."""
    if said := [reason for reason in reasons if reason]:
        return Placed(np.nan, np.nan, NO_VALUE, _listed(said, len(reasons)))
    if no_peak.all():
        return Placed(np.nan, np.nan, BELOW, "no peak")
    if curve.estimator is None:
        return Placed(np.nan, np.nan, NO_VALUE, curve.problem)
    lost = [word for word in beyond if word]
    places = {word or span.place(reading) for word, reading in zip(beyond, readings, strict=True)}
    if places in ({BELOW}, {ABOVE}):
        place = places.pop()
        return Placed(np.nan if lost else float(readings.mean()), np.nan, place, span.reason(place))
    if lost:
        reason = f"a replicate reads {lost[0]} the curve's asymptote, another does not"
        return Placed(np.nan, np.nan, NO_VALUE, reason)
    place = span.place(combined)
    return Placed(combined, coefficient_of_variation(readings), place, span.reason(place))


def _combined_readings(
    rows: pd.DataFrame, members: list[np.ndarray], mean_response: np.ndarray, curve: StandardCurve, method: Method
) -> np.ndarray:
    """Return the value of each unit: the mean of its readings, or the reading of its mean response."""
    of_responses = method.platform == "elisa" and method.plate.replicate_statistic == "mean_of_responses"
    if of_responses and curve.estimator is not None:
        return curve.estimator.back_calculate(mean_response).concentration.to_numpy(float)
    readings = rows.curve_reading_ng_ml.to_numpy(float)
    return np.array([readings[unit].mean() for unit in members])


def _listed(reasons: Sequence[str], count: int) -> str:
    words = "; ".join(dict.fromkeys(reasons))
    return words if count == 1 else f"{len(reasons)} of {count} replicates without a number: {words}"


def coefficient_of_variation(values: Sequence[float] | np.ndarray) -> float:
    """Return 100 SD / mean (n - 1 in the denominator); NaN for fewer than two values."""
    values = np.asarray(values, float)
    return float(100 * values.std(ddof=1) / abs(values.mean())) if len(values) > 1 and values.mean() != 0 else np.nan


def _with_uncertainty(units: pd.DataFrame, curve: StandardCurve) -> pd.DataFrame:
    """Add the relative uncertainties of the curve and of the reading, where the unit has one."""
    units = units.assign(curve_uncertainty=np.nan, reading_uncertainty=np.nan, curve_degrees_of_freedom=np.nan)
    if curve.estimator is None or units.empty:
        return units
    units["curve_degrees_of_freedom"] = float(curve.estimator.degrees_of_freedom_)
    for count, group in units[units.reading_ng_ml.notna()].groupby("n_readings"):
        parts = curve.estimator.relative_uncertainty_parts(group.mean_response.to_numpy(float), replicates=int(count))
        units.loc[group.index, "curve_uncertainty"] = parts.curve.to_numpy(float)
        units.loc[group.index, "reading_uncertainty"] = parts.reading.to_numpy(float)
    return units
