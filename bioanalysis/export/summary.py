"""report.json: verdicts and results of a study or method validation for other systems, by `report.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.acceptance.validation import WRITTEN
from bioanalysis.export.columns_of_sheets import rows_of
from bioanalysis.limits import EDITION
from bioanalysis.study import Run
from bioanalysis.study.finished import open_finished
from bioanalysis.tables import read_results
from bioanalysis.text_files import written_whole

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
    study = open_finished(folder)
    results = folder / "results"
    document = {
        "schema_version": "2",
        "kind": study.config.study.kind,
        "study": study.config.study.model_dump(include={"id", "title", "test_article", "status"}),
        "edition": EDITION,
        "methods": [_method(method) for _, method in sorted(study.methods.items())],
        "runs": (_run(run, results / "runs" / run.run_id / "acceptance.tsv") for run in study.runs),
        "results": _rows(results / "study/tissue_concentrations.tsv", _result),
        "rules": _rows(results / "study/acceptance.tsv", _words_of(RULE_WORDS)),
        "statistics": _rows(results / "study/validation.tsv", _statistic),
        "flags": _rows(results / "study/flags.tsv", _words_of(FLAG_WORDS)),
    }
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(_pieces(document))


def _pieces(document: dict[str, Any]) -> Iterator[str]:
    """Yield the document as indented JSON, names in order, the entries of its lists one by one: a study has many."""
    for place, (name, value) in enumerate(sorted(document.items())):
        yield f"{',' if place else '{'}\n {_json(name)}: "
        if isinstance(value, str | dict):
            yield _json(value, 1)
            continue
        number = -1
        for number, entry in enumerate(value):
            yield f"{',' if number else '['}\n  {_json(entry, 2)}"
        yield "[]" if number < 0 else "\n ]"
    yield "\n}\n"


def _json(value: object, depth: int = 0) -> str:
    """Return a value as JSON whose further lines stand `depth` deep; a line break inside a text is written as \\n."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.replace("\n", "\n" + " " * depth)


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


def _rows(path: Path, shaped: Callable[[dict[str, str]], dict[str, object]]) -> Iterator[dict[str, object]]:
    """Yield the rows of a table, shaped; none of a table that this kind of study does not have."""
    return map(shaped, rows_of(path)) if path.is_file() else iter(())


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
