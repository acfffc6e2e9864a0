"""The results of a study, one row per number that may be held against another software's."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bioanalysis.qualification.previous import OF_READING
from bioanalysis.study import Study
from bioanalysis.tables import read_results

COLUMNS = ["quantity", "sample_id", "analyte", "method_id", "run_id", "plate", "position", "found", "word", "reason",
           "found_unit"]  # fmt: skip
SAMPLE = {"value": ("value", ""), "uncorrected": ("uncorrected_ug_g", "ug/g"),
          "homogenate": ("homogenate_ng_ml", "ng/mL")}  # fmt: skip
READING = {"back_calculated": "back_calculated_ng_ml", "area": "analyte_area",
           "internal_standard_area": "internal_standard_area", "response": "response"}  # fmt: skip


def results_held(folder: Path) -> pd.DataFrame:
    """Return the numbers of samples, readings and runs as text with all their digits; `word` stands for none."""
    study = Study.load(folder)
    frames = [_of_samples(read_results(folder / "results/study/tissue_concentrations.tsv"))]
    for run in study.runs:
        home = folder / "results" / "runs" / run.run_id
        frames += [_of_readings(read_results(home / "measurements.tsv"), run.method.method_id)]
        frames += [_of_run(read_results(home / "acceptance.tsv"), run.run_id, run.method.method_id)]
    return pd.concat(frames, ignore_index=True)[COLUMNS]


def _of_samples(table: pd.DataFrame) -> pd.DataFrame:
    parts = [
        table.assign(quantity=quantity, found=table[column], found_unit=unit or table.unit, word=table.status)
        for quantity, (column, unit) in SAMPLE.items()
    ]
    return pd.concat(parts).assign(plate="")


def _of_readings(table: pd.DataFrame, method_id: str) -> pd.DataFrame:
    parts = [
        table.assign(quantity=quantity, found=table[column], found_unit=OF_READING[quantity], word=table.status)
        for quantity, column in READING.items()
    ]
    return pd.concat(parts).assign(method_id=method_id)


def _of_run(table: pd.DataFrame, run_id: str, method_id: str) -> pd.DataFrame:
    rows = table[table.rule_id == "RUN"]
    return rows.assign(
        quantity="run_verdict", run_id=run_id, method_id=method_id, found="", word=rows.verdict, reason=rows.observed,
        found_unit="verdict", sample_id="", position="",
    )  # fmt: skip
