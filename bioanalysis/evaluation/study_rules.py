"""The rules of the study stage by method and analyte: repeats, incurred reanalysis, QCs over runs, use within scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bioanalysis.acceptance import incurred, repeats, scope, study_controls
from bioanalysis.acceptance.ledger import COLUMNS, Ledger
from bioanalysis.evaluation.study_rule_flags import rule_flags
from bioanalysis.limits import limits_for
from bioanalysis.method import Method
from bioanalysis.study import Study
from bioanalysis.words import MEASURED, NOT_ANALYSED, QUANTIFIED, count_of

ACCEPTANCE = [*COLUMNS, "run_id", "method_id"]
METHOD = "method_id"
ON_VALUES = (
    "storage_beyond_stability", "dilution_outside_validation", "tissue_outside_validation", "homogenate_implausible",
)  # fmt: skip
STAGE = "study"
OF_READINGS = [  # what the rules ask of reportable.tsv
    "run_id", "plate", "position", "sample_type", "sample_id", "level", "tissue", "analyte", "nominal_ng_ml",
    "dilution_factor", "extraction_id", "repeat_reason", "reading_ng_ml", "correction_applies", "recovery_factor",
    "place", "status", "reason", METHOD, "accepted",
]  # fmt: skip


@dataclass(frozen=True)
class StudyRules:
    """The tables of the study stage, and the flags they raise."""

    acceptance: pd.DataFrame
    repeats: pd.DataFrame
    repeat_counts: pd.DataFrame
    incurred: pd.DataFrame
    quality_controls: pd.DataFrame
    storage: pd.DataFrame
    flags: list[dict[str, object]]


def judge_study_rules(study: Study, readings: pd.DataFrame, concentrations: pd.DataFrame) -> StudyRules:
    """Return what the rules of the study stage come to.

    Parameters
    ----------
    readings : DataFrame
        reportable.tsv of all runs with method_id and `accepted` (of an accepted run or plate).
    concentrations : DataFrame
        tissue_concentrations.tsv.
    """
    readings = _with_dates(readings[OF_READINGS], study)
    methods = {run.method.method_id: run.method for run in study.runs}
    parts = [
        _of_method(
            study,
            method,
            _where(readings, readings.method_id == name),
            _where(concentrations, concentrations.method_id == name),
        )
        for name, method in methods.items()
    ]
    tables = {
        name: _together([getattr(part, name) for part in parts])
        for name in ("acceptance", "repeats", "repeat_counts", "incurred", "quality_controls", "storage")
    }
    return StudyRules(**tables, flags=[flag for part in parts for flag in part.flags])


def _where(table: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    """Return those rows of a table; a study has mostly one method and analyte, and a copy of all of it is large."""
    return table if rows.all() else table[rows]


def _with_dates(readings: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Add run date, day of analysis, value in homogenate, control, and the method's minimum dilution."""
    runs = {run.run_id: run for run in study.runs}
    about = _about_samples(study)
    day = readings.sample_id.map(about.collection_day).astype(float)
    found = readings.reading_ng_ml * readings.dilution_factor
    places = zip(readings.run_id, readings.tissue, strict=True)
    return readings.assign(
        date=readings.run_id.map({name: run.run_date for name, run in runs.items()}),
        analysed_on=readings.run_id.map({name: run.extraction_date or run.run_date for name, run in runs.items()}),
        control=(readings.sample_id.map(about.treatment) == "vehicle") | (day < 1),
        homogenate_ng_ml=found.where(readings.status == QUANTIFIED),
        found_ng_ml=found / readings.recovery_factor,
        minimum_dilution=[float(runs[run].method.minimum_dilution.get(tissue, 1.0)) for run, tissue in places],
    )


def _about_samples(study: Study) -> pd.DataFrame:
    """Return collection day, species and treatment of each sample, of the first animal where it is a pool."""
    pools = {} if study.pools is None else dict(zip(study.pools.pool_id, study.pools.subject_id, strict=True))
    samples, subjects = study.samples.set_index("sample_id"), study.subjects.set_index("subject_id")
    animals = samples.subject_id.replace(pools)
    about = {name: animals.map(subjects[name]).fillna("") for name in ("species", "treatment")}
    return samples[["collection_day"]].assign(**about)


