"""Processor time of gathering a study of 10 000 samples: choice among results, concentrations, summaries, every table.

    OMP_NUM_THREADS=1 python benchmarks/judge_study.py [samples] [rounds]

The runs are one simulated LC-MS/MS run of 500 injections (see judge_run.py) under other names, so that the study is as
large as asked for, with readings that scatter anew; a tenth of the samples of each run is measured again in the next.
Printed is the median time of `tissue_concentrations` and of `evaluate_study`, and their ratio to writing the reportable
values of all runs with pandas and reading them back, measured in turns with them.
"""

from __future__ import annotations

import io
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from judge_run import in_turns, lcms_run

from bioanalysis.evaluation.concentrations import tissue_concentrations
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.evaluation.study import RunTables, evaluate_study, gather
from bioanalysis.sheets import Sheet
from bioanalysis.study import Run, Study, StudyConfig
from bioanalysis.study.schema import DECISIONS, SAMPLES, SUBJECTS
from bioanalysis.tables import Table

DENSITY = {"liver": 1.06, "kidney": 1.05, "spleen": 1.06}
ANIMALS = 100


def main() -> None:
    """Print the times of one study."""
    wanted, rounds = (int(sys.argv[n]) if len(sys.argv) > n else usual for n, usual in ((1, 10_000), (2, 3)))
    study, runs = simulated_study(wanted, np.random.default_rng())
    reportable, contexts = gather(study, runs)
    names = "tissue_concentrations", "evaluate_study"
    works = lambda: tissue_concentrations(study, reportable, contexts), lambda: evaluate_study(study, runs)
    *times, tables = in_turns(rounds, *works, lambda: there_and_back(reportable))
    for name, taken in zip(names, times, strict=True):
        print(f"{name}: {len(study.samples)} samples in {taken:.2f} s,", end=" ")
        print(f"{taken / tables:.1f} x writing and reading reportable.tsv")


def there_and_back(table: pd.DataFrame) -> None:
    """Write a table with pandas and read it back."""
    text = io.StringIO()
    table.to_csv(text, sep="\t", index=False)
    text.seek(0)
    pd.read_csv(text, sep="\t")


def simulated_study(wanted: int, rng: np.random.Generator) -> tuple[Study, dict[str, RunTables]]:
    """Return a study of at least so many samples and the tables of its runs."""
    _, run, responses = lcms_run(500, rng)
    result = evaluate_run(run, responses)
    tables = RunTables(**{field.name: getattr(result, field.name) for field in fields(RunTables)})
    unknowns = run.worklist[run.worklist.sample_type == "unknown"]
    copies = -(-wanted // len(unknowns))
    runs, again = {}, max(1, len(unknowns) // 10)
    for number in range(copies):
        first = again * (number % 2)  # not those that the run before had from the one before it
        shared = unknowns.sample_id.iloc[first : first + again] if number else unknowns.sample_id.iloc[:0]
        name = {old: f"{old}-{number - (old in set(shared))}" for old in unknowns.sample_id}
        runs[f"LC-{number}"] = renamed(scattered(tables, rng), f"LC-{number}", name, set(shared))
    samples = manifest(unknowns, copies)
    config = StudyConfig.model_validate(
        {
            "study": {"id": "S", "title": "t", "test_article": "x", "status": "qualified"},
            "tissues": {name: {"density_g_ml": density, "source": "s"} for name, density in DENSITY.items()},
        }
    )
    animals = [
        {"subject_id": f"A{n}", "species": "rat", "group": f"G{n % 4}", "treatment": "x"} for n in range(ANIMALS)
    ]
    work = tuple(of_run(run, name, table) for name, table in runs.items())
    methods = {run.method.method_id: run.method}
    study = Study(Path(), config, methods, read(SUBJECTS, animals), samples, work, DECISIONS.empty())
    return study, runs


def scattered(tables: RunTables, rng: np.random.Generator) -> RunTables:
    """Return the tables with other readings: of a run that reads 5 % higher or lower, 10 % from row to row."""
    table = tables.measurements
    errors = np.exp(rng.normal(scale=0.05) + rng.normal(scale=0.1, size=len(table)))
    return replace(tables, measurements=table.assign(curve_reading_ng_ml=table.curve_reading_ng_ml * errors))


def renamed(tables: RunTables, run_id: str, name: dict[str, str], repeats: set[str]) -> RunTables:
    """Return the tables of a run under another name, with other samples; repeats say why."""
    changed = {}
    for field in fields(RunTables):
        table = getattr(tables, field.name)
        table = table.assign(run_id=run_id) if "run_id" in table else table
        if "repeat_reason" in table:
            table = table.assign(
                repeat_reason=np.where(table.sample_id.isin(repeats), "POOR_CHROM", table.repeat_reason)
            )
        changed[field.name] = table.assign(sample_id=table.sample_id.replace(name)) if "sample_id" in table else table
    return RunTables(**changed)


def of_run(run: Run, run_id: str, tables: RunTables) -> Run:
    """Return the run whose worklist names the samples of these tables."""
    worklist = run.worklist.assign(sample_id=tables.measurements.sample_id.to_numpy())
    return replace(run, run_id=run_id, worklist=worklist)


def manifest(unknowns: pd.DataFrame, copies: int) -> pd.DataFrame:
    """Return the sample manifest: every sample a piece of its own."""
    rows = [
        {
            "sample_id": f"{row.sample_id}-{number}", "subject_id": f"A{place % ANIMALS}", "tissue": row.tissue,
            "piece": f"{number}-{place}", "collection_day": 29, "tissue_mass_mg": 100, "buffer_volume_ul": 900,
        }
        for number in range(copies)
        for place, row in enumerate(unknowns.itertuples())
    ]  # fmt: skip
    return read(SAMPLES, rows)


def read(declared: Table, rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return a declared table of these rows as if it had been read from a file."""
    cells = [[str(row.get(name, "")) for name in declared.names] for row in rows]
    return declared.check(Sheet("", declared.names, 1, cells, list(range(2, len(rows) + 2))))[0]


if __name__ == "__main__":
    main()
