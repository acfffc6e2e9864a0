"""The document for signature of a study of 500 samples: seconds to write it, its size, and whether the bytes repeat.

    python benchmarks/report_pdf.py [--samples 500] [--per-run 50]

Results are made up (`tests/made_results.py`): one value per sample and run of 50 samples, every fifth flagged. Each run
has traces of every injection (two transitions of 210 points), of which the document draws its stated share. Written
three times; seconds are of this machine and only to be held against the 60 s that are promised.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from made_exports import add_traces_and_summary
from made_results import make_results

from bioanalysis.export import write_pdf

MOST_S, REPEATS = 60, 3


def main() -> None:
    """Print seconds, size and whether the bytes are the same each time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--per-run", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sizes = [chosen.per_run] * (chosen.samples // chosen.per_run)
        folder = make_results(Path(name) / "study", sizes, failed=(1,))
        add_traces_and_summary(folder)
        took, bytes_of = [], set()
        for _ in range(REPEATS):
            before = time.perf_counter()
            write_pdf(folder, folder / "report.pdf")
            took.append(time.perf_counter() - before)
            bytes_of.add((folder / "report.pdf").read_bytes())
    size = len(next(iter(bytes_of))) / 1e6
    same = "the same bytes each time" if len(bytes_of) == 1 else "BYTES DIFFER"
    kept = "kept" if max(took) < MOST_S and len(bytes_of) == 1 else "NOT KEPT"
    print(f"{chosen.samples} samples: {size:.2f} MB in {max(took):.1f} s at most of {REPEATS} times, {same}: {kept}")


if __name__ == "__main__":
    main()
