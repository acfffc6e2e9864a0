"""The page of a method validation: verdict first, what was not done, then every experiment with its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_ASSESSABLE, PASS
from bioanalysis.acceptance.validation import ACCURACY, FOUND_IN, RULES_OF, VALIDATION, WRITTEN
from bioanalysis.report.account import materials_section
from bioanalysis.report.decided import wider_than_guideline
from bioanalysis.report.figures import Figure
from bioanalysis.report.page import write_page
from bioanalysis.report.pages import FLAGS, _run_verdicts, _section
from bioanalysis.report.plots import Axis, Mark, scatter
from bioanalysis.report.run_sections import RULES
from bioanalysis.report.said import in_words, said
from bioanalysis.results import read_table
from bioanalysis.study import Study
from bioanalysis.tables import read_results

TITLES = {
    "accuracy_precision": "Accuracy and precision", "selectivity": "Selectivity", "specificity": "Specificity",
    "matrix_effect": "Matrix effect", "surrogate_matrix": "Surrogate matrix", "endogenous": "Endogenous analyte",
    "carry_over": "Carry-over", "dilution_integrity": "Dilution integrity",
    "dilution_linearity": "Dilution linearity and hook", "parallelism": "Parallelism", "recovery": "Recovery",
    "stability": "Stability", "reinjection": "Re-injection", "cross_validation": "Cross validation",
}  # fmt: skip
VERDICTS = ["rule_id", "verdict", "tissue", "subject", "limit", "observed", "analyte", "judged", "source", "standing"]
WORDS = {PASS: "VALIDATED by all rules judged", FAIL: "NOT VALIDATED", NOT_ASSESSABLE: "OPEN"}


def write_validation_report(folder: Path, path: Path) -> None:
    """Write results/study/report.html of a method validation from its tables."""
    study = Study.load(folder)
    results = folder / "results" / "study"
    table = read_results(results / "validation.tsv", WRITTEN)
    acceptance, flags, account = (
        read_table(results / f"{name}.tsv") for name in ("acceptance", "flags", "reconciliation")
    )
    sections = [_missing_section(acceptance)]
    for experiment, title in TITLES.items():
        rows = table[table.experiment == experiment]
        verdicts = acceptance[acceptance.rule_id.str.startswith(RULES_OF[experiment])]
        sections += _experiment_sections(title, rows, verdicts)
    sections += [
        _section("Every rule and its numbers", acceptance, RULES),
        _section("Flags", flags, FLAGS),
        materials_section(study),
        _section("Reconciliation of every input row", account, None),
    ]
    methods = ", ".join(f"{method.method_id} version {method.version}" for method in study.methods.values())
    title = f"{study.config.study.id}: validation of {methods}"
    write_page(path, title, study.config.study.title, validation_verdicts(folder, study, acceptance), sections)


def validation_verdicts(folder: Path, study: Study, acceptance: pd.DataFrame) -> list[dict[str, str]]:
    """Return the first screen: the verdict, what failed, what is not assessable, the runs, what is wider."""
    verdicts = []
    for row in acceptance[acceptance.rule_id == VALIDATION].itertuples():
        name = f"{row.subject or row.analyte}: {WORDS[row.verdict]}"
        verdicts.append({"kind": row.verdict, "text": f"{name} ({in_words(row.observed)}; profile {said(row.limit)})"})
    counts = acceptance[acceptance.rule_id != VALIDATION].verdict.value_counts()
    text = ", ".join(f"{number} {said(verdict)}" for verdict, number in counts.items())
    verdicts.append({"kind": "", "text": f"Verdicts: {text}. Method status: {said(study.config.study.status)}."})
    for verdict, title in ((FAIL, "FAILED"), (NOT_ASSESSABLE, "NOT ASSESSABLE")):
        rows = _with_verdict(acceptance, verdict)
        if len(rows):
            listed = "; ".join(f"{rule} ({'; '.join(words)})" for rule, words in _by_rule(rows).items())
            verdicts.append({"kind": FAIL, "text": f"{len(rows)} {title}: {listed}"})
    if spared := study.config.validation.not_needed:
        listed = "; ".join(f"{TITLES.get(name, name)}: {why}" for name, why in spared.items())
        verdicts.append({"kind": "", "text": f"NOT NEEDED by config.yaml: {listed}"})
    wider = []
    for run in study.runs:
        own = read_table(folder / "results" / "runs" / run.run_id / "acceptance.tsv")
        flags = read_table(folder / "results" / "runs" / run.run_id / "flags.tsv")
        verdicts += _run_verdicts(run.run_id, own)
        wider += wider_than_guideline(run.run_id, own, flags)
    no_flags = pd.DataFrame({"flag": [], "limit": []})
    return [*verdicts, *wider_than_guideline("validation", acceptance, no_flags), *wider]


def _with_verdict(acceptance: pd.DataFrame, verdict: str) -> pd.DataFrame:
    return acceptance[(acceptance.verdict == verdict) & (acceptance.rule_id != VALIDATION)]


def _by_rule(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return what is said of each rule, in words."""
    words: dict[str, list[str]] = {}
    for row in rows.itertuples():
        observed = in_words(str(row.observed))
        text = f"{in_words(str(row.subject))}: {observed}" if row.subject else observed
        words.setdefault(row.rule_id, []).append(text)
    return {rule: list(dict.fromkeys(texts)) for rule, texts in words.items()}


def _missing_section(acceptance: pd.DataFrame) -> dict[str, Any]:
    return _section("What was not done or could not be judged", _with_verdict(acceptance, NOT_ASSESSABLE), VERDICTS)


def _experiment_sections(title: str, rows: pd.DataFrame, verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the table of an experiment with its figure, and its verdicts; an experiment not done says so."""
    filled = [name for name in rows if name != "experiment" and _is_filled(rows[name])]
    section = _section(title, rows, filled or None, figures=accuracy_figures(rows))
    if rows.empty:
        section |= {"columns": [], "rows": [], "text": "not done"}
    return [section, _section(f"{title}: verdicts", verdicts, VERDICTS)] if len(rows) or len(verdicts) else []


def _is_filled(column: pd.Series) -> bool:
    return bool((column.notna() & (column.astype(str) != "")).any())


def accuracy_figures(rows: pd.DataFrame) -> list[Figure]:
    """Return the bias of every level and run of accuracy and precision."""
    found = rows[(rows.experiment == ACCURACY) & rows.measure.isin(FOUND_IN) & rows.bias_percent.notna()]
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
        drawn = scatter(marks, axis, Axis("mean bias %"), guides=(0.0,))
        words = f"{tissue}: mean bias of each level, of each run (filled) and of all runs together (open)."
        figures.append(Figure(drawn, words, {"tissue": str(tissue)}, "validation.tsv"))
    return figures
