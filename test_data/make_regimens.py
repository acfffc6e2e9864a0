"""Make the study of regimens: tables, raw data and truth in test_data/regimens/.

    python test_data/make_regimens.py [--seed N] [--into FOLDER]

Without arguments it makes the committed files again, byte for byte; settings and methods are kept by hand. What is
simulated stands in test_data/README.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from demonstration import elisa, lcms, regimens, regimens_runs
from make_demonstration import without_truth, write_table

SEED = 20260507
STUDY = HERE / "regimens"
KEPT_BY_HAND = ("config.yaml", "methods/ASO-LCMS-01.yaml", "methods/ASO-HELISA-01.yaml")


def make_study(folder: Path, seed: int) -> None:
    """Write a complete study folder; the same seed (0 to 2**32 - 1) gives the same bytes."""
    streams = [np.random.RandomState([seed, part]) for part in range(6)]
    subjects = regimens.make_subjects(streams[0])
    dosing = regimens.make_dosing(subjects, streams[1])
    samples = regimens.make_samples(subjects, dosing, streams[2])
    worklists = {}
    for run_id, rng in zip(regimens_runs.SEQUENCES, streams[3:5], strict=True):
        run = regimens_runs.plan(run_id, samples, rng)
        worklists[run_id] = lcms.acquire(run, samples, folder / "raw" / run_id, rng)
    plates = folder / f"raw/{regimens_runs.PLATE_RUN}.tsv"
    worklists[regimens_runs.PLATE_RUN] = regimens_runs.acquire_plates(samples, plates, streams[5])
    tables = {"subjects": subjects, "dosing": dosing, "samples": samples.drop(columns="group"), "runs": run_table()}
    tables["clinical_chemistry"] = regimens.make_clinical_chemistry(subjects, np.random.RandomState([seed, 100]))
    tables["materials"] = regimens.make_materials()
    write_config(folder / "config", tables, worklists)
    write_table(regimens.truth_of_study(subjects), folder / "truth/study.tsv")
    columns = ["sample_id", "subject_id", "tissue", "true_median", "true_value", "true_homogenate_ng_ml"]
    write_table(samples[columns].map(lambda v: f"{v:.6g}" if isinstance(v, float) else v), folder / "truth/samples.tsv")


def write_config(config: Path, tables: dict[str, pd.DataFrame], worklists: dict[str, pd.DataFrame]) -> None:
    """Write the tables a laboratory would, and copy the files that are kept by hand."""
    for name in KEPT_BY_HAND:
        (config / name).parent.mkdir(parents=True, exist_ok=True)
        if STUDY / "config" / name != config / name:
            shutil.copyfile(STUDY / "config" / name, config / name)
    for name, table in tables.items():
        write_table(without_truth(table), config / f"{name}.tsv")
    for run_id, rows in worklists.items():
        steps = rows.dilution_steps.where(rows.dilution_factor > 1, "")
        write_table(without_truth(rows.assign(dilution_steps=steps)), config / f"worklists/{run_id}.tsv")


def run_table() -> pd.DataFrame:
    """The analytical runs, one row each."""
    columns = ["run_id", "method_id", "run_date", "analyst", "instrument", "raw_path", "extraction_date"]
    rows = [
        ("LC-11", regimens_runs.LC.method_id, "2026-05-05", "A. Lindqvist", "QTRAP-2", "raw/LC-11", "2026-05-04"),
        ("LC-12", regimens_runs.LC.method_id, "2026-05-07", "A. Lindqvist", "QTRAP-2", "raw/LC-12", "2026-05-06"),
        ("ELISA-11", elisa.ASSAY.method_id, "2026-05-08", "M. Okafor", "READER-1", "raw/ELISA-11.tsv", "2026-05-08"),
    ]
    return pd.DataFrame(rows, columns=columns)


def main() -> None:
    """Read the command line and make the study."""
    parser = argparse.ArgumentParser(description="Make the study of regimens.")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of every random number")
    parser.add_argument("--into", type=Path, default=STUDY, help="study folder to write")
    given = parser.parse_args()
    make_study(given.into, given.seed)


if __name__ == "__main__":
    main()
