"""Fit the curve of one run, read it off, and judge the run by every rule."""

from pathlib import Path

from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.results import read_responses, write_run
from bioanalysis.study import Run
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    run = Run.from_json(Path(snakemake.input.run).read_text(encoding="utf-8"))
    responses = read_responses(run, Path(snakemake.input.readings))
    write_run(evaluate_run(run, responses), snakemake.output)
