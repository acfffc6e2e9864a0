"""validation.tsv: every experiment's results gathered by level, tissue, lot, factor and condition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bioanalysis.acceptance.validation import (
    ACCURACY,
    BLANKS,
    COLUMNS,
    FOUND,
    INTERFERENCE,
    NUMERIC,
    STANDARD_INTERFERENCE,
)
from bioanalysis.validation_study.dilutions import dilution_rows
from bioanalysis.validation_study.precision import precision
from bioanalysis.validation_study.recovery import matrix_factor_rows, recovery_rows
from bioanalysis.validation_study.spiked import endogenous_rows

LEVEL = ["tissue", "level", "nominal_ng_ml", "end"]
STORAGE = ["condition", "condition_days", "condition_hours", "condition_cycles", "hours_frozen", "condition_c"]
FOUND_BY: dict[str, list[str]] = {
    "accuracy_precision": LEVEL,
    "selectivity": [*LEVEL, "lot", "source_kind", "haemolysed_percent"],
    "specificity": [*LEVEL, "interferent"],
    "matrix_effect": [*LEVEL, "lot"],
    "dilution_integrity": [*LEVEL, "dilution_factor", "diluent"],
    "stability": [*LEVEL, *STORAGE],
    "reinjection": LEVEL,
    "surrogate_matrix": LEVEL,
    "cross_validation": LEVEL,
}
BLANK_BY = ["tissue", "lot", "source_kind", "haemolysed_percent", "interferent"]
PER_RUN = (ACCURACY, "dilution_integrity")
CONTROLS = ("qc", "dilution_qc")


def validation_table(units: pd.DataFrame, ligand_binding: bool, internal_standard_first: bool) -> pd.DataFrame:
    """Return the statistics of all experiments of one method and analyte.

    Parameters
    ----------
    units : DataFrame
        `validation_units` of the method and analyte.
    ligand_binding : bool
        Blanks are then judged by what they read, not by their area.
    internal_standard_first : bool
        Whether the internal standard goes through the extraction: recovery is then computed on areas, since a ratio
        would hide it.

    Returns
    -------
    DataFrame
        `COLUMNS`; one row per group of values and `measure` (what n, mean, sd and the CVs are of).
    """
    rows = [
        row
        for experiment, by in FOUND_BY.items()
        for row in _found_rows(units[units.experiment == experiment], experiment, by)
    ]
    rows += interference_rows(units, ligand_binding)
    rows += matrix_factor_rows(units[units.experiment == "matrix_effect"])
    rows += recovery_rows(units, ligand_binding, internal_standard_first)
    rows += dilution_rows(units)
    rows += endogenous_rows(units)
    table = pd.DataFrame(rows, columns=COLUMNS)
    words = [name for name in COLUMNS if name not in NUMERIC]
    return table.assign(**table[words].astype(object).fillna("").astype(str), **table[NUMERIC].astype(float))


def _found_rows(units: pd.DataFrame, experiment: str, by: Sequence[str]) -> list[dict[str, object]]:
    """Return one row per group of found concentrations, and one per run of it where runs are judged by themselves."""
    units = units[units.sample_type.isin(CONTROLS)]
    rows = []
    for key, group in units.groupby(list(by), sort=False, dropna=False):
        where = {"experiment": experiment, "measure": FOUND, **dict(zip(by, _tuple(key), strict=True))}
        if experiment in PER_RUN:
            rows += [
                {**where, "run_id": run, **found_summary(here, one_run=True)}
                for run, here in group.groupby("run_id", sort=False)
            ]
        rows.append({**where, "run_id": "", **found_summary(group)})
    return rows


def _tuple(key: object) -> tuple:
    return key if isinstance(key, tuple) else (key,)


def found_summary(units: pd.DataFrame, one_run: bool = False) -> dict[str, object]:
    """Return n, mean, bias and precision of found concentrations against their nominal value.

    Total error is ``|bias| + CV`` with the CV of one value in any run (within and between runs together).
    """
    usable = units[units.why_not == ""]
    summary = summarise(usable.found_ng_ml, usable.run_id, len(units))
    nominal = units.nominal_ng_ml.iloc[0]
    bias = 100 * (summary["mean"] - nominal) / nominal if summary["n"] else np.nan
    total = summary["total_cv_percent"] if np.isfinite(summary["total_cv_percent"]) else summary["cv_percent"]
    reasons = "; ".join(dict.fromkeys(units.why_not[units.why_not != ""]))
    note = "; ".join(part for part in ("" if one_run else summary["note"], reasons) if part)
    return {**summary, "bias_percent": bias, "total_error_percent": abs(bias) + total, "note": note}


def summarise(values: pd.Series, run: pd.Series, rows: int) -> dict:
    """Return n, mean, sd, CV, the components within and between runs, and the largest of `values` (n,).

    `rows` is the number of rows there were, with or without a value.
    """
    kept = values.notna()
    numbers = values[kept].to_numpy(float)
    parts = precision(numbers, run[kept])
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else np.nan
    return {
        "n": len(numbers), "n_without_value": rows - len(numbers), "runs": parts.runs, "mean": parts.mean, "sd": sd,
        "cv_percent": 100 * sd / abs(parts.mean) if parts.mean else np.nan,
        "within_run_cv_percent": parts.within_cv_percent, "between_run_cv_percent": parts.between_cv_percent,
        "total_cv_percent": parts.total_cv_percent, "largest": float(numbers.max()) if len(numbers) else np.nan,
        "note": parts.note if len(numbers) > 1 else "",
    }  # fmt: skip


def interference_rows(units: pd.DataFrame, ligand_binding: bool) -> list[dict[str, object]]:
    """Return what blanks show at the analyte and the internal standard, in percent of the LLOQ sample."""
    wanted = units.experiment.isin(["selectivity", "specificity", "endogenous", "carry_over"])
    blanks = units[units.sample_type.isin(BLANKS) & wanted]
    blanks = blanks.assign(percent=_percent_of_lloq(blanks, ligand_binding))
    rows = []
    for (experiment, *key), group in blanks.groupby(["experiment", *BLANK_BY], sort=False, dropna=False):
        where = {"experiment": experiment, "run_id": "", **dict(zip(BLANK_BY, key, strict=True))}
        rows.append({**where, "measure": INTERFERENCE, **_interference(group, "percent")})
        without = group[group.sample_type != "zero"]
        if len(without) and group.lloq_internal_standard_area.notna().any():
            share = 100 * without.internal_standard_area / without.lloq_internal_standard_area
            rows.append(
                {**where, "measure": STANDARD_INTERFERENCE, **_interference(without.assign(share=share), "share")}
            )
    return rows


def _percent_of_lloq(blanks: pd.DataFrame, ligand_binding: bool) -> pd.Series:
    if not ligand_binding:
        return 100 * blanks.analyte_area / blanks.lloq_area
    below_curve = blanks.reading_ng_ml.isna() & blanks.place.str.startswith("below")
    return 100 * blanks.reading_ng_ml.mask(below_curve, 0.0) / blanks.lloq_ng_ml


def _interference(blanks: pd.DataFrame, column: str) -> dict[str, object]:
    usable = blanks[blanks.why_not == ""]
    summary = summarise(usable[column], usable.run_id, len(blanks))
    reasons = dict.fromkeys(blanks.why_not[blanks.why_not != ""])
    if not summary["n"] and not reasons:
        reasons = {"no accepted LLOQ calibrator to compare with": None}
    return {**summary, "note": "; ".join(reasons)}
