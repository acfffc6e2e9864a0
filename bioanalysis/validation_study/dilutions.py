"""Dilution linearity, hook and parallelism of a validation, one row per series and step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.acceptance.validation import CORRECTED, HOOK
from bioanalysis.calibration.dilution import Dilutions, dilution_linearity, hook_check, parallelism


def dilution_rows(units: pd.DataFrame) -> list[dict[str, object]]:
    """Return the dilution-corrected results of every series: each factor, then all of them together."""
    rows = []
    for (experiment, series), here in units.groupby(["experiment", "series"], sort=False):
        if experiment == "dilution_linearity":
            rows += _linearity(here, str(series))
        elif experiment == "parallelism":
            rows += _rows(parallelism(_steps(here)), here, "parallelism", str(series))
    return rows


def _steps(units: pd.DataFrame) -> pd.DataFrame:
    """Return what the functions of dilutions read; a value of a failed run is none."""
    failed = units.why_not.str.contains(" failed: ")
    return pd.DataFrame(
        {
            "dilution_factor": units.dilution_factor,
            "reading_ng_ml": (units.reading_ng_ml / units.recovery_factor).mask(failed),
            "place": units.place.mask(failed, "no_value"),
        }
    )


def _linearity(units: pd.DataFrame, series: str) -> list[dict[str, object]]:
    nominal = float(units.nominal_ng_ml.iloc[0])
    rows = _rows(dilution_linearity(_steps(units), nominal), units, "dilution_linearity", series)
    uloq = float(units.uloq_in_force.max())
    checked = hook_check(_steps(units), uloq, nominal)
    must = checked[checked.must_read_above & (checked.place != "no_value")]
    where = _where(units, "dilution_linearity", series)
    hooks = int(must.hook.sum())
    note = f"steps above {uloq:g} ng/mL: {len(must)}" if len(must) else "no step above the ULOQ"
    return [*rows, {**where, "measure": HOOK, "n": len(must), "mean": float(hooks), "note": note}]


def _where(units: pd.DataFrame, experiment: str, series: str) -> dict[str, object]:
    first = units.iloc[0]
    nominal = {"nominal_ng_ml": first.nominal_ng_ml, "level": first.level} if experiment != "parallelism" else {}
    runs = ";".join(dict.fromkeys(units.run_id))
    return {"experiment": experiment, "run_id": runs, "tissue": first.tissue, "series": series, **nominal}


def _rows(found: Dilutions, units: pd.DataFrame, experiment: str, series: str) -> list[dict[str, object]]:
    where = {**_where(units, experiment, series), "measure": CORRECTED}
    rows = []
    for factor, here in found.steps.groupby("dilution_factor"):
        used = here[here.used]
        row = {**where, "dilution_factor": factor, "n": len(used), "n_without_value": len(here) - len(used)}
        places = "; ".join(dict.fromkeys(here.place[~here.used]))
        row |= {"mean": used.corrected_ng_ml.mean(), "note": f"reads {places}" if places else ""}
        if "bias_percent" in here:
            row["bias_percent"] = used.bias_percent.mean()
        rows.append(row)
    trend = found.trend
    note = f"trend {trend.percent_per_doubling:+.2g} % per doubling" if np.isfinite(trend.percent_per_doubling) else ""
    note += f" (p = {trend.p_value:.2g})" if np.isfinite(trend.p_value) else ""
    factors = found.steps.dilution_factor[found.steps.used].nunique()
    whole = {**where, "n": found.n, "mean": found.mean_ng_ml, "cv_percent": found.cv_percent, "note": note}
    return [*rows, {**whole, "factors": factors}]
