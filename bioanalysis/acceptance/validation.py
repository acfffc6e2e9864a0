"""Verdicts of a method validation on curves, accuracy and precision: rules CAL-CC-09, CAL-CC-16, CAL-LBA-08, VAL-*.

The judges of a validation read one table of statistics (`COLUMNS`), of one method and analyte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_APPLICABLE, NOT_ASSESSABLE, PASS, Ledger, signed_percent
from bioanalysis.calibration.standards import ROUNDING, passes_limit
from bioanalysis.limits import Rule
from bioanalysis.method import Analyte, Method
from bioanalysis.moles import GRAMS, MOLES
from bioanalysis.words import count_of

KEYS = [
    "method_id", "analyte", "experiment", "measure", "tissue", "level", "nominal_ng_ml", "run_id", "lot",
    "source_kind", "haemolysed_percent", "interferent", "condition", "condition_days", "condition_hours",
    "condition_cycles", "hours_frozen", "condition_c", "dilution_factor", "diluent", "series",
]  # fmt: skip
COLUMNS = [
    *KEYS, "n", "n_without_value", "runs", "mean", "sd", "bias_percent", "cv_percent", "within_run_cv_percent",
    "between_run_cv_percent", "total_cv_percent", "total_error_percent", "largest", "factors", "end", "note",
]  # fmt: skip

NUMERIC = [
    "nominal_ng_ml", "haemolysed_percent", "condition_days", "condition_hours", "condition_cycles", "hours_frozen",
    "condition_c", "dilution_factor", "n", "n_without_value", "runs", "mean", "sd", "bias_percent", "cv_percent",
    "within_run_cv_percent", "between_run_cv_percent", "total_cv_percent", "total_error_percent", "largest", "factors",
]  # fmt: skip

WRITTEN = [*NUMERIC, "nominal_nmol_l"]  # columns of numbers in validation.tsv, whatever unit its methods count in

FOUND = "found, ng/mL"
FOUND_IN = (FOUND, FOUND.replace(GRAMS, MOLES))  # as written by methods in ng/mL, and by those in nmol/L
INTERFERENCE = "analyte in the blank, % of the LLOQ"
STANDARD_INTERFERENCE = "internal standard in the blank, % of the LLOQ sample"
MATRIX_FACTOR = "IS-normalised matrix factor"
RECOVERY, STANDARD_RECOVERY = "recovery, %", "recovery of the internal standard, %"
CORRECTED, HOOK = "dilution-corrected, ng/mL", "steps above the ULOQ that do not read above"
SUBTRACTED = "accuracy after subtraction of the blank, %"
RATIO = "second method over first, %"

# the rules of each experiment, by the beginning of their ids
RULES_OF: dict[str, tuple[str, ...]] = {
    "accuracy_precision": ("VAL-", "CAL-"),
    "selectivity": ("SEL-",),
    "specificity": ("SPE-",),
    "matrix_effect": ("MAT-",),
    "surrogate_matrix": ("SURR-",),
    "endogenous": ("ENDO-",),
    "carry_over": ("CAR-",),
    "dilution_integrity": ("DIL-CC",),
    "dilution_linearity": ("DIL-LBA", "HOOK-"),
    "parallelism": ("PAR-",),
    "recovery": ("REC-",),
    "stability": ("STAB-",),
    "reinjection": ("REINJ-",),
    "cross_validation": ("CROSS-",),
}
ACCURACY = "accuracy_precision"
BLANKS = ("blank", "zero", "carryover_blank")
LLOQ, ULOQ = "LLOQ", "ULOQ"
VALIDATION = "VALIDATION"


@dataclass(frozen=True)
class ValidatedMethod:
    """What the judges must know beside the statistics.

    Attributes
    ----------
    runs : DataFrame
        One row per run of the method: run_id, day, curve_accepted, lloq_kept, uloq_kept (whether the range of the
        method was in force), rows (of its worklist), accuracy (whether it holds accuracy and precision rows).
    study_run_rows : int or None
        Rows of the largest run of a study to come.
    """

    method: Method
    analyte: Analyte
    runs: pd.DataFrame
    study_run_rows: int | None = None

    @property
    def ligand_binding(self) -> bool:
        return self.method.assay_class == "ligand_binding"

    def of_class(self, rule: Rule) -> Fraction:
        """Return the number of a rule that has one for chromatography and one for ligand binding."""
        return rule.numbers[1 if self.ligand_binding else 0]


def end_of_range(nominal_ng_ml: float, analyte: Analyte, assay_class: str) -> str:
    """Return ``LLOQ`` or (ligand binding only) ``ULOQ`` where a level lies at an end that has limits of its own."""
    if nominal_ng_ml <= analyte.lloq_ng_ml * (1 + ROUNDING):
        return LLOQ
    at_top = nominal_ng_ml >= analyte.uloq_ng_ml * (1 - ROUNDING)
    return ULOQ if assay_class == "ligand_binding" and at_top else ""


def at_most(value: float, limit: Fraction) -> bool | str:
    """Return whether a positive number keeps a limit, the limit included; not assessable where it is missing."""
    return NOT_ASSESSABLE if pd.isna(value) else bool(passes_limit(value, float(limit)))


def percent(value: float) -> str:
    """Return '12.3 %', or 'no value'."""
    return "no value" if pd.isna(value) else f"{value:.1f} %"


def listed_levels(levels: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(str(level) for level in levels))


def nothing(ledger: Ledger, rule_ids: Sequence[str], why: str, **where: object) -> None:
    """Enter `not_assessable` for all rules of an experiment that was not done."""
    for rule_id in rule_ids:
        if rule_id in ledger.limits:
            ledger.add(ledger.limits[rule_id], NOT_ASSESSABLE, why, **where)


def judge_curves(ledger: Ledger, facts: ValidatedMethod) -> None:
    """Enter the verdicts on the curves of all runs."""
    rule = ledger.rule("CAL-CC-09", "CAL-LBA-08")
    if facts.runs.empty:
        nothing(ledger, ["CAL-CC-09", "CAL-CC-16", "CAL-LBA-08"], "no runs")
        return
    accepted = facts.runs[facts.runs.curve_accepted]
    days = accepted.day.nunique()
    enough = len(accepted) >= rule.numbers[0] and days >= rule.numbers[1]
    ledger.add(rule, enough, f"{count_of(len(accepted), 'run')} with an accepted curve, on {count_of(days, 'day')}")
    if "CAL-CC-16" in ledger.limits:
        _judge_ends(ledger, facts.runs[facts.runs.accuracy])


def _judge_ends(ledger: Ledger, runs: pd.DataFrame) -> None:
    """A run of accuracy and precision that lost an end of the range is rejected; two in a row revise the method."""
    rule = ledger.limits["CAL-CC-16"]
    if runs.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no run of accuracy and precision")
    kept = (runs.lloq_kept & runs.uloq_kept).tolist()
    for number, run in enumerate(runs.itertuples()):
        lost = [end for end, there in ((LLOQ, run.lloq_kept), (ULOQ, run.uloq_kept)) if not there]
        observed = f"no accepted calibrator left at the {' and the '.join(lost)}: run rejected" if lost else "both kept"
        if lost and number and not kept[number - 1]:
            observed += "; two runs in a row: revise the method"
        ledger.add(rule, not lost, observed, subject=f"run {run.run_id}")


def judge_accuracy_and_precision(ledger: Ledger, stats: pd.DataFrame, facts: ValidatedMethod) -> None:
    """Enter the verdicts on accuracy and precision, tissue by tissue.

    Between-run precision is judged on the CV of one value in any run (within and between runs together), between-run
    accuracy on the mean of all values.
    """
    rows = stats[(stats.experiment == ACCURACY) & (stats.measure == FOUND) & (stats.n > 0)]
    if rows.empty:
        rule_ids = [rule_id for rule_id in ledger.limits if rule_id.startswith("VAL-")]
        nothing(ledger, rule_ids, "no accuracy and precision rows with a value")
        return
    for tissue, here in rows.groupby("tissue", sort=False):
        per_run, overall = here[here.run_id != ""], here[here.run_id == ""]
        _judge_design(ledger, per_run, overall, facts, str(tissue))
        _judge_accuracy(ledger, per_run, overall, str(tissue))
        _judge_precision(ledger, per_run, overall, str(tissue))
        _judge_total_error(ledger, overall, str(tissue))
    if "VAL-CC-07" in ledger.limits:
        _judge_run_size(ledger, facts)


def _judge_design(
    ledger: Ledger, per_run: pd.DataFrame, overall: pd.DataFrame, facts: ValidatedMethod, tissue: str
) -> None:
    """Levels, replicates per level and run, runs and days."""
    ends = [LLOQ, ULOQ] if facts.ligand_binding else [LLOQ]
    missing = [end for end in ends if end not in set(overall.end)]
    rule = ledger.rule("VAL-CC-01", "VAL-LBA-01")
    levels = overall.nominal_ng_ml.nunique()
    observed = f"{count_of(levels, 'level')}: {listed_levels(overall.level)}" + "".join(
        f"; none at the {end}" for end in missing
    )
    ledger.add(rule, levels >= rule.number and not missing, observed, tissue=tissue)
    fewest = per_run.loc[per_run.n.idxmin()]
    replicates = f"fewest {count_of(int(fewest.n), 'replicate')} ({fewest.level} in {fewest.run_id})"
    day_of = facts.runs.set_index("run_id").day
    by_level = per_run.groupby("level").run_id
    runs = int(by_level.nunique().min())
    days = int(by_level.agg(lambda names: names.map(day_of).nunique()).min())
    if facts.ligand_binding:
        rule = ledger.limits["VAL-LBA-02"]
        enough = all(found >= needed for found, needed in zip((fewest.n, runs, days), rule.numbers, strict=True))
        ledger.add(rule, enough, f"{replicates}; {count_of(runs, 'run')} on {count_of(days, 'day')}", tissue=tissue)
        return
    rule = ledger.limits["VAL-CC-02"]
    ledger.add(rule, bool(fewest.n >= rule.number), replicates, tissue=tissue)
    rule = ledger.limits["VAL-CC-03"]
    enough = runs >= rule.numbers[0] and days >= rule.numbers[1]
    ledger.add(rule, enough, f"{count_of(runs, 'run')} on {count_of(days, 'day')}", tissue=tissue)


def limit_at(rule: Rule, end: str) -> Fraction:
    """Return the limit of a level: the second number at an end of the range."""
    return rule.numbers[1 if end else 0]


def _judge_accuracy(ledger: Ledger, per_run: pd.DataFrame, overall: pd.DataFrame, tissue: str) -> None:
    rule = ledger.rule("VAL-CC-04", "VAL-LBA-03")
    for row in pd.concat([per_run, overall]).itertuples():
        where = f"within run {row.run_id}" if row.run_id else "between runs"
        verdict = at_most(abs(row.bias_percent), limit_at(rule, row.end))
        observed = f"{signed_percent(row.bias_percent)} (n = {int(row.n)})"
        ledger.add(rule, verdict, observed, subject=f"{row.level} {where}", tissue=tissue)


def _judge_precision(ledger: Ledger, per_run: pd.DataFrame, overall: pd.DataFrame, tissue: str) -> None:
    rule = ledger.rule("VAL-CC-05", "VAL-LBA-04")
    judged = [(row, f"within run {row.run_id}", row.cv_percent, row.n) for row in per_run.itertuples()]
    for row in overall.itertuples():
        judged.append((row, "within runs", row.within_run_cv_percent, row.n))
        judged.append((row, "between runs", row.total_cv_percent if row.runs > 1 else np.nan, row.n))
    for row, where, cv, n in judged:
        observed = f"CV {percent(cv)} (n = {int(n)})"
        if where == "between runs" and np.isfinite(row.between_run_cv_percent):
            observed += f", of which between runs {percent(row.between_run_cv_percent)}"
        elif pd.isna(cv):
            observed += f"; {row.note or 'one value'}"
        ledger.add(rule, at_most(cv, limit_at(rule, row.end)), observed, subject=f"{row.level} {where}", tissue=tissue)


def _judge_total_error(ledger: Ledger, overall: pd.DataFrame, tissue: str) -> None:
    rule = ledger.rule("VAL-CC-06", "VAL-LBA-05")
    for row in overall.itertuples():
        observed = f"{percent(row.total_error_percent)} (bias {signed_percent(row.bias_percent)})"
        verdict = at_most(row.total_error_percent, limit_at(rule, row.end)) if rule.numbers else NOT_APPLICABLE
        ledger.add(rule, verdict, observed, subject=row.level, tissue=tissue)


def _judge_run_size(ledger: Ledger, facts: ValidatedMethod) -> None:
    rule = ledger.limits["VAL-CC-07"]
    runs = facts.runs[facts.runs.accuracy]
    if facts.study_run_rows is None or runs.empty:
        ledger.add(rule, NOT_ASSESSABLE, "config.yaml: validation.study_run_rows does not say how large a run will be")
        return
    large = int((runs.rows >= facts.study_run_rows).sum())
    observed = (
        f"{count_of(large, 'run')} of {facts.study_run_rows} rows or more; the largest has {int(runs.rows.max())}"
    )
    ledger.add(rule, large >= rule.number, observed)


def spare(ledger: Ledger, not_needed: Mapping[str, str]) -> None:
    """Make `not_applicable` of what config.yaml says, with a reason, need not be examined.

    Parameters
    ----------
    not_needed : mapping
        Reason by experiment or rule id.
    """
    for row in ledger.rows:
        rule_id = str(row["rule_id"])
        reasons = [
            why for name, why in not_needed.items() if name == rule_id or rule_id.startswith(RULES_OF.get(name, ()))
        ]
        if reasons and row["verdict"] == NOT_ASSESSABLE:
            row |= {"verdict": NOT_APPLICABLE, "observed": f"not needed: {reasons[0]} ({row['observed']})"}


def close_validation(ledger: Ledger) -> str:
    """Enter the verdict on the validation and return it: failed, not assessable (incomplete), or passed.

    A house or unverified rule never fails a validation; a storage or a dilution factor that fails is not claimed and
    does not fail the method; what was not assessable leaves the validation open.
    """
    deciding = [row for row in ledger.rows if row["standing"] == "read"]
    failed = _rules(deciding, FAIL)
    beside = [rule_id for rule_id in failed if ledger.limits[rule_id].decides == "scope"]
    failed = [rule_id for rule_id in failed if rule_id not in beside]
    open_rules = _rules(deciding, NOT_ASSESSABLE)
    verdict = FAIL if failed else (NOT_ASSESSABLE if open_rules else PASS)
    observed = f"failed: {', '.join(failed)}" if failed else "no deciding rule failed"
    observed += f"; failed and not claimed: {', '.join(beside)}" if beside else ""
    observed += f"; not assessable: {', '.join(open_rules)}" if open_rules else ""
    row = dict.fromkeys(ledger.rows[0], "") | {
        "rule_id": VALIDATION, "stage": ledger.stage, "analyte": ledger.analyte, "judged": "verdict on the validation",
        "limit": ledger.limits.profile, "observed": observed, "verdict": verdict, "source": "rules above",
        "wider_than_source": False,
    }  # fmt: skip
    ledger.rows.append(row)
    return verdict


def _rules(rows: Iterable[Mapping[str, object]], verdict: str) -> list[str]:
    """Return the ids of the rules with this verdict, each once."""
    return list(dict.fromkeys(str(row["rule_id"]) for row in rows if row["verdict"] == verdict))
