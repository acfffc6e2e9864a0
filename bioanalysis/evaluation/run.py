"""One run from responses to verdicts: curve, readings, recovery of the run, acceptance, status of every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bioanalysis.acceptance.calibration import judge_calibration
from bioanalysis.acceptance.dilution_series import judge_dilution_series, judge_positions
from bioanalysis.acceptance.ledger import Ledger
from bioanalysis.acceptance.plates import judge_plates
from bioanalysis.acceptance.quality_controls import judge_quality_controls
from bioanalysis.calibration.reading import INSIDE, name_units, read_off, saturated_reason, summarise_units
from bioanalysis.calibration.standards import ROUNDING, StandardCurve, bias_percent, fit_standards, passes_limit
from bioanalysis.evaluation.acquisition import acquisition_flags
from bioanalysis.evaluation.dilutions import judge_dilutions
from bioanalysis.evaluation.exclusions import excluded_rows
from bioanalysis.evaluation.injection_rules import InjectionTables, injection_tables, judge_beside
from bioanalysis.evaluation.positions import plate_positions
from bioanalysis.evaluation.routine import routine_units
from bioanalysis.evaluation.run_flags import flags_of_analyte, value_words
from bioanalysis.evaluation.status import Rejections, assign_status, rejections_of
from bioanalysis.flags import flag_table, join_words
from bioanalysis.limits import Limits, limits_for
from bioanalysis.method import Analyte
from bioanalysis.recovery.applied import NONE_KNOWN, UNCORRECTED, correction_applies, factor_of_batch
from bioanalysis.recovery.diagnostics import recovery_diagnostics
from bioanalysis.recovery.run import guard_note, run_recovery
from bioanalysis.recovery.sets import extraction_batches
from bioanalysis.responses import SATURATED_FLAG
from bioanalysis.study import Run
from bioanalysis.words import STUDY_SAMPLES

CONTROLS = ("qc", "dilution_qc")
CALIBRATION = {"calibrator": "calibrator", "anchor": "anchor", "zero": "zero"}


@dataclass(frozen=True)
class AnalyteEvaluation:
    """What one analyte of a run came to."""

    analyte: Analyte
    rows: pd.DataFrame
    units: pd.DataFrame
    curves: tuple[StandardCurve, ...]
    recovery: pd.DataFrame
    acceptance: pd.DataFrame
    flags: list[dict[str, object]]
    dilutions: pd.DataFrame
    positions: pd.DataFrame
    injections: InjectionTables


@dataclass(frozen=True)
class RunEvaluation:
    """The tables of one run, and its curves."""

    measurements: pd.DataFrame
    reportable: pd.DataFrame
    acceptance: pd.DataFrame
    recovery: pd.DataFrame
    flags: pd.DataFrame
    dilutions: pd.DataFrame
    positions: pd.DataFrame
    carry_over: pd.DataFrame
    internal_standard: pd.DataFrame
    curves: tuple[StandardCurve, ...]
    decisions: pd.DataFrame = field(default_factory=pd.DataFrame)
    moles: bool = False


def evaluate_run(run: Run, responses: pd.DataFrame, acquisitions: pd.DataFrame | None = None) -> RunEvaluation:
    """Return everything that is decided within one run.

    Parameters
    ----------
    responses : DataFrame
        `responses_from_peaks` or `responses_from_wells`: one row per worklist row and analyte.
    acquisitions : DataFrame, optional
        What the raw files say of their own acquisition (LC-MS/MS): see `acquisition_flags`.
    """
    from bioanalysis.evaluation.run_tables import measurement_table, reportable_table

    limits = limits_for(run.method)
    of_files = [] if acquisitions is None else acquisition_flags(run, acquisitions)
    words = {str(row["position"]): str(row["flag"]) for row in of_files if row["position"]}
    parts = [evaluate_analyte(run, analyte, responses, limits, words) for analyte in run.method.analytes]
    return RunEvaluation(
        measurements=pd.concat([measurement_table(run, part) for part in parts], ignore_index=True),
        reportable=pd.concat([reportable_table(run, part) for part in parts], ignore_index=True),
        acceptance=pd.concat([part.acceptance for part in parts], ignore_index=True),
        recovery=pd.concat([part.recovery for part in parts], ignore_index=True),
        flags=flag_table([*of_files, *(flag for part in parts for flag in part.flags)]),
        dilutions=pd.concat([part.dilutions for part in parts], ignore_index=True),
        positions=pd.concat([part.positions for part in parts], ignore_index=True),
        carry_over=pd.concat([part.injections.carry_over for part in parts], ignore_index=True),
        internal_standard=pd.concat([part.injections.internal_standard for part in parts], ignore_index=True),
        curves=tuple(curve for part in parts for curve in part.curves),
    )


def evaluate_analyte(
    run: Run, analyte: Analyte, responses: pd.DataFrame, limits: Limits, words: Mapping[str, str]
) -> AnalyteEvaluation:
    """Walk one analyte of a run from responses to verdicts; `words` are flag words of files, by their position."""
    rows = _rows(run, analyte, responses)
    scopes = _scopes(rows, run)
    curves = [fit_standards(_points(rows[mask], run), analyte, run.method, limits, label) for label, mask in scopes]
    rows = _with_readings(rows, scopes, curves, run, analyte)
    scoped = [
        summarise_units(rows[mask], curve, analyte, run.method) for (_, mask), curve in zip(scopes, curves, strict=True)
    ]
    units = pd.concat([_mark(units, curve) for units, curve in zip(scoped, curves, strict=True)])
    units["excluded"] = _excluded_wholly(rows).reindex(units.index)
    recovery = run_recovery(units, run.method, run.run_id)
    units = _with_found(units, recovery, run, analyte, limits, units)
    positions = plate_positions(rows, run, analyte, limits)
    acceptance, rejections = _judge(run, curves, units, limits, positions.table)
    recovery = _recovery_of_accepted(units, rejections, run, recovery, limits)
    units = _with_accepted_recovery(units, recovery, rejections, run, analyte, limits)
    injections = injection_tables(run, analyte, curves, units, limits)
    said = [(words.get(position, ""), injections.words.get(position, "")) for position in rows.position]
    rows["injection_flags"] = [join_words(*both) for both in said]
    diluted = judge_dilutions(assign_status(units, rejections, run, limits), analyte, run, limits)
    recovery = pd.concat([recovery, recovery_diagnostics(rows, units, run.method, run.run_id)], ignore_index=True)
    part = AnalyteEvaluation(
        analyte, rows, diluted.units, tuple(curves), recovery.assign(analyte=analyte.name), acceptance, [],
        diluted.table, positions.table, injections,
    )  # fmt: skip
    part = replace(part, units=diluted.units.assign(value_words=value_words(run, part, limits)))
    where = {"run_id": run.run_id, "analyte": analyte.name}
    more = [row | where for row in (*diluted.flags, *positions.flags)]
    return replace(part, flags=[*flags_of_analyte(run, part, limits), *more])


def _rows(run: Run, analyte: Analyte, responses: pd.DataFrame) -> pd.DataFrame:
    """Join the worklist with this analyte's responses, its own nominal values and the decisions to exclude."""
    rows = run.worklist.join(responses[responses.analyte == analyte.name])
    own = f"nominal_ng_ml[{analyte.name}]"
    if own in rows:
        rows["nominal_ng_ml"] = rows[own].fillna(rows.nominal_ng_ml)
    rows["nominal_ng_ml"] = rows.nominal_ng_ml.mask(rows.sample_type == "zero", 0.0)
    rows["excluded"] = excluded_rows(run, analyte)
    rows["no_value_reason"] = rows.no_value_reason.mask(rows.excluded != "", rows.excluded)
    rows["response"] = rows.response.mask(rows.excluded != "")
    rows["unit"] = name_units(rows, run.method.platform)
    return rows


