"""Gather the runs of the study into tissue concentrations and what follows from them."""

from pathlib import Path

from bioanalysis.evaluation.study import evaluate_study
from bioanalysis.results import read_run, write_study
from bioanalysis.study import Study
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    study = Study.load(Path.cwd())
    runs = {run.run_id: read_run(Path("results/runs") / run.run_id) for run in study.runs}
    write_study(evaluate_study(study, runs), snakemake.output)
