"""A method validation from its runs: statistics, verdicts, flags, an account of every row, and what was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, Ledger
from bioanalysis.acceptance.validation import (
    ACCURACY,
    VALIDATION,
    ValidatedMethod,
    close_validation,
    judge_accuracy_and_precision,
    judge_curves,
    spare,
)
from bioanalysis.acceptance.validation_matrix import judge_matrix
from bioanalysis.acceptance.validation_samples import (
    gather_carry_over,
    judge_cross_validation,
    judge_dilution,
    judge_recovery,
    judge_reinjection,
    judge_stability,
)
from bioanalysis.evaluation.moles import validation_in_moles
from bioanalysis.evaluation.reconciliation import reconcile
from bioanalysis.evaluation.study import RunTables
from bioanalysis.evaluation.study_flags import accept
from bioanalysis.flags import flag, flag_table
from bioanalysis.limits import limits_for
from bioanalysis.method import Analyte, Method
from bioanalysis.study import Run, Study
from bioanalysis.validation_study.agreement import agreement_row, agreement_words, control_statistics, sample_pairs
from bioanalysis.validation_study.document import method_document
from bioanalysis.validation_study.statistics import validation_table
from bioanalysis.validation_study.units import validation_units


@dataclass(frozen=True)
class ValidationEvaluation:
    """The tables of results/study/ of a method validation, and validation.json."""

    validation: pd.DataFrame
    acceptance: pd.DataFrame
    flags: pd.DataFrame
    reconciliation: pd.DataFrame
    document: dict[str, Any]


@dataclass(frozen=True)
class _Part:
    """One analyte of one method: its statistics and its book of verdicts."""

    method: Method
    analyte: Analyte
    statistics: pd.DataFrame
    ledger: Ledger


def evaluate_validation(study: Study, runs: Mapping[str, RunTables]) -> ValidationEvaluation:
    """Return the tables of a method validation from those of its runs, by run_id."""
    units = validation_units(study, runs)
    methods = {run.method.method_id: run.method for run in study.runs}
    parts = [_part(study, m, analyte, units, runs) for m in methods.values() for analyte in m.analytes]
    table = pd.concat([part.statistics for part in parts], ignore_index=True)
    table = _with_cross_validation(table, units, parts)
    for part in parts:
        spare(part.ledger, study.config.validation.not_needed)
        close_validation(part.ledger)
    books = {name: _book(part for part in parts if part.method.method_id == name) for name in methods}
    acceptance = pd.concat(
        [book if len(books) == 1 else _named(book, name) for name, book in books.items()], ignore_index=True
    )
    shown = {
        name: method_document(method, table[table.method_id == name], books[name]) for name, method in methods.items()
    }
    evaluation = ValidationEvaluation(
        validation=table,
        acceptance=acceptance,
        flags=accept(_flags(runs, acceptance), study.decisions),
        reconciliation=_reconciliation(study, runs),
        document={"study_id": study.config.study.id, "methods": shown},
    )
    return validation_in_moles(evaluation, study)


def _part(study: Study, method: Method, analyte: Analyte, units: pd.DataFrame, runs: Mapping[str, RunTables]) -> _Part:
    """Return statistics and verdicts of one analyte, cross validation left aside."""
    own = [run for run in study.runs if run.method.method_id == method.method_id]
    mine = units[(units.method_id == method.method_id) & (units.analyte == analyte.name)]
    first = method.extraction.internal_standard_added == "before_extraction"
    table = validation_table(mine, method.assay_class == "ligand_binding", first)
    table = table.assign(method_id=method.method_id, analyte=analyte.name)
    facts = ValidatedMethod(method, analyte, _runs(own, analyte, runs), study.config.validation.study_run_rows)
    ledger = Ledger(limits_for(method), analyte.name, stage="validation")
    judge_curves(ledger, facts)
    judge_accuracy_and_precision(ledger, table, facts)
    judge_matrix(ledger, table, facts)
    gather_carry_over(ledger, _acceptance_of(own, runs))
    judge_dilution(ledger, table, facts)
    judge_recovery(ledger, table, facts)
    judge_stability(ledger, table, facts)
    judge_reinjection(ledger, table)
    return _Part(method, analyte, table, ledger)


def _runs(runs: list[Run], analyte: Analyte, tables: Mapping[str, RunTables]) -> pd.DataFrame:
    """Return what the judges must know of each run: day, curve, range kept, size."""
    rows = []
    for run in runs:
        acceptance, reportable = tables[run.run_id].acceptance, tables[run.run_id].reportable
        here = acceptance[(acceptance.analyte == analyte.name) & (acceptance.verdict == FAIL)]
        deciding = {name for name, rule in limits_for(run.method).items() if rule.decides == "run"}
        failed = [name for name in here.rule_id if name in deciding and name.startswith("CAL-")]
        mine = reportable[reportable.analyte == analyte.name]
        rows.append({
            "run_id": run.run_id, "day": run.run_date[:10], "curve_accepted": not failed,
            "lloq_kept": bool((mine.lloq_in_force <= analyte.lloq_ng_ml).all()),
            "uloq_kept": bool((mine.uloq_in_force >= analyte.uloq_ng_ml).all()),
            "rows": len(run.worklist), "accuracy": bool((run.worklist.experiment == ACCURACY).any()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _acceptance_of(runs: list[Run], tables: Mapping[str, RunTables]) -> pd.DataFrame:
    return pd.concat([tables[run.run_id].acceptance.assign(run_id=run.run_id) for run in runs], ignore_index=True)


def _with_cross_validation(table: pd.DataFrame, units: pd.DataFrame, parts: list[_Part]) -> pd.DataFrame:
    """Judge each analyte once, in the book of its first method; return the statistics with the pairs added."""
    rows = []
    for name in dict.fromkeys(part.analyte.name for part in parts):
        first = next(part for part in parts if part.analyte.name == name)
        pairs = sample_pairs(units, name)
        words = agreement_words(pairs)
        judge_cross_validation(first.ledger, control_statistics(table, name), pairs, words)
        if len(pairs):
            rows.append({**agreement_row(pairs, name, words), "method_id": first.method.method_id})
    return pd.concat([table, pd.DataFrame(rows, columns=table.columns)], ignore_index=True) if rows else table


def _book(parts: Iterable[_Part]) -> pd.DataFrame:
    return pd.concat([part.ledger.table() for part in parts], ignore_index=True)


def _named(book: pd.DataFrame, method_id: str) -> pd.DataFrame:
    """Put the method before the subject, where the study holds several."""
    return book.assign(subject=(method_id + ": " + book.subject).str.removesuffix(": "))


def _flags(runs: Mapping[str, RunTables], acceptance: pd.DataFrame) -> pd.DataFrame:
    """Return the flags of all runs, and one for each rule of the validation that failed."""
    rows = [row for tables in runs.values() for row in tables.flags.to_dict("records")]
    failed = acceptance[(acceptance.verdict == FAIL) & (acceptance.rule_id != VALIDATION)]
    rows += [
        flag("validation_failed", tissue=row.tissue, analyte=row.analyte, source=row.rule_id, limit=row.limit,
             observed=": ".join(part for part in (str(row.subject), str(row.observed)) if part))
        for row in failed.itertuples()
    ]  # fmt: skip
    return flag_table(rows)


def _reconciliation(study: Study, runs: Mapping[str, RunTables]) -> pd.DataFrame:
    """Return the account of every row; samples of a validation are measured for its experiments only."""
    measurements = {run_id: tables.measurements for run_id, tables in runs.items()}
    found = pd.concat(measurements.values(), ignore_index=True)
    samples = pd.DataFrame({"sample_id": study.samples.sample_id})
    rows = samples.merge(found[["sample_id", "status", "reason"]], how="left", on="sample_id").fillna("")
    rows.loc[rows.status == "", ["status", "reason"]] = ["not_analysed", "in no worklist"]
    return reconcile(study, measurements, rows.assign(chosen=""))
