"""Recovery over the runs of a study: the table of all factors, pooled factors, and the scatter of one extraction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bioanalysis.limits import Limits
from bioanalysis.method import Method
from bioanalysis.recovery.applied import NONE_KNOWN, WORDS, AppliedFactor
from bioanalysis.recovery.batches import batch_factors
from bioanalysis.recovery.estimates import Scatter, extraction_scatter
from bioanalysis.recovery.run import EVIDENCE, OF_BATCH, OWN_ROWS, by_batch, guard_note, pooled_rows, with_interval
from bioanalysis.recovery.sets import ALL_LEVELS, POST, PRE, found_signal, single_recoveries
from bioanalysis.study import Run
from bioanalysis.words import STUDY_SAMPLES

POOLED = "study"
TEXTS = ("rows", "reference_of", "shared_by", "extraction_batch")


def study_batches(runs: Iterable[Run]) -> dict[tuple[str, str], str]:
    """Return the name in the study of each extraction batch, by run_id and the label its worklist has for it.

    The column `batch` of a worklist names a batch inside its run: `B1` of two runs are two batches, ``LC-01:B1`` and
    ``LC-02:B1``. A label that stands as `extraction_batch` in the run table is a batch of the study, the same wherever
    it stands; so is a run's own name. Runs that give it different dates of extraction speak of different batches.
    """
    runs = list(runs)
    dates: dict[str, set[str]] = {}
    for run in runs:
        dates.setdefault(run.extraction_batch, set()).add(run.extraction_date)
    common = {label for label, given in dates.items() if len(given - {""}) < 2}
    return {
        (run.run_id, label): label if label in common else f"{run.run_id}:{label}"
        for run in runs
        for label in run.worklist.batch.unique()
    }


@dataclass(frozen=True)
class RecoveryBook:
    """All recovery factors of one method: those of its runs, and those pooled over them.

    Attributes
    ----------
    table : DataFrame
        recovery.tsv of the method.
    names : mapping
        `study_batches`; a batch it does not know is named as its run.
    """

    table: pd.DataFrame
    method: Method
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def factor(self, analyte: str, tissue: str, run_id: str, batch: str = "") -> tuple[AppliedFactor | None, str, str]:
        """Return the pooled factor for a sample (None without), its flag words, and why there is none."""
        table = self.table
        here = table[(table.analyte == analyte) & (table.tissue == tissue) & (table.level == ALL_LEVELS)]
        rows = here[here.batch == f"{POOLED}:{self.names.get((run_id, batch), run_id)}"]
        rows = rows if len(rows) else here[here.batch == POOLED]
        if rows.empty:
            return None, "", f"no recovery factor for {tissue} in the study"
        row = rows.iloc[0]
        return AppliedFactor.of(row), ("recovery_needs_sign_off;" if row.sign_off else "") + "provisional", ""


def recovery_book(
    run_tables: pd.DataFrame,
    method: Method,
    limits: Limits,
    reportable: pd.DataFrame,
    names: Mapping[tuple[str, str], str] | None = None,
) -> RecoveryBook:
    """Return the recovery table of one method over its accepted runs.

    Parameters
    ----------
    run_tables : DataFrame
        recovery.tsv of the accepted runs, with analyte and run_id.
    reportable : DataFrame
        reportable.tsv of the accepted runs: the single recoveries behind the factors of many batches, and the batches
        of the samples.
    names : mapping, optional
        `study_batches`.
    """
    names = names or {}
    parts = [run_tables]
    if method.recovery.source == "validation":
        parts.append(_validation_rows(method, limits))
    if method.recovery.source == "study" and len(run_tables):
        parts.append(_pooled_over_study(run_tables, method, limits, reportable, names))
    table = pd.concat(parts, ignore_index=True)
    missing = [name for name in (*EVIDENCE, *OF_BATCH) if name not in table]
    table = table.assign(**dict.fromkeys(missing, np.nan))
    table = table.assign(**{name: table[name].astype(object).fillna("") for name in TEXTS})
    table = table.assign(shared_uncertainty=table.shared_uncertainty.astype(float).fillna(0.0))
    unstated = (table.batch == "validation") & ~np.isfinite(table.degrees_of_freedom.astype(float))
    bounds = with_interval(table.assign(degrees_of_freedom=table.degrees_of_freedom.mask(unstated, np.inf)))
    return RecoveryBook(table.assign(low=bounds.low, high=bounds.high), method, names)


def _validation_rows(method: Method, limits: Limits) -> pd.DataFrame:
    rows = [
        {
            "tissue": tissue, "batch": "validation", "kind": method.of_tissue(tissue).extraction.recovery_correction,
            "level": ALL_LEVELS, "factor": fixed.factor, "relative_uncertainty": fixed.relative_uncertainty,
            "degrees_of_freedom": fixed.degrees_of_freedom if fixed.degrees_of_freedom else np.nan, "n": np.nan,
            "source": f"validation: {fixed.source}", "note": "fixed by the method", "analyte": analyte,
            "used": True, "own": False, "sign_off": guard_note(fixed.factor, fixed.relative_uncertainty, limits),
        }
        for analyte in method.analyte_names
        for tissue, fixed in method.recovery.factors.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _pooled_over_study(
    run_tables: pd.DataFrame,
    method: Method,
    limits: Limits,
    reportable: pd.DataFrame,
    names: Mapping[tuple[str, str], str],
) -> pd.DataFrame:
    """Return the factors of each tissue and analyte over the batches of all runs."""
    own = run_tables[run_tables.own & run_tables.used & run_tables.level.isin([ALL_LEVELS, OWN_ROWS])]
    if own.empty:
        return own.iloc[:0]
    parts = []
    for (analyte, tissue), rows in own.groupby(["analyte", "tissue"]):
        here = reportable[(reportable.analyte == analyte) & (reportable.tissue == tissue)]
        batches = _of_study_batches(rows, names)
        singles = _single_recoveries(reportable[reportable.analyte == analyte], rows, method, names)
        needed = here[here.sample_type.isin(STUDY_SAMPLES) & here.correction_applies.astype(bool)]
        places = needed[["run_id", "batch"]].drop_duplicates().itertuples(index=False, name=None)
        lacking = [
            name for name in dict.fromkeys(names.get(at, at[0]) for at in places) if name not in set(batches.batch)
        ]
        found = batch_factors(batches, singles, lacking, method.uncertainty.between_batch_cv, itself=False)
        pooled = pooled_rows(found, batches, "batches of the study")
        parts.append(pooled.assign(analyte=analyte, extraction_batch=pooled.batch, used=True))
    table = pd.concat(parts, ignore_index=True)
    notes = [guard_note(row.factor, row.relative_uncertainty, limits) for row in table.itertuples()]
    return table.assign(batch=[f"{POOLED}:{name}" if name else POOLED for name in table.batch], sign_off=notes)


def _of_study_batches(own: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """Return one row for each batch of the study, in the order of runs.

    A batch measured in several runs has the geometric mean of their factors; since these may be the same extracts, it
    is no more certain than one of them.
    """
    own = own.assign(batch=[names.get(at, at[0]) for at in zip(own.run_id, own.extraction_batch, strict=True)])
    if not own.batch.duplicated().any():
        return own
    rows = []
    for _, here in own.groupby("batch", sort=False):
        squares = {name: float(np.sqrt((here[name].astype(float) ** 2).mean())) for name in
                   ("relative_uncertainty", "reference_uncertainty")}  # fmt: skip
        merged = {"factor": float(np.exp(np.log(here.factor).mean())), "n": here.n.sum(), "rows": _of_runs(here)}
        rows.append({**here.iloc[0].to_dict(), **squares, **merged})
    return pd.DataFrame(rows)


def _of_runs(own: pd.DataFrame) -> str:
    if len(own) == 1:
        return str(own["rows"].iloc[0])
    return ", ".join(f"{run} {rows}" for run, rows in zip(own.run_id, own["rows"], strict=True))


def _single_recoveries(
    reportable: pd.DataFrame, own: pd.DataFrame, method: Method, names: Mapping[tuple[str, str], str]
) -> pd.Series:
    """Return the single recoveries behind the factors of the batches, indexed by the batch's name in the study."""
    parts: dict[str, list[pd.Series]] = {}
    runs = dict(tuple(reportable.groupby("run_id", sort=False)))
    for row in own.itertuples():
        name = names.get((row.run_id, row.extraction_batch), row.run_id)
        batch = None if row.level == ALL_LEVELS else row.extraction_batch  # the one batch of its run
        parts.setdefault(name, []).append(single_recoveries(runs[row.run_id], row.tissue, batch, method))
    return by_batch({name: pd.concat(found) for name, found in parts.items()})


