"""Validations small enough to be judged by hand: results of experiments, and the verdicts they come to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import Ledger
from bioanalysis.acceptance.validation import ValidatedMethod, end_of_range
from bioanalysis.limits import limits_for
from bioanalysis.method import Method, read_method
from bioanalysis.validation_study.document import worst
from bioanalysis.validation_study.statistics import validation_table

ROOT = Path(__file__).parents[2]
FILES = {"chromatographic": "ASO-LCMS-01", "ligand_binding": "ASO-HELISA-01"}
LLOQ_NG_ML, ULOQ_NG_ML = 5.0, {"chromatographic": 5000.0, "ligand_binding": 500.0}
NUMBERS = {
    "nominal_ng_ml": 100.0, "dilution_factor": 1.0, "recovery_factor": 1.0, "analyte_area": 0.0,
    "internal_standard_area": 0.0, "lloq_area": 1000.0, "lloq_internal_standard_area": 10000.0, "lloq_ng_ml": 5.0,
    "mean_response": np.nan, "haemolysed_percent": np.nan, "condition_days": np.nan, "condition_hours": np.nan,
    "condition_cycles": np.nan, "hours_frozen": np.nan, "condition_c": np.nan,
}  # fmt: skip
WORDS = {
    "method_id": "M", "analyte": "mipomersen", "run_id": "R1", "plate": "", "sample_type": "qc", "level": "MQC",
    "tissue": "liver", "place": "inside", "status": "pass", "reason": "", "why_not": "", "lot": "", "source_kind": "",
    "interferent": "", "condition": "", "series": "", "diluent": "", "sample_id": "",
}  # fmt: skip


def method_of(assay_class: str = "chromatographic") -> Method:
    """Return the demonstration's method of this class."""
    name = f"config/methods/{FILES[assay_class]}.yaml"
    return read_method(ROOT / name, name)


def result(experiment: str, found: float = np.nan, **cells: object) -> dict[str, object]:
    """Return one row of `validation_units`: 100 ng/mL of a QC in liver, unless `cells` say otherwise."""
    row = {**WORDS, **NUMBERS, "experiment": experiment, "found_ng_ml": found, **cells}
    return {"reading_ng_ml": found / float(str(row["dilution_factor"])), **row}


def levels(found: dict[str, Iterable[float]], nominal: dict[str, float], **cells: object) -> list[dict[str, object]]:
    """Return accuracy and precision rows: the found values of each level."""
    return [
        result("accuracy_precision", value, level=level, nominal_ng_ml=nominal[level], **cells)
        for level, values in found.items()
        for value in values
    ]


class Validation:
    """Results of one method with their statistics; `judge` applies one judge and returns its verdicts by rule."""

    def __init__(
        self, rows: list[dict[str, object]], assay_class: str = "chromatographic", study_run_rows: int | None = None
    ) -> None:
        self.method = method_of(assay_class)
        self.analyte = self.method.analyte("mipomersen")
        self.units = pd.DataFrame(rows, columns=[*WORDS, *NUMBERS, "experiment", "found_ng_ml", "reading_ng_ml"])
        self.units["uloq_in_force"] = ULOQ_NG_ML[assay_class]
        nominal = self.units.nominal_ng_ml
        self.units["end"] = [end_of_range(value, self.analyte, assay_class) for value in nominal]
        self.table = validation_table(self.units, assay_class == "ligand_binding", internal_standard_first=False)
        self.study_run_rows = study_run_rows

    def facts(self, days: dict[str, str] | None = None, **runs: object) -> ValidatedMethod:
        """Return what the judges know of the runs: their days, curves, ends of the range and sizes."""
        names = days or {run: f"2026-01-0{n}" for n, run in enumerate(dict.fromkeys(self.units.run_id), start=1)}
        table = pd.DataFrame({"run_id": list(names), "day": list(names.values())}, columns=["run_id", "day"])
        defaults = {"curve_accepted": True, "lloq_kept": True, "uloq_kept": True, "rows": 40, "accuracy": True}
        return ValidatedMethod(
            self.method, self.analyte, table.assign(**(defaults | runs)), study_run_rows=self.study_run_rows
        )

    def ledger(self) -> Ledger:
        return Ledger(limits_for(self.method), "mipomersen", stage="validation")


def verdicts(ledger: Ledger) -> dict[str, str]:
    """Return the verdict of each rule over all its rows: a failure before what is not assessable, before a pass."""
    table = ledger.table()
    return {str(rule): worst(rows.verdict) for rule, rows in table.groupby("rule_id", sort=False)}


def of_subject(ledger: Ledger, rule_id: str, subject: str) -> str:
    """Return the verdict of a rule on one subject."""
    rows = ledger.table()
    return worst(rows.verdict[(rows.rule_id == rule_id) & (rows.subject == subject)])
