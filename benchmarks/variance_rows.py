"""Time and memory of variance components by the number of rows and of runs that share samples, in one thread.

    python benchmarks/variance_rows.py --rows 190 1000 10000 100000
    python benchmarks/variance_rows.py --rows --runs 10 30 100 300 1000

Each size runs in a process of its own: animals x 2 pieces x 2 extractions x 2-3 injections in 4 groups, nested alone
and with 20 runs across; or runs of 16 samples (8 animals of their own x 2 pieces) x 2 injections, of which every tenth
sample is measured again in the next run. Prints seconds of processor time (median of the repeats; the first call of a
process is left out), the peak memory of the process, and how much of it came with this size.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from bioanalysis.variability import variance_components

NESTED = ("animal", "piece", "extraction")


def main() -> None:
    """Measure each size in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[190, 1000, 10_000, 100_000])
    parser.add_argument("--runs", type=int, nargs="*", default=[])
    parser.add_argument("--one", choices=["nested", "crossed", "chained"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.rows[0], options.one)
        return
    wanted = [(rows, design) for rows in options.rows for design in ("nested", "crossed")]
    for size, design in [*wanted, *((runs, "chained") for runs in options.runs)]:
        subprocess.run([sys.executable, __file__, "--rows", str(size), "--one", design], check=True)


def measure(size: int, design: str) -> None:
    """Print time and memory of REML and ANOVA at one size: rows, or runs where they are chained."""
    rng = np.random.default_rng()
    table = chained(size, rng) if design == "chained" else simulate(size, rng)
    crossed = None if design == "nested" or table.run.nunique() == 1 else "run"
    variance_components(table.head(60), "value", NESTED, crossed=crossed)
    before, words = peak_mb(), []
    for method in ("reml", "anova"):
        seconds = []
        for _ in range(1 if len(table) > 40_000 else 5):
            started = time.process_time()
            variance_components(table, "value", NESTED, method=method, crossed=crossed)
            seconds.append(time.process_time() - started)
        words.append(f"{method} {np.median(seconds):7.3f} s")
    what = f"{size:5d} runs, " if design == "chained" else ""
    memory = f"peak memory {peak_mb():.0f} MB, {peak_mb() - before:.0f} of them for it"
    print(f"{what}{len(table):7d} rows, {design}: {', '.join(words)}, {memory}", flush=True)


def peak_mb() -> float:
    """Return the largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def simulate(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return about `rows` values of a study with the scatter of animals, pieces, extractions, injections and runs."""
    animals = rows // 10 + 1
    extraction = np.repeat(np.arange(animals * 4), rng.integers(2, 4, size=animals * 4))[:rows]
    piece, animal = extraction // 2, extraction // 4
    run = rng.integers(0, 20, size=len(extraction))
    spread = [(animal, 0.25), (piece, 0.10), (extraction, 0.06), (run, 0.05), (np.arange(len(run)), 0.03)]
    value = sum(rng.normal(scale=sd, size=codes.max() + 1)[codes] for codes, sd in spread)
    return pd.DataFrame(
        {"group": animal % 4, "animal": animal, "piece": piece, "extraction": extraction, "run": run, "value": value}
    )


def chained(runs: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return readings of runs of which each measures samples of the run before again."""
    sample = np.arange(runs * 16)
    again = sample[::10] if runs > 1 else sample[:0]
    extraction = np.repeat(np.concatenate([sample, again]), 2)
    run = np.repeat(np.concatenate([sample // 16, (again // 16 + 1) % runs]), 2)
    piece, animal = extraction, extraction // 2
    spread = [(animal, 0.25), (piece, 0.10), (run, 0.05), (np.arange(len(run)), 0.03)]
    value = sum(rng.normal(scale=sd, size=codes.max() + 1)[codes] for codes, sd in spread)
    return pd.DataFrame(
        {"group": animal % 4, "animal": animal, "piece": piece, "extraction": extraction, "run": run, "value": value}
    )


if __name__ == "__main__":
    main()
