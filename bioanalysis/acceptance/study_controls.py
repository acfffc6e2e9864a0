"""QCs over all accepted runs: bias, precision, place among the samples, and that none is left out (ICH M10 3.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import NOT_ASSESSABLE, Ledger, signed_percent
from bioanalysis.acceptance.quality_controls import ENDS
from bioanalysis.calibration.reading import INSIDE
from bioanalysis.calibration.standards import ROUNDING, passes_limit
from bioanalysis.variability import variance_components
from bioanalysis.words import STUDY_SAMPLES, count_of

STATISTICS = [
    "level", "tissue", "dilution_factor", "n", "n_runs", "n_outside", "n_without_value", "n_excluded", "mean_ng_ml",
    "bias_percent", "cv_percent", "within_run_cv_percent", "between_run_cv_percent", "intermediate_cv_percent", "note",
]  # fmt: skip
EXCLUDED = "excluded by"
NOT_ACQUIRED = "not acquired"
ONE_EACH = "one value per run: scatter within and between runs cannot be told apart, both together can"


def control_statistics(controls: pd.DataFrame) -> pd.DataFrame:
    """Return one row per QC level, tissue and dilution over the accepted runs.

    Parameters
    ----------
    controls : DataFrame
        QCs of the accepted runs of one method and analyte: run_id, plate, level, tissue, dilution_factor,
        nominal_ng_ml, found_ng_ml (corrected for dilution and recovery; NaN without), status (pass, fail, no_value)
        and reason.

    Returns
    -------
    DataFrame
        `STATISTICS`. Every QC with a value counts, also those outside their limit (`n_outside` of them); only what a
        decision excluded (`n_excluded`) or has no number (`n_without_value`) does not. Bias and coefficients of
        variation are in percent; those within and between runs (a plate with its own curve is a run) come from the
        one-way components of variance of found / nominal, a negative component being read as zero.
    """
    keys = ["level", "tissue", "dilution_factor"]
    rows = [dict(zip(keys, key, strict=True)) | _statistics(here) for key, here in controls.groupby(keys, sort=False)]
    table = pd.DataFrame(rows, columns=STATISTICS)
    return table.sort_values(["tissue", "level", "dilution_factor"], kind="stable", ignore_index=True)


def _statistics(here: pd.DataFrame) -> dict[str, object]:
    percent = 100 * here.found_ng_ml / here.nominal_ng_ml
    excluded = here.reason.str.startswith(EXCLUDED)
    kept = here.assign(percent=percent)[percent.notna() & ~excluded]
    lost = here[percent.isna() & ~excluded & ~here.reason.str.startswith(NOT_ACQUIRED)]
    mean, total = float(kept.percent.mean()), float(kept.percent.std(ddof=1)) if len(kept) > 1 else np.nan
    within, between, note = _run_components(kept)
    together = total if note == ONE_EACH else np.sqrt(within + between)
    return {
        "n": len(kept), "n_runs": kept.groupby(["run_id", "plate"]).ngroups,
        "n_outside": int((kept.status == "fail").sum()), "n_without_value": len(lost),
        "n_excluded": int(excluded.sum()), "mean_ng_ml": float(kept.found_ng_ml.mean()), "bias_percent": mean - 100,
        "cv_percent": 100 * total / mean,
        "within_run_cv_percent": 100 * np.sqrt(within) / mean, "between_run_cv_percent": 100 * np.sqrt(between) / mean,
        "intermediate_cv_percent": 100 * together / mean, "note": note,
    }  # fmt: skip


def _run_components(kept: pd.DataFrame) -> tuple[float, float, str]:
    """Return the variances within and between runs, NaN with a note where they cannot be told apart."""
    run = kept.run_id.astype(str) + "/" + kept.plate.astype(str)
    runs = run.nunique()
    if runs < 2:
        alone = float(kept.percent.var(ddof=1)) if len(kept) > 1 else np.nan
        return alone, np.nan, "one accepted run: precision between runs is not estimable" if len(kept) else "no value"
    if len(kept) == runs:
        return np.nan, np.nan, ONE_EACH
    parts = variance_components(kept.assign(run=run), "percent", nested=("run",), fixed=(), method="anova")
    between, within = (float(parts.variance.iloc[place]) for place in (0, -1))
    return within, max(0.0, between), "between runs: negative estimate, read as zero" if between < 0 else ""


def judge_study_controls(ledger: Ledger, statistics: pd.DataFrame, runs: str) -> None:
    """Enter QC-14 or QC-15, the precision between runs and QC-19.

    Parameters
    ----------
    runs : str
        Which runs stand behind the statistics, in words.
    """
    overall, precision = ledger.rule("QC-14", "QC-15"), ledger.rule("QC-BTW-CC", "QC-BTW-LBA")
    if statistics.empty:
        for rule in (overall, precision, ledger.limits["QC-19"]):
            ledger.add(rule, NOT_ASSESSABLE, f"no QC of an accepted run; {runs}")
        return
    for row in statistics.itertuples():
        where = {"tissue": row.tissue, "subject": _subject(row)}
        found = [value for value in (row.bias_percent, row.cv_percent) if np.isfinite(value)]
        verdict: str | bool = bool(passes_limit(np.array(found), float(overall.number)).all())
        text = f"n {row.n}: mean bias {signed_percent(row.bias_percent)}, CV {_percent(row.cv_percent)}"
        ledger.add(overall, NOT_ASSESSABLE if verdict and len(found) < 2 else verdict, text, **where)
        _judge_precision(ledger, row, where)
    _judge_completeness(ledger, statistics, runs)


def judge_measured_range(ledger: Ledger, readings: pd.DataFrame) -> None:
    """Enter QC-13: QC levels among the concentrations of the study's samples, both in the tube that was measured.

    Parameters
    ----------
    readings : DataFrame
        QCs, unknowns and incurred samples of the accepted runs of one method and analyte: sample_type, level,
        nominal_ng_ml, dilution_factor, reading_ng_ml, place, recovery_factor. A sample is corrected for recovery as a
        QC is, and not for dilution: its tube is what the QCs stand for. A QC diluted as samples are
        (`minimum_dilution`) holds its nominal concentration over that factor.
    """
    rule = ledger.limits["QC-13"]
    levels = readings[(readings.sample_type == "qc") & ~readings.level.str.upper().isin(ENDS)]
    samples = readings[readings.sample_type.isin(STUDY_SAMPLES) & (readings.place == INSIDE)]
    measured = (samples.reading_ng_ml / samples.recovery_factor).dropna()
    if levels.empty or measured.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no QCs" if levels.empty else "no study sample inside the range")
        return
    low, high = float(measured.min()), float(measured.max())
    tubes = levels.nominal_ng_ml / levels.dilution_factor
    among = (tubes >= low * (1 - ROUNDING)) & (tubes <= high * (1 + ROUNDING))
    inside, every = levels.level[among].nunique(), levels.level.nunique()
    text = f"{inside} of {count_of(every, 'level')} inside {low:.4g} to {high:.4g} ng/mL, before dilution is counted"
    ledger.add(rule, inside >= float(rule.number), text)


def _judge_precision(ledger: Ledger, row: Any, where: dict[str, object]) -> None:
    rule = ledger.rule("QC-BTW-CC", "QC-BTW-LBA")
    total = row.intermediate_cv_percent
    if not np.isfinite(total):
        ledger.add(rule, NOT_ASSESSABLE, row.note, **where)
        return
    text = f"within run {_percent(row.within_run_cv_percent)}, between {_percent(row.between_run_cv_percent)}, together"
    verdict = bool(passes_limit(total, float(rule.number)))
    ledger.add(rule, verdict, f"{count_of(row.n_runs, 'run')}: {text} {_percent(total)}", **where)


def _judge_completeness(ledger: Ledger, statistics: pd.DataFrame, runs: str) -> None:
    """Enter QC-19: a QC without a number and without a decision that says why is missing from the statistics."""
    lost = int(statistics.n_without_value.sum())
    number = count_of(int(statistics.n.sum()), "QC")
    text = (
        f"{number} in the statistics, {statistics.n_outside.sum()} of them outside their limit; "
        f"{statistics.n_excluded.sum()} excluded by decisions, {lost} without a value; {runs}"
    )
    ledger.add(ledger.limits["QC-19"], lost == 0, text)


def _subject(row: Any) -> str:
    return f"{row.level} x{row.dilution_factor:g}" if row.dilution_factor != 1 else str(row.level)


def _percent(value: float) -> str:
    return f"{value:.1f} %" if np.isfinite(value) else "not estimable"
