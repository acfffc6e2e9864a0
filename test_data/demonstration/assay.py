"""What both assays have in common: tubes with a known content, and what is left of it when it is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SPIKE_CV = 0.005
PIPETTE_CV_PER_STEP = 0.01


@dataclass(frozen=True)
class Assay:
    """An assay as it truly behaves. Scatter is the standard deviation of a logarithm.

    Parameters
    ----------
    method_id : str
        Method of config/methods that describes it.
    lloq_ng_ml, uloq_ng_ml : float
        Validated range, on the homogenate scale.
    recovery : dict
        Fraction of the analyte that an extract of each tissue holds.
    extraction_sd, recovery_between_batches_sd : float
        Scatter of one extraction, and of the recovery from batch to batch.
    """

    method_id: str
    lloq_ng_ml: float
    uloq_ng_ml: float
    recovery: dict[str, float]
    extraction_sd: float
    recovery_between_batches_sd: float

    def batch_recovery(self, rng: np.random.RandomState) -> dict[str, float]:
        """Recovery per tissue in one extraction batch."""
        sd = self.recovery_between_batches_sd
        return {tissue: r * np.exp(sd * rng.standard_normal()) for tissue, r in self.recovery.items()}

    def status(self, reading_ng_ml: float) -> str:
        """Word in which a reading of the curve ends, were it free of error."""
        if reading_ng_ml < self.lloq_ng_ml:
            return "BLQ"
        return "ALQ" if reading_ng_ml > self.uloq_ng_ml else "quantified"


def tube(sample_type: str, sample_id: str, **columns: object) -> dict:
    """One preparation: cells of its worklist row, and under `true_factor` a planted mistake (1 where there is none)."""
    row = {"sample_type": sample_type, "sample_id": sample_id, "level": "", "nominal_ng_ml": "", "dilution_factor": 1}
    return {**row, "dilution_steps": 1, "tissue": "", "repeat_reason": "", "true_factor": 1.0, **columns}


def standards(levels_ng_ml: tuple[float, ...], label: str) -> list[dict]:
    """One set of calibrators, C1 the lowest."""
    return [
        tube("calibrator", f"C{i}-{label}", level=f"C{i}", nominal_ng_ml=level)
        for i, level in enumerate(levels_ng_ml, 1)
    ]


def qc_set(levels_ng_ml: dict[str, float], tissue: str, label: str) -> list[dict]:
    """One QC sample of each level; an empty `tissue` means the calibrators' own matrix."""
    name = f"{tissue or 'surrogate'}-{label}"
    return [
        tube("qc", f"{level}-{name}", level=level, nominal_ng_ml=nominal, tissue=tissue)
        for level, nominal in levels_ng_ml.items()
    ]


def recovery_set(levels_ng_ml: dict[str, float], tissue: str, kind: str, replicates: int) -> list[dict]:
    """Recovery rows of one tissue, spiked before (`recovery_pre`) or after extraction (`recovery_post`)."""
    return [
        tube(kind, f"{kind[9:]}-{tissue}-{level}{i}", level=level, nominal_ng_ml=nominal, tissue=tissue)
        for level, nominal in levels_ng_ml.items()
        for i in range(1, replicates + 1)
    ]


def analyse(sample_ids: list[str], sample_type: str = "unknown", **columns: object) -> list[dict]:
    """Study samples, each extracted once."""
    return [tube(sample_type, sample_id, **columns) for sample_id in sample_ids]


def content_ng_ml(
    tubes: pd.DataFrame,
    samples: pd.DataFrame,
    recovery: dict[str, float],
    extraction_sd: float,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Concentration that each tube's extract truly shows, on the scale of calibrators that were not extracted.

    Spiked tubes carry an error of spiking, diluted ones of each pipetting step, extracted ones the recovery of
    their tissue and the scatter of their own extraction.
    """
    scatter = rng.standard_normal((3, len(tubes)))
    spiked = pd.to_numeric(tubes.nominal_ng_ml).fillna(0.0).to_numpy(float)
    found = samples.set_index("sample_id").true_homogenate_ng_ml.reindex(tubes.sample_id).to_numpy(float)
    content = np.where(np.isnan(found), spiked * (1 + SPIKE_CV * scatter[0]), found) * tubes.true_factor.to_numpy(float)
    factor, steps = tubes.dilution_factor.to_numpy(float), tubes.dilution_steps.to_numpy(float)
    diluted = np.where(factor > 1, factor * (1 + PIPETTE_CV_PER_STEP * np.sqrt(steps) * scatter[1]), 1.0)
    extracted = (matrix(tubes, samples) != "") & (tubes.sample_type != "recovery_post").to_numpy()
    kept = np.array([recovery.get(tissue, 1.0) for tissue in matrix(tubes, samples)])
    return content / diluted * np.where(extracted, kept * np.exp(extraction_sd * scatter[2]), 1.0)


def matrix(tubes: pd.DataFrame, samples: pd.DataFrame) -> np.ndarray:
    """Tissue that each tube is made of; empty for the calibrators' matrix."""
    own = samples.set_index("sample_id").tissue.reindex(tubes.sample_id).to_numpy(object)
    return np.where(pd.isna(own), tubes.tissue.to_numpy(object), own)


def expected_readings(tubes: pd.DataFrame, samples: pd.DataFrame, assay: Assay) -> pd.DataFrame:
    """Study samples with what the curve would read, were there no error: by sample_id, run_id, reading_ng_ml, status.

    Where a sample was analysed more than once the first row counts, so `tubes` hold repeats before what they repeat.
    """
    unknown = tubes[(tubes.sample_type == "unknown") & (tubes.not_acquired_reason == "")].drop_duplicates("sample_id")
    sample = samples.set_index("sample_id").loc[unknown.sample_id]
    recovery = sample.tissue.map(assay.recovery).to_numpy(float)
    reading = sample.true_homogenate_ng_ml.to_numpy(float) * recovery / unknown.dilution_factor.to_numpy(float)
    status = [assay.status(value) for value in reading]
    return pd.DataFrame({"run_id": unknown.run_id.to_numpy(), "reading_ng_ml": reading, "status": status}, sample.index)
