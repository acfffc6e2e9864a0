"""Recovery and matrix factors of a validation, per level and per lot.

Matuszewski et al., Anal Chem 75 (2003) 3019, doi:10.1021/ac020361s: A neat, B spiked after extraction, C before.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bioanalysis.acceptance.validation import MATRIX_FACTOR, RECOVERY, STANDARD_RECOVERY

LEVEL = ["tissue", "level", "nominal_ng_ml"]


def recovery_rows(units: pd.DataFrame, ligand_binding: bool, internal_standard_first: bool) -> list[dict[str, object]]:
    """Return 100 C / B per tissue and level, per lot where lots are paired, and the internal standard's own.

    C and B are means of responses (of areas where the internal standard goes through the extraction; of values read
    for ligand binding, whose response is not linear).
    """
    rows = units[(units.experiment == "recovery") & (units.why_not == "")]
    if ligand_binding:
        signal = rows.found_ng_ml
    else:
        signal = (rows.analyte_area if internal_standard_first else rows.mean_response) * rows.dilution_factor
    found = _ratios(rows.assign(signal=signal), RECOVERY)
    if internal_standard_first and not ligand_binding:
        found += _ratios(rows.assign(signal=rows.internal_standard_area), STANDARD_RECOVERY)
    return found


def _ratios(rows: pd.DataFrame, measure: str) -> list[dict[str, object]]:
    before, after = rows[rows.sample_type == "recovery_pre"], rows[rows.sample_type == "recovery_post"]
    found = []
    for by in (LEVEL, [*LEVEL, "lot"]):
        for key, group in before.groupby(by, sort=False, dropna=False):
            where = dict(zip(by, key, strict=True))
            if "lot" in by and not where["lot"]:
                continue
            match = np.logical_and.reduce([after[name] == value for name, value in where.items()])
            found.append({"experiment": "recovery", "run_id": "", "measure": measure, **where,
                          **ratio_percent(group.signal, after.signal[match])})  # fmt: skip
    return found


def ratio_percent(numerator: pd.Series, denominator: pd.Series) -> dict[str, object]:
    """Return 100 x the ratio of means of two unpaired sets; cv_percent is that of the ratio's own standard error."""
    c, b = numerator.dropna().to_numpy(float), denominator.dropna().to_numpy(float)
    if not len(c) or not len(b) or not b.mean():
        return {"n": len(c), "n_without_value": len(numerator) - len(c), "mean": np.nan, "note": "no counterpart"}
    relative = [values.var(ddof=1) / values.mean() ** 2 / len(values) for values in (c, b) if len(values) > 1]
    cv = 100 * float(np.sqrt(math.fsum(relative))) if len(relative) == 2 else np.nan
    return {"n": len(c), "n_without_value": len(numerator) - len(c), "mean": float(100 * c.mean() / b.mean()),
            "cv_percent": cv, "note": f"against {len(b)} spiked after extraction"}  # fmt: skip


def matrix_factor_rows(units: pd.DataFrame) -> list[dict[str, object]]:
    """Return the internal-standard-normalised matrix factor of each lot (ratio in extract over ratio in solvent)."""
    usable = units[units.why_not == ""]
    neat = usable[usable.sample_type == "neat"].groupby("level").mean_response.mean()
    extracts = usable[usable.sample_type == "recovery_post"]
    rows = []
    for (level, tissue, nominal), here in extracts.groupby(["level", "tissue", "nominal_ng_ml"], sort=False):
        factors = here.groupby("lot", sort=False).mean_response.mean() / neat.get(level, np.nan)
        where = {"experiment": "matrix_effect", "measure": MATRIX_FACTOR, "run_id": "", "tissue": tissue,
                 "level": level, "nominal_ng_ml": nominal}  # fmt: skip
        rows += [{**where, "lot": lot, "n": 1, "mean": factor} for lot, factor in factors.items()]
        factors = factors.dropna()
        cv = 100 * factors.std(ddof=1) / factors.mean() if len(factors) > 1 else np.nan
        rows.append({**where, "lot": "", "n": len(factors), "mean": factors.mean(), "cv_percent": cv,
                     "note": "over lots" if len(factors) else "no neat rows of this level"})  # fmt: skip
    return rows
