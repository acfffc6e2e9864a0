"""Results of a study made up without the workflow: every number is a plain sum of its sample's place."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from small_study import CONFIG, LCMS

from bioanalysis.calibration import WeightedLinear

TISSUES = ("liver", "kidney")
GROUPS = {"control": "vehicle", "low": "mipomersen", "high": "mipomersen"}
METHOD, ANALYTE = "ASO-LCMS-01", "mipomersen"
CALIBRATORS = (5.0, 50.0, 500.0, 5000.0)
FLAGS = ["flag", "run_id", "plate", "position", "sample_id", "tissue", "analyte", "observed", "limit", "source",
         "check_first", "state", "decision_id", "meaning"]  # fmt: skip
FIRST = len(CALIBRATORS) + 2  # position of the first sample of a run: calibrators and one QC stand before it


def make_results(
    folder: Path,
    sizes: Sequence[int] = (6, 6),
    *,
    failed: Sequence[int] = (),
    name_of: Callable[[int], str] = "S{}".format,
    not_analysed: Sequence[int] = (),
    comment: str = "",
) -> Path:
    """Write a study whose run number i holds sizes[i] samples, and its result tables.

    Sample n has the value n + 1 ug/g with the interval 0.9 to 1.1 times it, control animals are BLQ with LLOQ 0.5;
    animals have one liver and one kidney each and belong to the groups in turn.
    """
    names = [name_of(n) for n in range(sum(sizes))]
    run_of = [i for i, size in enumerate(sizes) for _ in range(size)]
    positions = [FIRST + place for size in sizes for place in range(size)]
    samples = [_sample(n, name, comment) | {"position": positions[n]} for n, name in enumerate(names)]
    _write_config(folder, samples, sizes, names, run_of)
    results = folder / "results"
    for i, _ in enumerate(sizes):
        here = [sample for sample, run in zip(samples, run_of, strict=True) if run == i]
        _write_run(results / f"runs/R{i}", f"R{i}", here, i in failed)
    rows = [
        _concentration(n, sample, f"R{run_of[n]}", run_of[n] in failed, n in not_analysed)
        for n, sample in enumerate(samples)
    ]
    _write(results / "study/tissue_concentrations.tsv", rows)
    _write(results / "study/flags.tsv", [_flag(row) for row in rows[1::5]], FLAGS)
    return folder


def _sample(n: int, name: str, comment: str) -> dict[str, Any]:
    animal = n // len(TISSUES)
    return {
        "sample_id": name, "subject_id": f"A{animal}", "tissue": TISSUES[n % len(TISSUES)], "collection_day": 29,
        "tissue_mass_mg": 100, "buffer_volume_ul": 900, "received_at": "2026-03-01", "comment": comment,
        "group": list(GROUPS)[animal % len(GROUPS)],
    }  # fmt: skip


def _write_config(folder: Path, samples: list, sizes: Sequence[int], names: list[str], run_of: list[int]) -> None:
    (folder / "config/methods").mkdir(parents=True)
    (folder / "config/config.yaml").write_text(CONFIG)
    (folder / "config/methods/lcms.yaml").write_text(LCMS)
    animals = {sample["subject_id"]: sample["group"] for sample in samples}
    _write(folder / "config/subjects.tsv", [
        {"subject_id": animal, "species": "rat", "sex": "M", "group": group, "treatment": GROUPS[group]}
        for animal, group in animals.items()
    ])  # fmt: skip
    columns = [name for name in (samples[0] if samples else {"sample_id": ""}) if name not in ("group", "position")]
    _write(folder / "config/samples.tsv", [{name: sample[name] for name in columns} for sample in samples])
    runs = [
        {"run_id": f"R{i}", "method_id": METHOD, "run_date": f"2026-03-{10 + i % 20}", "analyst": "AL",
         "raw_path": f"raw/R{i}"} for i in range(len(sizes))
    ]  # fmt: skip
    _write(folder / "config/runs.tsv", runs)
    for i in range(len(sizes)):
        (folder / f"raw/R{i}").mkdir(parents=True)
        own = [name for name, run in zip(names, run_of, strict=True) if run == i]
        rows = _worklist(own)
        for row in rows:
            (folder / f"raw/R{i}" / row["file"]).touch()
        _write(folder / f"config/worklists/R{i}.tsv", rows)


def _worklist(own: list[str]) -> list[dict[str, Any]]:
    rows = [{"sample_type": "calibrator", "level": f"C{k}", "nominal_ng_ml": value} for k, value in
            enumerate(CALIBRATORS, start=1)]  # fmt: skip
    rows.append({"sample_type": "qc", "level": "LQC", "nominal_ng_ml": 15.0})
    rows += [{"sample_type": "unknown", "sample_id": name} for name in own]
    empty = {"sample_id": "", "level": "", "nominal_ng_ml": ""}
    return [{"position": p, "file": f"{p}.mzML", **empty, **row} for p, row in enumerate(rows, start=1)]


def _write_run(results: Path, run_id: str, samples: list[dict[str, Any]], is_failed: bool) -> None:
    empty = {"run_id": run_id, "plate": "", "sample_id": "", "level": "", "tissue": "", "analyte": ANALYTE,
             "nominal_ng_ml": "", "bias_percent": "", "reason": "", "flags": "", "response": 1.0,
             "dilution_factor": 1.0, "back_calculated_ng_ml": "", "recovery_factor": ""}  # fmt: skip
    bias = 40.0 if is_failed else 4.0
    rows = [{"sample_type": "calibrator", "level": f"C{k}", "nominal_ng_ml": value, "bias_percent": 1.0,
             "status": "used"} for k, value in enumerate(CALIBRATORS, start=1)]  # fmt: skip
    rows.append({"sample_type": "qc", "level": "LQC", "nominal_ng_ml": 15.0, "bias_percent": bias,
                 "status": "fail" if is_failed else "pass"})  # fmt: skip
    rows += [{"sample_type": "unknown", "sample_id": s["sample_id"], "tissue": s["tissue"],
              "status": "not_reported" if is_failed else "quantified"} for s in samples]  # fmt: skip
    _write(results / "measurements.tsv", [
        {**empty, **row, "position": p, "line": p + 1} for p, row in enumerate(rows, start=1)
    ])  # fmt: skip
    verdict = "fail" if is_failed else "pass"
    rule = {"stage": "run", "plate": "", "batch": "", "tissue": "", "analyte": ANALYTE, "subject": "",
            "standing": "read", "wider_than_source": "false", "source": "ICH M10"}  # fmt: skip
    _write(results / "acceptance.tsv", [
        rule | {"rule_id": "QC-05", "judged": "share of all QCs passing", "limit": ">= 2/3",
                "observed": "0 of 1" if is_failed else "1 of 1", "verdict": verdict},
        rule | {"rule_id": "QC-18", "judged": "stock solutions", "limit": "prepared separately",
                "observed": "not named", "verdict": "not_assessable"},
        rule | {"rule_id": "RUN", "judged": "verdict on the run", "limit": "ich_m10_chromatographic",
                "observed": "failed: QC-05" if is_failed else "no deciding rule failed", "verdict": verdict},
    ])  # fmt: skip
    _write(results / "flags.tsv", [], ["flag", "plate", "analyte", "observed", "position", "limit", "state"])
    (results / "curve.json").write_text(json.dumps([_curve()]))


def _curve() -> dict[str, Any]:
    """Return the curve response = 0.001 x nominal through all calibrators."""
    nominal = np.array(CALIBRATORS)
    points = [
        {"level": f"C{k}", "position": str(k), "nominal_ng_ml": value, "response": value / 1000, "bias_percent": 1.0,
         "used": True, "dropped": False, "excluded": "", "kind": "calibrator"}
        for k, value in enumerate(CALIBRATORS, start=1)
    ]  # fmt: skip
    return {"analyte": ANALYTE, "plate": "", "model": "linear", "weighting": "1/x^2", "problem": "", "points": points,
            "estimator": WeightedLinear(weighting="1/x^2").fit(nominal, nominal / 1000).to_dict(),
            "lloq_ng_ml": 5.0, "uloq_ng_ml": 5000.0}  # fmt: skip


def _concentration(n: int, sample: dict[str, Any], run_id: str, is_failed: bool, is_missing: bool) -> dict[str, Any]:
    row = {name: sample[name] for name in ("sample_id", "subject_id", "group", "tissue", "collection_day")}
    empty = {"value": "", "value_low": "", "value_high": "", "reason": "", "flags": "", "unit": "ug/g"}
    row |= {"pool": "false", "piece": "1", "homogenate": "1"}
    if is_missing:
        return row | empty | {"analyte": "", "method_id": "", "run_id": "", "position": "", "recovery_factor": "",
                              "lloq": "", "uloq": "", "status": "not_analysed", "reason": "not in any run",
                              "treatment": GROUPS[sample["group"]]}  # fmt: skip
    row |= empty | {"analyte": ANALYTE, "method_id": METHOD, "run_id": run_id, "position": sample["position"],
                    "recovery_factor": 0.5,
                    "lloq": 0.5, "uloq": 1000.0, "treatment": GROUPS[sample["group"]],
                    "recovery_source": "recovery rows of " + run_id, "basis": "free_acid"}  # fmt: skip
    if is_failed:
        return row | {"status": "not_reported", "reason": "RUN_FAIL: failed QC-05"}
    if GROUPS[sample["group"]] == "vehicle":
        return row | {"status": "BLQ", "reason": "no peak"}
    value = float(n + 1)
    return row | {"status": "quantified", "value": value, "value_low": 0.9 * value, "value_high": 1.1 * value}


def _flag(row: dict[str, Any]) -> dict[str, Any]:
    is_failed = row["status"] == "not_reported"
    kind = "repeat_missing" if is_failed else "storage_beyond_stability"
    return {"flag": kind, "run_id": row["run_id"], "plate": "", "position": "", "sample_id": row["sample_id"],
            "tissue": row["tissue"], "analyte": "", "observed": row["reason"] or "400 days", "limit": "", "source": "",
            "check_first": "samples.tsv", "state": "open", "decision_id": "", "meaning": "stored too long"}  # fmt: skip


def _write(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str] = ()) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=list(columns) or None)
    table.to_csv(path, sep="\t", index=False, lineterminator="\n", quoting=3, escapechar="\\")
