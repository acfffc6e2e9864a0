"""The LC-MS/MS runs: their worklists, and the chromatograms of every injection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import erfcx

from .assay import Assay, analyse, content_ng_ml, matrix, qc_set, recovery_set, standards, tube
from .mzml import Trace, write_mzml

ASSAY = Assay(
    method_id="ASO-LCMS-01",
    lloq_ng_ml=5,
    uloq_ng_ml=5000,
    recovery={"liver": 0.62, "kidney": 0.70, "spleen": 0.55},
    extraction_sd=0.04,
    recovery_between_batches_sd=0.01,
)
LEVELS_NG_ML = (5, 10, 25, 100, 500, 1000, 2500, 5000)
QC_NG_ML = {"LQC": 15, "MQC": 2000, "HQC": 4000}
RECOVERY_NG_ML = {"L": 15, "M": 500, "H": 4000}
PRE_REPLICATES, POST_REPLICATES = 5, 4
FEWER_REPLICATES = 3, 2

# response: areas in counts x s, scatter as standard deviation of a logarithm
AREA_PER_NG_ML, IS_AREA, QUALIFIER_SHARE, ENDOGENOUS_AREA = 2400.0, 1.2e6, 0.45, 3000.0
RATIO_SD, SENSITIVITY_SD, QUALIFIER_SD, SENSITIVITY_LOSS = 0.025, 0.08, 0.01, 0.06
MATRIX_FACTOR = {"liver": 0.85, "kidney": 0.90, "spleen": 0.95}
CARRY_OVER = 4e-5

# chromatography: times in minutes, widths in seconds
TRANSITIONS = ((651.5, 94.9), (716.7, 94.9), (640.2, 94.9))
RT_MIN, IS_RT_MIN, ENDOGENOUS_RT_MIN = 3.10, 2.95, 3.50
RT_DRIFT_MIN, RT_SD_MIN = 0.03, 0.004
SIGMA_S, TAU_S, WIDTH_SD = 1.15, 0.7, 0.01
FIRST_MIN, LAST_MIN, CYCLE_S, DWELL_S, OFFSET_S = 2.40, 3.80, 0.4, 0.1, 0.12
BASELINE_CPS, BASELINE_WAVE_CPS = 40.0, 8.0
INJECTION_MINUTES = 6
WRONG_TUBE = 0.45


@dataclass(frozen=True)
class LcRun:
    """One sequence of injections. `air` names the tube of which nothing was injected, `faint` one injected in part.

    Each extraction batch of its tubes (`batch`, where they name one) has recoveries of its own.
    """

    run_id: str
    started: datetime
    tissues: tuple[str, ...]
    tubes: list[dict] = field(repr=False)
    air: str = ""
    faint: str = ""
    assay: Assay = ASSAY
    time_min: tuple[float, float, float] = (FIRST_MIN, LAST_MIN, CYCLE_S / 60)  # first, last, step

    def file_name(self, position: int) -> str:
        """Name of the raw file of one injection."""
        return f"{self.run_id}_{position:03d}.mzML"


def plan_runs(samples: pd.DataFrame, rng: np.random.RandomState) -> tuple[LcRun, LcRun]:
    """Both runs: livers and the kidneys of higher doses, then other kidneys, spleens, repeats and incurred samples."""
    there = samples[samples.not_available_reason == ""]
    kidney = there[there.tissue == "kidney"]
    upper = kidney[kidney.group.isin(["mid", "high"])]
    undiluted = upper.loc[upper[upper.homogenate.eq(1) & upper.piece.eq(1)].true_homogenate_ng_ml.idxmax(), "sample_id"]
    not_acquired = upper[upper.group == "mid"].sample_id.iloc[-1]
    faint = there[(there.tissue == "liver") & (there.group == "mid")].sample_id.iloc[2]

    first = analyse(list(there[there.tissue == "liver"].sample_id)) + [
        row for s in upper.itertuples() for row in _kidney(s, undiluted, not_acquired)
    ]
    repeats = [
        *analyse([undiluted], dilution_factor=10, repeat_reason="ABOVE_ULOQ"),
        *analyse([not_acquired], repeat_reason="INSTRUMENT"),
        *analyse([faint], repeat_reason="IS_RESPONSE"),
    ]
    second = [
        *analyse(list(kidney.drop(upper.index).sample_id) + list(there[there.tissue == "spleen"].sample_id)),
        *repeats,
        *_incurred(there, {undiluted, not_acquired, faint}),
    ]
    faults = {"C5-2": 1.28, "MQC-kidney-2": 0.72}
    return (
        LcRun("LC-01", datetime(2026, 3, 3, 8, 30), ("liver", "kidney"),
              _sequence(("liver", "kidney"), _shuffled(first, rng), faults), faint=faint),
        LcRun("LC-02", datetime(2026, 3, 10, 8, 10), ("liver", "kidney", "spleen"),
              _sequence(("liver", "kidney", "spleen"), _shuffled(second, rng), {}), air="post-spleen-M2"),
    )  # fmt: skip


def plan_reanalysis(samples: pd.DataFrame, rng: np.random.RandomState) -> LcRun:
    """A third run: kidneys of the low dose and spleens again; of one spleen, another animal's tube was taken."""
    there = samples[(samples.not_available_reason == "") & (samples.piece == 1)]
    kidneys = list(there[(there.tissue == "kidney") & (there.group == "low")].sample_id[:2])
    spleens = [i for g in ("mid", "high") for i in there[(there.tissue == "spleen") & (there.group == g)].sample_id[:2]]
    tubes = _shuffled(analyse([*kidneys, *spleens], "incurred"), rng)
    tissues = ("kidney", "spleen")
    return LcRun("LC-03", datetime(2026, 3, 17, 8, 20), tissues,
                 _sequence(tissues, tubes, {spleens[-1]: WRONG_TUBE}, FEWER_REPLICATES, diluted=False))  # fmt: skip


