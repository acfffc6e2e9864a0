"""The study from its runs: recovery, concentrations, summaries, variability, flags, and an account of every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bioanalysis.evaluation.concentrations import MethodContext, tissue_concentrations
from bioanalysis.evaluation.conclusions import variability_conclusions
from bioanalysis.evaluation.distribution import judge_distribution
from bioanalysis.evaluation.exposure import judge_exposure
from bioanalysis.evaluation.findings import gathered
from bioanalysis.evaluation.liver_safety import judge_liver_safety
from bioanalysis.evaluation.method_comparison import judge_method_comparison
from bioanalysis.evaluation.outliers import outlier_table, outlier_words, variability_flags
from bioanalysis.evaluation.reconciliation import reconcile
from bioanalysis.evaluation.response_variance import of_accepted, response_variance_table
from bioanalysis.evaluation.sequences import judge_sequences, sequence_flags
from bioanalysis.evaluation.stacked import RunTables, TablesOf, laid_together
from bioanalysis.evaluation.study_flags import accept, study_flags
from bioanalysis.evaluation.study_rules import judge_study_rules, words_of_values
from bioanalysis.evaluation.variance import quantified_readings, readings_of, variance_table, with_factors
from bioanalysis.flags import flag_table, join_words
from bioanalysis.limits import limits_for
from bioanalysis.method import Method
from bioanalysis.recovery.study import (
    recovery_book,
    single_extraction,
    study_batches,
    with_applied_factors,
)
from bioanalysis.study import Study
from bioanalysis.tables import held_once
from bioanalysis.variability.group_summary import group_summary

RECOVERY = [
    "tissue", "batch", "kind", "level", "factor", "relative_uncertainty", "degrees_of_freedom", "n", "source", "note",
    "analyte", "method_id", "used", "sign_off", "low", "high", "rows", "run_id", "extraction_batch", "reference_of",
    "reference_uncertainty", "shared_uncertainty", "shared_by",
]  # fmt: skip
OF_RULES = ("acceptance", "repeats", "repeat_counts", "incurred", "quality_controls", "storage")
PLAUSIBILITY = (judge_distribution, judge_exposure, judge_liver_safety, judge_method_comparison)


@dataclass(frozen=True)
class StudyEvaluation:
    """The tables of results/study/ but uncertainty.tsv, which follows from the first (`uncertainty_budget`)."""

    tissue_concentrations: pd.DataFrame
    recovery: pd.DataFrame
    tissue_summary: pd.DataFrame
    variance_components: pd.DataFrame
    biodistribution: pd.DataFrame
    flags: pd.DataFrame
    reconciliation: pd.DataFrame
    response_variance: pd.DataFrame
    acceptance: pd.DataFrame
    repeats: pd.DataFrame
    repeat_counts: pd.DataFrame
    incurred: pd.DataFrame
    quality_controls: pd.DataFrame
    storage: pd.DataFrame
    sequences: pd.DataFrame
    mass_balance: pd.DataFrame
    dose_proportionality: pd.DataFrame
    targeting: pd.DataFrame
    sample_swaps: pd.DataFrame
    exposure: pd.DataFrame
    dosing_summary: pd.DataFrame
    weekly_doses: pd.DataFrame
    liver_safety: pd.DataFrame
    liver_tests: pd.DataFrame
    method_comparison: pd.DataFrame
    variability_conclusions: pd.DataFrame
    outliers: pd.DataFrame
    decisions: pd.DataFrame = field(default_factory=pd.DataFrame)


def evaluate_study(study: Study, runs: Mapping[str, RunTables]) -> StudyEvaluation:
    """Return the study's tables from those of its runs, by run_id."""
    reportable, contexts = gather(study, runs)
    concentrations = tissue_concentrations(study, reportable, contexts)
    rules = judge_study_rules(study, reportable, concentrations)
    outliers = outlier_table(concentrations)
    words = [words_of_values(concentrations, rules.flags), outlier_words(concentrations, outliers)]
    concentrations["flags"] = [join_words(*each) for each in zip(concentrations["flags"], *words, strict=True)]
    recovery = pd.concat(
        [context.recovery.table.assign(method_id=name) for name, context in contexts.items()], ignore_index=True
    )
    plausibility = gathered(judge(study, concentrations) for judge in PLAUSIBILITY)
    in_sequence = [run.run_id for run in study.runs if run.sequence_id and run.run_id in runs]
    sequences = judge_sequences(
        study.runs, {name: (runs[name].carry_over, runs[name].internal_standard) for name in in_sequence}
    )
    found = [row for tables in runs.values() for row in tables.flags.to_dict("records")]
    found += [*sequence_flags(sequences), *plausibility.flags, *variability_flags(outliers, recovery)]
    found += study_flags(study, concentrations, contexts, plausibility.tables["biodistribution"])
    flags = accept(flag_table([*found, *rules.flags]), study.decisions)
    return StudyEvaluation(
        tissue_concentrations=concentrations,
        recovery=recovery[RECOVERY],
        outliers=outliers,
        flags=flags,
        sequences=sequences,
        **_summaries(
            study, runs, reportable, concentrations, set(flags.decision_id), plausibility.tables["liver_safety"]
        ),
        **{name: getattr(rules, name) for name in OF_RULES},
        **plausibility.tables,
    )


