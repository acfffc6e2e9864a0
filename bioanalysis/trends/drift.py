"""Within a run: QC bias and internal standard against their place, and position effects of plates (CC-06)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.limits import trend_rules
from bioanalysis.trends import charts
from bioanalysis.trends.control import signal
from bioanalysis.trends.lots import is_below
from bioanalysis.trends.reading import RunResults
from bioanalysis.trends.series import ACCEPTED, FAILED, UNIT, WITHOUT_STANDARD, CurveResults, curves_of

DRIFT = [
    "study", "run_id", "plate", "run_date", "state", "analyte", "judged", "n", "size", "unit", "correlation", "p_value",
    "note",
]  # fmt: skip
CHECK_DRIFT = "order of the worklist, ion source, evaporation, temperature of the autosampler or the plate"
CHECK_EDGE = "evaporation and temperature at the edge of the plate, washing, incubation"


def within_runs(runs: Sequence[RunResults]) -> pd.DataFrame:
    """Return drift.tsv: per run and curve, size and p of each drift over the run and each effect over the plate."""
    rows = [
        row | {"study": run.study, "run_id": run.run_id, "plate": curve.plate, "run_date": run.run_date}
        | {"state": ACCEPTED if accepted else FAILED, "analyte": curve.analyte}
        for run in runs
        if not run.missing
        for curve, accepted in curves_of(run)
        for row in _of_curve(curve)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=DRIFT)


def _of_curve(curve: CurveResults) -> Iterator[dict[str, Any]]:
    place = pd.Series(np.arange(1.0, len(curve.rows) + 1), index=curve.rows.index)
    controls = curve.rows[curve.rows.sample_type == "qc"].drop_duplicates(UNIT)
    yield _drift("QC bias over the run", "%", place[controls.index], controls.bias_percent)
    if curve.method.platform == "elisa":
        yield from _plate_effects(curve)
        return
    if curve.method.analyte(curve.analyte).internal_standard is not None:
        areas = curve.rows.internal_standard_area[~curve.rows.sample_type.isin(WITHOUT_STANDARD)]
        percent = 100 * areas / areas.median()
        yield _drift("internal standard over the run", "% of its median", place[areas.index], percent)


def _drift(judged: str, unit: str, place: pd.Series, value: pd.Series) -> dict[str, Any]:
    found = charts.drift(place, value)
    return {
        "judged": judged, "unit": unit, "n": found.n, "size": found.change, "correlation": found.correlation,
        "p_value": found.p_value, "note": found.note,
    }  # fmt: skip


def _plate_effects(curve: CurveResults) -> Iterator[dict[str, Any]]:
    """Yield the effects of rows, columns and edge that the run itself found among its replicate wells."""
    table = curve.run.tables.get("positions")
    if table is None:
        yield {"judged": "position on the plate", "unit": "%", "n": 0, "note": "no positions.tsv in the results"}
        return
    for row in table[(table.plate == curve.plate) & (table.analyte == curve.analyte)].to_dict("records"):
        yield {
            "judged": f"{row['effect']} of the plate", "unit": "%", "size": row["size_percent"],
            "n": int(np.nan_to_num(row["n_wells"])), "p_value": row["p_value"], "note": row["note"] or row["largest"],
        }  # fmt: skip


def drift_signals(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of signals.tsv for drifts and edges whose p lies below the limit."""
    rule = trend_rules()["CC-06"]
    return [
        signal(
            row | {"series": f"{row['judged']}, {row['analyte']}", "phase": "", "limits_version": ""},
            rule.rule_id,
            f"{row['size']:+.3g} {row['unit']} over {row['n']} values, p {row['p_value']:.2g}",
            rule.printed_limit,
            CHECK_EDGE if row["judged"].endswith("of the plate") else CHECK_DRIFT,
        )
        for row in table.to_dict("records")
        if is_below(row["p_value"], rule)
    ]
