"""The standard curve of a run: fit, judge, drop the worst failing standard, fit again.

Truncation follows ICH M10 3.3.2 and 4.3.2: a failing standard is rejected and the curve re-fitted and re-judged as a
whole, while the share of standards and the number of levels that the limits ask for can still be met.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.calibration.before_fit import left_out
from bioanalysis.limits import Limits, Rule
from bioanalysis.method import Analyte, Method

ROUNDING = 1e-9  # a bias of 15 % computed in doubles may come out as 15.000000000000002


@dataclass(frozen=True)
class Drop:
    """A standard rejected by truncation, with the fit before and after."""

    unit: str
    nominal_ng_ml: float
    bias_percent: float
    limit_percent: float
    before: dict[str, float | None]
    after: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StandardCurve:
    """The fitted curve of one analyte (and plate) with the verdict on each of its standards.

    Attributes
    ----------
    estimator : estimator or None
        None where no curve could be fitted; `problem` then says why and what to do.
    standards : DataFrame
        One row per judged standard (its reportable value), indexed by unit: level, nominal_ng_ml,
        back_calculated_ng_ml, bias_percent, rule_id, limit_percent, passes, dropped, judged (False for anchors, zeros).
    lloq_ng_ml, uloq_ng_ml : float
        Ends of the range in force: those of the method, or narrower after truncation.
    """

    analyte: str
    plate: str
    model: str
    weighting: str
    estimator: Any
    problem: str
    points: pd.DataFrame
    standards: pd.DataFrame
    drops: tuple[Drop, ...]
    lloq_ng_ml: float
    uloq_ng_ml: float

    @property
    def judged(self) -> pd.DataFrame:
        return self.standards[self.standards.judged]


def passes_limit(bias_percent: np.ndarray | float, limit_percent: np.ndarray | float) -> np.ndarray:
    """Return whether a bias lies within +-limit, the limit included; a missing bias does not."""
    return np.abs(bias_percent) <= np.asarray(limit_percent) * (1 + ROUNDING)


def bias_percent(found: Any, nominal: Any) -> Any:
    """Return 100 (found - nominal) / nominal."""
    return 100 * (found - nominal) / nominal


def calibrator_rule(nominal_ng_ml: float, analyte: Analyte, limits: Limits) -> Rule:
    """Return the rule a calibrator is held to: the wider one at the method's LLOQ (and ULOQ, ligand binding)."""
    at_lloq = np.isclose(nominal_ng_ml, analyte.lloq_ng_ml, rtol=ROUNDING)
    if "CAL-LBA-02" in limits:
        at_end = at_lloq or np.isclose(nominal_ng_ml, analyte.uloq_ng_ml, rtol=ROUNDING)
        return limits["CAL-LBA-03" if at_end else "CAL-LBA-02"]
    return limits["CAL-CC-03" if at_lloq else "CAL-CC-02"]


def fit_standards(points: pd.DataFrame, analyte: Analyte, method: Method, limits: Limits, plate: str) -> StandardCurve:
    """Fit, judge and, where the profile enforces its limits, truncate the curve of one analyte and plate.

    Parameters
    ----------
    points : DataFrame
        One row per calibrator, anchor or zero reading: unit (readings of one standard share it), kind
        (``calibrator``, ``anchor``, ``zero``), level, nominal_ng_ml, response (NaN where there is none), saturated
        (optional: a well at the reader's limit), excluded (optional: the decision that excludes the reading, or '').

    Notes
    -----
    A standard excluded by decision was prepared and does not pass: it stays in the share of standards passing, so that
    leaving it out by hand is worth no more than dropping it by rule.
    """
    points = _with_left_out(points, method, limits)
    whole = (points.left_out != "").groupby(points.unit).all()
    curve = _fit(points, frozenset(whole.index[whole]), analyte, method, limits, plate)
    while limits.enforced and curve.estimator is not None and (worst := droppable(curve, limits)) is not None:
        dropped = frozenset(curve.standards.index[curve.standards.dropped]) | {worst}
        row = curve.standards.loc[worst]
        drop = Drop(worst, row.nominal_ng_ml, row.bias_percent, row.limit_percent, _parameters(curve.estimator))
        refit = _fit(points, dropped, analyte, method, limits, plate)
        if refit.estimator is None:
            break
        drop = replace(drop, after=_parameters(refit.estimator))
        curve = replace(refit, drops=(*curve.drops, drop))
    return _with_range(curve, analyte, limits)


def _with_left_out(points: pd.DataFrame, method: Method, limits: Limits) -> pd.DataFrame:
    """Add why a decision, or a rule of the method, leaves a reading out of the fit, '' for most."""
    for name, usual in (("saturated", False), ("excluded", "")):
        points = points if name in points else points.assign(**{name: usual})
    if method.platform != "elisa":
        return points.assign(left_out=points.excluded)
    return points.assign(left_out=left_out(points, method.plate, limits))


def _fit(
    points: pd.DataFrame, dropped: frozenset[str], analyte: Analyte, method: Method, limits: Limits, plate: str
) -> StandardCurve:
    """Fit the points that are not dropped and hold every standard against its limit."""
    calibration = analyte.calibration
    kept = ~points.unit.isin(dropped) & (points.left_out == "")
    estimator, problem = _fit_estimator(points[kept], calibration, method)
    standards = _judge(points, dropped, estimator, analyte, method, limits)
    points = points.assign(used=points.response.notna() & kept & (estimator is not None))
    return StandardCurve(
        analyte=analyte.name,
        plate=plate,
        model=calibration.model,
        weighting=calibration.weighting,
        estimator=estimator,
        problem=problem,
        points=points,
        standards=standards,
        drops=(),
        lloq_ng_ml=analyte.lloq_ng_ml,
        uloq_ng_ml=analyte.uloq_ng_ml,
    )