def _kidney(sample, undiluted: str, not_acquired: str) -> list[dict]:
    """Kidneys of the high dose are diluted tenfold, but for one; of one of the mid dose nothing was acquired."""
    if sample.sample_id == not_acquired:
        return analyse([sample.sample_id], not_acquired_reason="autosampler did not find the vial")
    diluted = sample.group == "high" and sample.sample_id != undiluted
    return analyse([sample.sample_id], dilution_factor=10 if diluted else 1)


def _incurred(there: pd.DataFrame, leave_out: set[str]) -> list[dict]:
    """Second extractions of homogenates of the first run: two livers of each dose, a kidney of the mid and the high."""
    once = there[(there.piece == 1) & (there.homogenate == 1) & ~there.sample_id.isin(leave_out)]
    livers = [
        i for g in ("low", "mid", "high") for i in once[(once.tissue == "liver") & (once.group == g)].sample_id[:2]
    ]
    kidney = once[once.tissue == "kidney"].groupby("group").sample_id.first()
    return [
        *analyse(livers, "incurred"),
        *analyse([kidney["mid"]], "incurred"),
        *analyse([kidney["high"]], "incurred", dilution_factor=10),
    ]


def _shuffled(tubes: list[dict], rng: np.random.RandomState) -> list[dict]:
    return [tubes[i] for i in rng.permutation(len(tubes))]


def _sequence(
    tissues: tuple[str, ...],
    unknowns: list[dict],
    faults: dict[str, float],
    replicates: tuple[int, int] = (PRE_REPLICATES, POST_REPLICATES),
    *,
    diluted: bool = True,
) -> list[dict]:
    """Injections in order: standards at both ends, QCs of each tissue before and after the samples."""
    pre, post = replicates
    half = len(unknowns) // 2
    qcs = {label: [row for t in tissues for row in qc_set(QC_NG_ML, t, label)] for label in ("1", "2")}
    dilution = [
        tube("dilution_qc", f"DQC-kidney-{i}", level="DQC", nominal_ng_ml=20000, dilution_factor=10, tissue="kidney")
        for i in (1, 2, 3)
    ]
    tubes = [
        *[tube("system_suitability", f"SST-{i}", level="SST", nominal_ng_ml=500) for i in (1, 2)],
        tube("blank", "blank-surrogate"),
        tube("zero", "zero-surrogate"),
        *[tube("blank", f"blank-{tissue}", tissue=tissue) for tissue in tissues],
        *standards(LEVELS_NG_ML, "1"),
        tube("carryover_blank", "carryover-1"),
        *[row for t in tissues for row in recovery_set(RECOVERY_NG_ML, t, "recovery_pre", pre)],
        *[row for t in tissues for row in recovery_set(RECOVERY_NG_ML, t, "recovery_post", post)],
        *qcs["1"],
        *unknowns[:half],
        *qc_set(QC_NG_ML, "", "1"),
        *(dilution if diluted else []),
        *unknowns[half:],
        *qcs["2"],
        *standards(LEVELS_NG_ML, "2"),
        tube("carryover_blank", "carryover-2"),
    ]
    return [{**row, "true_factor": faults.get(row["sample_id"], 1.0)} for row in tubes]


def worklist(run: LcRun) -> pd.DataFrame:
    """Injections of a run in the columns of a worklist, beside them `true_factor`."""
    rows = pd.DataFrame(run.tubes)
    rows["not_acquired_reason"] = (
        rows.get("not_acquired_reason", pd.Series(dtype=object)).reindex(rows.index).fillna("")
    )
    rows.insert(0, "position", range(1, len(rows) + 1))
    names = [run.file_name(position) for position in rows.position]
    rows.insert(1, "file", np.where(rows.not_acquired_reason == "", names, ""))
    return rows


