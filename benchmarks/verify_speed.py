"""Speed of `bioanalysis verify` beside `sha256sum` on the same files, in turns within one run.

python benchmarks/verify_speed.py [files=10000] [kilobytes=200] [rounds=5]

Prints files per second of both and their ratio (median of the rounds); the whole command is timed, start included.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bioanalysis.records.audit import Act, AuditTrail
from bioanalysis.records.digests import listing, sha256_of
from bioanalysis.records.places import MANIFEST

VERIFY = [sys.executable, "-c", "from bioanalysis.start import main; main()", "verify"]


def make_files(folder: Path, count: int, size: int) -> list[str]:
    """Write `count` files of about `size` bytes below raw/ and record them."""
    rng = np.random.default_rng(int.from_bytes(os.urandom(4), "big"))
    names = [f"raw/{number // 200:03d}/{number:05d}.mzML" for number in range(count)]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(rng.bytes(int(size * rng.uniform(0.5, 1.5))))
    text = listing({name: sha256_of(folder / name) for name in names})
    AuditTrail(folder).add(Act("study_recorded", "SPEED"), files={MANIFEST: text.encode()})
    return names


def timed(command: list[str], folder: Path) -> float:
    """Return the seconds a command takes; it must find nothing wrong."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - start


def main(count: int = 10_000, kilobytes: int = 200, rounds: int = 5) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder, count, 1000 * kilobytes)
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(timed(["sha256sum", "-c", "--quiet", MANIFEST], folder))
            ours.append(timed([*VERIFY, "."], folder))
    ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
    print(f"{count} files of about {kilobytes} kB")
    print(f"sha256sum -c: {count / statistics.median(theirs):.0f} files/s")
    print(f"verify:       {count / statistics.median(ours):.0f} files/s, {100 * ratio:.0f} % of the speed of sha256sum")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
