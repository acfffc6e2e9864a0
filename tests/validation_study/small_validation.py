"""A validation study evaluated from its raw data without the workflow."""

from __future__ import annotations

from pathlib import Path

from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.evaluation.run import RunEvaluation, evaluate_run
from bioanalysis.evaluation.study import RunTables
from bioanalysis.evaluation.validation import ValidationEvaluation, evaluate_validation
from bioanalysis.instruments.run import read_traces_of, read_wells_of
from bioanalysis.responses import responses_from_peaks, responses_from_wells
from bioanalysis.study import Run, Study


def evaluated_run(run: Run, folder: Path) -> RunEvaluation:
    """Return one run of the study, from its raw data."""
    if run.platform == "lcms":
        return evaluate_run(run, responses_from_peaks(run, peaks_of(run, read_traces_of(run, folder))))
    return evaluate_run(run, responses_from_wells(run, read_wells_of(run, folder).wells))


def evaluated_validation(folder: Path) -> ValidationEvaluation:
    """Return the validation in `folder`."""
    study = Study.load(folder)
    runs = {}
    for run in study.runs:
        found = evaluated_run(run, folder)
        runs[run.run_id] = RunTables(
            found.measurements, found.reportable, found.acceptance, found.recovery, found.flags
        )
    return evaluate_validation(study, runs)
