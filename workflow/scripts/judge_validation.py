"""Gather the runs of a method validation into statistics per experiment and the verdict on the method."""

from pathlib import Path

from bioanalysis.evaluation.validation import evaluate_validation
from bioanalysis.results import read_run, write_validation
from bioanalysis.study import Study
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    study = Study.load(Path.cwd())
    runs = {run.run_id: read_run(Path("results/runs") / run.run_id) for run in study.runs}
    write_validation(evaluate_validation(study, runs), snakemake.output)
