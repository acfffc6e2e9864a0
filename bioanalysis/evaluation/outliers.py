"""Outlying animals, and recovery that depends on concentration: flags over the whole study, never removals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtr

from bioanalysis.flags import flag
from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.recovery.diagnostics import PER_TENFOLD
from bioanalysis.variability.combined_degrees import combined_degrees
from bioanalysis.variability.multiplicity import holm
from bioanalysis.variability.pooled_outliers import pooled_outliers

KEYS = ["tissue", "analyte", "method_id"]
CELL = ["group", "collection_day", "sex"]
COLUMNS = [
    *KEYS, "subject_id", *CELL, "value", "unit", "fold", "statistic", "degrees_of_freedom", "p_value", "adjusted_p",
    "flag", "note",
]  # fmt: skip
ALPHA = statistical_limits()["outlier_alarms"]
OUTLIER, DEPENDENT = "outlier_animal", "recovery_depends_on_concentration"
LOOK = "worth a look: would stand out if its group were the only one tested"


def outlier_table(concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return outliers.tsv: every animal with a value, against the others of its group.

    The animal is the unit: pieces and homogenates are averaged on the logarithm first. BLQ is no number and is not
    judged; pools are no animals. `adjusted_p` is Holm's over all animals, tissues, analytes and methods of the study,
    so that at most 5 % of studies without an outlier raise a flag. An animal that would stand out were its group the
    only one asked about has a note and no flag: 5 % of clean groups have one, of clean studies the more the larger.
    """
    judged = (concentrations.value > 0) & ~concentrations.pool.astype(bool)
    kept = concentrations.loc[judged, [*KEYS, "subject_id", *CELL, "unit", "value"]]
    rows = []
    for _, here in kept.groupby(KEYS, sort=False):
        animals = here.assign(log=np.log(here.value)).groupby([*KEYS, "subject_id", *CELL, "unit"], sort=False)
        table = animals.log.mean().reset_index()
        cell = table[CELL].astype(str).agg("/".join, axis=1)
        rows.append(table.assign(value=np.exp(table.log)).join(pooled_outliers(table.log, cell)))
    if not rows:
        return pd.DataFrame(columns=COLUMNS)
    found = pd.concat(rows, ignore_index=True)
    found["adjusted_p"] = holm(found.p_value.to_numpy(float))
    found["flag"] = np.where(found.adjusted_p <= ALPHA, OUTLIER, "")
    in_group = found.groupby([*KEYS, *CELL], sort=False).p_value.transform(holm)
    worth_a_look = (in_group <= ALPHA) & (found.flag == "")
    found["note"] = found.note.mask(worth_a_look, "no flag; " + LOOK + " (p " + in_group.map("{:.2g}".format) + ")")
    return found[COLUMNS]


def outlier_words(concentrations: pd.DataFrame, outliers: pd.DataFrame) -> list[str]:
    """Return the flag word of each row of the concentration table whose animal is an outlier, '' for the others."""
    flagged = outliers[outliers.flag == OUTLIER]
    found = set(flagged[[*KEYS, "subject_id"]].itertuples(index=False, name=None))
    keys = concentrations[[*KEYS, "subject_id"]].itertuples(index=False, name=None)
    has_value = concentrations.value.notna()
    return [OUTLIER if key in found and value else "" for key, value in zip(keys, has_value, strict=True)]


def variability_flags(outliers: pd.DataFrame, recovery: pd.DataFrame) -> list[dict[str, object]]:
    """Return the flags of outlying animals and of recoveries that depend on concentration.

    Parameters
    ----------
    outliers : DataFrame
        `outlier_table`.
    recovery : DataFrame
        recovery.tsv of the study.
    """
    rows = [
        flag(OUTLIER, tissue=row.tissue, analyte=row.analyte, source="house",
             observed=f"{row.subject_id}, {row.method_id}: {row.value:.4g} {row.unit}, {row.fold:.3g} times the others "
                      f"of {row.group} (adjusted p {row.adjusted_p:.2g})",
             limit=f"adjusted p > {ALPHA:g}")
        for row in outliers[outliers.flag == OUTLIER].itertuples()
    ]  # fmt: skip
    dependence = recovery_dependence(recovery)
    return rows + [
        flag(DEPENDENT, tissue=row.tissue, analyte=row.analyte, source="house",
             observed=f"{row.method_id}: recovery changes by {100 * (row.factor - 1):+.1f} % per tenfold concentration "
                      f"(adjusted p {row.adjusted_p:.2g}, {row.batches} batches)", limit=f"adjusted p > {ALPHA:g}")
        for row in dependence[dependence.adjusted_p <= ALPHA].itertuples()
    ]  # fmt: skip


def recovery_dependence(recovery: pd.DataFrame) -> pd.DataFrame:
    """Return by how much recovery changes when the concentration grows tenfold, over the runs of each tissue.

    Returns
    -------
    DataFrame
        tissue, analyte, method_id, `factor`, `p_value`, `adjusted_p` (Holm over the study), `batches`. The runs are
        averaged by the inverse of their variances.
    """
    known = recovery[recovery.kind.str.endswith(PER_TENFOLD) & (recovery.relative_uncertainty > 0)]
    rows = []
    for key, here in known.groupby(KEYS, sort=False):
        weight = 1 / here.relative_uncertainty**2
        share = weight / weight.sum()
        log = float(share @ np.log(here.factor))
        parts = list(zip((share * here.relative_uncertainty) ** 2, here.degrees_of_freedom, strict=True))
        p = float(2 * stdtr(combined_degrees(parts)[1], -abs(log) * np.sqrt(weight.sum())))
        rows.append((*key, float(np.exp(log)), p, len(here)))
    table = pd.DataFrame(rows, columns=[*KEYS, "factor", "p_value", "batches"])
    return table.assign(adjusted_p=holm(table.p_value.to_numpy(float)))
