"""Summaries by group, tissue and day: the animal is the unit, BLQ is counted and never a number."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.variability.combined_degrees import combined_degrees
from bioanalysis.variability.robust import robust_summary
from bioanalysis.variability.shared_terms import beyond_scatter
from bioanalysis.words import count_of

COLUMNS = [
    "group", "tissue", "collection_day", "sex", "analyte", "method_id", "n", "n_quantified", "n_blq", "n_not_reported",
    "mean", "sd", "cv_percent", "geometric_mean", "geometric_cv_percent", "median", "min", "max", "mean_low",
    "mean_high", "unit", "note", "geometric_cv_percent_low", "geometric_cv_percent_high", "robust_cv_percent",
    "robust_cv_percent_low", "robust_cv_percent_high", "blq_rule",
]  # fmt: skip
SPREADS = (
    "mean", "sd", "cv_percent", "geometric_mean", "geometric_cv_percent", "geometric_cv_percent_low",
    "geometric_cv_percent_high", "robust_cv_percent", "robust_cv_percent_low", "robust_cv_percent_high",
)  # fmt: skip
FEW, WIDEST = (statistical_limits()[name] for name in ("few_animals", "widest_cv"))
KEYS = ["group", "tissue", "collection_day", "sex", "analyte", "method_id"]


def group_summary(concentrations: pd.DataFrame, share_quantified: Fraction, level: float = 0.95) -> pd.DataFrame:
    """Return tissue_summary.tsv.

    Parameters
    ----------
    concentrations : DataFrame
        tissue_concentrations.tsv. Pieces and homogenates of one animal are averaged first.
    share_quantified : Fraction
        Share of the animals measured that must have a value; below it no mean is shown.
    level : float
        Confidence of the interval of the mean.

    Notes
    -----
    ``u^2(mean) = s^2/n + sum of (share in the mean)^2 u^2`` over curves and recovery factors: those are shared by the
    samples of a run (or batch) and do not shrink with the number of animals. Where the animals were measured in several
    runs or batches, s^2 holds a part of it already, which is taken off the sum (`beyond_scatter`).

    A mean and a CV are of the quantified animals alone, and `blq_rule` says so: nothing is put in the place of a BLQ.
    The intervals of the CVs are those of `robust_summary`; with 3 to 6 animals they are wide, and the note says how.
    """
    measured = concentrations[concentrations.analyte != ""]
    rows = [
        {**dict(zip(KEYS, key, strict=True)), **_summarise(group, share_quantified, level)}
        for key, group in measured.groupby(KEYS, sort=False)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.drop(columns="sex") if (table.sex == "").all() else table


def _summarise(group: pd.DataFrame, share: Fraction, level: float) -> dict[str, object]:
    """Return the summary over animals; a pool is no animal, it is counted in the note and no more."""
    pooled = int(group.pool.sum()) if "pool" in group else 0
    if not pooled:
        return _of_animals(group, share, level)
    said = f"{pooled} pooled sample{'s' if pooled > 1 else ''} not counted as an animal"
    own = group[~group.pool.astype(bool)]
    if own.empty:
        return {"n": 0, "n_quantified": 0, "n_blq": 0, "n_not_reported": 0, "unit": group.unit.iloc[0], "note": said}
    row = _of_animals(own, share, level)
    return row | {"note": "; ".join(filter(None, [str(row["note"]), said]))}


def _of_animals(group: pd.DataFrame, share: Fraction, level: float) -> dict[str, object]:
    animals = group.groupby("subject_id", sort=False)
    values = animals.value.mean().dropna()
    statuses = animals.status.agg(set)
    n, quantified = len(statuses), len(values)
    blq = int(statuses.map(lambda words: words == {"BLQ"}).sum())
    row: dict[str, object] = {
        "n": n, "n_quantified": quantified, "n_blq": blq, "n_not_reported": n - quantified - blq,
        "unit": group.unit.iloc[0], "blq_rule": f"BLQ left out, never replaced; no mean below {share} quantified",
    }  # fmt: skip
    judged = quantified + blq
    if quantified == 0 or Fraction(quantified, judged) < share:
        why = (
            f"{quantified} of {count_of(judged, 'animal')} quantified; no summary below {share}"
            if judged
            else "no value"
        )
        return row | {"note": why}
    notes = [f"{blq} BLQ left out"] if blq else []
    notes += ["pieces averaged within the animal"] if len(group) > n else []
    notes += [f"{n - judged} without a reportable result"] if n > judged else []
    low, high, note = _mean_interval(group, values, level)
    row |= _statistics(values) | {"mean_low": low, "mean_high": high}
    return row | {"note": "; ".join(filter(None, [*notes, note, _how_wide(row)]))}


def _statistics(values: pd.Series) -> dict[str, float]:
    found = robust_summary(values.to_numpy(float))._asdict()
    spreads = {name: found[name] for name in SPREADS}
    return spreads | {"median": found["median"], "min": float(values.min()), "max": float(values.max())}


def _how_wide(row: dict[str, Any]) -> str:
    """Return how little few animals say about the spread, in words."""
    low, high = row["geometric_cv_percent_low"], row["geometric_cv_percent_high"]
    if row["n_quantified"] > FEW or not np.isfinite(high):
        return ""
    animals = count_of(row["n_quantified"], "animal")
    if high > WIDEST:
        return f"{animals}: the interval of the CV is too wide to mean anything (95 %: above {low:.0f} %)"
    return f"{animals}: the true CV may be anything from {low:.0f} to {high:.0f} % (95 %)"


def _mean_interval(group: pd.DataFrame, values: pd.Series, level: float) -> tuple[float, float, str]:
    """Return the interval of the mean with the shared terms of curve and recovery in it."""
    n = len(values)
    if n < 2:
        return np.nan, np.nan, "one animal: no interval of the mean"
    mean = float(values.mean())
    quantified = group[group.value.notna()]
    weights = quantified.value / quantified.groupby("subject_id").value.transform("size") / n
    shared = beyond_scatter(quantified.assign(weight=weights, side=0, group=""))
    parts = [(float(values.var(ddof=1)) / n, float(n - 1)), *shared]
    total, freedom = combined_degrees(parts)
    half = float(stdtrit(freedom, (1 + level) / 2) * np.sqrt(total))
    return mean - half, mean + half, ""
