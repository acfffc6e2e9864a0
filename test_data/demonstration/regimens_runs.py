"""The runs of the study of regimens: two sequences of two extraction batches each, and two plates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from . import elisa, lcms
from .assay import analyse, content_ng_ml, qc_set, recovery_set, standards, tube
from .regimens import COLLECTION_DAY

LC = replace(lcms.ASSAY, recovery={**lcms.ASSAY.recovery, "plasma": 0.80}, recovery_between_batches_sd=0.02)
SEQUENCES = {
    "LC-11": (("liver", "kidney"), datetime(2026, 5, 5, 8, 30)),
    "LC-12": (("spleen", "plasma"), datetime(2026, 5, 7, 8, 10)),
}
PLATE_RUN, PLATES = "ELISA-11", {"P1": "liver", "P2": "kidney"}
DILUTION, DILUTION_QC_NG_ML = 20, 4000
PROBE_READS_ALSO = {"kidney": 1.15}  # shortened metabolites that still hybridise
BATCHES = ("E1", "E2")
PRE, POST = 3, 2  # recovery rows per tissue and level, over both batches
AXIS_MIN = (2.65, 3.65, 0.55 / 60)


def plan(run_id: str, samples: pd.DataFrame, rng: np.random.RandomState) -> lcms.LcRun:
    """One sequence; animals of either batch are drawn at random within their group and day."""
    tissues, started = SEQUENCES[run_id]
    here = samples[samples.tissue.isin(tissues)]
    batch = {}
    for _, cell in samples.drop_duplicates("subject_id").groupby(["group", "collection_day"], sort=False):
        order = rng.permutation(len(cell))
        batch |= {animal: BATCHES[order[k] % 2] for k, animal in enumerate(cell.subject_id)}
    here = here.iloc[rng.permutation(len(here))]
    unknowns = {name: analyse(list(here[here.subject_id.map(batch) == name].sample_id)) for name in BATCHES}
    return lcms.LcRun(run_id, started, tissues, _sequence(tissues, unknowns), assay=LC, time_min=AXIS_MIN)


def _sequence(tissues: tuple[str, ...], unknowns: dict[str, list[dict]]) -> list[dict]:
    """Standards at both ends; each batch with blanks, recovery rows and QCs of its own."""
    rows = [
        *[tube("system_suitability", f"SST-{i}", level="SST", nominal_ng_ml=500) for i in (1, 2)],
        tube("blank", "blank-surrogate"),
        tube("zero", "zero-surrogate"),
        *standards(lcms.LEVELS_NG_ML, "1"),
        tube("carryover_blank", "carryover-1"),
    ]
    for name in BATCHES:
        mine = [tube("blank", f"blank-{tissue}-{name}", tissue=tissue) for tissue in tissues]
        mine += [row for tissue in tissues for row in _recovery(tissue, name)]
        before, after = ([row for t in tissues for row in qc_set(lcms.QC_NG_ML, t, f"{name}-{k}")] for k in (1, 2))
        rows += [{**row, "batch": name} for row in [*mine, *before, *unknowns[name], *after]]
    last = [*standards(lcms.LEVELS_NG_ML, "2"), tube("carryover_blank", "carryover-2")]
    return [{"batch": BATCHES[0], **row} for row in rows] + [{**row, "batch": BATCHES[-1]} for row in last]


def _recovery(tissue: str, batch: str) -> list[dict]:
    """Recovery rows of one tissue, alternating between the batches."""
    kinds = {"recovery_pre": PRE, "recovery_post": POST}
    rows = [row for kind, count in kinds.items() for row in recovery_set(lcms.RECOVERY_NG_ML, tissue, kind, count)]
    return rows[BATCHES.index(batch) :: len(BATCHES)]


def acquire_plates(samples: pd.DataFrame, raw: Path, rng: np.random.RandomState) -> pd.DataFrame:
    """Worklist of both plates, their wells written to `raw`: one piece of each dosed animal of the first collection."""
    also = samples.tissue.map(PROBE_READS_ALSO).fillna(1.0)
    samples = samples.assign(true_homogenate_ng_ml=samples.true_homogenate_ng_ml * also)
    dosed = samples[(samples.group != "vehicle") & (samples.collection_day == COLLECTION_DAY) & (samples.piece == 1)]
    worklists, wells = [], []
    for plate, tissue in PLATES.items():
        rows = pd.DataFrame(_plate(tissue, dosed[dosed.tissue == tissue], rng))
        recovery = elisa.ASSAY.batch_recovery(rng)
        signal = elisa.read_plate(content_ng_ml(rows, samples, recovery, elisa.ASSAY.extraction_sd, rng), rng).ravel()
        rows = rows.loc[rows.index.repeat(elisa.WELLS_PER_TUBE)].reset_index(drop=True)
        rows.insert(0, "position", [elisa.well(i) for i in range(len(rows))])
        rows.insert(1, "plate", plate)
        worklists.append(rows)
        wells.append(pd.DataFrame({"plate": plate, "well": rows.position, "signal": [f"{s:.4f}" for s in signal]}))
    raw.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(wells).assign(wavelength_nm=450).to_csv(raw, sep="\t", index=False, lineterminator="\n")
    return pd.concat(worklists, ignore_index=True)


def _plate(tissue: str, samples: pd.DataFrame, rng: np.random.RandomState) -> list[dict]:
    """Tubes of one plate in order."""
    diluted = {"dilution_factor": DILUTION, "dilution_steps": 1}
    controls = [
        tube("dilution_qc", f"DQC-{tissue}-{i}", level="DQC", nominal_ng_ml=DILUTION_QC_NG_ML, tissue=tissue)
        for i in (1, 2, 3)
    ]
    return [
        tube("zero", f"zero-{tissue}", nominal_ng_ml=0),
        tube("anchor", f"anchor-{tissue}", level="A1", nominal_ng_ml=elisa.ANCHOR_NG_ML),
        *standards(elisa.LEVELS_NG_ML, tissue),
        *qc_set(elisa.QC_NG_ML, tissue, "1"),
        *[{**row, **diluted} for row in controls],
        *recovery_set(elisa.RECOVERY_NG_ML, tissue, "recovery_pre", elisa.RECOVERY_REPLICATES),
        *[{**row, **diluted} for row in analyse(list(samples.sample_id.iloc[rng.permutation(len(samples))]))],
        *qc_set(elisa.QC_NG_ML, tissue, "2"),
    ]
