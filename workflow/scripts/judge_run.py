"""Fit the curve of one run, read it off, and judge the run by every rule, with and without the decisions of people."""

from pathlib import Path

from bioanalysis.evaluation.decisions import judge_run
from bioanalysis.results import read_table, write_run
from bioanalysis.study import Run
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    run = Run.from_json(Path(snakemake.input.run).read_text(encoding="utf-8"))
    readings = read_table(Path(snakemake.input.readings))
    acquisitions = read_table(Path(snakemake.input.acquisitions[0])) if run.platform == "lcms" else None
    write_run(judge_run(run, readings, acquisitions), snakemake.output)
