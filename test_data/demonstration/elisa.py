"""The hybridization ELISA run: three plates, one per tissue, every tube in two wells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from .assay import Assay, analyse, content_ng_ml, qc_set, recovery_set, standards, tube

ASSAY = Assay(
    method_id="ASO-HELISA-01",
    lloq_ng_ml=5,
    uloq_ng_ml=500,
    recovery={"liver": 0.80, "kidney": 0.86, "spleen": 0.72},
    extraction_sd=0.05,
    recovery_between_batches_sd=0.01,
)
RUN_ID = "ELISA-01"
PLATES = {"P1": "liver", "P2": "kidney", "P3": "spleen"}
LEVELS_NG_ML = (5, 10, 25, 50, 100, 200, 350, 500)
ANCHOR_NG_ML = 2.5
QC_NG_ML = {"LQC": 15, "MQC": 50, "HQC": 400}
RECOVERY_NG_ML = {"L": 15, "M": 60, "H": 400}
RECOVERY_REPLICATES = 3
DILUTION = {
    "liver": {"mid": 20, "high": 20},
    "kidney": {"low": 10, "mid": 10, "high": 100},
    "spleen": {},
}
DILUTION_STEPS = {10: 1, 20: 1, 100: 2}
DILUTION_QC_NG_ML = {("liver", 20): 4000, ("kidney", 10): 2500, ("kidney", 100): 12000}
SPOILED_QC = {"spleen": 0.60}

# standard curve: absorbance = infinite + (zero - infinite) / (1 + (x / midpoint) ** slope)
ZERO, INFINITE, MIDPOINT_NG_ML, SLOPE = 0.060, 3.6, 250.0, 1.1
PLATE_SD, WELL_CV = 0.05, 0.03
WELLS_PER_TUBE = 2


def plan_plate(tissue: str, samples: pd.DataFrame, rng: np.random.RandomState) -> list[dict]:
    """Tubes of one plate in order: standards, QCs, recovery, samples, QCs."""
    mine = samples[(samples.tissue == tissue) & (samples.piece == 1) & (samples.homogenate == 1)]
    mine = mine[mine.not_available_reason == ""]
    mine = mine.iloc[rng.permutation(len(mine))]
    unknowns = [
        row for s in mine.itertuples() for row in _diluted(analyse([s.sample_id]), DILUTION[tissue].get(s.group, 1))
    ]
    dilution_qcs = [
        _diluted(
            [tube("dilution_qc", f"DQC-{tissue}-x{factor}", level="DQC", nominal_ng_ml=nominal, tissue=tissue)], factor
        )
        for (where, factor), nominal in DILUTION_QC_NG_ML.items()
        if where == tissue
    ]
    return [
        tube("zero", f"zero-{tissue}", nominal_ng_ml=0),
        tube("anchor", f"anchor-{tissue}", level="A1", nominal_ng_ml=ANCHOR_NG_ML),
        *standards(LEVELS_NG_ML, tissue),
        *_qcs(tissue, "1"),
        *[row for rows in dilution_qcs for row in rows],
        *recovery_set(RECOVERY_NG_ML, tissue, "recovery_pre", RECOVERY_REPLICATES),
        *unknowns,
        *_qcs(tissue, "2"),
    ]


def _diluted(tubes: list[dict], factor: int) -> list[dict]:
    return [{**row, "dilution_factor": factor, "dilution_steps": DILUTION_STEPS.get(factor, 1)} for row in tubes]


def _qcs(tissue: str, label: str) -> list[dict]:
    return [{**row, "true_factor": SPOILED_QC.get(tissue, 1.0)} for row in qc_set(QC_NG_ML, tissue, label)]


def well(index: int) -> str:
    """Name of the index-th well: two neighbouring columns hold the two wells of eight tubes, from top to bottom."""
    pair, second = divmod(index, WELLS_PER_TUBE)
    return f"{'ABCDEFGH'[pair % 8]}{2 * (pair // 8) + second + 1}"


def read_plate(content: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Absorbance of each well, shape (n_tubes, 2), of tubes that hold `content` ng/mL."""
    infinite, midpoint = np.array([INFINITE, MIDPOINT_NG_ML]) * np.exp(PLATE_SD * rng.standard_normal(2))
    absorbance = infinite + (ZERO - infinite) / (1 + (content / midpoint) ** SLOPE)
    return absorbance[:, None] * (1 + WELL_CV * rng.standard_normal((len(content), WELLS_PER_TUBE)))


def acquire(samples: pd.DataFrame, raw: Path, rng: np.random.RandomState) -> pd.DataFrame:
    """Worklist of the three plates, their wells written to the file `raw`; one well of a kidney has no number."""
    worklists, wells = [], []
    for plate, tissue in PLATES.items():
        rows = pd.DataFrame(plan_plate(tissue, samples, rng))
        content = content_ng_ml(rows, samples, ASSAY.batch_recovery(rng), ASSAY.extraction_sd, rng)
        signal = read_plate(content, rng).ravel()
        rows = rows.loc[rows.index.repeat(WELLS_PER_TUBE)].reset_index(drop=True)
        rows.insert(0, "position", [well(i) for i in range(len(rows))])
        rows.insert(1, "plate", plate)
        worklists.append(rows)
        wells.append(pd.DataFrame({"plate": plate, "well": rows.position, "signal": [f"{s:.4f}" for s in signal]}))
    rows, table = pd.concat(worklists, ignore_index=True), pd.concat(wells, ignore_index=True)
    masked = masked_wells(rows, samples)[1]
    table.loc[masked, "signal"] = "Masked"
    raw.parent.mkdir(parents=True, exist_ok=True)
    table.assign(wavelength_nm=450).to_csv(raw, sep="\t", index=False, lineterminator="\n")
    return rows.assign(not_acquired_reason="")


def masked_wells(rows: pd.DataFrame, samples: pd.DataFrame) -> pd.Index:
    """Both wells of the first kidney of the low dose on its plate: an air bubble sat in the second."""
    kidneys = samples[(samples.tissue == "kidney") & (samples.group == "low")].sample_id
    first = rows[rows.sample_id.isin(kidneys)].sample_id.iloc[0]
    return rows.index[rows.sample_id == first]
