"""The study with and without the decisions of people: what each changed in the value of every sample it bears on."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import cast

import pandas as pd

from bioanalysis.evaluation.concentrations import KEY, tissue_concentrations
from bioanalysis.evaluation.decisions import SAME, TakenBack, responses_of, taken_back, without
from bioanalysis.evaluation.moles import in_moles
from bioanalysis.evaluation.study import RunTables, StudyEvaluation, evaluate_study, gather
from bioanalysis.study import Run, Study
from bioanalysis.words import count_of

CHOICES = ("report_run", "report_result")
COLUMNS = [
    "decision_id", "action", "run_id", "position", *KEY, "tissue", "status_with", "status_without", "value_with",
    "value_without", "unit", "change_percent", "reported_run_with", "reported_run_without", "note", "reason_code",
    "reason", "author", "decided_at",
]  # fmt: skip


def judge_study(study: Study, runs: Mapping[str, RunTables], readings: Mapping[str, pd.DataFrame]) -> StudyEvaluation:
    """Return the tables of the study with `decisions`: each sample's value with and without each decision.

    Parameters
    ----------
    runs : mapping
        Tables by run_id.
    readings : mapping
        peaks.tsv or wells by run_id, of the runs that have exclusions or integrations by hand.
    """
    evaluation = evaluate_study(study, runs)
    found = evaluation.tissue_concentrations
    rows = [*_choices(study, runs, found), *_within_runs(study, runs, readings, found), *_accepted(study, evaluation)]
    return in_moles(replace(evaluation, decisions=pd.DataFrame(rows, columns=COLUMNS)), study)


def _choices(study: Study, runs: Mapping[str, RunTables], found: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield what each choice of a run or result changed in its sample."""
    decided = study.decisions[study.decisions.action.isin(CHOICES)]
    for number in range(len(decided)):
        taken = TakenBack(decided.iloc[[number]])
        undecided = replace(study, decisions=study.decisions.drop(index=taken.decisions.index))
        yield from _changes(taken, found, _concentrations(undecided, runs, _samples_meant(study, taken.decisions)))


def _samples_meant(study: Study, decisions: pd.DataFrame) -> list[str]:
    """Return the samples a choice concerns: the one it names, or all of its run."""
    named, run_id = decisions.sample_id.iloc[0], decisions.run_id.iloc[0]
    if named:
        return [named]
    worklists = [run.worklist for run in study.runs if run.run_id == run_id]
    return list(dict.fromkeys(name for rows in worklists for name in rows.sample_id[rows.sample_type == "unknown"]))


def _within_runs(
    study: Study, runs: Mapping[str, RunTables], readings: Mapping[str, pd.DataFrame], found: pd.DataFrame
) -> Iterator[dict[str, object]]:
    """Yield what the exclusions and integrations of each run changed in its samples."""
    for run in study.runs:
        for taken in taken_back(run):
            if run.run_id not in readings:
                yield _row(taken, {"note": "not known: the readings of the run were not given"})
                continue
            tables = _tables(*without(taken, run, readings[run.run_id]))
            samples = list(run.worklist.sample_id[run.worklist.sample_type == "unknown"].unique())
            if not samples:  # a run of incurred samples alone
                yield _row(taken, {"note": "changes no reported value"})
                continue
            others = cast("dict[str, RunTables]", runs)  # read, never written
            yield from _changes(taken, found, _concentrations(study, ChainMap({run.run_id: tables}, others), samples))


def _tables(run: Run, readings: pd.DataFrame) -> RunTables:
    from bioanalysis.evaluation.run import evaluate_run

    result = evaluate_run(run, responses_of(run, readings))
    return RunTables(**{field.name: getattr(result, field.name) for field in fields(RunTables)})


def _concentrations(study: Study, runs: Mapping[str, RunTables], samples: list[str]) -> pd.DataFrame:
    """Return the concentrations of these samples alone; what runs give together comes from all of them."""
    reportable, contexts = gather(study, runs)
    some = replace(study, samples=study.samples[study.samples.sample_id.isin(samples)])
    return tissue_concentrations(some, reportable[reportable.sample_id.isin(samples)], contexts)


def _changes(taken: TakenBack, found: pd.DataFrame, other: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield a row for each result that differs, or one that says that none does."""
    both = other.merge(found, on=KEY, suffixes=("_without", "_with"))
    percent = 100 * (both.value_with / both.value_without - 1)
    differs = (percent.abs() > 100 * SAME) | (both.value_with.isna() != both.value_without.isna())
    differs |= (both.status_with != both.status_without) | (both.run_id_with != both.run_id_without)
    if not differs.any():
        yield _row(taken, {"note": "changes no reported value"})
    for row, change in zip(both[differs].itertuples(), percent[differs], strict=True):
        yield _row(taken, {name: getattr(row, name) for name in KEY}) | {
            "tissue": row.tissue_with, "unit": row.unit_with, "change_percent": change,
            "status_with": row.status_with, "status_without": row.status_without,
            "value_with": row.value_with, "value_without": row.value_without,
            "reported_run_with": row.run_id_with, "reported_run_without": row.run_id_without,
        }  # fmt: skip


def _accepted(study: Study, evaluation: StudyEvaluation) -> Iterator[dict[str, object]]:
    """Yield how many flags each decision accepted."""
    accepted = evaluation.flags.decision_id.value_counts()
    decided = study.decisions[study.decisions.action == "accept_flag"]
    for number in range(len(decided)):
        taken = TakenBack(decided.iloc[[number]])
        count = accepted.get(taken.decisions.decision_id.iloc[0], 0)
        yield _row(taken, {"note": f"accepts {count_of(count, 'flag')}; changes no value"})


def _row(taken: TakenBack, what: dict[str, object]) -> dict[str, object]:
    places = {name: ";".join(dict.fromkeys(filter(None, taken.decisions[name]))) for name in ("run_id", "position")}
    return dict.fromkeys(COLUMNS, "") | {"change_percent": None} | taken.about | places | what