def areas(rows: pd.DataFrame, samples: pd.DataFrame, run: LcRun, rng: np.random.RandomState) -> np.ndarray:
    """True areas of each injection and transition, shape (n_injections, 3), in counts x s."""
    n = len(rows)
    content = np.empty(n)
    batch = rows.batch.to_numpy() if "batch" in rows else np.full(n, "")
    for name in dict.fromkeys(batch):
        recovery = run.assay.batch_recovery(rng)
        content[batch == name] = content_ng_ml(rows[batch == name], samples, recovery, run.assay.extraction_sd, rng)
    scatter = rng.standard_normal((3, n))
    sensitivity = np.exp(SENSITIVITY_SD * scatter[0] - SENSITIVITY_LOSS * np.arange(n) / n)
    sensitivity *= [MATRIX_FACTOR.get(tissue, 1.0) for tissue in matrix(rows, samples)]
    sensitivity *= np.where(rows.sample_id == run.faint, 0.25, np.where(rows.sample_id == run.air, 0.0, 1.0))
    analyte = AREA_PER_NG_ML * content * sensitivity * np.exp(RATIO_SD * scatter[1])
    analyte[1:] += CARRY_OVER * analyte[:-1]
    standard = IS_AREA * sensitivity * ~rows.sample_type.isin(["blank", "carryover_blank"]).to_numpy()
    return np.column_stack([analyte, analyte * QUALIFIER_SHARE * np.exp(QUALIFIER_SD * scatter[2]), standard])


def peak_shape(time_s: np.ndarray, centre_s: np.ndarray, sigma_s: np.ndarray, tau_s: float) -> np.ndarray:
    """Exponentially modified Gaussian of unit area; clipped so far out in the tail that only the overflow is lost."""
    z = (time_s - centre_s) / sigma_s
    return np.exp(-0.5 * z**2) * erfcx(np.maximum((sigma_s / tau_s - z) / np.sqrt(2), -25)) / (2 * tau_s)


def intensities(
    rows: pd.DataFrame, area: np.ndarray, endogenous: np.ndarray, rng, axis_min: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Traces as a counting detector shows them.

    Returns
    -------
    time_min : ndarray, shape (3, n_points)
    intensity_cps : ndarray, shape (n_injections, 3, n_points)
    """
    n = len(rows)
    time_s = np.arange(*(60 * minutes for minutes in axis_min))[None, :] + OFFSET_S * np.arange(3)[:, None]
    scatter = rng.standard_normal((2, n))
    shift_s = 60 * (RT_DRIFT_MIN * np.arange(n) / n + RT_SD_MIN * scatter[0])[:, None, None]
    sigma_s = SIGMA_S * (1 + WIDTH_SD * scatter[1])[:, None, None]
    late_s = 0.6 * TAU_S  # the apex of a tailing peak comes after the centre of its Gaussian
    centre_s = 60 * np.array([RT_MIN, RT_MIN, IS_RT_MIN])[None, :, None] - late_s + shift_s
    phase = rng.uniform(0, 2 * np.pi, (n, 3, 1))
    signal = BASELINE_CPS + BASELINE_WAVE_CPS * np.sin(2 * np.pi * time_s / 97 + phase)
    signal = signal + area[:, :, None] * peak_shape(time_s, centre_s, sigma_s, TAU_S)
    neighbour_s = 60 * ENDOGENOUS_RT_MIN + shift_s[:, 0]
    signal[:, 0] += endogenous[:, None] * peak_shape(time_s[0], neighbour_s, sigma_s[:, 0], TAU_S)
    return time_s / 60, rng.poisson(signal * DWELL_S) / DWELL_S


def acquire(run: LcRun, samples: pd.DataFrame, raw: Path, rng: np.random.RandomState) -> pd.DataFrame:
    """Worklist of a run, its mzML files written to the folder `raw`."""
    rows = worklist(run)
    area = areas(rows, samples, run, rng)
    endogenous = ENDOGENOUS_AREA * (matrix(rows, samples) != "") * (rows.sample_id != run.air).to_numpy()
    time_min, intensity_cps = intensities(rows, area, endogenous, rng, run.time_min)
    raw.mkdir(parents=True, exist_ok=True)
    for earlier in raw.glob(f"{run.run_id}_*.mzML"):
        earlier.unlink()
    for index, file in enumerate(rows.file):
        if file:
            started = run.started + timedelta(minutes=INJECTION_MINUTES * index)
            traces = [Trace(*TRANSITIONS[k], time_min[k], intensity_cps[index, k]) for k in range(len(TRANSITIONS))]
            write_mzml(raw / file, traces, started.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return rows
