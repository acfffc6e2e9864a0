"""ELISA against LC-MS/MS where samples were measured by both, per tissue. Descriptive: no guideline sets a limit.

An ELISA may also read metabolites that still hybridise: a bias is expected, and is information.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.findings import Findings
from bioanalysis.exposure.dosing import basis_factor
from bioanalysis.method import Method
from bioanalysis.study import Study
from bioanalysis.variability import compare_methods, share_within
from bioanalysis.variability.biodistribution import FLUID_UNITS
from bioanalysis.variability.comparison import Comparison
from bioanalysis.words import ALQ, BLQ, QUANTIFIED

COLUMNS = [
    "tissue", "analyte", "method_x", "method_y", "pairs_from", "n", "n_blq", "n_alq", "n_other", "basis",
    "correction_x", "correction_y", "bias_percent", "bias_percent_low", "bias_percent_high", "ratio_limit_low",
    "ratio_limit_low_low", "ratio_limit_low_high", "ratio_limit_high", "ratio_limit_high_low", "ratio_limit_high_high",
    "error_ratio", "deming_slope", "deming_slope_low", "deming_slope_high", "deming_intercept", "deming_intercept_low",
    "deming_intercept_high", "passing_bablok_slope", "passing_bablok_slope_low", "passing_bablok_slope_high",
    "passing_bablok_intercept", "passing_bablok_intercept_low", "passing_bablok_intercept_high", "concordance",
    "concordance_low", "concordance_high", "pearson", "percent_within_20", "percent_within_30", "note",
]  # fmt: skip
ONE, TWO = "one homogenate", "two homogenates"
DESCRIPTIVE = "on log ratios; descriptive, no guideline sets a limit"
PIECE = ["subject_id", "tissue", "piece", "collection_day", "analyte"]
NEEDED = ["sample_id", *PIECE, "status", "value", "unit", "reading_uncertainty", "extraction_uncertainty"]


def judge_method_comparison(study: Study, concentrations: pd.DataFrame) -> Findings:
    """Return method_comparison.tsv; empty where no sample was measured by LC-MS/MS and by ELISA."""
    rows = [row for pair in method_pairs(study) for row in _compared(concentrations, *pair)]
    return Findings({"method_comparison": pd.DataFrame(rows, columns=COLUMNS)})


def method_pairs(study: Study) -> list[tuple[Method, Method]]:
    """Return every LC-MS/MS method with every ELISA of the study."""
    of = {name: [m for m in study.methods.values() if m.platform == name] for name in ("lcms", "elisa")}
    return list(product(of["lcms"], of["elisa"]))


def _compared(concentrations: pd.DataFrame, lcms: Method, elisa: Method) -> Iterator[dict[str, Any]]:
    pairs = paired(concentrations, lcms, elisa)
    for (tissue, analyte, origin), here in pairs.groupby(["tissue", "analyte", "pairs_from"], sort=False):
        statuses = here[["status_x", "status_y"]]
        blq, alq = (statuses.eq(word).any(axis=1) for word in (BLQ, ALQ))
        complete = statuses.eq(QUANTIFIED).all(axis=1)
        row = {
            "tissue": tissue, "analyte": analyte, "method_x": lcms.method_id, "method_y": elisa.method_id,
            "pairs_from": origin, "n": int(complete.sum()), "n_blq": int(blq.sum()), "n_alq": int((alq & ~blq).sum()),
            "n_other": int((~complete & ~blq & ~alq).sum()), "basis": lcms.concentration_basis,
            "correction_x": lcms.of_tissue(tissue).extraction.recovery_correction,
            "correction_y": elisa.of_tissue(tissue).extraction.recovery_correction,
        }  # fmt: skip
        yield row | _statistics(here[complete])


def paired(concentrations: pd.DataFrame, lcms: Method, elisa: Method) -> pd.DataFrame:
    """Return one row per pair of results, `value_x` and `value_y` on the LC-MS/MS method's basis and in one unit.

    A sample measured by both is a pair from one homogenate. Where a piece has samples measured by one of the methods
    only, those of the one and the other in their order are pairs from two homogenates, and carry its scatter as well.
    """
    own = ~concentrations.pool.astype(bool) & (concentrations.analyte != "")
    sides = [concentrations[own & (concentrations.method_id == m.method_id)][NEEDED] for m in (lcms, elisa)]
    value = sides[1].value * sides[1].analyte.map(lambda name: _factor(name, lcms, elisa))
    fluid = sides[1].unit.isin(FLUID_UNITS)
    units = (lcms.unit, "nmol/g" if lcms.counts_moles else "ug/g")
    sides[1] = sides[1].assign(value=value, unit=np.where(fluid, *units))
    one = sides[0].merge(sides[1], on=["sample_id", *PIECE, "unit"], suffixes=("_x", "_y"))
    left = [side[~side.sample_id.isin(one.sample_id)] for side in sides]
    left = [side.assign(order=side.groupby(PIECE, sort=False).cumcount()) for side in left]
    two = left[0].merge(left[1], on=[*PIECE, "order", "unit"], suffixes=("_x", "_y"))
    return pd.concat([one.assign(pairs_from=ONE), two.assign(pairs_from=TWO)], ignore_index=True)


def _factor(analyte: str, lcms: Method, elisa: Method) -> float:
    """Return what turns a result of the ELISA into the unit and basis of the LC-MS/MS method; NaN where unknown.

    Moles are the same on either basis: with the molar mass of the one that has it, on its own basis.
    """
    if lcms.counts_moles != elisa.counts_moles:
        in_grams = elisa if lcms.counts_moles else lcms
        mass = in_grams.molar_mass(analyte) if analyte in in_grams.analyte_names else None
        return np.nan if mass is None else 1000 / mass if lcms.counts_moles else mass / 1000
    if lcms.counts_moles:
        return 1.0
    if lcms.concentration_basis == elisa.concentration_basis:
        return 1.0
    known = [m.analyte(analyte) for m in (lcms, elisa) if analyte in m.analyte_names]
    masses = next(
        ((a.molar_mass_g_mol, a.salt_molar_mass_g_mol) for a in known if a.salt_molar_mass_g_mol), (None, None)
    )
    return basis_factor(elisa.concentration_basis, lcms.concentration_basis, *masses)


def _statistics(pairs: pd.DataFrame) -> dict[str, Any]:
    """Return the comparison of y with x on logarithms; a sentence where there is none."""
    if pairs.value_y.isna().any():
        return {"note": "the methods count on different bases or units and no molar masses convert them: not compared"}
    ratio, how = error_ratio(pairs)
    within = {
        f"percent_within_{p}": 100 * share_within(pairs.value_x, pairs.value_y, p) for p in (20, 30) if len(pairs)
    }
    try:
        found = compare_methods(np.log(pairs.value_x), np.log(pairs.value_y), ratio)
    except ValueError as error:
        return within | {"note": f"not compared: {error}"}
    return within | {"error_ratio": ratio} | _numbers(found) | {"note": "; ".join([*_notes(found), how, DESCRIPTIVE])}


def error_ratio(pairs: pd.DataFrame) -> tuple[float, str]:
    """Return var(error of ln x) / var(error of ln y) of single results, from the replicates behind them.

    Each is the mean over samples of the variances of reading and of the single extraction; 1 where either is unknown.
    """
    variances = [
        float(
            (
                pairs[f"reading_uncertainty_{side}"].fillna(0) ** 2
                + pairs[f"extraction_uncertainty_{side}"].fillna(0) ** 2
            ).mean()
        )
        for side in ("x", "y")
    ]
    if not min(variances) > 0:
        return 1.0, "error ratio taken as 1: no replicates behind one of the methods"
    return variances[0] / variances[1], "error ratio from readings and extractions of each method"


def _notes(found: Comparison) -> list[str]:
    notes = {
        "Deming": found.deming.note,
        "Passing-Bablok": found.passing_bablok.note,
        "concordance": found.concordance.note,
    }
    return [f"{name}: {note}" for name, note in notes.items() if note]


def _numbers(found: Comparison) -> dict[str, float]:
    agreement, concordance = found.bland_altman, found.concordance
    numbers = {
        "bias_percent": _percent(agreement.bias), "bias_percent_low": _percent(agreement.bias_low),
        "bias_percent_high": _percent(agreement.bias_high), "concordance": concordance.coefficient,
        "concordance_low": concordance.low, "concordance_high": concordance.high, "pearson": concordance.pearson,
    }  # fmt: skip
    for name, limit in (("low", "lower_limit"), ("high", "upper_limit")):
        for end in ("", "_low", "_high"):
            numbers[f"ratio_limit_{name}{end}"] = float(np.exp(getattr(agreement, f"{limit}{end}")))
    for name, line in (("deming", found.deming), ("passing_bablok", found.passing_bablok)):
        for part in ("slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high"):
            numbers[f"{name}_{part}"] = getattr(line, part)
    return numbers


def _percent(log_ratio: float) -> float:
    return float(100 * np.expm1(log_ratio))
