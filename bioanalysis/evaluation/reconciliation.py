"""What became of every row of every input table: count in is count out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain

import pandas as pd

from bioanalysis.evaluation.side_rows import NO_CLASSES, side_rows
from bioanalysis.study import Study
from bioanalysis.words import count_of

COLUMNS = ["table", "line", "id", "outcome", "reason", "detail"]
Row = tuple[object, ...]  # as `COLUMNS`


def reconcile(
    study: Study,
    measurements: Mapping[str, pd.DataFrame],
    concentrations: pd.DataFrame,
    accepting: Collection[str] | None = None,
    liver_safety: pd.DataFrame = NO_CLASSES,
) -> pd.DataFrame:
    """Return one row per row of every table: subjects, samples, runs, worklists, decisions and the optional ones.

    Parameters
    ----------
    accepting : collection of str, optional
        The decisions that accepted a flag; where given, any other `accept_flag` is said to be without effect.
    liver_safety : DataFrame, optional
        What became of each row of clinical chemistry, in its order.
    """
    rows = chain(
        _subjects(study),
        _samples(study, concentrations),
        _runs(study, measurements),
        *(_worklist(run.run_id, run.worklist, measurements[run.run_id]) for run in study.runs),
        _decisions(study, accepting),
        (tuple(row.get(name, "") for name in COLUMNS) for row in side_rows(study, liver_safety)),
    )
    columns: list[list[object]] = [[] for _ in COLUMNS]
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            column.append(cell)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), dtype=object)


def _subjects(study: Study) -> Iterator[Row]:
    counts = study.samples.subject_id.value_counts().to_dict()
    for line, subject in zip(study.subjects.line.tolist(), study.subjects.subject_id, strict=True):
        reason = "" if subject in counts else "no sample in the manifest"
        yield "subjects", line, subject, count_of(counts.get(subject, 0), "sample"), reason, ""


def _samples(study: Study, concentrations: pd.DataFrame) -> Iterator[Row]:
    outcome, reason, detail = (_said(concentrations, "sample_id", name) for name in ("status", "reason", "chosen"))
    for line, sample in zip(study.samples.line.tolist(), study.samples.sample_id, strict=True):
        yield "samples", line, sample, outcome[sample], reason[sample], detail[sample]


def _runs(study: Study, measurements: Mapping[str, pd.DataFrame]) -> Iterator[Row]:
    for run in study.runs:
        outcome = f"{count_of(len(run.worklist), 'row')}, {count_of(len(measurements[run.run_id]), 'result')}"
        yield "runs", study.run_lines.get(run.run_id, ""), run.run_id, outcome, "", ""


def _worklist(run_id: str, worklist: pd.DataFrame, measurements: pd.DataFrame) -> Iterator[Row]:
    table = f"worklists/{run_id}"
    outcome, reason = (_said(measurements, "line", name) for name in ("status", "reason"))
    columns = (worklist[name].tolist() for name in ("line", "plate", "position", "sample_id"))
    for line, plate, position, sample_id in zip(*columns, strict=True):
        yield table, line, f"{plate}:{position}" if plate else str(position), outcome[line], reason[line], sample_id


def _decisions(study: Study, accepting: Collection[str] | None) -> Iterator[Row]:
    for row in study.decisions.itertuples():
        idle = row.action == "accept_flag" and accepting is not None and row.decision_id not in accepting
        words = ("without effect", "accept_flag: no flag left open that it names") if idle else ("applied", row.action)
        yield "decisions", row.line, row.decision_id, *words, ""


def _said(table: pd.DataFrame, key: str, column: str) -> dict[object, str]:
    """Return the different words of a column by the key of their rows, joined."""
    said: dict[object, str] = {}
    for name, word in dict.fromkeys(zip(table[key].tolist(), table[column].astype(str).tolist(), strict=True)):
        said[name] = "; ".join(filter(None, (said.get(name, ""), word)))
    return said
