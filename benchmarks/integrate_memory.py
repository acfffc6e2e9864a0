"""Peak memory of reading and integrating a run, and the start-up of that step against importing everything.

    python benchmarks/integrate_memory.py [--injections 96] [--rounds 5]

Each figure is of a fresh process. Start-up: CPU time of importing what the integration job imports, over pyOpenMS,
pandas, scipy, scikit-learn and all rooms of the package; rounds of both in turn, medians count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from integrate_batch import write_injection

ENDING = """
import resource, time
print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
STEP = """
from pathlib import Path
from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.results import write_result
from bioanalysis.study import Run
from bioanalysis.workflow import plain_errors
"""
EVERYTHING = """
import pyopenms, pandas, scipy.optimize, scipy.stats, scipy.interpolate, scipy.ndimage, sklearn, sklearn.base
import pkgutil, bioanalysis
for room in pkgutil.walk_packages(bioanalysis.__path__, "bioanalysis."):
    if "__main__" not in room.name and "_workflow" not in room.name:
        __import__(room.name)
"""
RUN = """
import sys
from pathlib import Path
from types import SimpleNamespace
from bioanalysis.chromatography import integrate_run
from bioanalysis.instruments.mzml import read_lcms_run

folder, usual = Path(sys.argv[1]), {"q3_mz": 94.9, "polarity": None, "rt_window_min": 0.5, "peak_width_s": 6.0}
names = sorted(path.name for path in folder.glob("*.mzML"))
transitions = [SimpleNamespace(name=f"t{q1:.0f}", q1_mz=q1, rt_min=3.0, **usual) for q1 in (651.5, 597.1, 716.7, 640.2)]
traces = read_lcms_run(folder, [(n, name, name) for n, name in enumerate(names)], transitions, 0.3)
standards = {"t652": "t717", "t597": "t717", "t640": "t717"}
peaks = integrate_run(traces, transitions, calibrator_positions=list(range(32)), internal_standards=standards)
assert len(peaks) == 4 * len(names)
"""


def figures(script: str, *arguments: str) -> tuple[float, float]:
    """Return CPU seconds and peak memory (MB) of a fresh process."""
    command = [sys.executable, "-c", script + ENDING, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = ended.stdout.split()[-2:]
    return float(seconds), float(megabytes)


def main() -> None:
    """Print memory and the ratio of start-up times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--injections", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.injections):
            path = Path(folder) / f"inj{number:03d}.mzML"
            write_injection(path, 3e3 * 2.0 ** (number % 12), np.random.default_rng(number))
        _, megabytes = figures(RUN, folder)
    print(f"peak memory of reading and integrating {options.injections} injections: {megabytes:.0f} MB")
    rounds = [(figures(STEP), figures(EVERYTHING)) for _ in range(options.rounds)]
    step, everything = (float(np.median([one[side][0] for one in rounds])) for side in (0, 1))
    print(f"start-up: {step:.2f} s CPU against {everything:.2f} s of everything: ratio {step / everything:.2f}")
    print(f"memory after start-up: {rounds[0][0][1]:.0f} MB against {rounds[0][1][1]:.0f} MB")


if __name__ == "__main__":
    main()
