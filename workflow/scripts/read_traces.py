"""Read and match all traces of one LC-MS/MS run."""

from pathlib import Path

from bioanalysis.evaluation.peaks import check_decisions
from bioanalysis.instruments.run import read_traces_of
from bioanalysis.study import Run
from bioanalysis.tables import write_table
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake, f"read_{snakemake.wildcards.run}"):
    run = Run.from_json(Path(snakemake.input.run).read_text(encoding="utf-8"))
    traces = read_traces_of(run, Path.cwd())
    check_decisions(run, traces)
    traces.save(Path(snakemake.output.traces))
    write_table(traces.acquisitions, Path(snakemake.output.acquisitions))
