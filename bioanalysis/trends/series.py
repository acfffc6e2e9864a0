"""What is followed from run to run: one value per series, run and curve, each with its number of values or a reason."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.calibration import FiveParameterLogistic, FourParameterLogistic
from bioanalysis.evaluation.run import calibrator_tissue
from bioanalysis.limits import limits_for
from bioanalysis.method import Method
from bioanalysis.recovery.applied import correction_applies
from bioanalysis.text_files import own_table
from bioanalysis.trends.reading import RunResults
from bioanalysis.words import STUDY_SAMPLES, count_of

KNOWN = ("calibrator", "anchor", "qc", "dilution_qc")
WITHOUT_STANDARD = ("blank", "carryover_blank")
ACCEPTED, FAILED = "accepted", "failed"
POINTS = [
    "kind", "series", "unit", "study", "run_id", "plate", "run_date", "value", "n", "note", "state", "nominal",
    "method_low", "method_high", "lots",
]  # fmt: skip
PARAMETERS = {
    "linear": ("intercept", "slope"),
    "quadratic": ("c0", "c1", "c2"),
    "4pl": FourParameterLogistic.names,
    "5pl": FiveParameterLogistic.names,
}
UNIT = ["plate", "sample_id", "dilution_factor", "extraction_id"]


@dataclass(frozen=True)
class Value:
    """One value of a series: what it is of, how many values are behind it, the method's own limits where it has any.

    `value` is NaN where there is none; `note` then says why.
    """

    kind: str
    subject: tuple[str, ...]
    value: float
    n: int
    note: str = ""
    nominal: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, eq=False)
class CurveResults:
    """What one run holds for one analyte and curve (plate); the rows of the worklist in their order."""

    run: RunResults
    analyte: str
    plate: str
    rows: pd.DataFrame

    @property
    def method(self) -> Method:
        return self.run.method


@cache
def kinds() -> dict[str, dict[str, str]]:
    """Return words, unit, per_instrument and check_first of each kind of series."""
    return {row["kind"]: row for row in own_table("bioanalysis.trends", "series_kinds.tsv")}


def gather(runs: list[RunResults]) -> pd.DataFrame:
    """Return all points of all series, in the order of `runs`, runs without results left out.

    Returns
    -------
    DataFrame
        kind, series, unit, study, run_id, plate, run_date, value, n, note, state (``accepted`` or ``failed``), nominal,
        method_low, method_high (the method's own limits), lots.
    """
    originals = first_results(runs)
    rows = [row for run in runs if not run.missing for row in _run_points(run, originals)]
    frame = pd.DataFrame(rows, columns=POINTS)
    frame = frame.drop_duplicates(["series", "study", "run_id", "plate"], ignore_index=True)
    return frame.astype({"value": float, "nominal": float, "method_low": float, "method_high": float})


def verdicts(run: RunResults) -> dict[tuple[str, str], bool]:
    """Return whether each analyte and plate of a run was accepted."""
    rows = run.tables["acceptance"]
    rows = rows[rows.rule_id == RUN]
    return {(row.analyte, row.plate): row.verdict == "pass" for row in rows.itertuples()}


def curves_of(run: RunResults) -> list[tuple[CurveResults, bool]]:
    """Return each analyte and curve of a run, and whether it was accepted."""
    rows = run.tables["measurements"]
    return [
        (CurveResults(run, analyte, plate, rows[(rows.analyte == analyte) & (rows.plate == plate)]), accepted)
        for (analyte, plate), accepted in verdicts(run).items()
    ]


def _run_points(run: RunResults, originals: dict[tuple[str, ...], float]) -> Iterator[dict[str, Any]]:
    for curve, accepted in curves_of(run):
        for value in _curve_values(curve, originals):
            yield _point(run, curve.plate, value, accepted)
    for analyte, tissue, value in _recovery(run):
        yield _point(run, "", value, _recovery_accepted(run, analyte, tissue))


def _curve_values(curve: CurveResults, originals: dict[tuple[str, ...], float]) -> Iterator[Value]:
    yield from _control_bias(curve, "qc", "qc_bias")
    yield from _control_bias(curve, "dilution_qc", "dilution_qc_bias")
    yield from _parameters(curve)
    yield from _blanks(curve)
    yield from _incurred(curve, originals)
    yield from _homogenates(curve)
    if curve.method.platform == "lcms":
        yield from _internal_standard(curve)
        yield from _peaks(curve)
    else:
        yield from _replicates(curve)


def _point(run: RunResults, plate: str, value: Value, accepted: bool) -> dict[str, Any]:
    kind = kinds()[value.kind]
    parts = [kind["words"], run.method.method_id, *value.subject]
    if kind["per_instrument"] == "yes" and run.instrument:
        parts.append(run.instrument)
    lots = run.lots if kind["per_instrument"] == "yes" else run.lots | _instrument(run)
    return {
        "kind": value.kind, "series": ", ".join(part for part in parts if part), "unit": kind["unit"],
        "study": run.study, "run_id": run.run_id, "plate": plate, "run_date": run.run_date, "value": value.value,
        "n": value.n, "note": value.note, "state": ACCEPTED if accepted else FAILED, "nominal": value.nominal,
        "method_low": value.low, "method_high": value.high,
        "lots": "; ".join(f"{name}={lot}" for name, lot in sorted(lots.items())),
    }  # fmt: skip


def _instrument(run: RunResults) -> dict[str, str]:
    return {"instrument": run.instrument} if run.instrument else {}


def _mean(kind: str, subject: tuple[str, ...], values: pd.Series, what: str, **more: float) -> Value:
    """Return the mean of the values there are, and how many there are not."""
    there = values[np.isfinite(values)]
    lacking = len(values) - len(there)
    if there.empty:
        return Value(kind, subject, math.nan, 0, f"none of {len(values)} {what} has a value", **more)
    note = f"{lacking} of {len(values)} {what} without a value" if lacking else ""
    return Value(kind, subject, float(there.mean()), len(there), note, **more)


def _control_bias(curve: CurveResults, sample_type: str, kind: str) -> Iterator[Value]:
    limits = limits_for(curve.method)
    limit = float(limits["QC-03" if "QC-03" in limits else "QC-04"].number)
    controls = curve.rows[curve.rows.sample_type == sample_type].drop_duplicates(UNIT)
    for (level, tissue), here in controls.groupby(["level", "tissue"], sort=True):
        subject = (curve.analyte, str(level), str(tissue))
        yield _mean(kind, subject, here.bias_percent, "QCs", nominal=0.0, low=-limit, high=limit)


def _parameters(curve: CurveResults) -> Iterator[Value]:
    """Yield the parameters of the curve; where there is none, its parameters without a value and the reason."""
    for document in curve.run.curves:
        if (document["analyte"], document["plate"]) != (curve.analyte, curve.plate):
            continue
        estimator = document["estimator"] or {"model": curve.method.analyte(curve.analyte).calibration.model}
        found = estimator.get("parameters", dict.fromkeys(PARAMETERS[estimator["model"]]))
        used = sum(bool(point.get("used")) for point in document.get("points", []))
        for name, value in sorted(found.items()):
            number = math.nan if value is None else float(value)
            note = "" if math.isfinite(number) else document.get("problem") or "no curve"
            yield Value("curve", (curve.analyte, name, estimator["model"]), number, used, note)


def _blanks(curve: CurveResults) -> Iterator[Value]:
    lcms = curve.method.platform == "lcms"
    rows = curve.rows[curve.rows.sample_type.isin(["blank"] if lcms else ["blank", "zero"])]
    for tissue, here in rows.groupby("tissue", sort=True):
        signal = here.analyte_area if lcms else here.response
        value = _mean("blank", (curve.analyte, str(tissue)), signal, "blanks")
        if lcms and not value.n:
            value = Value("blank", value.subject, math.nan, 0, f"no peak in {count_of(len(here), 'blank')}")
        yield value


def _internal_standard(curve: CurveResults) -> Iterator[Value]:
    name = curve.method.analyte(curve.analyte).internal_standard
    rows = curve.rows[~curve.rows.sample_type.isin(WITHOUT_STANDARD)]
    if name is None or rows.empty:
        return
    mean = _mean("is_mean", (name,), rows.internal_standard_area, "injections")
    yield mean
    if mean.n > 1:
        cv = 100 * float(rows.internal_standard_area.std()) / mean.value
        yield Value("is_cv", (name,), cv, mean.n, mean.note)


def _peaks(curve: CurveResults) -> Iterator[Value]:
    peaks = curve.run.tables["peaks"]
    peaks = peaks[np.isfinite(peaks.area)]
    known = set(curve.rows.position[curve.rows.sample_type.isin(KNOWN)])
    standard = curve.method.analyte(curve.analyte).internal_standard
    for transition in curve.method.transitions:
        if transition.analyte == curve.analyte or (standard and transition.internal_standard == standard):
            here = peaks[(peaks.transition == transition.name) & peaks.position.isin(known)]
            window = transition.rt_window_min
            yield _mean(
                "retention_time", (transition.name,), here.retention_time_min, "peaks", nominal=transition.rt_min,
                low=transition.rt_min - window, high=transition.rt_min + window,
            )  # fmt: skip
    yield from _signal_to_noise(curve, peaks)


def _signal_to_noise(curve: CurveResults, peaks: pd.DataFrame) -> Iterator[Value]:
    lloq = curve.method.analyte(curve.analyte).lloq_ng_ml
    at_lloq = curve.rows[
        curve.rows.sample_type.isin(["calibrator", "qc"]) & np.isclose(curve.rows.nominal_ng_ml, lloq, rtol=1e-9)
    ]
    if at_lloq.empty:
        return
    name = curve.method.quantifier(curve.analyte).name
    found = peaks[(peaks.transition == name)].set_index("position").signal_to_noise
    yield _mean("lloq_signal_to_noise", (curve.analyte,), at_lloq.position.map(found), "LLOQ injections")


def _replicates(curve: CurveResults) -> Iterator[Value]:
    """Yield the root mean square of the CVs of sets of wells whose every well lies inside the range."""
    wells = curve.rows[curve.rows.sample_type.isin([*KNOWN, *STUDY_SAMPLES])]
    sets = [here.back_calculated_ng_ml for _, here in wells.groupby(UNIT, sort=True) if len(here) > 1]
    cvs = [100 * values.std() / values.mean() for values in sets if np.isfinite(values).all()]
    if not sets:
        return
    high = curve.method.plate.max_replicate_cv_percent or math.nan
    if cvs:
        value = math.sqrt(math.fsum(cv**2 for cv in cvs) / len(cvs))
        yield Value("replicate_cv", (curve.analyte,), value, len(cvs), high=high)
    else:
        note = f"none of {count_of(len(sets), 'set')} of wells lies inside the range"
        yield Value("replicate_cv", (curve.analyte,), math.nan, 0, note, high=high)


def _homogenates(curve: CurveResults) -> Iterator[Value]:
    """Yield the mean of homogenate over tissue: made up to volume, else tissue and buffer, added or weighed."""
    samples = curve.run.samples
    measured = set(curve.rows.sample_id[curve.rows.sample_type == "unknown"])
    here = samples[samples.sample_id.isin(measured) & (samples.tissue_mass_mg > 0)]
    buffer = here.buffer_volume_ul.fillna(here.buffer_mass_mg)
    whole = here.homogenate_volume_ul.fillna(here.tissue_mass_mg + buffer)
    for tissue, ratio in (whole / here.tissue_mass_mg).groupby(here.tissue, sort=True):
        yield _mean("homogenate_ratio", (str(tissue),), ratio, "samples")


def _recovery_accepted(run: RunResults, analyte: str, tissue: str) -> bool:
    """Return whether the recovery rows of a tissue stand on an accepted plate of the run."""
    rows = run.tables["measurements"]
    plates = rows.plate[(rows.sample_type == "recovery_pre") & (rows.tissue == tissue) & (rows.analyte == analyte)]
    return any(verdicts(run).get((analyte, plate), False) for plate in set(plates))


def _recovery(run: RunResults) -> Iterator[tuple[str, str, Value]]:
    """Yield analyte, tissue and factor over all levels, that over all extraction batches where the run has several."""
    limits = limits_for(run.method)
    low, high = (float(number) for number in limits["RCV-05"].numbers)
    table = run.tables["recovery"]
    factors = table[table.level == "all"]
    if "batch" in factors:  # of one batch of several: their mean stands for the run
        factors = factors[~factors.batch.str.startswith(f"{run.run_id}:")]
    for row in factors.itertuples():
        subject = (row.analyte, row.tissue, row.kind.replace("_", " "))
        note = "" if math.isfinite(row.factor) else "no factor could be found"
        count = int(row.n) if math.isfinite(row.n) else 0
        yield row.analyte, row.tissue, Value("recovery", subject, row.factor, count, note, low=low, high=high)


def first_results(runs: list[RunResults]) -> dict[tuple[str, ...], float]:
    """Return the first quantified result of each sample in an accepted run, by study, method, analyte and sample."""
    found: dict[tuple[str, ...], float] = {}
    for run in runs:
        for curve, accepted in curves_of(run) if not run.missing else []:
            if accepted:
                for sample, value in _quantified(curve, "unknown").items():
                    found.setdefault((run.study, run.method.method_id, curve.analyte, str(sample)), float(value))
    return found


def _quantified(curve: CurveResults, sample_type: str) -> pd.Series:
    """Return the mean result per sample (ng/mL of homogenate, corrected for recovery where that applies).

    NaN where a factor applies that the run does not know (one of the study, say): a result that is not corrected does
    not compare with one that is.
    """
    own = calibrator_tissue(curve.rows)
    rows = curve.rows[(curve.rows.sample_type == sample_type) & (curve.rows.status == "quantified")]
    applies = [correction_applies(True, tissue, own, curve.method) for tissue in rows.tissue]
    corrected = rows.homogenate_ng_ml / rows.recovery_factor.where(applies, 1.0)
    return corrected.groupby(rows.sample_id).mean()


def _incurred(curve: CurveResults, originals: dict[tuple[str, ...], float]) -> Iterator[Value]:
    """Yield the mean of 100 (repeat - first) / mean of both over the incurred samples of a run."""
    reanalysed = set(curve.rows.sample_id[curve.rows.sample_type == "incurred"])
    if not reanalysed:
        return
    key = (curve.run.study, curve.method.method_id, curve.analyte)
    repeats = _quantified(curve, "incurred")
    first = pd.Series({sample: originals.get((*key, sample), math.nan) for sample in sorted(reanalysed)})
    repeat = repeats.reindex(first.index)
    difference = 100 * (repeat - first) / ((repeat + first) / 2)
    yield _mean("incurred_difference", (curve.analyte,), difference, "incurred samples", nominal=0.0)