def with_applied_factors(reportable: pd.DataFrame, books: Mapping[str, RecoveryBook]) -> pd.DataFrame:
    """Return the rows with the factor their value is divided by, the flag words it brings and why there is none.

    Parameters
    ----------
    reportable : DataFrame
        reportable.tsv of all runs with method_id; its factors are those of the runs.
    books : mapping by method_id
        Those of methods with `recovery: {source: study}` replace the factors of study samples.
    """
    table = reportable.assign(**{WORDS: "", "recovery_problem": ""})
    applies = table.correction_applies.astype(bool)
    of_study = table.method_id.isin([name for name, book in books.items() if book.method.recovery.source == "study"])
    lost = applies & ~of_study & ~np.isfinite(table.recovery_factor.astype(float))
    where = table.tissue[lost] + " in " + table.run_id[lost] + " or the method"
    table.loc[lost, "recovery_problem"] = "no recovery factor for " + where
    pooled = applies & of_study & table.sample_type.isin(STUDY_SAMPLES)
    keys = ["method_id", "analyte", "tissue", "run_id", "batch"]
    for key, rows in table[pooled].groupby(keys, sort=False):
        factor, words, problem = books[key[0]].factor(*key[1:])
        columns = (factor or NONE_KNOWN).as_columns()
        table.loc[rows.index, [*columns, WORDS, "recovery_problem"]] = [*columns.values(), words, problem]
    return table


