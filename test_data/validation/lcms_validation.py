"""The chromatographic validation: three runs of accuracy and precision, one of everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from demonstration.lcms import peak_shape
from demonstration.mzml import Trace, write_mzml

from .tubes import calibrators, replicates, truth, tube, write_runs, write_worklist

METHOD_ID = "VAL-LCMS"
LEVELS_NG_ML = (5, 10, 25, 100, 500, 1000, 2500, 5000)
QC = {"LLOQ": 5.0, "LQC": 15.0, "MQC": 2000.0, "HQC": 4000.0}
LOW_HIGH = {"LQC": 15.0, "HQC": 4000.0}
DAYS = {"AP-1": "2026-01-12", "AP-2": "2026-01-13", "AP-3": "2026-01-15", "MIX-1": "2026-04-20"}
LOTS = tuple(f"LIV-{n}" for n in range(1, 7))

AREA_PER_NG_ML, IS_AREA = 2400.0, 1.2e6
BATCH_SD, TUBE_SD, SENSITIVITY_SD = 0.02, 0.035, 0.06
RECOVERY, IS_RECOVERY = 0.62, 0.60
INTERFERENCE = 0.05  # of the LLOQ's area, in the worst source
TRANSITIONS = ((651.5, 94.9, 3.10), (640.2, 94.9, 2.95))
SIGMA_S, TAU_S, BASELINE_CPS, DWELL_S = 1.15, 0.7, 40.0, 0.1
TIME_S = np.arange(2.6 * 60, 3.5 * 60, 0.5)


def make(folder: Path, rng: np.random.RandomState) -> None:
    """Write worklists, run table and raw data into a study folder that holds settings and method already."""
    for run_id in DAYS:
        rows = _everything_else() if run_id.startswith("MIX") else _accuracy_run()
        rows = [{"position": n, "file": f"{run_id}_{n:03d}.mzML", **row} for n, row in enumerate(rows, 1)]
        write_worklist(rows, folder / f"config/worklists/{run_id}.tsv")
        _acquire(rows, folder / f"raw/{run_id}", DAYS[run_id], rng)
    write_runs(DAYS, METHOD_ID, {name: f"raw/{name}" for name in DAYS}, folder / "config/runs.tsv")


def _standards() -> list[dict]:
    return [tube("blank"), tube("zero"), *calibrators(LEVELS_NG_ML), tube("carryover_blank")]


def _accuracy_run() -> list[dict]:
    return [*_standards(), *replicates(5, QC, experiment="accuracy_precision")]


def _everything_else() -> list[dict]:
    """Selectivity, specificity, matrix effect, dilution, storage, recovery; QCs of the run before and after.

    48 h on the bench cost a quarter of the analyte: the one storage that fails.
    """
    controls = replicates(1, {name: QC[name] for name in ("LQC", "MQC", "HQC")})
    blanks = [tube("blank", lot=lot, experiment="selectivity", source_kind="normal") for lot in LOTS]
    blanks.append(tube("blank", lot="LIV-H", experiment="selectivity", source_kind="haemolysed", haemolysed_percent=2))
    blanks.append(tube("blank", interferent="3' n-1", experiment="specificity"))
    sources = [row for lot in LOTS for row in replicates(3, LOW_HIGH, lot=lot, experiment="matrix_effect")]
    diluted = [
        tube("dilution_qc", "DQC", 20000.0, dilution_factor=factor, diluent="liver", experiment="dilution_integrity")
        for factor in (10, 50)
        for _ in range(5)
    ]
    return [*_standards(), *controls, *blanks, *sources, *diluted, *_stored(), *_extracts(), *controls]


def _stored() -> list[dict]:
    bench = {"condition": "bench_top", "condition_c": 22}
    return [
        *replicates(3, LOW_HIGH, experiment="stability", **bench, condition_hours=24),
        *replicates(3, LOW_HIGH, experiment="stability", share=0.75, **bench, condition_hours=48),
        *replicates(3, LOW_HIGH, experiment="stability", condition="freeze_thaw", condition_cycles=3, hours_frozen=12,
                    condition_c=-70),
        *replicates(3, LOW_HIGH, experiment="stability", condition="long_term", condition_days=90, condition_c=-70),
    ]  # fmt: skip


def _extracts() -> list[dict]:
    levels = {name: QC[name] for name in ("LQC", "MQC", "HQC")}
    return [
        row for kind in ("recovery_pre", "recovery_post") for row in replicates(3, levels, kind, experiment="recovery")
    ]


def _areas(rows: list[dict], rng: np.random.RandomState) -> np.ndarray:
    """True areas of analyte and internal standard, shape (n_injections, 2), in counts x s."""
    n = len(rows)
    kinds = np.array([row["sample_type"] for row in rows])
    sensitivity = np.exp(SENSITIVITY_SD * rng.standard_normal(n))
    spiked_late = kinds == "recovery_post"
    analyte = AREA_PER_NG_ML * truth(rows, rng, BATCH_SD, TUBE_SD) * np.where(spiked_late, 1.0, RECOVERY)
    blank = [row.get("experiment") in ("selectivity", "specificity") for row in rows]
    analyte += np.array(blank) * INTERFERENCE * rng.uniform(size=n) * AREA_PER_NG_ML * RECOVERY * LEVELS_NG_ML[0]
    standard = IS_AREA * np.where(spiked_late, 1.0, IS_RECOVERY) * ~np.isin(kinds, ["blank", "carryover_blank"])
    return np.column_stack([analyte, standard]) * sensitivity[:, None]


def _acquire(rows: list[dict], raw: Path, day: str, rng: np.random.RandomState) -> None:
    """Write one mzML file per injection."""
    raw.mkdir(parents=True, exist_ok=True)
    for row, areas in zip(rows, _areas(rows, rng), strict=True):
        traces = []
        for (q1, q3, rt_min), area in zip(TRANSITIONS, areas, strict=True):
            centre = np.array(60 * (rt_min + 0.003 * rng.standard_normal()) - 0.6 * TAU_S)
            signal = BASELINE_CPS + area * peak_shape(TIME_S, centre, np.array(SIGMA_S), TAU_S)
            traces.append(Trace(q1, q3, TIME_S / 60, rng.poisson(signal * DWELL_S) / DWELL_S))
        write_mzml(raw / str(row["file"]), traces, f"{day}T08:00:00Z")
