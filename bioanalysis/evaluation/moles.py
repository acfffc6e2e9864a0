"""Tables of runs and study as they are written where methods count in nmol/L and have no molar mass."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bioanalysis.moles import as_written, keys_written
from bioanalysis.study import Run, Study

if TYPE_CHECKING:
    from bioanalysis.evaluation.run import RunEvaluation
    from bioanalysis.evaluation.study import StudyEvaluation
    from bioanalysis.evaluation.validation import ValidationEvaluation

SAID = ("not_acquired_reason", "sample_id", "lot")


def run_in_moles(evaluation: RunEvaluation, run: Run) -> RunEvaluation:
    """Return the tables of a run in the unit its method counts in."""
    if not run.method.counts_moles:
        return evaluation
    tables = _tables(evaluation)
    said = words_of_people(run.worklist, run.decisions)
    return replace(evaluation, moles=True, **{name: as_written(table, said=said) for name, table in tables.items()})


def in_moles(evaluation: StudyEvaluation, study: Study) -> StudyEvaluation:
    """Return the tables of the study, the rows of methods that count in nmol/L in that unit."""
    methods = {name for name, method in study.methods.items() if method.counts_moles}
    if not methods:
        return evaluation
    runs = {run.run_id for run in study.runs if run.method.method_id in methods}
    said = words_of_people(study.decisions, study.samples, *(run.worklist for run in study.runs))
    every = methods == {run.method.method_id for run in study.runs}
    written = {
        name: as_written(table, _of(table, methods, runs, every), said) for name, table in _tables(evaluation).items()
    }
    return replace(evaluation, **written)


def validation_in_moles(evaluation: ValidationEvaluation, study: Study) -> ValidationEvaluation:
    """Return tables and document of a validation in nmol/L; its methods count in one unit (`unit_faults`)."""
    if not any(method.counts_moles for method in study.methods.values()):
        return evaluation
    said = words_of_people(study.decisions, study.samples, *(run.worklist for run in study.runs))
    written = {name: as_written(table, said=said) for name, table in _tables(evaluation).items()}
    return replace(evaluation, document=keys_written(evaluation.document), **written)


def _tables(evaluation: RunEvaluation | StudyEvaluation | ValidationEvaluation) -> dict[str, pd.DataFrame]:
    found = {field.name: getattr(evaluation, field.name) for field in fields(evaluation)}
    return {name: table for name, table in found.items() if isinstance(table, pd.DataFrame)}


def _of(table: pd.DataFrame, methods: set[str], runs: set[str], every: bool) -> np.ndarray:
    """Return the rows that are of such a method, by method or run; the others where the study has no other method."""
    found = np.full(len(table), every)
    for name, those in (("run_id", runs), ("method_id", methods)):
        if name in table:
            known = (table[name].fillna("") != "").to_numpy()
            found = np.where(known, table[name].isin(those).to_numpy(), found)
    return found


def words_of_people(*tables: pd.DataFrame) -> list[str]:
    """Return the reasons and labels that people wrote: words no unit is changed in."""
    names = ("reason", "not_available_reason", "comment", *SAID)
    return sorted({str(cell) for table in tables for name in names if name in table for cell in table[name].unique()})
