"""What became of the rows of the optional tables: pools, doses, clinical chemistry, materials."""

from __future__ import annotations

import pandas as pd

from bioanalysis.exposure.dosing import given_doses
from bioanalysis.study import Study

Row = dict[str, object]
NO_CLASSES = pd.DataFrame(columns=["class", "note"])


def side_rows(study: Study, liver_safety: pd.DataFrame = NO_CLASSES) -> list[Row]:
    """Return one row per row of pools, dosing, clinical_chemistry and materials, as far as they are given.

    Parameters
    ----------
    liver_safety : DataFrame, optional
        `class` and `note` of each row of clinical chemistry, in its order; empty where none was judged.
    """
    return [*_pools(study), *_doses(study), *_chemistry(study, liver_safety), *_materials(study)]


def _row(table: str, line: int, name: str, outcome: str, reason: str) -> Row:
    return {"table": table, "line": line, "id": name, "outcome": outcome, "reason": reason}


def _pools(study: Study) -> list[Row]:
    if study.pools is None:
        return []
    samples = study.samples.subject_id.value_counts()
    return [
        _row("pools", row.line, f"{row.pool_id}: {row.subject_id}", *_sampled(int(samples.get(row.pool_id, 0))))
        for row in study.pools.itertuples()
    ]


def _sampled(count: int) -> tuple[str, str]:
    reason = "stands for its animals in the manifest" if count else "no sample of the pool in the manifest"
    return f"{count} sample{'s' if count != 1 else ''}", reason


def _doses(study: Study) -> list[Row]:
    if study.dosing is None:
        return []
    given = set(given_doses(study.dosing).line)
    words = {True: ("given", "counted in dosing_summary.tsv"), False: ("not given", "counted as missed")}
    return [
        _row("dosing", row.line, f"{row.subject_id}, day {row.study_day:g}", *words[row.line in given])
        for row in study.dosing.itertuples()
    ]


def _chemistry(study: Study, liver_safety: pd.DataFrame) -> list[Row]:
    if study.clinical_chemistry is None:
        return []
    judged = liver_safety[["class", "note"]].reindex(range(len(study.clinical_chemistry))).fillna("")
    return [
        _row("clinical_chemistry", row.line, f"{row.subject_id}, day {row.study_day:g}, {row.test}",
             f"class {name}" if name else "in no class", note or "no class of liver findings applies")
        for row, name, note in zip(study.clinical_chemistry.itertuples(), judged["class"], judged["note"], strict=True)
    ]  # fmt: skip


def _materials(study: Study) -> list[Row]:
    if study.materials is None:
        return []
    last = max((run.run_date[:10] for run in study.runs), default="")
    return [
        _row("materials", row.line, f"{row.material}, lot {row.lot}", *_shelf_life(str(row.expiry)[:10], last))
        for row in study.materials.itertuples()
    ]


def _shelf_life(expiry: str, last: str) -> tuple[str, str]:
    if not expiry:
        return "listed", "no expiry given"
    if expiry < last:
        return "expired", f"expired {expiry}, before the last run of {last}"
    return "listed", f"expires {expiry}, not before the last run"
