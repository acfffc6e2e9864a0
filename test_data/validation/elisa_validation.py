"""The ligand-binding validation: six runs of accuracy and precision, one of sources, one of dilutions and storage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from .tubes import calibrators, replicates, truth, tube, write_runs, write_table, write_worklist

METHOD_ID = "VAL-ELISA"
LEVELS_NG_ML = (5, 10, 25, 50, 100, 200, 350, 500)
QC = {"LLOQ": 5.0, "LQC": 15.0, "MQC": 50.0, "HQC": 380.0, "ULOQ": 500.0}
CONTROLS = {name: QC[name] for name in ("LQC", "MQC", "HQC")}
LOW_HIGH = {name: QC[name] for name in ("LQC", "HQC")}
ENDS = {name: QC[name] for name in ("LLOQ", "ULOQ")}
SOURCES = tuple(f"LIV-{n}" for n in range(1, 11))
DAYS = {
    **{f"AP-{n}": f"2026-02-{8 + (n + 1) // 2:02d}" for n in range(1, 7)}, "SRC-1": "2026-02-16", "MIX-1": "2026-02-17",
}  # fmt: skip
DECOY_NG_ML, INCURRED_NG_ML = 20000.0, 1600.0
BATCH_SD, TUBE_SD, WELL_SD = 0.03, 0.05, 0.015
ZERO, INFINITE, MIDPOINT_NG_ML, SLOPE = 0.05, 3.0, 150.0, 1.1


def make(folder: Path, rng: np.random.RandomState) -> None:
    """Write worklists, tables and plates into a study folder that holds settings and method already."""
    for run_id in DAYS:
        rows = _tubes(run_id)
        named = [{"sample_id": f"{row['sample_type']}-{n}", **row} for n, row in enumerate(rows, 1)]
        wells = [well for row in named for well in (row, row)]
        places = [f"{'ABCDEFGH'[n % 8]}{n // 8 + 1}" for n in range(len(wells))]
        write_worklist([{"position": p, **row} for p, row in zip(places, wells, strict=True)],
                       folder / f"config/worklists/{run_id}.tsv")  # fmt: skip
        signals = np.repeat(_signal(truth(rows, rng, BATCH_SD, TUBE_SD)), 2)
        signals = signals * np.exp(WELL_SD * rng.standard_normal(len(signals)))
        plate = pd.DataFrame({"well": places, "signal": [f"{signal:.4f}" for signal in signals]})
        write_table(plate, folder / f"raw/{run_id}.tsv")
    write_runs(DAYS, METHOD_ID, {name: f"raw/{name}.tsv" for name in DAYS}, folder / "config/runs.tsv")
    _write_sample(folder / "config")


def _write_sample(config: Path) -> None:
    """The one study sample of the validation, for parallelism."""
    subject = ("R1", "rat", "high", "mipomersen")
    write_table(
        pd.DataFrame([subject], columns=["subject_id", "species", "group", "treatment"]), config / "subjects.tsv"
    )
    names = ["sample_id", "subject_id", "tissue", "collection_day", "tissue_mass_mg", "buffer_volume_ul"]
    write_table(pd.DataFrame([("R1-LIV", "R1", "liver", 29, 100, 900)], columns=names), config / "samples.tsv")


def _signal(concentration: np.ndarray) -> np.ndarray:
    return INFINITE + (ZERO - INFINITE) / (1 + (concentration / MIDPOINT_NG_ML) ** SLOPE)


def _tubes(run_id: str) -> list[dict]:
    standards = [tube("blank"), *calibrators(LEVELS_NG_ML)]
    if run_id.startswith("AP"):
        return [*standards, *replicates(3, QC, experiment="accuracy_precision")]
    controls = replicates(1, CONTROLS)
    if run_id.startswith("SRC"):
        return [*standards, *controls, *_sources(), *controls]
    return [*standards, *controls, *_dilutions(), *_stored(), *controls]


def _sources() -> list[dict]:
    """Ten sources blank and spiked; one of them hides the analyte at the LLOQ, as one in five may."""
    levels = {name: QC[name] for name in ("LLOQ", "HQC")}
    rows = []
    for number, lot in enumerate(SOURCES):
        cells = {"lot": lot, "experiment": "selectivity", "source_kind": "normal"}
        rows.append(tube("blank", **cells))
        rows += [
            tube("qc", level, nominal, 0.6 if number == 3 and level == "LLOQ" else 1.0, **cells)
            for level, nominal in levels.items()
        ]
    return rows[:30]


def _dilutions() -> list[dict]:
    """Three preparations far above the range, undiluted and at three factors; a study sample at four."""
    linear = [
        tube("qc" if factor == 1 else "dilution_qc", "DQC", DECOY_NG_ML, dilution_factor=factor, series=f"PREP-{n}",
             diluent="liver", experiment="dilution_linearity")
        for n in (1, 2, 3)
        for factor in (1, 50, 200, 1000)
    ]  # fmt: skip
    sample = [
        tube("unknown", true_ng_ml=INCURRED_NG_ML, sample_id="R1-LIV", dilution_factor=factor, series="R1-LIV",
             experiment="parallelism")
        for factor in (4, 8, 16, 32)
    ]  # fmt: skip
    return [*linear, *sample]


def _stored() -> list[dict]:
    """Storage, and a related molecule; nothing was kept for long, so long-term storage stays open."""
    related = {"interferent": "3' n-1", "experiment": "specificity"}
    return [
        *replicates(3, LOW_HIGH, experiment="stability", condition="freeze_thaw", condition_cycles=3, hours_frozen=14,
                    condition_c=-70),
        *replicates(2, LOW_HIGH, experiment="stability", condition="bench_top", condition_hours=6, condition_c=22),
        tube("blank", **related), *replicates(1, ENDS, **related),
    ]  # fmt: skip
