"""Gather the runs of the study into tissue concentrations and what follows from them."""

from pathlib import Path

from bioanalysis.evaluation.study_decisions import judge_study
from bioanalysis.results import OF_WORKLISTS, read_runs_of_study, read_table, write_study
from bioanalysis.study.finished import open_measured
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    study = open_measured(Path.cwd(), OF_WORKLISTS)
    runs = read_runs_of_study(Path("results/runs"), study)
    readings = {Path(name).parent.name: read_table(Path(name)) for name in snakemake.input.readings}
    write_study(judge_study(study, runs, readings), snakemake.output)
