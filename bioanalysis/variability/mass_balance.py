"""What the organs hold against what was given: more than everything is an error of unit, salt basis or weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.limits import Rule
from bioanalysis.variability.biodistribution import animal_values

COLUMNS = [
    "subject_id", "group", "collection_day", "analyte", "method_id", "tissue", "ug_per_g", "organ_weight_g",
    "burden_mg", "basis", "cumulative_dose_mg", "percent_of_dose", "limit_percent", "flag", "note",
]  # fmt: skip
ALL, MOLAR = "all", "nmol/g"
PLACE = ["subject_id", "group", "collection_day", "analyte", "method_id"]


def mass_balance(
    concentrations: pd.DataFrame,
    weights: Mapping[str, float],
    doses: Mapping[tuple[str, float, str, str], tuple[float, str]],
    rule: Rule,
) -> pd.DataFrame:
    """Return mass_balance.tsv: a row per organ of each animal, and one for all of them.

    Parameters
    ----------
    concentrations : DataFrame
        tissue_concentrations.tsv; pieces of an organ are averaged, fluids have no weight and are left out.
    weights : mapping
        Organ weight in g by sample_id, NaN where none was noted.
    doses : mapping
        (cumulative dose in mg on the basis of the concentration, why there is none) by (subject_id, collection day,
        analyte, method_id).
    rule : Rule
        BIO-07, its number in percent.
    """
    values = animal_values(concentrations)
    values = values[values.unit.isin(["ug/g", MOLAR])]
    rows: list[dict[str, Any]] = []
    for place, here in values.groupby(PLACE, sort=False):
        dose, why = doses.get((place[0], place[2], place[3], place[4]), (np.nan, "no dosing log"))
        about = dict(zip(PLACE, place, strict=True)) | {
            "basis": here.basis.iloc[0],
            "limit_percent": float(rule.number),
        }
        organs = [_organ(tissue, pieces, weights) for tissue, pieces in here.groupby("tissue", sort=False)]
        organs.append(_whole(organs))
        rows += [about | organ | _against(organ, dose, why, float(rule.number)) for organ in organs]
    return pd.DataFrame(rows, columns=COLUMNS)


def _organ(tissue: str, pieces: pd.DataFrame, weights: Mapping[str, float]) -> dict[str, Any]:
    noted = {weights[name] for name in pieces.sample_id if np.isfinite(weights.get(name, np.nan))}
    if (pieces.unit == MOLAR).any():
        nothing = dict.fromkeys(("ug_per_g", "organ_weight_g", "burden_mg"), np.nan)
        return {"tissue": tissue, **nothing, "note": "counted in nmol/g, and no molar mass: no amount in mg"}
    found = float(pieces.ug_per_g.mean())
    row: dict[str, Any] = {"tissue": tissue, "ug_per_g": found}
    if len(noted) != 1:
        why = f"organ weights differ between pieces: {', '.join(f'{w:g}' for w in sorted(noted))} g"
        return row | {"organ_weight_g": np.nan, "burden_mg": np.nan, "note": why if noted else "no organ weight"}
    weight = noted.pop()
    return row | {"organ_weight_g": weight, "burden_mg": found * weight / 1000, "note": ""}


def _whole(organs: list[dict[str, Any]]) -> dict[str, Any]:
    weighed = [organ for organ in organs if np.isfinite(organ["burden_mg"])]
    left = [organ["tissue"] for organ in organs if organ not in weighed]
    note = f"without {', '.join(left)} (no usable weight)" if left else ""
    row = {"tissue": ALL, "ug_per_g": np.nan, "note": note}
    return row | {
        "organ_weight_g": math.fsum(organ["organ_weight_g"] for organ in weighed) if weighed else np.nan,
        "burden_mg": math.fsum(organ["burden_mg"] for organ in weighed) if weighed else np.nan,
    }


def _against(organ: dict[str, Any], dose: float, why: str, limit: float) -> dict[str, Any]:
    burden, note = organ["burden_mg"], organ["note"]
    if not np.isfinite(burden) or not dose > 0:
        why = why or "no dose until then"
        said = "; ".join(filter(None, [note, why if not dose > 0 else ""]))
        return {"cumulative_dose_mg": dose, "percent_of_dose": np.nan, "flag": "", "note": said}
    percent = 100 * burden / dose
    flagged = organ["tissue"] == ALL and percent > limit
    return {
        "cumulative_dose_mg": dose,
        "percent_of_dose": percent,
        "flag": "mass_balance" if flagged else "",
        "note": note,
    }
