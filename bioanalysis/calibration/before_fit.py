"""Standards that a rule of the method leaves out before the curve is fitted: saturated, wild, or beyond a hook.

Each rule is declared by a number of the method (`plate.saturation_signal`, `wild_well_cv_percent`, `hook_percent`) and
touches calibrators and anchors only, never QCs or samples. ICH M10 4.3.2 lets a run lose standards only while three
quarters of them and six levels are left: a standard that is left out counts as one that does not pass, and where the
run cannot spare it, it stays in the fit and fails or is flagged there.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd

from bioanalysis.limits import Limits
from bioanalysis.method import Plate

FEWEST_FOR_WILD = 3  # of two wells nobody can say which is wrong


def left_out(points: pd.DataFrame, plate: Plate, limits: Limits) -> pd.Series:
    """Return why each reading is left out of the fit, '' where it stays.

    Parameters
    ----------
    points : DataFrame
        One row per calibrator, anchor or zero reading: unit, kind, nominal_ng_ml, response (NaN where there is none),
        saturated (bool), excluded (optional: the decision that excludes the reading, or '').
    """
    reason = points.get("excluded", pd.Series("", index=points.index)).astype(object)
    reason.update(_wild(points, plate.wild_well_cv_percent))
    for unit, why in [*_saturated(points, plate.saturation_signal), *_hooked(points, reason, plate.hook_percent)]:
        wells = points.unit == unit
        if _can_spare(points, reason, unit, limits):
            reason[wells & (reason == "")] = why
    return reason


def _saturated(points: pd.DataFrame, limit: float | None) -> list[tuple[str, str]]:
    """Return the standards with a well at the reader's limit; their other wells would be a biased choice."""
    if limit is None:
        return []
    units = points.unit[points.saturated].drop_duplicates()
    return [(unit, f"SATURATED: a well of this standard reads at the reader's limit of {limit:g}") for unit in units]


def _wild(points: pd.DataFrame, limit_percent: float | None) -> pd.Series:
    """Return the reason of each wild well: the one among three or more without which the others agree."""
    reasons: dict[object, str] = {}
    for _, wells in points[points.kind == "calibrator"].groupby("unit", sort=False):
        response = wells.response.dropna()
        if limit_percent is None or len(response) < FEWEST_FOR_WILD or _cv(response) <= limit_percent:
            continue
        furthest = (response - response.median()).abs().idxmax()
        others = response.drop(furthest)
        if _cv(others) <= limit_percent:
            reasons[furthest] = (
                f"WILD_WELL: reads {response[furthest]:.4g}, the other {len(others)} {others.mean():.4g} "
                f"(CV {_cv(response):.1f} % with it, {_cv(others):.1f} % without, limit {limit_percent:g} %)"
            )
    return pd.Series(reasons, dtype=object)


def _hooked(points: pd.DataFrame, reason: pd.Series, limit_percent: float | None) -> list[tuple[str, str]]:
    """Return the standards at the top whose response turns back below that of the level under them."""
    if limit_percent is None:
        return []
    sound = points[(reason == "") & points.response.notna() & ~points.saturated]
    means = sound.groupby("nominal_ng_ml").response.mean()
    rising = np.corrcoef(np.arange(len(means)), means)[0, 1] > 0 if len(means) > 2 else True
    found: list[tuple[str, str]] = []
    while len(means) > 2:
        top, under = means.iloc[-1], means.iloc[-2]
        back_percent = 100 * (under - top) / abs(under) * (1 if rising else -1)
        if not back_percent > limit_percent:
            break
        why = f"HOOK: reads {back_percent:.1f} % back from the standard of {means.index[-2]:g} ng/mL"
        why += f", limit {limit_percent:g} %"
        found += [(unit, why) for unit in sound.unit[sound.nominal_ng_ml == means.index[-1]].drop_duplicates()]
        means = means.iloc[:-1]
    return found


def _can_spare(points: pd.DataFrame, reason: pd.Series, unit: str, limits: Limits) -> bool:
    """Return whether the share of standards and the number of levels can still be met without `unit`."""
    prefix = "CAL-LBA" if "CAL-LBA-01" in limits else "CAL-CC"
    judged = points[points.kind == "calibrator"]
    if unit not in set(judged.unit):
        return True
    stays = (reason[judged.index] == "") & (judged.unit != unit)
    standards, left = judged.unit.nunique(), judged.unit[stays].nunique()
    levels = judged.nominal_ng_ml[stays].nunique()
    return Fraction(left, standards) >= limits[f"{prefix}-04"].number and levels >= limits[f"{prefix}-01"].number


def _cv(values: pd.Series) -> float:
    return float(100 * values.std(ddof=1) / abs(values.mean())) if values.mean() != 0 else np.inf
