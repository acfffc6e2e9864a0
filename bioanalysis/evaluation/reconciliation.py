"""What became of every row of every input table: count in is count out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from bioanalysis.evaluation.side_rows import NO_CLASSES, side_rows
from bioanalysis.study import Study
from bioanalysis.words import count_of

COLUMNS = ["table", "line", "id", "outcome", "reason", "detail"]


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
    first = [*_subjects(study), *_samples(study, concentrations), *_runs(study, measurements)]
    worklists = [_worklist(run.run_id, run.worklist, measurements[run.run_id]) for run in study.runs]
    rows: list[dict[str, object]] = []
    for row in study.decisions.itertuples():
        idle = row.action == "accept_flag" and accepting is not None and row.decision_id not in accepting
        words = ("without effect", "accept_flag: no flag left open that it names") if idle else ("applied", row.action)
        rows.append({"table": "decisions", "line": row.line, "id": row.decision_id,
                     "outcome": words[0], "reason": words[1]})  # fmt: skip
    rows += side_rows(study, liver_safety)
    parts = [pd.DataFrame(part, columns=COLUMNS, dtype=object) for part in (first, *worklists, rows)]
    return pd.concat(parts, ignore_index=True).fillna("")


def _subjects(study: Study) -> list[dict[str, object]]:
    counts = study.samples.subject_id.value_counts()
    return [
        {
            "table": "subjects", "line": row.line, "id": row.subject_id,
            "outcome": count_of(counts.get(row.subject_id, 0), "sample"),
            "reason": "" if row.subject_id in counts else "no sample in the manifest",
        }
        for row in study.subjects.itertuples()
    ]  # fmt: skip


def _samples(study: Study, concentrations: pd.DataFrame) -> list[dict[str, object]]:
    outcome, reason, detail = (_said(concentrations, "sample_id", name) for name in ("status", "reason", "chosen"))
    return [
        {
            "table": "samples", "line": row.line, "id": row.sample_id,
            "outcome": outcome[row.sample_id], "reason": reason[row.sample_id], "detail": detail[row.sample_id],
        }
        for row in study.samples.itertuples()
    ]  # fmt: skip


def _runs(study: Study, measurements: Mapping[str, pd.DataFrame]) -> list[dict[str, object]]:
    return [
        {
            "table": "runs", "line": study.run_lines.get(run.run_id, ""), "id": run.run_id,
            "outcome": f"{count_of(len(run.worklist), 'row')}, {count_of(len(measurements[run.run_id]), 'result')}",
            "reason": "",
        }
        for run in study.runs
    ]  # fmt: skip


def _worklist(run_id: str, worklist: pd.DataFrame, measurements: pd.DataFrame) -> list[tuple[object, ...]]:
    """Return the rows of one worklist as `COLUMNS`; they are nearly all there are, and a table of few words."""
    table = f"worklists/{run_id}"
    outcome, reason = (_said(measurements, "line", name) for name in ("status", "reason"))
    columns = (worklist[name].tolist() for name in ("line", "plate", "position", "sample_id"))
    return [
        (table, line, f"{plate}:{position}" if plate else str(position), outcome[line], reason[line], sample_id)
        for line, plate, position, sample_id in zip(*columns, strict=True)
    ]


def _said(table: pd.DataFrame, key: str, column: str) -> dict[object, str]:
    """Return the different words of a column by the key of their rows, joined."""
    words: dict[object, dict[str, None]] = {}
    for name, word in zip(table[key].tolist(), table[column].astype(str).tolist(), strict=True):
        words.setdefault(name, {})[word] = None
    return {name: "; ".join(filter(None, said)) for name, said in words.items()}
