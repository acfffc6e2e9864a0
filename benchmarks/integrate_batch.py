"""Time to read and integrate a batch, against the time pyOpenMS needs to load its files and do nothing with them.

    python benchmarks/integrate_batch.py [--injections 96] [--rounds 5]

Files of 4 traces x 1500 points, 64-bit times and 32-bit intensities, zlib; one process, OMP_NUM_THREADS=1. Rounds of
both are interleaved, so that a busy machine slows both alike; CPU times; the ratio of medians is what counts.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pyopenms
from integrate_simulated import RT_S, SIGMA_S, TAU_S, peak

from bioanalysis.chromatography import integrate_run
from bioanalysis.instruments.mzml import read_lcms_run

Q1 = (651.5, 597.1, 716.7, 640.2)


def write_injection(path: Path, area: float, rng: np.random.Generator) -> None:
    """Write one injection: quantifier, qualifier, internal standard and its qualifier."""
    experiment, time_s = pyopenms.MSExperiment(), np.arange(1500) * 0.24
    for q1_mz, size in zip(Q1, (area, area / 3, 2e6, 7e5), strict=True):
        trace, precursor, product = pyopenms.MSChromatogram(), pyopenms.Precursor(), pyopenms.Product()
        precursor.setMZ(q1_mz)
        product.setMZ(94.9)
        trace.setPrecursor(precursor)
        trace.setProduct(product)
        trace.set_peaks((time_s, rng.poisson(300 + size * peak(time_s, RT_S, SIGMA_S, TAU_S)).astype(float)))
        experiment.addChromatogram(trace)
    file = pyopenms.MzMLFile()
    options = file.getOptions()
    options.setCompression(True)
    file.setOptions(options)
    file.store(str(path), experiment)


def load_only(folder: Path, names: list[str]) -> None:
    """Load every file with pyOpenMS."""
    for name in names:
        pyopenms.MzMLFile().load(str(folder / name), pyopenms.MSExperiment())


def timed(work: Callable[..., Any], *arguments: object) -> tuple[float, Any]:
    """Return the CPU seconds taken, and the result."""
    started = time.process_time()
    result = work(*arguments)
    return time.process_time() - started, result


def main() -> None:
    """Print the times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--injections", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    names = [f"inj{number:03d}.mzML" for number in range(options.injections)]
    usual = {"q3_mz": 94.9, "polarity": None, "rt_min": RT_S / 60, "rt_window_min": 0.5, "peak_width_s": 6.0}
    transitions = [SimpleNamespace(name=f"t{q1_mz:.0f}", q1_mz=q1_mz, **usual) for q1_mz in Q1]
    standards = {"t652": "t717", "t597": "t717", "t640": "t717"}
    seconds: dict[str, list[float]] = {"load": [], "read": [], "integrate": []}
    with tempfile.TemporaryDirectory() as place:
        folder, rng = Path(place), np.random.default_rng(1)
        for number, name in enumerate(names):
            write_injection(folder / name, 3e3 * 2.0 ** (number % 12), rng)
        files = [(number, name, name) for number, name in enumerate(names, start=1)]
        for _ in range(options.rounds + 1):
            seconds["load"].append(timed(load_only, folder, names)[0])
            took, traces = timed(read_lcms_run, folder, files, transitions, 0.3)
            seconds["read"].append(took)
            positions = traces.positions[: len(names) // 3]
            took, _ = timed(
                lambda traces=traces, positions=positions: integrate_run(
                    traces, transitions, calibrator_positions=positions, internal_standards=standards
                )
            )
            seconds["integrate"].append(took)
    median = {name: float(np.median(values[1:])) for name, values in seconds.items()}
    print("".join(f"{name} {1e3 * value:.0f} ms   " for name, value in median.items()))
    print(f"integration {1e6 * median['integrate'] / (4 * len(names)):.1f} us per trace")
    print(f"(read + integrate) / load = {(median['read'] + median['integrate']) / median['load']:.2f}")


if __name__ == "__main__":
    main()
