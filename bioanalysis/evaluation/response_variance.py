"""The response variance of each plate assay, pooled over the accepted plates of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, RUN
from bioanalysis.calibration.reading import UNIT_KEYS
from bioanalysis.calibration.response_variance import ResponseVariance, pooled_response_variance
from bioanalysis.limits import Limits, limits_for
from bioanalysis.method import Method

COLUMNS = ["method_id", "analyte", *(field.name for field in fields(ResponseVariance)), "weighting_of_method"]
REPLICATED = ("calibrator", "anchor", "qc", "dilution_qc", "recovery_pre", "recovery_post", "unknown", "incurred")


def of_accepted(table: pd.DataFrame, acceptance: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Return the rows of a run's table whose plate (or run) was accepted for their analyte."""
    failed = acceptance[(acceptance.rule_id == RUN) & (acceptance.verdict == FAIL)]
    failed = failed if limits.enforced else failed.iloc[:0]
    rejected = {(row.analyte, str(row.plate)) for row in failed.itertuples()}
    keys = zip(table.analyte, table.plate.astype(str), strict=True)
    good = np.array([(a, p) not in rejected and (a, "") not in rejected for a, p in keys], dtype=bool)
    return table[good]


def response_variance_table(
    methods: Mapping[str, Method], measurements: Mapping[str, pd.DataFrame], acceptance: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return response_variance.tsv: one row per plate method and analyte. Evidence only; nothing is weighted by it.

    Parameters
    ----------
    methods, measurements, acceptance : mappings by run_id
    """
    elisa = {run_id: method for run_id, method in methods.items() if method.platform == "elisa"}
    rows = []
    for method in {method.method_id: method for method in elisa.values()}.values():
        runs = [run_id for run_id in elisa if elisa[run_id].method_id == method.method_id]
        limits = limits_for(method)
        accepted = pd.concat([of_accepted(measurements[run], acceptance[run], limits) for run in runs])
        for analyte in method.analytes:
            found = pooled_response_variance(replicate_sets(accepted[accepted.analyte == analyte.name]))
            where = {"method_id": method.method_id, "analyte": analyte.name}
            rows.append(where | asdict(found) | {"weighting_of_method": analyte.calibration.weighting})
    return pd.DataFrame(rows, columns=COLUMNS)


def replicate_sets(measurements: pd.DataFrame) -> pd.DataFrame:
    """Return plate, mean, variance and n of each set of replicate wells; wells without a number or saturated left out.

    Parameters
    ----------
    measurements : DataFrame
        Rows of measurements.tsv of one analyte.
    """
    read = measurements[measurements.sample_type.isin(REPLICATED) & measurements.response.notna()]
    read = read[~read["flags"].str.contains("saturated") & ~read.status.isin(["dropped", "excluded"])]
    grouped = read.groupby(["run_id", *UNIT_KEYS], sort=False, dropna=False).response
    sets = grouped.agg(mean="mean", variance="var", n="size").reset_index()
    sets["plate"] = sets.run_id + "/" + sets.plate.astype(str)
    return sets.loc[sets.n > 1, ["plate", "mean", "variance", "n"]]
