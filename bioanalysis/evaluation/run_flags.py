"""Flags raised within one run, and the words each value carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_ASSESSABLE, RUN
from bioanalysis.calibration.reading import BELOW
from bioanalysis.flags import flag, join_words
from bioanalysis.limits import Limits
from bioanalysis.limits.peaks import peak_limits, read_details
from bioanalysis.method import Method
from bioanalysis.recovery.run import OWN_ROWS, guard_note
from bioanalysis.recovery.sets import ALL_LEVELS
from bioanalysis.study import Run
from bioanalysis.words import STUDY_SAMPLES, count_of

if TYPE_CHECKING:
    from bioanalysis.evaluation.run import AnalyteEvaluation

FLAGGED_ELSEWHERE = (
    "CAL-CC-02", "CAL-CC-03", "CAL-LBA-02", "CAL-LBA-03", "QC-03", "QC-04", "IS-03", "CAR-CC-02", "CHR-01", "CHR-02",
    "DIL-PAR", "DIL-TREND", "DIL-HOOK", "POS-01",
)  # fmt: skip
STANDARDS = ("calibrator", "anchor", "qc", "dilution_qc")
WITHOUT_ANALYTE = ("blank", "carryover_blank", "zero")
WEAK = "low_signal_to_noise"


def flags_of_analyte(run: Run, part: AnalyteEvaluation, limits: Limits) -> list[dict[str, object]]:
    """Return all flags of one analyte of a run as rows of the flag table."""
    where = {"run_id": run.run_id, "analyte": part.analyte.name}
    rows = [
        *_calibrator_flags(part),
        *_control_flags(part, limits),
        *_rule_flags(part.acceptance, limits),
        *_run_flags(part, limits),
        *_tissue_flags(run, part, limits),
        *_unit_flags(run, part),
        *_peak_flags(part, "peaks.tsv" if run.platform == "lcms" else "reader"),
        *part.injections.flags,
    ]
    return [row | where for row in rows]


def _calibrator_flags(part: AnalyteEvaluation) -> list[dict[str, object]]:
    rows = []
    for curve in part.curves:
        remarks = curve.estimator.messages_ if curve.estimator is not None else (curve.problem,)
        rows += [flag("curve_suspect", plate=curve.plate, observed=remark, source="fit") for remark in remarks]
        rows += [
            flag("left_out_of_fit", plate=curve.plate, position=str(point.position), observed=point.left_out,
                 source="method: plate")
            for point in curve.points[(curve.points.left_out != "") & (curve.points.excluded == "")].itertuples()
        ]  # fmt: skip
        failing = curve.judged[~curve.judged.passes & (curve.judged.excluded == "")]
        for unit, standard in failing.iterrows():
            points = curve.points[curve.points.unit == unit]
            rows.append(
                flag(
                    "calibrator_dropped" if standard.dropped else "calibrator_fails",
                    plate=curve.plate,
                    position=";".join(points.position.astype(str)),
                    observed=f"{standard.bias_percent:+.1f} %" if pd.notna(standard.bias_percent) else "no value",
                    limit=f"±{standard.limit_percent:g} %",
                    source=standard.rule_id,
                )
            )
    return rows


def _control_flags(part: AnalyteEvaluation, limits: Limits) -> list[dict[str, object]]:
    rows = part.acceptance[part.acceptance.rule_id.isin(["QC-03", "QC-04"]) & (part.acceptance.verdict == FAIL)]
    return [
        flag(
            "qc_failed", plate=row.plate, position=row.position, tissue=row.tissue, observed=row.observed,
            limit=row.limit, source=row.rule_id,
        )
        for row in rows.itertuples()
    ]  # fmt: skip


def _rule_flags(acceptance: pd.DataFrame, limits: Limits) -> list[dict[str, object]]:
    """Return a flag for each failed rule that rejects nothing and has no flags of its own."""
    silent = [name for name, rule in limits.items() if not rule.decides and name not in FLAGGED_ELSEWHERE]
    failed = acceptance[(acceptance.verdict == FAIL) & acceptance.rule_id.isin(silent)]
    return [
        flag(
            "rule_failed", plate=row.plate, position=row.position, tissue=row.tissue, limit=row.limit,
            observed=f"{row.subject}: {row.observed}" if row.subject else row.observed, source=row.rule_id,
        )
        for row in failed.itertuples()
    ]  # fmt: skip


def _run_flags(part: AnalyteEvaluation, limits: Limits) -> list[dict[str, object]]:
    rows = []
    if not part.units.sample_type.isin(["blank", "zero"]).any():
        rows.append(flag("no_blank", observed="no blank and no zero", source="CAL-CC-01, CAL-LBA-01"))
    if any((curve.points.used & (curve.points.kind == "zero")).any() for curve in part.curves):
        rows.append(flag("zero_in_fit", observed="included", source="CAL-LBA-07"))
    rows += [
        flag("wider_than_guideline", observed=rule.printed_limit, limit=rule.judged, source=rule.rule_id)
        for rule in limits.wider
        if rule.stage == "run"
    ]
    verdicts = part.acceptance[(part.acceptance.rule_id == RUN) & (part.acceptance.verdict == FAIL)]
    if not limits.enforced:
        rows += [flag("run_failed_exploratory", plate=v.plate, observed=v.observed) for v in verdicts.itertuples()]
    return rows


def _tissue_flags(run: Run, part: AnalyteEvaluation, limits: Limits) -> list[dict[str, object]]:
    samples = part.units[part.units.sample_type.isin(STUDY_SAMPLES)]
    rows = []
    for tissue, here in samples.groupby("tissue"):
        words = dict.fromkeys(word for unit in here.itertuples() for word in compensation_words(unit, run))
        rows += [flag(word, tissue=tissue, observed=count_of(len(here), "sample")) for word in words]
    for tissue, note in notes_for_sign_off(run.method, part.recovery, limits).items():
        rows.append(flag("recovery_needs_sign_off", tissue=tissue, observed=note, source="RCV-05, RCV-08"))
    for verdict in _without_tissue_controls(part).itertuples():
        rows.append(flag("no_qc_in_tissue", tissue=verdict.tissue, plate=verdict.plate, source="QC-21"))
    return rows


def _without_tissue_controls(part: AnalyteEvaluation) -> pd.DataFrame:
    table = part.acceptance
    return table[(table.rule_id == "QC-21") & (table.verdict == NOT_ASSESSABLE)]


def notes_for_sign_off(method: Method, recovery: pd.DataFrame, limits: Limits) -> dict[str, str]:
    """Return why a person must sign for the factor of a tissue: the one that is applied, of the method or the run."""
    if method.recovery.source == "validation":
        fixed = method.recovery.factors.items()
        notes = {tissue: guard_note(one.factor, one.relative_uncertainty, limits) for tissue, one in fixed}
        return {tissue: note for tissue, note in notes.items() if note}
    noted = recovery[recovery.level.isin([ALL_LEVELS, OWN_ROWS]) & (recovery.sign_off != "")]
    several = recovery[recovery.level == OWN_ROWS].tissue
    said = noted.sign_off.mask(noted.tissue.isin(several), noted.batch + ": " + noted.sign_off)
    return {str(tissue): "; ".join(dict.fromkeys(notes)) for tissue, notes in said.groupby(noted.tissue, sort=False)}


def compensation_words(unit: Any, run: Run) -> list[str]:
    """Return what the value of a unit leaves uncompensated, as flag words (science: admissibility of corrections)."""
    extraction = run.method.of_tissue(unit.tissue).extraction
    own = unit.tissue == unit.calibrator_tissue
    if extraction.recovery_correction == "none" and unit.extracted:
        if not extraction.calibrators_extracted:
            return ["loss_not_compensated"]
        return [] if own else ["surrogate_recovery_not_compensated"]
    foreign = extraction.recovery_correction == "extraction_recovery" and not own
    return ["matrix_effect_not_compensated"] if foreign and unit.correction_applies else []


def uncontrolled_dilutions(units: pd.DataFrame) -> pd.Series:
    """Return which study samples are diluted beyond the factors that judged dilution QCs of the run span."""
    controls = units[(units.sample_type == "dilution_qc") & units.counted & units.assessable]
    spanned = units.dilution_factor.between(controls.dilution_factor.min(), controls.dilution_factor.max())
    return units.sample_type.isin(STUDY_SAMPLES) & units.diluted.astype(bool) & ~spanned


def bearing_peak_flags(part: AnalyteEvaluation) -> pd.Series:
    """Return the peak flags of each row, without that of a weak peak where no number rests on it.

    What reads below the LLOQ, as controls do, is weak by what an LLOQ is, and is reported as BLQ whatever its area;
    peaks.tsv keeps the word.
    """
    weak = part.rows.sample_type.isin(WITHOUT_ANALYTE)
    below = part.units[part.units.sample_type.isin(STUDY_SAMPLES) & (part.units.place == BELOW)]
    weak |= part.rows.index.isin([row for rows in below.rows for row in rows])
    words = part.rows.peak_flags
    return words.where(~weak, [";".join(word for word in cell.split(";") if word != WEAK) for cell in words])


def of_rows(part: AnalyteEvaluation, column: str) -> list[list[Any]]:
    """Return what stands in a column of the worklist rows behind each unit."""
    return _of_rows(part, part.rows[column])


def _of_rows(part: AnalyteEvaluation, column: pd.Series) -> list[list[Any]]:
    values = column.to_dict()
    return [[values[row] for row in rows] for rows in part.units.rows]


def value_words(run: Run, part: AnalyteEvaluation, limits: Limits) -> pd.Series:
    """Return, by unit, the flag words the value of each study sample carries, joined by ';'; '' for other units."""
    units, table = part.units, part.acceptance
    to_sign = list(notes_for_sign_off(run.method, part.recovery, limits))
    lacking = _without_tissue_controls(part)
    suspect = [c.plate for c in part.curves if c.estimator is not None and c.estimator.messages_]
    failed = table[(table.rule_id == RUN) & (table.verdict == FAIL) & (not limits.enforced)]
    carried = {
        "dilution_not_controlled": uncontrolled_dilutions(units),
        "recovery_needs_sign_off": units.correction_applies.astype(bool) & units.tissue.isin(to_sign),
        "no_qc_in_tissue": units.tissue.isin(lacking.tissue) & units.scope.isin(lacking.plate),
        "curve_suspect": units.scope.isin(suspect),
        "run_failed_exploratory": units.scope.isin(failed.plate),
    }
    columns = [carries.map({True: word, False: ""}) for word, carries in carried.items()]
    words = [
        join_words(*compensation_words(unit, run), *of_peaks, *of_injections, unit.dilution_words, *said)
        for unit, of_peaks, of_injections, *said in zip(
            units.itertuples(),
            _of_rows(part, bearing_peak_flags(part)),
            of_rows(part, "injection_flags"),
            *columns,
            strict=True,
        )
    ]
    return pd.Series(words, index=units.index, dtype=str).where(units.sample_type.isin(STUDY_SAMPLES), "")


def _unit_flags(run: Run, part: AnalyteEvaluation) -> list[dict[str, object]]:
    limit = run.method.plate.max_replicate_cv_percent
    units = part.units.assign(
        positions=[";".join(positions) for positions in of_rows(part, "position")],
        scattered=part.units.cv_percent > (np.inf if limit is None else limit),
        by_hand=["; ".join(dict.fromkeys(filter(None, words))) for words in of_rows(part, "excluded")],
        uncontrolled=uncontrolled_dilutions(part.units),
    )
    units["left_out"] = (units.by_hand != "") & units.sample_type.isin(STANDARDS)
    rows = []
    for unit in units[units.scattered | units.left_out | units.uncontrolled].itertuples():
        where = {"plate": unit.plate, "position": unit.positions, "sample_id": unit.sample_id, "tissue": unit.tissue}
        if unit.scattered:
            rows.append(flag("replicate_cv", observed=f"{unit.cv_percent:.1f} %", limit=f"{limit:g} %", **where))
        if unit.left_out:
            rows.append(flag("excluded_by_decision", observed=unit.by_hand, **where))
        if unit.uncontrolled:
            rows.append(flag("dilution_not_controlled", observed=f"x{unit.dilution_factor:g}", source="QC-16", **where))
    return rows


def _peak_flags(part: AnalyteEvaluation, source: str) -> list[dict[str, object]]:
    """Return the flags of peaks (and wells), those of internal standards too, each with its number and limit."""
    rows = part.rows.assign(peak_flags=bearing_peak_flags(part))
    flagged = rows[(rows.peak_flags != "") & ~rows.sample_type.isin(["blank", "carryover_blank"])]
    return [
        _peak_flag(word, row.peak_flag_details, source)
        | {"position": row.position, "sample_id": row.sample_id, "tissue": row.tissue}
        for row in flagged.itertuples()
        for word in str(row.peak_flags).split(";")
    ]


def _peak_flag(word: str, details: str, source: str) -> dict[str, object]:
    known, numbers = peak_limits().get(word.removeprefix("is_")), read_details(details).get(word)
    row = flag(word.removeprefix("is_"), source=source) | {"flag": word}
    if word.startswith("is_"):
        row["meaning"] = f"internal standard: {row['meaning']}"
    if known is None or numbers is None:
        return row
    observed, limit = numbers
    return row | {
        "observed": f"{observed} ({known.observed})", "limit": f"{known.side} {limit}",
        "source": f"{source}; {known.source}",
    }  # fmt: skip
