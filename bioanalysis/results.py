"""Result tables of runs and study, written and read back with their types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bioanalysis.moles import NG_ML, NMOL_L, as_counted, keys_counted, keys_written
from bioanalysis.study import Run, Study
from bioanalysis.tables import read_results, write_stretches, write_table, write_whole

if TYPE_CHECKING:  # a job that only writes its table starts without loading what others compute with
    from bioanalysis.evaluation.run import RunEvaluation
    from bioanalysis.evaluation.study import RunTables, StudyEvaluation
    from bioanalysis.evaluation.validation import ValidationEvaluation

NUMERIC = (
    "nominal_ng_ml", "dilution_factor", "dilution_steps", "n_readings", "mean_response", "reading_ng_ml", "cv_percent",
    "curve_uncertainty", "reading_uncertainty", "curve_degrees_of_freedom", "recovery_factor",
    "recovery_relative_uncertainty", "recovery_degrees_of_freedom", "recovery_shared_uncertainty",
    "shared_uncertainty", "reference_uncertainty", "lloq_in_force", "uloq_in_force", "factor",
    "relative_uncertainty", "degrees_of_freedom", "n", "area", "signal", "analyte_area", "internal_standard_area",
    "retention_time_min", "signal_to_noise", "asymmetry", "points", "automatic_area", "previous_area",
    "lloq_area", "carry_over_percent", "impact_percent", "limit_percent", "percent_of_mean",
    "response", "curve_reading_ng_ml", "back_calculated_ng_ml", "homogenate_ng_ml", "bias_percent", "corrected_ng_ml",
    "value", "lloq_ug_g", "tissue_ug_g", "tissue_ug_g_low", "tissue_ug_g_high",
)  # fmt: skip
IN_MOLES = tuple(name.replace(NG_ML, NMOL_L) for name in NUMERIC if NG_ML in name)
BOOLEAN = (
    "correction_applies", "used", "own", "used_in_fit", "manual", "reference", "in_verdict", "wider_than_source",
    "pool",
)  # fmt: skip
WHOLE = (
    "collection_day", "n", "n_quantified", "n_blq", "n_not_reported", "line", "points", "n_readings", "n_without_value",
    "runs", "factors",
    "study_day", "first_day", "last_day", "from_day", "days_after_last_dose", "week", "n_listed", "n_given", "n_missed",
    "n_differing", "n_alq", "n_other", "n_reference", "doses",
)  # fmt: skip
OF_MEASUREMENTS = (  # what a study asks of the measurements of a run; their values it has from reportable.tsv
    "run_id", "line", "plate", "sample_type", "sample_id", "level", "dilution_factor", "extraction_id",
    "nominal_ng_ml", "analyte", "response", "curve_reading_ng_ml", "recovery_factor", "flags", "status", "reason",
)  # fmt: skip
RUNS_AT_ONCE = 50
SAMPLES_AT_ONCE = 5000
OF_WORKLISTS = (  # what it asks of their worklists; the reasons and labels are words no unit is changed in
    "line", "plate", "position", "sample_type", "sample_id", "batch", "not_acquired_reason", "reason", "comment", "lot",
)  # fmt: skip


def read_table(path: Path, only: Iterable[str] | None = None) -> pd.DataFrame:
    """Return a result table, or of it the columns named in `only`, with numbers as float64 and words as text."""
    table = read_results(path, (*NUMERIC, *IN_MOLES), only)
    for name in BOOLEAN:
        if name in table:
            table[name] = table[name] == "true"
    if "recovery_degrees_of_freedom" in table:
        table["recovery_degrees_of_freedom"] = table.recovery_degrees_of_freedom.fillna(float("inf"))
    return table


def write_result(table: pd.DataFrame, path: Path) -> None:
    """Write a result table; counts and days as whole numbers, infinite degrees of freedom as empty cells."""
    write_table(_as_results(table), path)


def _as_results(table: pd.DataFrame) -> pd.DataFrame:
    table = table.replace([float("inf"), float("-inf")], float("nan"))
    for name in WHOLE:
        if name in table and pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].astype("Int64")
    return table


def write_run(evaluation: RunEvaluation, output: Any) -> None:
    """Write the tables and curves of one run to the named files of `output`."""
    from bioanalysis.evaluation.run_tables import curve_document

    tables = [name for name in evaluation.__dataclass_fields__ if name not in ("curves", "moles")]
    for name in tables:
        write_result(getattr(evaluation, name), Path(getattr(output, name)))
    document = curve_document(evaluation.curves)
    document = keys_written(document) if evaluation.moles else document
    text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(Path(output.curve), (text + "\n").encode("utf-8"))


def read_curves(path: Path) -> list[dict[str, Any]]:
    """Return the curves of a run from its curve.json, each with its `concentration_unit`."""
    return keys_counted(json.loads(path.read_text(encoding="utf-8")))


def read_run(folder: Path) -> RunTables:
    """Return the tables one run left in `folder`."""
    from bioanalysis.evaluation.study import RunTables

    names = ("measurements", "reportable", "acceptance", "recovery", "flags", "carry_over", "internal_standard")
    tables = {name: as_counted(read_table(folder / f"{name}.tsv")) for name in names}
    tables["measurements"]["line"] = tables["measurements"].line.astype(int)
    return RunTables(**tables)


def read_runs_of_study(folder: Path, study: Study) -> Mapping[str, RunTables]:
    """Return, by run_id, what `study` asks for of the tables its runs left in the folders of `folder`."""
    from bioanalysis.evaluation.stacked import StackedRuns

    found = StackedRuns()
    for start in range(0, len(study.runs), RUNS_AT_ONCE):
        runs = study.runs[start : start + RUNS_AT_ONCE]
        found.add({run.run_id: read_run_of_study(folder / run.run_id, run, study) for run in runs})
    return found


def read_run_of_study(folder: Path, run: Run, study: Study) -> RunTables:
    """Return of the tables one run left in `folder` what its study asks for; a study may have hundreds of runs."""
    from bioanalysis.acceptance.ledger import RUN
    from bioanalysis.evaluation.study import RunTables

    names = ["measurements", "reportable", "acceptance", "recovery", "flags"]
    if run.sequence_id and sum(other.sequence_id == run.sequence_id for other in study.runs) > 1:
        names += ["carry_over", "internal_standard"]  # judged over the sequence
    tables = {name: as_counted(read_table(folder / f"{name}.tsv")) for name in names}
    asked = [name for name in tables["measurements"] if name in OF_MEASUREMENTS]
    tables["measurements"] = tables["measurements"][asked].assign(line=tables["measurements"].line.astype(int))
    tables["acceptance"] = tables["acceptance"][tables["acceptance"].rule_id == RUN]
    return RunTables(**tables)


def write_study(evaluation: StudyEvaluation, output: Any) -> None:
    """Write the study's tables to the named files of `output`; the largest is made piece by piece as it is written."""
    from bioanalysis.tissue.budget import uncertainty_budget

    for name in evaluation.__dataclass_fields__:
        write_result(getattr(evaluation, name), Path(getattr(output, name)))
    found = evaluation.tissue_concentrations
    pieces = (found.iloc[start : start + SAMPLES_AT_ONCE] for start in range(0, max(len(found), 1), SAMPLES_AT_ONCE))
    write_stretches((_as_results(uncertainty_budget(piece)) for piece in pieces), Path(output.uncertainty))


def write_validation(evaluation: ValidationEvaluation, output: Any) -> None:
    """Write the tables of a method validation and validation.json to the named files of `output`."""
    for name in ("validation", "acceptance", "flags", "reconciliation"):
        write_result(getattr(evaluation, name), Path(getattr(output, name)))
    text = json.dumps(evaluation.document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(Path(output.document), (text + "\n").encode("utf-8"))