def _signal(rows: pd.DataFrame, method: Method) -> pd.Series:
    """Return what recovery is computed on, by the correction each tissue has."""
    parts = [
        found_signal(here, method.of_tissue(str(tissue)).extraction.recovery_correction, method)
        for tissue, here in rows.groupby("tissue", sort=False)
    ]
    return pd.concat(parts).reindex(rows.index) if parts else pd.Series(dtype=float)


def single_extraction(reportable: pd.DataFrame, method: Method) -> Scatter:
    """Return the log variance that one extraction adds, pooled over tissues, levels and accepted runs.

    Parameters
    ----------
    reportable : DataFrame
        reportable.tsv of the accepted runs of one method and analyte.

    Notes
    -----
    Within-cell log scatter of ``recovery_pre`` less that of ``recovery_post`` (cells: run, extraction batch, tissue,
    level); without ``recovery_post`` less the variance of a reading.
    """
    cells = {}
    for kind in (PRE, POST):
        rows = reportable[(reportable.sample_type == kind) & reportable.mean_response.notna()]
        rows = rows[rows.reading_ng_ml > 0]
        signal = _signal(rows, method)
        groups = signal.groupby([rows.run_id, rows.batch, rows.tissue, rows.level])
        cells[kind] = [group.to_numpy(float) for _, group in groups]
        if kind == PRE:
            reading = float((rows.reading_uncertainty**2).mean()) if len(rows) else 0.0
    return extraction_scatter(
        cells[PRE],
        cells[POST] or None,
        reading if np.isfinite(reading) else 0.0,
        cv_floor=method.uncertainty.extraction_cv_floor,
    )
