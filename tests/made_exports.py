"""What the exports need besides `made_results`: traces and peaks of each run, and the summary by group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.instruments.traces import RunTraces

TRANSITIONS, POINTS = ("quan", "is_quan"), 210
KEYS = ["group", "tissue", "collection_day", "analyte", "method_id", "unit"]


def add_traces_and_summary(folder: Path) -> Path:
    """Write work/<run>/traces.npz, peaks.tsv of each run and tissue_summary.tsv of a study made by `make_results`."""
    for number, results in enumerate(sorted((folder / "results/runs").iterdir())):
        measurements = pd.read_csv(results / "measurements.tsv", sep="\t", dtype=str, quoting=3)
        positions = list(dict.fromkeys(measurements.position))
        target = folder / "work" / results.name / "traces.npz"
        target.parent.mkdir(parents=True, exist_ok=True)
        _traces(positions, np.random.default_rng(number)).save(target)
        peaks = pd.DataFrame([(position, name, 2.9, 3.1) for position in positions for name in TRANSITIONS],
                             columns=["position", "transition", "left_min", "right_min"])  # fmt: skip
        peaks.to_csv(results / "peaks.tsv", sep="\t", index=False)
    study = folder / "results/study"
    table = pd.read_csv(study / "tissue_concentrations.tsv", sep="\t", keep_default_na=False, quoting=3)
    summary = [
        (*key, len(here), int((here.status == "quantified").sum()), int((here.status == "BLQ").sum()))
        for key, here in table[table.method_id != ""].groupby(KEYS, sort=False)
    ]
    columns = [*KEYS, "n", "n_quantified", "n_blq"]
    pd.DataFrame(summary, columns=columns).to_csv(study / "tissue_summary.tsv", sep="\t", index=False)
    return folder


def _traces(positions: list[str], rng: np.random.Generator) -> RunTraces:
    """Return a peak at 3 min on noise in each trace."""
    time_min = np.linspace(2, 4, POINTS)
    peak = 1e5 * np.exp(-0.5 * ((time_min - 3) / 0.03) ** 2)
    injections = [[(time_min, peak + rng.exponential(500, POINTS)) for _ in TRANSITIONS] for _ in positions]
    return RunTraces.gather(positions, [f"{place}.mzML" for place in positions], TRANSITIONS, injections)
