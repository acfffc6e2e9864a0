"""Every point against the limits in force for it: scores, Westgard words, EWMA, CUSUM, and the signals they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.limits import Rule, trend_rules
from bioanalysis.trends import charts
from bioanalysis.trends.limits import FixedLimits, in_force, phase_of, point_names
from bioanalysis.trends.reading import RunResults
from bioanalysis.trends.series import ACCEPTED, kinds

COMPUTED = [
    "limits_version", "phase", "centre", "sd", "z", "westgard", "ewma", "ewma_low", "ewma_high", "cusum_high",
    "cusum_low",
]  # fmt: skip
TRENDS = [
    "series", "unit", "study", "run_id", "plate", "run_date", "value", "n", "state", "note", *COMPUTED, "nominal",
    "method_low", "method_high", "lots",
]  # fmt: skip
SIGNALS = [
    "rule", "signal", "series", "study", "run_id", "plate", "run_date", "phase", "state", "observed", "limit",
    "limits_version", "check_first",
]  # fmt: skip
WARNING, INVESTIGATE = "warning", "investigate"
WARNINGS = ("CC-02-1-2s",)


def chart(points: pd.DataFrame, runs: Sequence[RunResults], fixed: Mapping[str, Sequence[FixedLimits]]) -> pd.DataFrame:
    """Return trends.tsv: each point with the limits that judge it and all that follows from them.

    Points of a failed run keep their score and the Westgard words of a single value; sequences over runs, EWMA and
    CUSUM go over accepted runs alone and stand still there. They begin anew with phase 2 and with every new version.
    """
    order = {(run.study, run.run_id): run.order for run in runs}
    parts = []
    for series, here in points.groupby("series", sort=True):
        versions = fixed.get(str(series), ())
        parts.append(_with_limits(here, [order[key] for key in zip(here.study, here.run_id, strict=True)], versions))
    table = pd.concat(parts, ignore_index=True) if parts else points.assign(**dict.fromkeys(COMPUTED, np.nan))
    return table[["kind", *TRENDS]]


def _with_limits(points: pd.DataFrame, order: Sequence[Any], versions: Sequence[FixedLimits]) -> pd.DataFrame:
    names = point_names(points)
    limits = [in_force(versions, place) for place in order]
    rows = points.assign(
        limits_version=["" if found is None else str(found.version) for found in limits],
        phase=[phase_of(found, name, at) for found, name, at in zip(limits, names, order, strict=True)],
        centre=[
            nominal if found is None else found.centre for found, nominal in zip(limits, points.nominal, strict=True)
        ],
        sd=[np.nan if found is None else found.sd for found in limits],
        **dict.fromkeys(("z", "ewma", "ewma_low", "ewma_high", "cusum_high", "cusum_low"), np.nan),
        westgard="",
    )
    for _, segment in rows.groupby(_segments(rows), sort=True):
        if segment.limits_version.iloc[0]:
            rows.update(_judged(segment))
    return rows


def _segments(rows: pd.DataFrame) -> pd.Series:
    """Return a number that rises wherever the version or the phase (1 or 2) changes."""
    key = rows.limits_version + ":" + rows.phase.str[:1]
    return (key != key.shift()).cumsum()


def _judged(segment: pd.DataFrame) -> pd.DataFrame:
    """Return the computed columns of consecutive points under one version and phase."""
    rules = trend_rules()
    centre, sd = float(segment.centre.iloc[0]), float(segment.sd.iloc[0])
    found = segment.assign(z=charts.standard_scores(segment.value, centre, sd))
    found["westgard"] = [" ".join(words) for (words,) in ([charts.westgard([z])[0]] for z in found.z)]
    going = found.index[(segment.state == ACCEPTED) & np.isfinite(segment.value)]
    if len(going):
        found.loc[going, "westgard"] = [" ".join(words) for words in charts.westgard(found.z[going])]
        weight, width = (float(number) for number in rules["CC-03"].numbers)
        half = charts.ewma_half_width(len(going), sd, weight, width)
        found.loc[going, "ewma"] = charts.ewma(segment.value[going], centre, weight)
        found.loc[going, "ewma_low"], found.loc[going, "ewma_high"] = centre - half, centre + half
        upper, lower = charts.cusum(found.z[going], float(rules["CC-04"].numbers[0]))
        found.loc[going, "cusum_high"], found.loc[going, "cusum_low"] = upper, lower
    return found[["z", "westgard", "ewma", "ewma_low", "ewma_high", "cusum_high", "cusum_low"]]


def signals(trends: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of signals.tsv that single points and sequences give, in the order of the table."""
    rules = trend_rules()
    return [signal for point in trends.to_dict("records") for signal in _point_signals(point, rules)]


def _point_signals(point: dict[str, Any], rules: Mapping[str, Rule]) -> Iterator[dict[str, Any]]:
    seen = f"{point['value']:.4g}"
    for word in point["westgard"].split():
        rule = rules[f"{charts.WESTGARD}{word}"]
        yield signal(point, rule.rule_id, f"{seen} (z {point['z']:+.2f})", rule.printed_limit)
    if not point["ewma_low"] <= point["ewma"] <= point["ewma_high"] and np.isfinite(point["ewma"]):
        limit = f"{point['ewma_low']:.4g} to {point['ewma_high']:.4g}"
        yield signal(point, "CC-03", f"EWMA {point['ewma']:.4g}", limit)
    decision = float(rules["CC-04"].numbers[1])
    for side, word in (("cusum_high", "upper"), ("cusum_low", "lower")):
        if point[side] > decision:
            yield signal(point, "CC-04", f"{word} CUSUM {point[side]:.2f} SD", f"{decision:g} SD")
    if not point["limits_version"] and (point["value"] < point["method_low"] or point["value"] > point["method_high"]):
        yield signal(point, "CC-01", seen, f"{method_limits(point)}, of the method: no limits fixed yet")


def method_limits(point: Mapping[str, Any]) -> str:
    """Return the method's own limits in words, '' where it has none."""
    low, high = point["method_low"], point["method_high"]
    if np.isfinite(low) and np.isfinite(high):
        return f"{low:g} to {high:g}"
    return f"<= {high:g}" if np.isfinite(high) else ""


def signal(point: Mapping[str, Any], rule: str, observed: str, limit: str, check_first: str = "") -> dict[str, Any]:
    """Return one row of signals.tsv."""
    return {
        "rule": rule,
        "signal": WARNING if rule in WARNINGS else INVESTIGATE,
        "observed": observed,
        "limit": limit,
        "check_first": check_first or kinds()[point["kind"]]["check_first"],
        **{
            name: point.get(name, "")
            for name in ("series", "study", "run_id", "plate", "run_date", "phase", "state", "limits_version")
        },
    }
