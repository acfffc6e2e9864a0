"""Read and match all wells of one ELISA run."""

from pathlib import Path

import pandas as pd

from bioanalysis.instruments.run import read_wells_of
from bioanalysis.study import Run
from bioanalysis.tables import write_table
from bioanalysis.workflow import plain_errors

with plain_errors(snakemake, f"read_{snakemake.wildcards.run}"):
    run = Run.from_json(Path(snakemake.input.run).read_text(encoding="utf-8"))
    reading = read_wells_of(run, Path.cwd())
    write_table(reading.wells, Path(snakemake.output.wells))
    write_table(pd.DataFrame({"note": reading.notes}, dtype=str), Path(snakemake.output.notes))
