"""Integrate all peaks of one LC-MS/MS run."""

from pathlib import Path

from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.results import write_result
from bioanalysis.study import Run
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake):
    run = Run.from_json(Path(snakemake.input.run).read_text(encoding="utf-8"))
    peaks = peaks_of(run, RunTraces.load(Path(snakemake.input.traces)))
    write_result(peaks, Path(snakemake.output.peaks))