def _of_method(study: Study, method: Method, readings: pd.DataFrame, reported: pd.DataFrame) -> StudyRules:
    """Return the tables of one method."""
    limits = limits_for(method)
    whole = Ledger(limits, "", stage=STAGE)
    samples = readings[readings.sample_type.isin(["unknown", "incurred"])]
    measured = samples[samples.status.isin(MEASURED)]
    storage = _storage(study, method, measured, reported)
    scope.judge_storage(whole, storage[storage.sample_type == "unknown"])
    scope.judge_dilution_factors(whole, measured, method.validation)
    scope.judge_tissues(whole, samples, method.validation)
    scope.judge_minimum_dilution(whole, readings, method)
    scope.judge_homogenates(whole, reported, method)
    ledgers = [whole]
    tables: dict[str, list[pd.DataFrame]] = {"repeats": [], "repeat_counts": [], "incurred": [], "quality_controls": []}
    for analyte in method.analyte_names:
        ledger = Ledger(limits, analyte, stage=STAGE)
        ledgers.append(ledger)
        here = _where(readings, readings.analyte == analyte)
        found = _where(reported, reported.analyte == analyte)
        again = _judge_repeats(ledger, here, found, method)
        counts = repeats.repeat_counts(again, int((found.status != NOT_ANALYSED).sum()))
        pairs = _judge_incurred(ledger, study, method, here, found, storage)
        statistics = _judge_controls(ledger, here)
        for name, table in zip(tables, (again, counts, pairs, statistics), strict=True):
            tables[name].append(table.assign(analyte=analyte))
    rows = [dict.fromkeys(ACCEPTANCE, "") | row for ledger in ledgers for row in ledger.rows]
    acceptance = pd.DataFrame(rows, columns=ACCEPTANCE)
    implausible = scope.homogenates_outside(reported, method, limits)
    flags = rule_flags(acceptance, _together(tables["incurred"]), storage, measured, method.validation, implausible)
    made = {name: _named(_together(parts), method) for name, parts in tables.items()}
    return StudyRules(_named(acceptance, method), storage=_named(storage, method), flags=flags, **made)


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables one below the other; one without rows must not take numbers for words."""
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _named(table: pd.DataFrame, method: Method) -> pd.DataFrame:
    """Return the table with the method first; a table of verdicts keeps its columns."""
    if METHOD in table:
        return table.assign(method_id=method.method_id, run_id=table.run_id)
    columns = [name for name in ("analyte",) if name in table]
    rest = [name for name in table if name not in columns]
    return table.assign(method_id=method.method_id)[[METHOD, *columns, *rest]]


def _storage(study: Study, method: Method, measured: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """Return the storage of every sample up to its reported analysis, and up to its reanalyses."""
    places = set(zip(reported.sample_id, reported.run_id, strict=True))
    is_reported = [place in places for place in zip(measured.sample_id, measured.run_id, strict=True)]
    kept = (measured.sample_type == "incurred") | np.array(is_reported, dtype=bool)
    order = {name: place for place, name in enumerate(study.samples.sample_id)}
    analyses = measured.loc[kept, ["sample_id", "run_id", "sample_type", "analysed_on"]]
    once = analyses.drop_duplicates(["sample_id", "run_id", "sample_type"])
    once = once.sort_values("sample_id", key=lambda names: names.map(order), kind="stable")
    return scope.storage_table(once, study.samples, method.stability)


def _judge_repeats(ledger: Ledger, readings: pd.DataFrame, reported: pd.DataFrame, method: Method) -> pd.DataFrame:
    planned = method.replicates.injections * method.replicates.extractions
    unknowns = readings[readings.sample_type == "unknown"]
    table = repeats.repeat_table(unknowns, reported, planned=planned)
    repeats.judge_repeats(ledger, table, method.assay_class)
    return table


def _judge_incurred(
    ledger: Ledger, study: Study, method: Method, readings: pd.DataFrame, reported: pd.DataFrame, storage: pd.DataFrame
) -> pd.DataFrame:
    rule = ledger.rule("ISR-03", "ISR-04")
    initial = _first_results(study, readings, reported)
    again = _reanalyses(readings, storage)
    flyer = float(ledger.limits["ISR-08"].number)
    pairs = incurred.incurred_pairs(initial, again, float(rule.numbers[1]), flyer)
    n_analysed = int((reported.status != NOT_ANALYSED).sum())
    incurred.judge_incurred(ledger, pairs, initial, n_analysed)
    incurred.judge_originals_kept(ledger, reported, again)
    incurred.judge_flyers(ledger, pairs, readings[readings.sample_type == "unknown"])
    return pairs.assign(recovery_corrected=again.correction_applies.to_numpy(bool))  # a row for each reanalysis


def _first_results(study: Study, readings: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """Return the reported results with species, run date, extraction and the value to be compared.

    That is the concentration in homogenate, corrected by the factor of its own extraction batch, as the reanalysis is;
    NaN where it needs a factor and has none.
    """
    places = ["sample_id", "run_id", "position"]
    at = readings.loc[readings.sample_id.isin(reported.sample_id), [*places, "extraction_id"]]
    at = at.astype({"position": str}).drop_duplicates(places).set_index(places)
    index = pd.MultiIndex.from_frame(reported[places].astype(str))
    value = reported.homogenate_ng_ml / reported.recovery_factor
    dates = {run.run_id: run.run_date for run in study.runs}
    return reported.assign(
        species=reported.sample_id.map(_about_samples(study).species),
        date=reported.run_id.map(dates).fillna(""),
        extraction_id=at.extraction_id.reindex(index).fillna("").to_numpy(),
        value_ng_ml=value,
    )


def _reanalyses(readings: pd.DataFrame, storage: pd.DataFrame) -> pd.DataFrame:
    rows = readings[readings.sample_type == "incurred"]
    stored = storage[storage.sample_type == "incurred"].set_index(["sample_id", "run_id"]).verdict.to_dict()
    places = zip(rows.sample_id, rows.run_id, strict=True)
    value = rows.homogenate_ng_ml / rows.recovery_factor
    return rows.assign(storage=[stored.get(place, "") for place in places], value_ng_ml=value)


def _judge_controls(ledger: Ledger, readings: pd.DataFrame) -> pd.DataFrame:
    controls = readings[readings.sample_type.isin(["qc", "dilution_qc"])]
    statistics = study_controls.control_statistics(controls[controls.accepted])
    study_controls.judge_study_controls(ledger, statistics, _runs_text(readings))
    study_controls.judge_measured_range(ledger, _where(readings, readings.accepted))
    return statistics


def _runs_text(readings: pd.DataFrame) -> str:
    """Return 'accepted runs: LC-01, LC-02 (2 days); failed: none'."""
    places = readings[["run_id", "plate", "date", "accepted"]]
    good, bad = places[places.accepted], places[~places.accepted]
    days = good.date.str[:10].nunique()
    return f"accepted: {_names(good) or 'none'} ({count_of(days, 'day')}); failed: {_names(bad) or 'none'}"


def _names(readings: pd.DataFrame) -> str:
    plates: Iterable[tuple[str, str]] = zip(readings.run_id, readings.plate.astype(str), strict=True)
    return ", ".join(dict.fromkeys(f"{run} plate {plate}" if plate else run for run, plate in plates))


def words_of_values(concentrations: pd.DataFrame, flags: Iterable[Mapping[str, object]]) -> list[str]:
    """Return the words that flags of single samples add to the values they concern."""
    by_place: dict[tuple[object, object], list[str]] = {}
    for row in flags:
        if row["flag"] in ON_VALUES:
            by_place.setdefault((row["sample_id"], row["run_id"]), []).append(str(row["flag"]))
    places = zip(concentrations.sample_id, concentrations.run_id, strict=True)
    return [";".join(by_place.get(place, [])) for place in places]
