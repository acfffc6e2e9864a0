"""A run small enough to be worked by hand: standards with given findings, units with given readings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import Ledger
from bioanalysis.calibration import make_estimator
from bioanalysis.calibration.standards import Drop, StandardCurve, bias_percent, calibrator_rule, passes_limit
from bioanalysis.limits import Limits, limits_for
from bioanalysis.method import Method, read_method

METHODS = Path(__file__).parents[2] / "config/methods"
FILES = {"lcms": "ASO-LCMS-01.yaml", "elisa": "ASO-HELISA-01.yaml"}
ANALYTE = "mipomersen"
LEVELS = (5.0, 10.0, 25.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0)


def method_file(platform: str = "lcms", **changes: object) -> Method:
    """Return the demonstration's method, 5 to 5000 ng/mL (LC-MS/MS) or 5 to 500 (ELISA), with some keys changed."""
    return read_method(METHODS / FILES[platform], FILES[platform]).model_copy(update=changes)


LCMS, ELISA = method_file(), method_file("elisa")


def exploratory(method: Method = LCMS) -> Method:
    acceptance = method.acceptance.model_copy(update={"profile": "exploratory"})
    return method.model_copy(update={"acceptance": acceptance})


def standard_curve(
    percent: Mapping[float, Sequence[float]], *, dropped: Iterable[str] = (), method: Method = LCMS, **changes: object
) -> StandardCurve:
    """Return the curve y = x whose standards are found `percent` of their nominal, by nominal value in ng/mL.

    Standards are named ``5-1``, ``5-2`` ...; `dropped` ones are out of the fit, and the range ends where those left do.
    """
    dropped, limits, analyte = set(dropped), limits_for(method), method.analytes[0]
    names = [(f"{nominal:g}-{n}", nominal, f) for nominal, fs in percent.items() for n, f in enumerate(fs, start=1)]
    standards = pd.DataFrame(names, columns=["unit", "nominal_ng_ml", "found"]).set_index("unit")
    standards["back_calculated_ng_ml"] = standards.nominal_ng_ml * standards.found / 100
    standards["bias_percent"] = bias_percent(standards.back_calculated_ng_ml, standards.nominal_ng_ml)
    rules = [calibrator_rule(nominal, analyte, limits) for nominal in standards.nominal_ng_ml]
    standards["rule_id"] = [rule.rule_id for rule in rules]
    standards["limit_percent"] = [float(rule.number) for rule in rules]
    standards["passes"] = passes_limit(standards.bias_percent.to_numpy(), standards.limit_percent.to_numpy())
    standards = standards.assign(
        level="", kind="calibrator", excluded="", judged=True, dropped=standards.index.isin(dropped)
    )
    points = standards.reset_index().assign(position=standards.index, response=standards.nominal_ng_ml.to_numpy())
    points = points.assign(used=~points.dropped, left_out="")
    left = standards.nominal_ng_ml[~standards.dropped]
    curve = StandardCurve(
        analyte=analyte.name, plate="", model=analyte.calibration.model, weighting=analyte.calibration.weighting,
        estimator=make_estimator("linear", "1/x^2").fit(np.array(LEVELS), np.array(LEVELS)), problem="",
        points=points, standards=standards,
        drops=tuple(Drop(name, standards.nominal_ng_ml[name], standards.bias_percent[name], 15.0, {}) for name in
                    sorted(dropped)),
        lloq_ng_ml=max(analyte.lloq_ng_ml, left.min()), uloq_ng_ml=min(analyte.uloq_ng_ml, left.max()),
    )  # fmt: skip
    return replace(curve, **changes)


GOOD = {nominal: (100.0,) for nominal in LEVELS}
NO_CURVE = {"estimator": None, "problem": "no curve could be fitted: two levels"}


def unit(sample_type: str, position: int = 1, **changes: object) -> dict[str, object]:
    """Return one unit of a run; what is not given is unremarkable."""
    row: dict[str, object] = {
        "analyte": ANALYTE, "sample_type": sample_type, "position": str(position), "plate": "", "sample_id": "",
        "level": "", "tissue": "liver", "batch": "B1", "nominal_ng_ml": np.nan, "dilution_factor": 1.0,
        "bias_percent": np.nan, "passes": False, "assessable": True, "counted": True, "diluted": False,
        "place": "inside", "place_reason": "", "reading_ng_ml": np.nan, "n_readings": 1, "rows": (position,),
        "excluded": "", "no_value_reason": "", "stock": "", "prepared_on": "", "repeat_reason": "",
        "analyte_area": np.nan, "internal_standard_area": np.nan, "response": np.nan, "retention_time_min": 3.1,
        "signal_to_noise": 100.0, "asymmetry": 1.1, "points": 20.0, "qualifier_ratio": 0.5, "by_hand": "",
        "by_hand_only": "",
    }  # fmt: skip
    assert set(changes) <= set(row), changes
    return row | changes


def units_of(*rows: dict[str, object]) -> pd.DataFrame:
    """Return units indexed as a run indexes them: calibrators by the names of `standard_curve`, others by position."""
    frame = pd.DataFrame(rows)
    count: dict[float, int] = {}
    names = []
    for row in rows:
        nominal = float(row["nominal_ng_ml"])  # type: ignore[arg-type]
        count[nominal] = count.get(nominal, 0) + (row["sample_type"] == "calibrator")
        calibrator = f"{nominal:g}-{count[nominal]}"
        names.append(calibrator if row["sample_type"] == "calibrator" else str(row["position"]))
    return frame.set_axis(names)


def judged(limits: Limits, judge: Callable[[Ledger], None]) -> pd.DataFrame:
    """Return the verdicts that `judge` enters into an empty ledger."""
    ledger = Ledger(limits, ANALYTE)
    judge(ledger)
    return ledger.table()


def verdict(table: pd.DataFrame, rule_id: str, **where: str) -> str:
    """Return the one verdict on a rule (on a subject, tissue ...), or all its different words."""
    rows = table[table.rule_id == rule_id]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return " ".join(dict.fromkeys(rows.verdict))