def _fit_estimator(points: pd.DataFrame, calibration: Any, method: Method) -> tuple[Any, str]:
    """Return the fitted estimator and '', or None and the reason why there is no curve."""
    from bioanalysis.calibration import make_estimator  # the rules of this module are used by jobs that fit nothing

    points = points[points.response.notna()]
    if method.plate.fit_on == "means":
        points = points.groupby("unit", sort=False)[["nominal_ng_ml", "response"]].mean()
    try:
        estimator = make_estimator(calibration.model, calibration.weighting, calibration.weight_by)
        estimator.fit(points.nominal_ng_ml.to_numpy(float), points.response.to_numpy(float))
    except ValueError as error:
        return None, f"no curve could be fitted: {error}"
    if not getattr(estimator, "converged_", True):
        return None, "no curve: " + "; ".join(estimator.messages_)
    return estimator, ""


def _judge(
    points: pd.DataFrame, dropped: frozenset[str], estimator: Any, analyte: Analyte, method: Method, limits: Limits
) -> pd.DataFrame:
    first = points.groupby("unit", sort=False).first()
    standards = first[["kind", "level", "nominal_ng_ml"]].copy()
    standards["judged"] = standards.kind == "calibrator"
    standards["back_calculated_ng_ml"] = _readings(points, estimator, method).reindex(standards.index)
    standards["bias_percent"] = bias_percent(
        standards.back_calculated_ng_ml, standards.nominal_ng_ml.where(standards.judged)
    )
    rules = [calibrator_rule(nominal, analyte, limits) for nominal in standards.nominal_ng_ml]
    standards["rule_id"] = [rule.rule_id for rule in rules]
    standards["limit_percent"] = np.where(standards.judged, [float(rule.number) for rule in rules], np.nan)
    standards["passes"] = passes_limit(standards.bias_percent.to_numpy(), standards.limit_percent.to_numpy())
    standards["dropped"] = standards.index.isin(dropped)
    standards["excluded"] = points.excluded.groupby(points.unit, sort=False).first().where(standards.dropped, "")
    return standards


def _readings(points: pd.DataFrame, estimator: Any, method: Method) -> pd.Series:
    """Return the back-calculated value of each standard: of its readings' mean, or the mean of theirs."""
    if estimator is None:
        return pd.Series(dtype=float)
    whole = points.unit.isin(points.unit[points.left_out == ""])
    points = points[(points.left_out == "") | ~whole]
    if method.platform == "elisa" and method.plate.replicate_statistic == "mean_of_responses":
        means = points.groupby("unit", sort=False).response.mean()
        return pd.Series(estimator.back_calculate(means.to_numpy()).concentration.to_numpy(), index=means.index)
    found = pd.Series(estimator.back_calculate(points.response.to_numpy(float)).concentration.to_numpy())
    return found.groupby(points.unit.to_numpy(), sort=False).agg(lambda readings: readings.mean(skipna=False))


def droppable(curve: StandardCurve, limits: Limits) -> str | None:
    """Return the unit of the worst failing standard, or None where none fails or none may be dropped."""
    judged = curve.judged
    measured = judged.index.isin(curve.points.unit[curve.points.response.notna()])
    failing = judged[~judged.passes & ~judged.dropped & measured]
    prefix = "CAL-LBA" if "CAL-LBA-01" in limits else "CAL-CC"
    room = (1 - limits[f"{prefix}-04"].number) * len(judged)
    if failing.empty or judged.dropped.sum() + 1 > room:
        return None
    # a standard read beyond the asymptotes has no bias: it is the worst of all
    worst = str((failing.bias_percent.abs() / failing.limit_percent).fillna(np.inf).idxmax())
    left = judged[~judged.dropped].drop(index=worst)
    return worst if left.nominal_ng_ml.nunique() >= limits[f"{prefix}-01"].number else None


def _with_range(curve: StandardCurve, analyte: Analyte, limits: Limits) -> StandardCurve:
    """Narrow the range to the levels left, where the profile enforces its limits."""
    levels = acceptable_levels(curve)
    if not limits.enforced or curve.estimator is None or levels.empty:
        return curve
    return replace(
        curve,
        lloq_ng_ml=max(analyte.lloq_ng_ml, float(levels.min())),
        uloq_ng_ml=min(analyte.uloq_ng_ml, float(levels.max())),
    )


def acceptable_levels(curve: StandardCurve) -> pd.Series:
    """Return the nominal values of the levels that still have a standard in the fit."""
    judged = curve.judged
    return judged.nominal_ng_ml[~judged.dropped].drop_duplicates()


def passing_levels(curve: StandardCurve, share: Fraction) -> list[float]:
    """Return the nominal values of levels of which at least `share` of the standards pass and are in the fit."""
    judged = curve.judged
    ok = (judged.passes & ~judged.dropped).groupby(judged.nominal_ng_ml)
    return [float(nominal) for nominal, passes in ok if Fraction(int(passes.sum()), len(passes)) >= share]


def _parameters(estimator: Any) -> dict[str, float | None]:
    document = estimator.to_dict()
    return dict(document["parameters"])