def _scopes(rows: pd.DataFrame, run: Run) -> list[tuple[str, pd.Series]]:
    """Return what each curve is for: every plate by itself where each has its own calibrators, else the whole run.

    Plates that share the standards of the first and the last (plate.standards) have one curve in any case.
    """
    plates = list(dict.fromkeys(rows.plate))
    own = set(rows.plate[rows.sample_type == "calibrator"])
    if len(plates) > 1 and own == set(plates) and run.method.plate.standards != "first_and_last":
        return [(plate, rows.plate == plate) for plate in plates]
    label = plates[0] if len(plates) == 1 else ""
    return [(label, pd.Series(True, index=rows.index))]


def _points(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Return the readings the curve is fitted to and judged by."""
    kinds = set(CALIBRATION) if run.method.plate.zero_standard == "included" else {"calibrator", "anchor"}
    if run.method.platform == "lcms":
        kinds -= {"zero"}
    points = rows[rows.sample_type.isin(kinds)]
    points = points[~points.no_value_reason.str.startswith("not acquired")]
    columns = ["unit", "position", "plate", "level", "nominal_ng_ml", "response", "excluded"]
    return points[columns].assign(kind=points.sample_type, saturated=points.peak_flags == SATURATED_FLAG)


def _with_readings(
    rows: pd.DataFrame, scopes: list, curves: list[StandardCurve], run: Run, analyte: Analyte
) -> pd.DataFrame:
    parts = [read_off(rows[mask], curve) for (_, mask), curve in zip(scopes, curves, strict=True)]
    used = pd.concat([curve.points.used for curve in curves])
    rows = rows.join(pd.concat(parts)).assign(used_in_fit=used.reindex(rows.index, fill_value=False))
    return rows.assign(no_value_reason=saturated_reason(rows, run, analyte)) if run.platform == "elisa" else rows


def _mark(units: pd.DataFrame, curve: StandardCurve) -> pd.DataFrame:
    return units.assign(scope=curve.plate)


def _excluded_wholly(rows: pd.DataFrame) -> pd.Series:
    """Return, by unit, the decision that excludes it; '' where one of its wells is left."""
    left = rows.unit.isin(rows.unit[rows.excluded == ""])
    return rows.excluded.mask(left, "").groupby(rows.unit.to_numpy(), sort=False).first()


def calibrator_tissue(units: pd.DataFrame) -> str:
    """Return the matrix of the calibrators, where they share one."""
    tissues = set(units.tissue[units.sample_type == "calibrator"])
    return str(next(iter(tissues))) if len(tissues) == 1 else ""


def _with_found(
    units: pd.DataFrame, recovery: pd.DataFrame, run: Run, analyte: Analyte, limits: Limits, beside: pd.DataFrame
) -> pd.DataFrame:
    """Add the recovery factor, the found value (dilution and recovery corrected) and, for QCs, bias and verdict.

    `beside` are all units of the run, the calibrators among them.
    """
    own_matrix = units.scope.map({scope: calibrator_tissue(group) for scope, group in beside.groupby("scope")})
    applies = [
        correction_applies(bool(row.extracted), row.tissue, own, run.method)
        for row, own in zip(units.itertuples(), own_matrix, strict=True)
    ]
    places = list(zip(units.tissue, units.batch, strict=True))
    factors = {place: factor_of_batch(*place, recovery, run.method) for place in set(places)}
    applied = [factors[place] if a else UNCORRECTED for place, a in zip(places, applies, strict=True)]
    known = [factor or NONE_KNOWN for factor in applied]
    units = units.assign(
        calibrator_tissue=own_matrix,
        correction_applies=applies,
        assessable=[factor is not None for factor in applied],
        **pd.DataFrame([factor.as_columns() for factor in known], index=units.index),
    )
    corrected = units.reading_ng_ml * units.dilution_factor / units.recovery_factor
    units["corrected_ng_ml"] = corrected
    judged = units.sample_type.isin([*CONTROLS, "calibrator"])
    units["bias_percent"] = bias_percent(corrected, units.nominal_ng_ml).where(judged)
    within = passes_limit(units.bias_percent, _control_limits(units.nominal_ng_ml, analyte, limits))
    units["passes"] = units.sample_type.isin(CONTROLS) & (units.place == INSIDE) & within
    units["counted"] = (units.excluded == "") & ~units.no_value_reason.str.startswith("not acquired")
    minimum = units.tissue.map(run.method.minimum_dilution).fillna(1.0).astype(float)
    units["diluted"] = units.dilution_factor > minimum * (1 + ROUNDING)
    return units


def _control_limits(nominal_ng_ml: pd.Series, analyte: Analyte, limits: Limits) -> np.ndarray:
    """Return the limit of each QC in percent: at the ends of the range the one calibrators have there."""
    chromatographic = "QC-03" in limits
    at_end = nominal_ng_ml <= analyte.lloq_ng_ml * (1 + ROUNDING)
    if not chromatographic:
        at_end |= nominal_ng_ml >= analyte.uloq_ng_ml * (1 - ROUNDING)
    end, inner = ("CAL-CC-03", "QC-03") if chromatographic else ("CAL-LBA-03", "QC-04")
    return np.where(at_end, float(limits[end].number), float(limits[inner].number))


def _judge(
    run: Run, curves: Iterable[StandardCurve], units: pd.DataFrame, limits: Limits, positions: pd.DataFrame
) -> tuple[pd.DataFrame, Rejections]:
    """Return the acceptance table and what it rejects."""
    tables, rejections = [], Rejections()
    for curve in curves:
        here = routine_units(units[units.scope == curve.plate], run.method.analyte(curve.analyte))
        ledger = Ledger(limits, curve.analyte, curve.plate)
        acquired = here[~here.no_value_reason.str.startswith("not acquired")]
        judge_calibration(ledger, curve, acquired, run.method)
        judge_quality_controls(ledger, acquired)
        judge_plates(ledger, curve, here)
        judge_beside(ledger, run, run.method.analyte(curve.analyte), curve, here)
        judge_dilution_series(ledger, here, run.method.analyte(curve.analyte))
        judge_positions(ledger, positions[positions.plate.isin(here.plate)])
        ledger.close()
        tables.append(ledger.table())
        rejections = rejections | rejections_of(ledger)
    return pd.concat(tables, ignore_index=True), rejections


def _recovery_of_accepted(
    units: pd.DataFrame, rejections: Rejections, run: Run, recovery: pd.DataFrame, limits: Limits
) -> pd.DataFrame:
    """Mark factors of failed plates and extraction batches as not used, and those that need sign-off."""
    rejected = _rejected(units, rejections)
    if rejected.any() and limits.enforced:
        used = run_recovery(units[~rejected], run.method, run.run_id, extraction_batches(units))
        kept = set(zip(used.tissue, used.extraction_batch, strict=True))
        places = zip(recovery.tissue, recovery.extraction_batch, strict=True)
        gone = pd.Series([place not in kept for place in places], index=recovery.index, dtype=bool)
        lost = recovery[gone].assign(used=False, note="failed run, plate or batch: not used")
        recovery = pd.concat([used, lost], ignore_index=True)
    if run.method.recovery.source == "validation":
        recovery = recovery.assign(used=False, note="beside the factor of the validation: not applied")
    held = recovery.used & (recovery.extraction_batch != "") & np.isfinite(recovery.factor.astype(float))
    sign_off = [
        guard_note(row.factor, row.relative_uncertainty, limits) if guarded else ""
        for row, guarded in zip(recovery.itertuples(), held, strict=True)
    ]  # a mean over batches divides no sample
    return recovery.assign(sign_off=sign_off)


def _rejected(units: pd.DataFrame, rejections: Rejections) -> pd.Series:
    """Return which units stand on a plate or in an extraction batch that failed."""
    places = zip(units.scope, units.batch, strict=True)
    failed = [scope in rejections.runs or (scope, batch) in rejections.batches for scope, batch in places]
    return pd.Series(failed, index=units.index, dtype=bool)


def _with_accepted_recovery(
    units: pd.DataFrame, recovery: pd.DataFrame, rejections: Rejections, run: Run, analyte: Analyte, limits: Limits
) -> pd.DataFrame:
    """Give study samples of accepted plates and batches the factor of these; QCs keep the one they were judged with."""
    rejected = _rejected(units, rejections)
    again = units.sample_type.isin(STUDY_SAMPLES) & ~rejected
    if not again.any() or not rejected.any() or not limits.enforced:
        return units
    renewed = _with_found(units[again], recovery[recovery.used], run, analyte, limits, units)
    return pd.concat([units[~again], renewed[units.columns]]).loc[units.index]
