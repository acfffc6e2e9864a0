"""The uncertainty budget of each sample: what every step contributes to the variance of its concentration."""

from __future__ import annotations

import numpy as np
import pandas as pd

CONTRIBUTIONS = ("curve", "reading", "extraction", "recovery", "dilution", "mass", "volume")
SHARED = {"curve": "samples of the run", "recovery": "samples of the tissue under the same factor"}
COLUMNS = [
    "sample_id", "tissue", "analyte", "method_id", "run_id", "contribution", "relative_uncertainty", "percent",
    "degrees_of_freedom", "combined_relative_uncertainty", "shared_by", "note",
]  # fmt: skip
NOT_ESTIMABLE = "not estimable: missing from the interval"
NOTHING = "0: the method states none, or there is no such step"


def uncertainty_budget(concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return uncertainty.tsv: seven rows for each sample, analyte and method that has a value.

    Parameters
    ----------
    concentrations : DataFrame
        tissue_concentrations.tsv: `relative_uncertainty` and one ``<contribution>_uncertainty`` for each step, all
        relative standard uncertainties of the concentration; degrees of freedom where a step has them.

    Returns
    -------
    DataFrame
        `contribution`, its `relative_uncertainty`, and `percent` of the combined variance (they add up to 100).
        Curve and recovery are shared by several samples (`shared_by`) and do not average out over them.

    Notes
    -----
    First order on the logarithm, where the contributions simply add: u^2 = sum of u_i^2 (JCGM 100:2008, 5.1.2).
    """
    about = ["sample_id", "tissue", "analyte", "method_id", "run_id", "relative_uncertainty"]
    have = concentrations[concentrations.relative_uncertainty.notna()]
    rows = [have[about].assign(contribution=name, **_contribution(have, name)) for name in CONTRIBUTIONS]
    table = pd.concat(rows).rename(columns={"relative_uncertainty": "combined_relative_uncertainty"})
    table = table.rename(columns={"own": "relative_uncertainty"}).sort_index(kind="stable", ignore_index=True)
    total = table.combined_relative_uncertainty**2
    return table.assign(percent=(100 * table.relative_uncertainty**2 / total).where(total > 0))[COLUMNS]


def _contribution(have: pd.DataFrame, name: str) -> dict[str, object]:
    """Return one step's uncertainty, its degrees of freedom, who shares it, and what is missing."""
    own = have[f"{name}_uncertainty"].astype(float)
    behind = "curve" if name == "reading" else name
    column = f"{behind}_degrees_of_freedom"
    freedom = have[column].astype(float) if column in have else pd.Series(np.nan, index=have.index)
    return {
        "own": own, "degrees_of_freedom": freedom.replace(np.inf, np.nan).where(own > 0),
        "shared_by": SHARED.get(name, "none"), "note": np.select([own.isna(), own == 0], [NOT_ESTIMABLE, NOTHING], ""),
    }  # fmt: skip
