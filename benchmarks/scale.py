"""How time and memory grow with the number of batches: all of it, planning it, nothing to do, one new batch.

python benchmarks/scale.py [--cores 2] [--plan SIZE ...] [SIZE ...]          sizes default to 1 10 100

A batch is the first LC-MS/MS run of the demonstration with animals, samples and raw files of its own. Each size of
--plan is planned alone. Seconds of processor time are what to compare (they hardly depend on what else the machine
does); memory is that of the largest process, and of all processes together (sampled ten times a second).
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil

ROOT = Path(__file__).parents[1]
RUN = "LC-01"
COMMAND = [sys.executable, "-c", "from bioanalysis.cli import main; main()"]


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds by the clock and of the processor, MB of its largest process and of all together."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    total_mb: float

    def __str__(self) -> str:
        return f"{self.wall_s:8.1f} s  {self.cpu_s:8.1f} s cpu  {self.peak_mb:6.0f} MB  {self.total_mb:6.0f} MB in all"


def read(path: Path) -> pd.DataFrame:
    """Return a table of the demonstration as text."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def renamed(table: pd.DataFrame, batch: int, *columns: str) -> pd.DataFrame:
    """Return the table with the batch's number behind every filled cell of these columns."""
    cells = {name: table[name].where(table[name] == "", table[name] + f"-{batch}") for name in columns}
    return table.assign(**cells)


def add_batches(folder: Path, numbers: range) -> None:
    """Add batches to a study: worklist, raw files, animals, samples and a row of the run table for each."""
    worklist = read(ROOT / f"config/worklists/{RUN}.tsv")
    samples = read(ROOT / "config/samples.tsv")
    taken = samples[samples.sample_id.isin(worklist.sample_id)]
    animals = read(ROOT / "config/subjects.tsv")
    run = read(ROOT / "config/runs.tsv").query("run_id == @RUN")
    tables: dict[str, list[pd.DataFrame]] = {"subjects": [], "samples": [], "runs": []}
    for number in numbers:
        name = f"B{number:04d}"
        shutil.copytree(ROOT / "test_data/raw" / RUN, folder / "raw" / name)
        write(renamed(worklist, number, "sample_id"), folder / f"config/worklists/{name}.tsv")
        tables["subjects"].append(renamed(animals, number, "subject_id"))
        tables["samples"].append(renamed(taken, number, "sample_id", "subject_id"))
        tables["runs"].append(run.assign(run_id=name, raw_path=f"raw/{name}"))
    for name, parts in tables.items():
        path = folder / f"config/{name}.tsv"
        before = [read(path)] if path.exists() else []
        write(pd.concat([*before, *parts]), path)


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table of the study."""
    table.to_csv(path, sep="\t", index=False)


def make_study(folder: Path, batches: int) -> None:
    """Write a study of that many batches."""
    (folder / "config/worklists").mkdir(parents=True)
    shutil.copytree(ROOT / "config/methods", folder / "config/methods")
    shutil.copyfile(ROOT / "config/config.yaml", folder / "config/config.yaml")
    add_batches(folder, range(batches))


def cost_of(folder: Path, *words: str) -> Cost:
    """Return what `bioanalysis run` with these words takes; it must succeed."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([*COMMAND, "run", str(folder), *words], stdout=said, stderr=subprocess.STDOUT)
        total_mb = 0.0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            total_mb = max(total_mb, memory_mb(process.pid))
            time.sleep(0.1)
        _, status, used = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        assert process.returncode == 0, said.read().decode()[-2000:]
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, total_mb)


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and all that it started, in MB; shared pages are counted each time."""
    with contextlib.suppress(psutil.NoSuchProcess):
        head = psutil.Process(pid)
        return sum(map(resident, [head, *head.children(recursive=True)])) / 2**20
    return 0.0


def resident(process: psutil.Process) -> int:
    """Return the resident bytes of a process, 0 where it has just ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.memory_info().rss
    return 0


def measure(batches: int, cores: str, *, plan_alone: bool) -> dict[str, Cost]:
    """Return the costs of one size of study."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_study(folder, batches)
        costs: dict[str, Cost] = {}

        def take(what: str, *words: str) -> None:
            costs[what] = cost_of(folder, *words)
            print(f"{batches:5d} batches  {what:14}{costs[what]}", flush=True)

        take("plan", "--dry-run")
        if not plan_alone:
            take("all", "--cores", cores)
            take("nothing to do", "--cores", cores)
            add_batches(folder, range(batches, batches + 1))
            take("one new batch", "--cores", cores)
    return costs


def main() -> None:
    """Measure and print, with ratios to the smallest size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[1, 10, 100])
    parser.add_argument("--cores", default="2")
    parser.add_argument("--plan", nargs="*", type=int, default=[], metavar="SIZE")
    asked = parser.parse_args()
    found = {size: measure(size, asked.cores, plan_alone=False) for size in asked.sizes}
    for size in asked.plan:
        measure(size, asked.cores, plan_alone=True)
    for small, large in itertools.pairwise(sorted(found)):
        compare(small, large, found)
    if len(found) > 2:
        compare(min(found), max(found), found)


def compare(small: int, large: int, found: dict[int, dict[str, Cost]]) -> None:
    """Print how a larger study compares with a smaller one; of processor time, if not said otherwise."""
    few, many = found[small], found[large]
    exponent = math.log(many["all"].cpu_s / few["all"].cpu_s) / math.log(large / small)
    print(f"from {small} to {large} batches: processor time grows with exponent {exponent:.2f}")
    for what, ratio in {
        "largest process": many["all"].peak_mb / few["all"].peak_mb,
        "nothing to do": many["nothing to do"].cpu_s / few["nothing to do"].cpu_s,
        f"one new batch beside {large}, of {small} alone": many["one new batch"].cpu_s / few["all"].cpu_s,
    }.items():
        print(f"  {what}: {ratio:.2f} times as much")


if __name__ == "__main__":
    main()
