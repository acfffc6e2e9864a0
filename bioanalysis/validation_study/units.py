"""What the runs of a validation measured: one row per reportable value of an experiment, with its worklist cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, RUN
from bioanalysis.acceptance.validation import ACCURACY, end_of_range
from bioanalysis.calibration.reading import BELOW
from bioanalysis.calibration.standards import ROUNDING
from bioanalysis.limits import limits_for
from bioanalysis.study import Run, Study

CELLS = [
    "experiment", "lot", "source_kind", "haemolysed_percent", "interferent", "condition", "condition_days",
    "condition_hours", "condition_cycles", "hours_frozen", "condition_c", "series", "diluent",
]  # fmt: skip
READ = [
    "run_id", "plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
    "dilution_factor", "extraction_id", "mean_response", "reading_ng_ml", "recovery_factor", "lloq_in_force",
    "uloq_in_force", "place", "status", "reason", "line",
]  # fmt: skip
LLOQ = ["lloq_area", "lloq_internal_standard_area", "lloq_ng_ml"]


class RunResults(Protocol):
    """The tables of one run that a validation reads."""

    @property
    def measurements(self) -> pd.DataFrame: ...

    @property
    def reportable(self) -> pd.DataFrame: ...

    @property
    def acceptance(self) -> pd.DataFrame: ...


def validation_units(study: Study, runs: Mapping[str, RunResults]) -> pd.DataFrame:
    """Return one row per value of an experiment and analyte, those without a number among them.

    Returns
    -------
    DataFrame
        The columns of reportable.tsv and of the worklist's experiment cells; method_id, day, found_ng_ml (reading x
        dilution / recovery factor; a reading beside the range is kept: every result belongs to the statistics),
        analyte_area, internal_standard_area (0 where there is no peak), lloq_area, lloq_internal_standard_area (means
        of the accepted LLOQ calibrators of the run), end (``LLOQ`` or ``ULOQ``), why_not (why the value cannot be
        used: its run or curve failed, or it has no number).
    """
    parts = [_run_units(run, runs[run.run_id]) for run in study.runs]
    return pd.concat(parts, ignore_index=True)


def _run_units(run: Run, tables: RunResults) -> pd.DataFrame:
    cells = run.worklist.set_index("line")[CELLS]
    units = tables.reportable[READ].astype({"line": int}).join(cells, on="line")
    units = units[units.experiment != ""].copy()
    units["method_id"], units["day"] = run.method.method_id, run.run_date[:10]
    units["found_ng_ml"] = units.reading_ng_ml * units.dilution_factor / units.recovery_factor
    units = _with_areas(units, run, tables.measurements)
    analytes = {analyte.name: analyte for analyte in run.method.analytes}
    names = zip(units.analyte, units.nominal_ng_ml, strict=True)
    units["end"] = [end_of_range(nominal, analytes[name], run.method.assay_class) for name, nominal in names]
    units["why_not"] = _why_not(units, run, tables.acceptance)
    return units


def _with_areas(units: pd.DataFrame, run: Run, measurements: pd.DataFrame) -> pd.DataFrame:
    keys = ["analyte", "line"]
    areas = measurements.set_index(keys)[["analyte_area", "internal_standard_area"]]
    units = units.join(areas, on=keys)
    if run.platform == "lcms":
        measured = units.reason.str.startswith(("not acquired", "excluded")).map({True: np.nan, False: 0.0})
        for name in areas:
            units[name] = units[name].fillna(measured)
    units[LLOQ] = np.nan
    accepted = measurements[(measurements.sample_type == "calibrator") & measurements.used_in_fit]
    for analyte in run.method.analytes:
        at_lloq = accepted.nominal_ng_ml <= analyte.lloq_ng_ml * (1 + ROUNDING)
        lowest = accepted[(accepted.analyte == analyte.name) & at_lloq]
        here = units.analyte == analyte.name
        means = lowest.analyte_area.mean(), lowest.internal_standard_area.mean(), analyte.lloq_ng_ml
        for column, mean in zip(LLOQ, means, strict=True):
            units.loc[here, column] = mean
    return units


def _why_not(units: pd.DataFrame, run: Run, acceptance: pd.DataFrame) -> list[str]:
    """Accuracy and precision asks for an accepted curve only: its QCs are what is examined, not what decides."""
    failed = acceptance[acceptance.verdict == FAIL]
    by_plate = {(row.analyte, str(row.plate)): row.observed for row in failed[failed.rule_id == RUN].itertuples()}
    deciding = {rule_id for rule_id, rule in limits_for(run.method).items() if rule.decides == "run"}
    curves = {
        (row.analyte, str(row.plate)): row.rule_id
        for row in failed.itertuples()
        if row.rule_id in deciding and row.rule_id.startswith("CAL-")
    }
    reasons = []
    for unit in units.itertuples():
        places = [(unit.analyte, str(unit.plate)), (unit.analyte, "")]
        book = curves if unit.experiment == ACCURACY else by_plate
        rejected = next((book[place] for place in places if place in book), "")
        what = "curve" if unit.experiment == ACCURACY else "run"
        if not rejected and unit.experiment == ACCURACY and _lost_an_end(unit, run):
            rejected = "CAL-CC-16, an end of the range is lost"
        reasons.append(f"the {what} failed: {rejected.removeprefix('failed: ')}" if rejected else _without_number(unit))
    return reasons


def _lost_an_end(unit: Any, run: Run) -> bool:
    analyte = run.method.analyte(unit.analyte)
    narrowed = unit.lloq_in_force > analyte.lloq_ng_ml or unit.uloq_in_force < analyte.uloq_ng_ml
    return run.method.assay_class == "chromatographic" and narrowed


def _without_number(unit: Any) -> str:
    """Return why a row that should read a concentration reads none; blanks are judged by what is not there."""
    if unit.status == "no_value":
        return str(unit.reason)
    if unit.sample_type not in ("qc", "dilution_qc") or np.isfinite(unit.found_ng_ml):
        return ""
    beyond = "below" if str(unit.place).startswith(BELOW) else "above"
    return str(unit.reason) or f"reads {beyond} what the curve can give"
