"""Time and memory of variance components by the number of rows, in one thread.

    python benchmarks/variance_rows.py --rows 190 1000 10000 100000

Each size runs in a process of its own: animals x 2 pieces x 2 extractions x 2-3 injections in 4 groups, nested alone
and with 20 runs across; prints seconds (median of the repeats; the first call of a process is left out) and the peak
memory of the process.
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
    parser.add_argument("--rows", type=int, nargs="+", default=[190, 1000, 10_000, 100_000])
    parser.add_argument("--one", choices=["nested", "crossed"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.rows[0], options.one)
        return
    for rows in options.rows:
        for design in ("nested", "crossed"):
            subprocess.run([sys.executable, __file__, "--rows", str(rows), "--one", design], check=True)


def measure(rows: int, design: str) -> None:
    """Print time and memory of REML and ANOVA at one size."""
    table = simulate(rows, np.random.default_rng())
    crossed = "run" if design == "crossed" else None
    variance_components(table.head(60), "value", NESTED, crossed=crossed)
    words = []
    for method in ("reml", "anova"):
        seconds = []
        for _ in range(1 if rows > 20_000 else 5):
            started = time.perf_counter()
            variance_components(table, "value", NESTED, method=method, crossed=crossed)
            seconds.append(time.perf_counter() - started)
        words.append(f"{method} {np.median(seconds):7.3f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{rows:7d} rows, {design}: {', '.join(words)}, peak memory {peak:.0f} MB", flush=True)


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


if __name__ == "__main__":
    main()
