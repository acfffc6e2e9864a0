"""Make the demonstration study: its tables in config/, its raw data and its truth in test_data/.

    python test_data/make_demonstration.py [--seed N] [--into FOLDER]

Without arguments it makes the committed files again, byte for byte. What is simulated, and with which numbers, stands
in test_data/README.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test_data"))

from demonstration import animals, elisa, in_life, lcms, preparation
from demonstration.assay import Assay, expected_readings

SEED = 20260303
IN_LIFE = 100  # the stream of what was noted in life, apart from those of the laboratory
KEPT_BY_HAND = ("config.yaml", "methods/ASO-LCMS-01.yaml", "methods/ASO-HELISA-01.yaml")
RAW = "test_data/raw"


def make_study(folder: Path, seed: int) -> None:
    """Write a complete study folder: config/, test_data/raw/ and test_data/truth/.

    Parameters
    ----------
    folder : Path
        Study folder; made if it does not exist. Files of an earlier study in it are overwritten.
    seed : int
        Seed of every random number (0 to 2**32 - 1); the same seed gives the same bytes.
    """
    # RandomState and not a Generator: its stream is frozen for all releases of numpy
    streams = [np.random.RandomState([seed, part]) for part in range(6)]
    subjects = animals.make_subjects(streams[0])
    samples = animals.make_samples(subjects, streams[0])
    runs = lcms.plan_runs(samples, streams[1])
    worklists = {
        run.run_id: lcms.acquire(run, samples, folder / RAW / run.run_id, rng)
        for run, rng in zip(runs, streams[2:4], strict=True)
    }
    worklists[elisa.RUN_ID] = elisa.acquire(samples, folder / RAW / f"{elisa.RUN_ID}.tsv", streams[4])
    again = lcms.plan_reanalysis(samples, streams[5])
    worklists[again.run_id] = lcms.acquire(again, samples, folder / RAW / again.run_id, streams[5])
    write_config(folder / "config", subjects, samples, worklists, runs)
    write_in_life(folder / "config", subjects, np.random.RandomState([seed, IN_LIFE]))
    write_truth(folder / "test_data/truth", samples, worklists, runs)


def write_in_life(config: Path, subjects: pd.DataFrame, rng: np.random.RandomState) -> None:
    """Write the dosing log and the clinical chemistry."""
    write_table(in_life.make_dosing(subjects, rng), config / "dosing.tsv")
    write_table(in_life.make_clinical_chemistry(subjects, rng), config / "clinical_chemistry.tsv")


def write_config(
    config: Path,
    subjects: pd.DataFrame,
    samples: pd.DataFrame,
    worklists: dict[str, pd.DataFrame],
    runs: tuple[lcms.LcRun, ...],
) -> None:
    """Write the tables of the study, and copy the files that are kept by hand."""
    for name in KEPT_BY_HAND:
        (config / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / "config" / name) != config / name:
            shutil.copyfile(ROOT / "config" / name, config / name)
    write_table(subjects, config / "subjects.tsv")
    write_table(without_truth(samples).drop(columns="group"), config / "samples.tsv")
    write_table(run_table(), config / "runs.tsv")
    write_table(decision_table(worklists, runs), config / "decisions.tsv")
    write_table(preparation.make_materials(), config / "materials.tsv")
    extracted = run_table().set_index("run_id").extraction_date
    for run_id, worklist in worklists.items():
        diluted = pd.to_numeric(worklist.dilution_factor) > 1
        table = worklist.assign(dilution_steps=worklist.dilution_steps.where(diluted, ""))
        table = preparation.noted(table, extracted[run_id])
        write_table(without_truth(table), config / "worklists" / f"{run_id}.tsv")


def run_table() -> pd.DataFrame:
    """The analytical runs, one row each."""
    columns = ["run_id", "method_id", "run_date", "analyst", "instrument", "raw_path", "extraction_date"]
    return pd.DataFrame(
        [
            ("LC-01", lcms.ASSAY.method_id, "2026-03-03", "A. Lindqvist", "QTRAP-2", f"{RAW}/LC-01", "2026-03-02"),
            ("LC-02", lcms.ASSAY.method_id, "2026-03-10", "A. Lindqvist", "QTRAP-2", f"{RAW}/LC-02", "2026-03-09"),
            (
                "ELISA-01",
                elisa.ASSAY.method_id,
                "2026-03-05",
                "M. Okafor",
                "READER-1",
                f"{RAW}/ELISA-01.tsv",
                "2026-03-05",
            ),
            ("LC-03", lcms.ASSAY.method_id, "2026-03-17", "A. Lindqvist", "QTRAP-2", f"{RAW}/LC-03", "2026-03-16"),
        ],
        columns=columns,
    )


def decision_table(worklists: dict[str, pd.DataFrame], runs: tuple[lcms.LcRun, ...]) -> pd.DataFrame:
    """What people decided: an injection of air is left out, a repeat replaces a value from a partial injection."""
    first, second = runs
    position = worklists[second.run_id].set_index("sample_id").position[second.air]
    columns = [
        "decision_id",
        "action",
        "run_id",
        "position",
        "sample_id",
        "reason_code",
        "reason",
        "author",
        "decided_at",
    ]
    air = "syringe drew air: neither analyte nor internal standard in any transition"
    partial = f"internal standard at a quarter of the run's in {first.run_id}: injected in part; the repeat is reported"
    rows = [
        (
            "D-001",
            "exclude",
            second.run_id,
            position,
            "",
            "INJECTION_FAILURE",
            air,
            "A. Lindqvist",
            "2026-03-11T08:15:00Z",
        ),
        (
            "D-002",
            "report_result",
            second.run_id,
            "",
            first.faint,
            "IS_RESPONSE",
            partial,
            "K. Moreau",
            "2026-03-11T09:40:00Z",
        ),
    ]
    return pd.DataFrame(rows, columns=columns)


def write_truth(
    truth: Path, samples: pd.DataFrame, worklists: dict[str, pd.DataFrame], runs: tuple[lcms.LcRun, ...]
) -> None:
    """Write what each sample truly holds, how it should end by each method, and the mistakes planted in the runs."""
    table = samples[["sample_id", "subject_id", "tissue", "piece", "homogenate"]].copy()
    for column in ("true_tissue_ug_g", "true_homogenate_ng_ml"):
        table[column] = [f"{value:.6g}" for value in samples[column]]
    lc_rows = pd.concat([worklists[run.run_id].assign(run_id=run.run_id) for run in reversed(runs)])
    elisa_rows = worklists[elisa.RUN_ID].assign(run_id=elisa.RUN_ID)
    for name, rows, assay in (("lcms", lc_rows, lcms.ASSAY), ("elisa", elisa_rows, elisa.ASSAY)):
        expected = expected_results(rows, samples, assay)
        for column in expected:
            table[f"{column}_{name}"] = expected[column].reindex(table.sample_id).fillna("").to_numpy()
    missing = (samples.not_available_reason != "").to_numpy()
    table.loc[missing, ["expected_status_lcms", "expected_status_elisa"]] = "not_analysed"
    write_table(table, truth / "samples.tsv")
    write_table(event_table(worklists, runs), truth / "events.tsv")


def expected_results(rows: pd.DataFrame, samples: pd.DataFrame, assay: Assay) -> pd.DataFrame:
    """How each sample should end by one method, by sample_id: the run reported, the true reading, the status.

    `rows` hold the latest run first, since a repeat is reported in place of what it repeats.
    """
    expected = expected_readings(rows, samples, assay)
    if assay is elisa.ASSAY:
        refused = set(samples[samples.tissue == "spleen"].sample_id)
        refused |= set(rows.loc[elisa.masked_wells(rows, samples), "sample_id"])
        expected["status"] = expected.status.where(~expected.index.isin(refused), "not_reported")
    reading = [f"{value:.6g}" for value in expected.reading_ng_ml]
    return expected.assign(true_reading_ng_ml=reading).rename(columns={"status": "expected_status"})[
        ["run_id", "true_reading_ng_ml", "expected_status"]
    ]


def event_table(worklists: dict[str, pd.DataFrame], runs: tuple[lcms.LcRun, ...]) -> pd.DataFrame:
    """Mistakes and repeats planted in the runs: where each is, and what should come of it."""
    rows = pd.concat([rows.assign(run_id=run_id) for run_id, rows in worklists.items()], ignore_index=True)
    first, second = runs
    diluted_later = set(rows[rows.repeat_reason == "ABOVE_ULOQ"].sample_id)
    here = rows.run_id.eq
    wrong = rows.true_factor != 1
    planted = {
        "calibrator mispipetted, 28 % too high: dropped": wrong & (rows.sample_type == "calibrator"),
        "QC prepared 28 % too low: fails, the run passes": wrong & here(first.run_id) & (rows.sample_type == "qc"),
        "QC pool spoiled, 40 % too low: the plate fails": wrong & here(elisa.RUN_ID),
        "not acquired, repeated in the second run": rows.not_acquired_reason != "",
        "above the range undiluted, repeated diluted": here(first.run_id) & rows.sample_id.isin(diluted_later),
        "injected in part, repeated; the repeat is reported": here(first.run_id) & (rows.sample_id == first.faint),
        "air injected, excluded": rows.sample_id == second.air,
        "wrong tube at the reanalysis: a flyer, not analysed again": wrong & rows.sample_type.eq("incurred"),
        "repeat": rows.repeat_reason != "",
    }
    events = [rows[where].assign(event=event) for event, where in planted.items()]
    return pd.concat(events)[["event", "run_id", "plate", "position", "sample_type", "sample_id"]].fillna("")


def without_truth(table: pd.DataFrame) -> pd.DataFrame:
    """The columns a laboratory would know."""
    return table[[column for column in table if not column.startswith("true_")]]


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as tab-separated text, with line ends that do not depend on the system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, sep="\t", index=False, lineterminator="\n")


def main() -> None:
    """Read the command line and make the study."""
    parser = argparse.ArgumentParser(description="Make the demonstration study.")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of every random number")
    parser.add_argument("--into", type=Path, default=ROOT, help="study folder to write; default: this repository")
    given = parser.parse_args()
    make_study(given.into, given.seed)


if __name__ == "__main__":
    main()
