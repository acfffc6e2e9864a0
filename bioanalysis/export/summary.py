"""report.json: verdicts and results of a study or method validation for other systems, by `report.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.acceptance.validation import WRITTEN
from bioanalysis.limits import EDITION
from bioanalysis.study import Run, Study
from bioanalysis.tables import read_results, write_whole

RESULT_WORDS = (
    "sample_id", "subject_id", "group", "tissue", "analyte", "method_id", "run_id", "status", "reason", "unit", "basis",
)  # fmt: skip
RESULT_NUMBERS = {
    "value": "value", "low": "value_low", "high": "value_high", "lloq": "lloq", "uloq": "uloq",
    "recovery_factor": "recovery_factor",
}  # fmt: skip
RULE_WORDS = (
    "rule_id", "method_id", "tissue", "analyte", "subject", "judged", "limit", "observed", "verdict", "source",
    "standing",
)  # fmt: skip
FLAG_WORDS = ("flag", "state", "run_id", "sample_id", "tissue", "analyte", "observed", "limit", "source")


def write_summary(folder: Path, path: Path) -> None:
    """Write report.json of the study in `folder`."""
    study = Study.load(folder)
    results = folder / "results"
    document = {
        "schema_version": "2",
        "kind": study.config.study.kind,
        "study": study.config.study.model_dump(include={"id", "title", "test_article", "status"}),
        "edition": EDITION,
        "methods": [_method(method) for _, method in sorted(study.methods.items())],
        "runs": [_run(run, results / "runs" / run.run_id / "acceptance.tsv") for run in study.runs],
        "results": _rows(results / "study/tissue_concentrations.tsv", _result),
        "rules": _rows(results / "study/acceptance.tsv", _words_of(RULE_WORDS)),
        "statistics": _rows(results / "study/validation.tsv", _statistic),
        "flags": _rows(results / "study/flags.tsv", _words_of(FLAG_WORDS)),
    }
    text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(path, (text + "\n").encode("utf-8"))


def read_schema() -> dict[str, Any]:
    """Return the published schema of report.json."""
    return json.loads((files("bioanalysis.export") / "report.schema.json").read_text(encoding="utf-8"))


def _method(method: Any) -> dict[str, object]:
    names = ("method_id", "version", "platform", "concentration_basis", "digest")
    return {name: getattr(method, name) for name in names} | {"profile": method.acceptance.profile}


def _run(run: Run, path: Path) -> dict[str, object]:
    table = read_results(path)
    verdicts = table.loc[table.rule_id == RUN, ["analyte", "plate", "verdict", "observed"]].to_dict("records")
    return {"run_id": run.run_id, "method_id": run.method.method_id, "run_date": run.run_date, "verdicts": verdicts}


def _rows(path: Path, shaped: Any) -> list[dict[str, object]]:
    """Return the rows of a table, shaped; none of a table that this kind of study does not have."""
    if not path.is_file():
        return []
    table: pd.DataFrame = read_results(path)
    return [shaped(row) for row in table.to_dict("records")]


def _words_of(names: Sequence[str]) -> Callable[[dict[str, str]], dict[str, object]]:
    return lambda row: {name: row.get(name, "") for name in names}


def _statistic(row: dict[str, str]) -> dict[str, object]:
    """Return a row of validation.tsv: its names as words, its numbers as numbers, what is empty left out."""
    return {name: float(cell) if name in WRITTEN else cell for name, cell in row.items() if cell}


def _result(row: dict[str, str]) -> dict[str, object]:
    return {
        **{name: row[name] for name in RESULT_WORDS},
        **{name: float(row[column]) if row[column] else None for name, column in RESULT_NUMBERS.items()},
        "collection_day": int(float(row["collection_day"])) if row["collection_day"] else None,
        "flags": [word for word in row["flags"].split(";") if word],
    }
