"""The page of a method validation: verdict first, what was not done, then every experiment with its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_ASSESSABLE, PASS
from bioanalysis.acceptance.validation import ACCURACY, FOUND, NUMERIC, VALIDATION
from bioanalysis.report.pages import FLAGS, RULES, _run_verdicts, _section, _wider_than_guideline, _write
from bioanalysis.report.plots import Axis, Mark, scatter
from bioanalysis.results import read_table
from bioanalysis.study import Study
from bioanalysis.tables import read_results

# rules beside those that begin like an experiment's own
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "accuracy_precision": ("Accuracy and precision", ("VAL-", "CAL-")),
    "selectivity": ("Selectivity", ("SEL-",)),
    "specificity": ("Specificity", ("SPE-",)),
    "matrix_effect": ("Matrix effect", ("MAT-",)),
    "surrogate_matrix": ("Surrogate matrix", ("SURR-",)),
    "endogenous": ("Endogenous analyte", ("ENDO-",)),
    "carry_over": ("Carry-over", ("CAR-",)),
    "dilution_integrity": ("Dilution integrity", ("DIL-CC",)),
    "dilution_linearity": ("Dilution linearity and hook", ("DIL-LBA", "HOOK-")),
    "parallelism": ("Parallelism", ("PAR-",)),
    "recovery": ("Recovery", ("REC-",)),
    "stability": ("Stability", ("STAB-",)),
    "reinjection": ("Re-injection", ("REINJ-",)),
    "cross_validation": ("Cross validation", ("CROSS-",)),
}
VERDICTS = ["rule_id", "verdict", "tissue", "subject", "limit", "observed", "analyte", "judged", "source", "standing"]
WORDS = {PASS: "VALIDATED by all rules judged", FAIL: "NOT VALIDATED", NOT_ASSESSABLE: "OPEN"}


def write_validation_report(folder: Path, path: Path) -> None:
    """Write results/study/report.html of a method validation from its tables."""
    study = Study.load(folder)
    results = folder / "results" / "study"
    table = read_results(results / "validation.tsv", NUMERIC)
    acceptance, flags, account = (
        read_table(results / f"{name}.tsv") for name in ("acceptance", "flags", "reconciliation")
    )
    sections = [_missing_section(acceptance)]
    for experiment, (title, prefixes) in SECTIONS.items():
        rows = table[table.experiment == experiment]
        verdicts = acceptance[acceptance.rule_id.str.startswith(prefixes)]
        sections += _experiment_sections(title, rows, verdicts)
    sections += [
        _section("Every rule and its numbers", acceptance, RULES),
        _section("Flags", flags, FLAGS),
        _section("Reconciliation of every input row", account, None),
    ]
    methods = ", ".join(f"{method.method_id} version {method.version}" for method in study.methods.values())
    title = f"{study.config.study.id}: validation of {methods}"
    _write(path, title, study.config.study.title, _verdicts(folder, study, acceptance), sections)


def _verdicts(folder: Path, study: Study, acceptance: pd.DataFrame) -> list[dict[str, str]]:
    """Return the first screen: the verdict, what failed, what is not assessable, the runs, what is wider."""
    verdicts = []
    for row in acceptance[acceptance.rule_id == VALIDATION].itertuples():
        name = f"{row.subject or row.analyte}: {WORDS[row.verdict]}"
        verdicts.append({"kind": row.verdict, "text": f"{name} ({row.observed}; profile {row.limit})"})
    counts = acceptance[acceptance.rule_id != VALIDATION].verdict.value_counts()
    text = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    verdicts.append({"kind": "", "text": f"Verdicts: {text}. Method status: {study.config.study.status}."})
    missing = _missing(acceptance)
    if len(missing):
        listed = "; ".join(f"{rule} ({'; '.join(words)})" for rule, words in _by_rule(missing).items())
        verdicts.append({"kind": FAIL, "text": f"{len(missing)} NOT ASSESSABLE: {listed}"})
    wider = []
    for run in study.runs:
        own = read_table(folder / "results" / "runs" / run.run_id / "acceptance.tsv")
        flags = read_table(folder / "results" / "runs" / run.run_id / "flags.tsv")
        verdicts += _run_verdicts(run.run_id, own)
        wider += _wider_than_guideline(run.run_id, own, flags)
    no_flags = pd.DataFrame({"flag": [], "limit": []})
    return [*verdicts, *_wider_than_guideline("validation", acceptance, no_flags), *wider]


def _missing(acceptance: pd.DataFrame) -> pd.DataFrame:
    open_rows = (acceptance.verdict == NOT_ASSESSABLE) & (acceptance.rule_id != VALIDATION)
    return acceptance[open_rows]


def _by_rule(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return what is missing of each rule, in words."""
    words: dict[str, list[str]] = {}
    for row in rows.itertuples():
        text = f"{row.subject}: {row.observed}" if row.subject else str(row.observed)
        words.setdefault(row.rule_id, []).append(text)
    return {rule: list(dict.fromkeys(texts)) for rule, texts in words.items()}


def _missing_section(acceptance: pd.DataFrame) -> dict[str, Any]:
    return _section("What was not done or could not be judged", _missing(acceptance), VERDICTS)


def _experiment_sections(title: str, rows: pd.DataFrame, verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the table of an experiment with its figure, and its verdicts; an experiment not done says so."""
    filled = [name for name in rows if name != "experiment" and _is_filled(rows[name])]
    section = _section(title, rows, filled or None, figures=_figures(rows))
    if rows.empty:
        section |= {"columns": [], "rows": [], "text": "not done"}
    return [section, _section(f"{title}: verdicts", verdicts, VERDICTS)] if len(rows) or len(verdicts) else []


def _is_filled(column: pd.Series) -> bool:
    return bool((column.notna() & (column.astype(str) != "")).any())


def _figures(rows: pd.DataFrame) -> list[str]:
    """Return the bias of every level and run of accuracy and precision."""
    found = rows[(rows.experiment == ACCURACY) & (rows.measure == FOUND) & rows.bias_percent.notna()]
    figures = []
    for tissue, here in found.groupby("tissue", sort=False):
        levels = {str(level): float(n) for n, level in enumerate(dict.fromkeys(here.level), start=1)}
        marks = [
            Mark(
                levels[row.level],
                row.bias_percent,
                "used" if row.run_id else "m1",
                f"{row.level} {row.run_id or 'all runs'}: {row.bias_percent:+.1f} % (n = {row.n:g})",
            )
            for row in here.itertuples()
        ]
        axis = Axis(f"{tissue}: each run (filled), all runs (open)", ticks=levels, include=[0.5, len(levels) + 0.5])
        figures.append(scatter(marks, axis, Axis("mean bias %"), guides=(0.0,)))
    return figures
