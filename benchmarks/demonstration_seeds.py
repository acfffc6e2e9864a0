"""The demonstration study made again with fresh seeds: do intervals hold the truth, and is the mean unbiased?

    python benchmarks/demonstration_seeds.py --first 50001 --seeds 200

Prints, over the seeds, the share of quantified samples whose 95 % interval holds the truth, and the mean bias per
method and tissue with its standard error (over seeds: errors are shared within a study). The runs are evaluated in
this process by the functions the workflow calls.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.evaluation.study import RunTables, evaluate_study
from bioanalysis.instruments.run import read_traces_of, read_wells_of
from bioanalysis.responses import responses_from_peaks, responses_from_wells
from bioanalysis.study import Run, Study

SCRIPT = Path(__file__).parents[1] / "test_data" / "make_demonstration.py"


def main() -> None:
    """Make, evaluate and compare one study per seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=50001)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    make_study = _generator()
    found = []
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            make_study(Path(folder), seed)
            found.append(compare(Path(folder)).assign(seed=seed))
        if len(found) % 20 == 0:
            summarise(pd.concat(found), len(found))
    summarise(pd.concat(found), len(found))


def _generator():
    spec = importlib.util.spec_from_file_location("make_demonstration", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_study


def compare(folder: Path) -> pd.DataFrame:
    """Return the quantified samples of one study with bias in percent and whether the interval holds the truth."""
    study = Study.load(folder)
    table = evaluate_study(study, {run.run_id: _tables(run, folder) for run in study.runs}).tissue_concentrations
    truth = pd.read_csv(folder / "test_data/truth/samples.tsv", sep="\t").set_index("sample_id").true_tissue_ug_g
    table = table[table.status == "quantified"]
    true = table.sample_id.map(truth)
    held = (table.tissue_ug_g_low <= true) & (true <= table.tissue_ug_g_high)
    return table[["method_id", "tissue"]].assign(bias_percent=100 * (table.tissue_ug_g / true - 1), held=held)


def _tables(run: Run, folder: Path) -> RunTables:
    if run.platform == "lcms":
        responses = responses_from_peaks(run, peaks_of(run, read_traces_of(run, folder)))
    else:
        responses = responses_from_wells(run, read_wells_of(run, folder).wells)
    result = evaluate_run(run, responses)
    return RunTables(result.measurements, result.reportable, result.acceptance, result.recovery, result.flags)


def summarise(found: pd.DataFrame, seeds: int) -> None:
    """Print coverage and bias over the seeds."""
    per_seed = found.groupby("seed").held.mean()
    print(f"{seeds} seeds, {len(found)} values: 95 % intervals hold {100 * found.held.mean():.2f} %;", end=" ")
    print(f"per study {100 * per_seed.min():.1f} to {100 * per_seed.max():.1f} %")
    for key, here in found.groupby(["method_id", "tissue"]):
        means = here.groupby("seed").bias_percent.mean()
        error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
        share = 100 * here.held.mean()
        print(
            f"  {key[0]} {key[1]:7s} n {len(here):6d}  bias {means.mean():+.2f} % (se {error:.2f})  held {share:.1f} %"
        )


if __name__ == "__main__":
    main()