def _summaries(
    study: Study,
    runs: Mapping[str, RunTables],
    reportable: pd.DataFrame,
    concentrations: pd.DataFrame,
    decisions_met: set[str],
    liver_safety: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return the tables that only describe: by group, where the scatter comes from, what became of every row."""
    methods = {run.run_id: run.method for run in study.runs}
    measurements, acceptance = TablesOf(runs, "measurements"), TablesOf(runs, "acceptance")
    method_ids = _method_of_rows(measurements, methods)
    quantified = quantified_readings(laid_together(runs, "measurements").assign(method_id=method_ids))
    readings = readings_of(study, with_factors(quantified, reportable), concentrations)
    share = limits_for(next(iter(methods.values())))["VAR-11"].number
    return {
        "tissue_summary": group_summary(concentrations, share),
        "variance_components": variance_table(readings, concentrations),
        "variability_conclusions": variability_conclusions(study, readings, concentrations),
        "reconciliation": reconcile(study, measurements, concentrations, decisions_met, liver_safety),
        "response_variance": response_variance_table(methods, measurements, acceptance),
    }


def gather(study: Study, runs: Mapping[str, RunTables]) -> tuple[pd.DataFrame, dict[str, MethodContext]]:
    """Return reportable.tsv of all runs (method_id, accepted, the factors applied) and what they give together."""
    methods = {run.run_id: run.method for run in study.runs}
    reportable = _together(runs, methods)
    names = study_batches(study.runs)
    contexts = {
        method.method_id: _context(
            method,
            reportable[(reportable.method_id == method.method_id) & reportable.accepted].reset_index(drop=True),
            pd.concat(
                [tables.recovery for run_id, tables in runs.items() if methods[run_id].method_id == method.method_id],
                ignore_index=True,
            ),
            names,
        )
        for method in {m.method_id: m for m in methods.values()}.values()
    }
    return with_applied_factors(reportable, {name: context.recovery for name, context in contexts.items()}), contexts


def _together(runs: Mapping[str, RunTables], methods: Mapping[str, Method]) -> pd.DataFrame:
    """Return reportable.tsv of all runs with `method_id` and whether the run or plate of each row was `accepted`."""
    reportable = TablesOf(runs, "reportable")
    accepted = [_accepted(table, runs[name].acceptance, methods[name]) for name, table in reportable.items()]
    together = laid_together(runs, "reportable")
    return together.assign(method_id=_method_of_rows(reportable, methods), accepted=np.concatenate(accepted))


def _method_of_rows(tables: Mapping[str, pd.DataFrame], methods: Mapping[str, Method]) -> pd.Series:
    """Return the method_id of each row of the tables laid together."""
    return held_once(methods[name].method_id for name, table in tables.items() for _ in range(len(table)))


def _accepted(reportable: pd.DataFrame, acceptance: pd.DataFrame, method: Method) -> np.ndarray:
    """Return which rows of a run's reportable.tsv stand in an accepted run or plate."""
    return reportable.index.isin(of_accepted(reportable, acceptance, limits_for(method)).index)


def _context(
    method: Method, accepted: pd.DataFrame, recovery: pd.DataFrame, names: Mapping[tuple[str, str], str]
) -> MethodContext:
    """Return what reportable.tsv of the accepted runs of one method, and recovery.tsv of all of them, give together."""
    scatter = {
        analyte: single_extraction(accepted[accepted.analyte == analyte], method) for analyte in method.analyte_names
    }
    return MethodContext(method, recovery_book(recovery, method, limits_for(method), accepted, names), scatter)
