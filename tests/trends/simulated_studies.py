"""Studies with many runs, as the result tables that runs leave: simulated values, written for the charts to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from small_study import CONFIG, ELISA, LCMS

MEASUREMENTS = [
    "run_id", "plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
    "dilution_factor", "extraction_id", "analyte_area", "internal_standard_area", "response", "back_calculated_ng_ml",
    "homogenate_ng_ml", "recovery_factor", "bias_percent", "status",
]  # fmt: skip
SAMPLES = ["sample_id", "subject_id", "tissue", "collection_day", "tissue_mass_mg", "buffer_volume_ul"]
NOMINAL = {"LQC": 15.0, "MQC": 300.0}


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(columns), *("\t".join(str(row.get(name, "")) for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_study(folder: Path, study_id: str, runs: Sequence[Mapping[str, str]], samples=()) -> Path:
    """Write the settings of a study with `runs` (run_id, run_date, and what else `runs.tsv` may hold)."""
    (folder / "config/methods").mkdir(parents=True)
    (folder / "config/config.yaml").write_text(CONFIG.replace("SMALL-1", study_id))
    (folder / "config/methods/lcms.yaml").write_text(LCMS)
    (folder / "config/methods/elisa.yaml").write_text(ELISA)
    write_rows(folder / "config/samples.tsv", SAMPLES, samples)
    rows = [{"method_id": "ASO-LCMS-01", "analyst": "AL", "raw_path": "raw", **run} for run in runs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    write_rows(folder / "config/runs.tsv", names, rows)
    return folder


def leave_results(
    study: Path, run_id: str, bias: Mapping[str, Sequence[float]], *, accepted: bool = True, slope: float = 0.002,
    standard: Sequence[float] = (1e6, 1.02e6, 0.98e6), recovery: float = 0.8, further: Sequence[dict] = (),
) -> Path:  # fmt: skip
    """Write the result tables of one LC-MS/MS run with the given biases (%) per QC level."""
    folder = study / "results/runs" / run_id
    rows = _worklist(run_id, bias, standard, further)
    write_rows(folder / "measurements.tsv", MEASUREMENTS, rows)
    write_rows(folder / "recovery.tsv", ["tissue", "kind", "level", "factor", "n", "analyte"], [
        {"tissue": "liver", "kind": "extraction_recovery", "level": "all", "factor": recovery, "n": 3,
         "analyte": "mipomersen"}])  # fmt: skip
    write_rows(folder / "peaks.tsv", ["position", "transition", "retention_time_min", "signal_to_noise", "area"], [
        {"position": row["position"], "transition": name, "retention_time_min": time, "signal_to_noise": 25,
         "area": 100} for row in rows for name, time in (("quan", 3.1), ("is_quan", 2.95))])  # fmt: skip
    write_rows(folder / "acceptance.tsv", ["rule_id", "plate", "analyte", "verdict", "observed"], [
        {"rule_id": "RUN", "analyte": "mipomersen", "verdict": "pass" if accepted else "fail"}])  # fmt: skip
    estimator = {"model": "linear", "parameters": {"intercept": 0.0001, "slope": slope}}
    curve = {"analyte": "mipomersen", "plate": "", "estimator": estimator, "points": [{"used": True}] * 6}
    (folder / "curve.json").write_text(json.dumps([curve]))
    return folder


def _worklist(run_id: str, bias: Mapping[str, Sequence[float]], standard: Sequence[float], further) -> list[dict]:
    rows = [{"sample_type": "calibrator", "level": "C1", "nominal_ng_ml": 5, "tissue": "surrogate", "status": "used"}]
    rows += [{"sample_type": "recovery_pre", "tissue": "liver", "status": "measured"}]
    rows += [
        {
            "sample_type": "qc", "level": level, "nominal_ng_ml": NOMINAL[level], "bias_percent": value,
            "tissue": "surrogate", "status": "pass",
        }
        for level, values in bias.items()
        for value in values
    ]  # fmt: skip
    rows += list(further)
    common = {"run_id": run_id, "analyte": "mipomersen", "dilution_factor": 1}
    return [
        {**common, "position": i + 1, "extraction_id": f"{run_id}:{i + 1}",
         "internal_standard_area": standard[i % len(standard)], **row}
        for i, row in enumerate(rows)
    ]  # fmt: skip


def elisa_study(folder):
    """Write a study with one ELISA run of two plates, the second one failed."""
    run = {"run_id": "EL-01", "run_date": "2026-03-02", "method_id": "ASO-ELISA-01"}
    study = make_study(folder / "study", "EL-1", [run])
    place = study / "results/runs/EL-01"
    rows = []
    for plate in ("P1", "P2"):
        wells = [("A1", "zero", "", 0.05, ""), ("A2", "zero", "", 0.07, "")]
        wells += [("B1", "qc", "LQC", 0.2, 9), ("B2", "qc", "LQC", 0.2, 11)]
        wells += [("C1", "qc", "MQC", 0.9, 100), ("C2", "qc", "MQC", 0.9, "")]
        rows += [
            {"plate": plate, "position": at, "sample_type": kind, "level": level, "tissue": "surrogate",
             "analyte": "mipomersen", "extraction_id": f"{plate}{kind}{level}", "dilution_factor": 1,
             "response": signal, "back_calculated_ng_ml": read, "homogenate_ng_ml": read, "nominal_ng_ml": 10,
             "bias_percent": 4 if kind == "qc" else ""}
            for at, kind, level, signal, read in wells
        ]  # fmt: skip
        rows += [{"plate": plate, "position": "D1", "sample_type": "recovery_pre", "analyte": "mipomersen",
                  "tissue": "liver" if plate == "P1" else "kidney"}]  # fmt: skip
    write_rows(place / "measurements.tsv", MEASUREMENTS, rows)
    write_rows(place / "recovery.tsv", ["tissue", "kind", "level", "factor", "n", "analyte"], [
        {"tissue": tissue, "kind": "apparent", "level": "all", "factor": 0.9, "n": 1, "analyte": "mipomersen"}
        for tissue in ("kidney", "liver")])  # fmt: skip
    write_rows(place / "acceptance.tsv", ["rule_id", "plate", "analyte", "verdict", "observed"], [
        {"rule_id": "RUN", "plate": plate, "analyte": "mipomersen", "verdict": verdict}
        for plate, verdict in (("P1", "pass"), ("P2", "fail"))])  # fmt: skip
    parameters = {"zero": 0.05, "slope": 1.1, "midpoint": 250, "infinite": 3.9}
    curve = {"analyte": "mipomersen", "plate": "P1", "estimator": {"model": "4pl", "parameters": parameters}}
    lost = {"analyte": "mipomersen", "plate": "P2", "estimator": None, "problem": "no fit"}
    (place / "curve.json").write_text(json.dumps([curve, lost]))
    return study


def days(n: int, first: str = "2026-01-01") -> list[str]:
    return [str(np.datetime64(first) + i) for i in range(n)]


def steady_study(folder: Path, study_id: str, n: int, rng: np.random.Generator, **changes) -> Path:
    """Write a study of `n` runs R01, R02 ... in control, one a day; `changes` maps a run id to its own settings."""
    names = [f"R{i + 1:02}" for i in range(n)]
    study = make_study(folder, study_id, [{"run_id": r, "run_date": d} for r, d in zip(names, days(n), strict=True)])
    for name in names:
        bias = {level: np.round(rng.normal(0.5, 3, 2), 6).tolist() for level in NOMINAL}
        leave_results(study, name, **({"bias": bias, "slope": 0.002 + 1e-5 * rng.normal()} | changes.get(name, {})))
    return study
