"""What a study of many batches costs beyond its runs: its jobs, nothing to do, one new batch.

python benchmarks/scale_study.py [--beside] [--cores 2] [SIZE ...]          sizes default to 1 10 100

One batch is computed; its results, under the names of the others, stand for theirs, so that 100 batches take minutes
instead of an hour. The jobs of the study are run alone, each in a process of its own: seconds of processor time and MB
of the process, Snakemake's share left out. With --beside the folder is then put under the workflow and its records
(snakemake --touch), and `bioanalysis run` is measured with nothing to do and with one more batch.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from scale import add_batches, cost_of, make_study

from bioanalysis import launch
from bioanalysis.records.made import note_made
from bioanalysis.records.recorder import Recorder

JOBS = ("judge_study", "report_study", "write_workbook", "write_pdf", "write_send", "write_summary")
READINGS = ("traces.npz", "acquisitions.tsv", "refused.json")


def main() -> None:
    """Print the costs of each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[1, 10, 100])
    parser.add_argument("--cores", default="2")
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        job, folder = asked.job
        os.chdir(folder)
        run_job(job)
        return
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as name:
            measure(Path(name), size, asked.cores, beside=asked.beside)


def measure(folder: Path, batches: int, cores: str, *, beside: bool) -> None:
    """Print the costs of one size."""
    make_study(folder, batches)
    print(f"{batches:5d} batches  {'plan':15}{cost_of(folder, '--dry-run')}", flush=True)
    fill(folder, batches)
    for job in JOBS:
        used = usage_of(job, folder)
        seconds, mb = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        print(f"{batches:5d} batches  {job:15}{seconds:22.1f} s cpu  {mb:6.0f} MB", flush=True)
    if not beside:
        return
    adopt(folder, int(cores))
    print(f"{batches:5d} batches  {'nothing to do':15}{cost_of(folder, '--cores', cores)}", flush=True)
    add_batches(folder, range(batches, batches + 1))
    print(f"{batches:5d} batches  {'one new batch':15}{cost_of(folder, '--cores', cores)}", flush=True)


def usage_of(job: str, folder: Path) -> object:
    """Return what the system says a job of the study used, in a process of its own."""
    process = subprocess.Popen([sys.executable, __file__, "--job", job, str(folder)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, job
    return used


def run_job(job: str) -> None:
    """Do in the study folder at hand what the script of the rule does."""
    here, target = Path.cwd(), Path("results/study")
    target.mkdir(parents=True, exist_ok=True)
    if job == "judge_study":
        from bioanalysis.evaluation.study import StudyEvaluation
        from bioanalysis.evaluation.study_decisions import judge_study
        from bioanalysis.results import OF_WORKLISTS, read_runs_of_study, write_study
        from bioanalysis.study.finished import open_measured

        study = open_measured(here, OF_WORKLISTS)
        runs = read_runs_of_study(Path("results/runs"), study)
        names = {name: target / f"{name}.tsv" for name in (*StudyEvaluation.__dataclass_fields__, "uncertainty")}
        write_study(judge_study(study, runs, {}), SimpleNamespace(**names))
    elif job == "report_study":
        from bioanalysis.report import write_study_report

        write_study_report(here, target / "report.html")
    else:
        from bioanalysis import export

        names = {"write_workbook": "report.xlsx", "write_pdf": "report.pdf", "write_send": "send",
                 "write_summary": "report.json"}  # fmt: skip
        getattr(export, job)(here, target / names[job])


def fill(folder: Path, batches: int) -> None:
    """Write work and results of all runs: those of one batch, computed in a study of its own, under other names."""
    with tempfile.TemporaryDirectory() as name:
        alone = Path(name)
        make_study(alone, 1)
        cost_of(alone, "--cores", "2")
        (first,) = (alone / "results/runs").iterdir()
        worklist = (alone / f"config/worklists/{first.name}.tsv").read_text(encoding="utf-8")
        samples = sorted(set(re.findall(r"[^\t\n]+-0(?=\t|\n)", worklist)), key=len, reverse=True)
        named = re.compile("|".join(map(re.escape, samples)))
        for number in range(batches):
            run_id = f"B{number:04d}"
            for file in READINGS:
                shutil.copyfile(alone / "work" / first.name / file, folder / "work" / run_id / file)
            target = folder / "results/runs" / run_id
            shutil.copytree(first, target)
            for path in [*target.glob("*.tsv"), target / "curve.json"]:
                text = path.read_text(encoding="utf-8").replace(first.name, run_id)
                renamed = named.sub(lambda found, end=number: f"{found[0][:-1]}{end}", text)
                path.write_text(renamed, encoding="utf-8")
        shutil.copyfile(alone / "work/admitted", folder / "work/admitted")


def adopt(folder: Path, cores: int) -> None:
    """Put results made elsewhere under the workflow and its records, as if it had made them."""
    with contextlib.chdir(folder):  # readings that no job noted would be read again
        for run in sorted(path.parent for path in Path("work").glob("*/refused.json")):
            note_made(Path(f"logs/{run.name}/read_traces.log"), [str(run / name) for name in READINGS])
    command = launch._command
    launch._command = lambda *words: [*command(*words), "--touch"]
    Recorder.set_aside_what_changed_outside = lambda _: None
    launch.clear_torn_results = lambda _: None
    with contextlib.redirect_stdout(io.StringIO()):
        code = launch.run_study(folder, cores=cores, profile="default", dry_run=False)
    assert code == 0
    launch._command = command


if __name__ == "__main__":
    main()
