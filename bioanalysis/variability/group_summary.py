"""Summaries by group, tissue and day: the animal is the unit, BLQ is counted and never a number."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
from scipy.stats import t as student

from bioanalysis.variability.robust import geometric_cv_percent

COLUMNS = [
    "group", "tissue", "collection_day", "sex", "analyte", "method_id", "n", "n_quantified", "n_blq", "n_not_reported",
    "mean", "sd", "cv_percent", "geometric_mean", "geometric_cv_percent", "median", "min", "max", "mean_low",
    "mean_high", "unit", "note",
]  # fmt: skip
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
    ``u^2(mean) = s^2/n + sum over runs (share of the run in the mean)^2 (u^2(curve) + u^2(recovery))``: curve and
    recovery factor are shared by the samples of a run and do not shrink with the number of animals.
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
        "unit": group.unit.iloc[0],
    }  # fmt: skip
    judged = quantified + blq
    if quantified == 0 or Fraction(quantified, judged) < share:
        why = f"{quantified} of {judged} animals quantified; no summary below {share}" if judged else "no value"
        return row | {"note": why}
    notes = [f"{blq} BLQ left out"] if blq else []
    notes += ["pieces averaged within the animal"] if len(group) > n else []
    notes += [f"{n - judged} without a reportable result"] if n > judged else []
    low, high, note = _mean_interval(group, values, level)
    return (
        row | _statistics(values) | {"mean_low": low, "mean_high": high, "note": "; ".join([*notes, note]).strip("; ")}
    )


def _statistics(values: pd.Series) -> dict[str, float]:
    logs = np.log(values[values > 0])
    several = len(values) > 1
    sd = float(values.std(ddof=1)) if several else np.nan
    return {
        "mean": float(values.mean()), "sd": sd, "cv_percent": 100 * sd / float(values.mean()),
        "geometric_mean": float(np.exp(logs.mean())),
        "geometric_cv_percent": geometric_cv_percent(float(logs.var(ddof=1))) if several else np.nan,
        "median": float(values.median()), "min": float(values.min()), "max": float(values.max()),
    }  # fmt: skip


def _mean_interval(group: pd.DataFrame, values: pd.Series, level: float) -> tuple[float, float, str]:
    """Return the interval of the mean with the shared terms of curve and recovery in it."""
    n = len(values)
    if n < 2:
        return np.nan, np.nan, "one animal: no interval of the mean"
    mean = float(values.mean())
    parts = [(float(values.var(ddof=1)) / n, float(n - 1))]
    quantified = group[group.value.notna()]
    weights = quantified.value / quantified.groupby("subject_id").value.transform("size") / n
    for _, here in quantified.groupby("run_id"):
        share = float(weights.reindex(here.index).sum())
        for kind in ("curve", "recovery"):
            relative = here[f"{kind}_uncertainty"].fillna(0).mean()
            freedom = here[f"{kind}_degrees_of_freedom"].fillna(np.inf).iloc[0]
            parts.append(((share * float(relative)) ** 2, float(freedom)))
    total = sum(variance for variance, _ in parts)
    behind = sum(variance**2 / freedom for variance, freedom in parts)
    factor = student.ppf((1 + level) / 2, total**2 / behind) if behind > 0 else student.ppf((1 + level) / 2, np.inf)
    half = float(factor * np.sqrt(total))
    return mean - half, mean + half, ""
