"""What a page needs to read a response off the run's curve, as the workflow does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bioanalysis.method import Method


def readings_data(
    method: Method, names: Sequence[str], positions: Sequence[str], curves: Sequence[dict[str, Any]],
    measurements: pd.DataFrame,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return one entry per analyte whose quantifier is among the traces.

    Parameters
    ----------
    names : sequence of str
        Transitions in the order of the traces.
    positions : sequence of str
        Injections in the order of the traces.
    curves : sequence of dict
        `read_curves` of the run.
    measurements : DataFrame
        measurements.tsv of the run.

    Returns
    -------
    list of dict
        `name`; `quantifier` and `standard` (None without), places among `names`; `curve`, None where the run has
        none; `range`, in force on the curve (ng/mL); `without`, by injection why it has no response though it may have
        areas (excluded), else ''; `dilutions`, by injection.
    """
    by_name = {curve["analyte"]: curve for curve in reversed(curves)}
    return [_analyte(method, names, positions, by_name.get(name), measurements[measurements.analyte == name], name)
            for name in method.analyte_names if method.quantifier(name).name in names]  # fmt: skip


def _analyte(
    method: Method, names: Sequence[str], positions: Sequence[str], curve: dict[str, Any] | None, rows: pd.DataFrame,
    name: str,
) -> dict[str, Any]:  # fmt: skip
    leader = method.internal_standard_quantifier(name)
    here = rows.assign(position=rows.position.astype(str)).set_index("position").loc[list(positions)]
    without = here.reason.where(here.response.isna() & here.analyte_area.notna(), "").fillna("")
    return {
        "name": name,
        "quantifier": list(names).index(method.quantifier(name).name),
        "standard": None if leader is None else list(names).index(leader.name),
        "curve": _curve(curve),
        "range": None if curve is None else [curve["lloq_ng_ml"], curve["uloq_ng_ml"]],
        "without": [str(words) for words in without],
        "dilutions": [float(factor) for factor in here.dilution_factor],
    }


def _curve(curve: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return model, parameters in order and range of the standards; None where nothing may be read off."""
    fitted = curve and curve.get("estimator")
    if not fitted or not fitted["converged"]:
        return None
    parameters = [fitted["parameters"][name] for name in fitted["parameter_names"]]
    return {"model": fitted["model"], "parameters": parameters, "standards": fitted["range"]}
