"""What the validation report for signature says: the verdict, what was not done, every experiment with its rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_ASSESSABLE, PASS
from bioanalysis.acceptance.validation import RULES_OF, WRITTEN
from bioanalysis.export.parts import controls_table, decisions_table, flags_table, methods_table, runs_table, section
from bioanalysis.export.study_parts import materials_table
from bioanalysis.report.heads import head
from bioanalysis.report.sections import shown, shown_cell
from bioanalysis.report.validation_page import TITLES, accuracy_figures, validation_verdicts
from bioanalysis.results import read_table
from bioanalysis.study import Study
from bioanalysis.tables import read_results

RULES = ["rule_id", "verdict", "tissue", "subject", "limit", "observed", "source"]
JUDGED_BY_RUN = "No experiment of its own: judged in the runs, whose numbers stand beside the verdicts."
ONCE = ("method_id", "analyte")
LEFT_OUT = ("experiment", "n_without_value", "hours_frozen", "source_kind", "within_run_cv_percent")


class ValidationDocument:
    """The report of the method validation whose results lie in `results`."""

    def __init__(self, study: Study, results: Path) -> None:
        self.study, self.results = study, results

    def verdicts(self) -> list[tuple[str, str]]:
        """Return the verdicts in words: on the method, what failed, what could not be judged, runs, what is wider."""
        acceptance = read_table(self.results / "study/acceptance.tsv")
        said = validation_verdicts(self.results.parent, self.study, acceptance)
        return [(one["kind"], one["text"]) for one in said]

    def sections(self) -> list[dict[str, Any]]:
        """Return the tables of the report: runs, methods, each experiment with its verdicts, QCs, flags, decisions."""
        table, acceptance = (read_results(self.results / f"study/{name}.tsv") for name in ("validation", "acceptance"))
        experiments = [
            made
            for experiment, title in TITLES.items()
            for made in _experiment(title, table[table.experiment == experiment], acceptance, RULES_OF[experiment])
        ]
        return [
            runs_table(self.study),
            methods_table(self.study),
            _rules("Rules that failed", acceptance[acceptance.verdict == FAIL]),
            _rules("What was not done or could not be judged", acceptance[acceptance.verdict == NOT_ASSESSABLE]),
            *experiments,
            controls_table(self.study, self.results),
            flags_table(read_results(self.results / "study/flags.tsv")),
            materials_table(self.study),
            decisions_table(self.study),
        ]

    def figures(self) -> list[dict[str, str]]:
        """Return the figures of the page: the bias of every level and run."""
        drawn = accuracy_figures(read_results(self.results / "study/validation.tsv", WRITTEN))
        return [{"svg": figure.alone, "caption": figure.caption} for figure in drawn]


def _experiment(title: str, rows: pd.DataFrame, acceptance: pd.DataFrame, rules: Any) -> list[dict[str, Any]]:
    """Return the table of an experiment and its rules; nothing of one that was neither done nor asked for."""
    judged = acceptance[acceptance.rule_id.str.startswith(rules)]
    if rows.empty and judged.empty:
        return []
    names = [name for name in rows if name not in LEFT_OUT and (rows[name] != "").any()]
    names = [name for name in names if not (name in ONCE and rows[name].nunique() == 1)]
    cells = [
        tuple(_cell(name, cell) for name, cell in zip(names, row, strict=True))
        for row in rows[names].itertuples(index=False)
    ]
    table = section(title, [head(name) for name in names], cells, landscape=True, size=6.5)
    is_judged = judged.verdict.isin([PASS, FAIL]).any()
    note = JUDGED_BY_RUN if is_judged else "not done"
    return [table | ({} if cells else {"note": note}), _rules(f"{title}: verdicts", judged)]


def _cell(name: str, cell: str) -> str:
    return shown(cell) if name in WRITTEN else shown_cell(cell, name).text


def _rules(title: str, rows: pd.DataFrame) -> dict[str, Any]:
    cells = [
        tuple(shown_cell(cell, name).text for name, cell in zip(RULES, row, strict=True))
        for row in rows[RULES].itertuples(index=False)
    ]
    return section(title, [head(name) for name in RULES], cells, wide=["subject", "limit", "observed"], landscape=True,
                   size=6.5)  # fmt: skip
