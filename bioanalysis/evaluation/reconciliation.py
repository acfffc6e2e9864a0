"""What became of every row of every input table: count in is count out."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bioanalysis.study import Study

COLUMNS = ["table", "line", "id", "outcome", "reason", "detail"]


def reconcile(study: Study, measurements: Mapping[str, pd.DataFrame], concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return one row per row of subjects, samples, runs, worklists and decisions."""
    rows = [*_subjects(study), *_samples(study, concentrations), *_runs(study, measurements)]
    for run in study.runs:
        rows += _worklist(run.run_id, run.worklist, measurements[run.run_id])
    rows += [
        {"table": "decisions", "line": row.line, "id": row.decision_id, "outcome": "applied", "reason": row.action}
        for row in study.decisions.itertuples()
    ]
    return pd.DataFrame(rows, columns=COLUMNS).fillna("")


def _subjects(study: Study) -> list[dict[str, object]]:
    counts = study.samples.subject_id.value_counts()
    return [
        {
            "table": "subjects", "line": row.line, "id": row.subject_id,
            "outcome": f"{counts.get(row.subject_id, 0)} samples",
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
            "table": "runs", "line": number, "id": run.run_id,
            "outcome": f"{len(run.worklist)} rows, {len(measurements[run.run_id])} results", "reason": "",
        }
        for number, run in enumerate(study.runs, start=2)
    ]  # fmt: skip


def _worklist(run_id: str, worklist: pd.DataFrame, measurements: pd.DataFrame) -> list[dict[str, object]]:
    outcome, reason = (_said(measurements, "line", name) for name in ("status", "reason"))
    return [
        {
            "table": f"worklists/{run_id}", "line": row.line,
            "id": f"{row.plate}:{row.position}" if row.plate else str(row.position),
            "outcome": outcome[row.line], "reason": reason[row.line], "detail": row.sample_id,
        }
        for row in worklist.itertuples()
    ]  # fmt: skip


def _said(table: pd.DataFrame, key: str, column: str) -> dict[object, str]:
    """Return the different words of a column by the key of their rows, joined."""
    words: dict[object, dict[str, None]] = {}
    for name, word in zip(table[key].tolist(), table[column].astype(str).tolist(), strict=True):
        words.setdefault(name, {})[word] = None
    return {name: "; ".join(filter(None, said)) for name, said in words.items()}
