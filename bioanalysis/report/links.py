"""The way from a number of the study's report to the injection or well it came from, in two clicks at most.

A sample leads to its value, a group or a tissue to the values it was formed from, a run or a position to the row of
the run's report; and each value leads to its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import pandas as pd

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.report.heads import head
from bioanalysis.report.sections import Cell, row_anchor, run_address, slug
from bioanalysis.report.study_tables import OfRun

VALUES = "Tissue concentrations"  # title of the section that holds every value
RUNS = ("run_id", "initial_run_id", "repeat_run_id", "accepted_run_id", "batch")
NARROWED = ("subject_id", "group", "tissue", "method_id")  # filters of the values that a row of another table sets
ControlsOf = tuple[str, str, str, str]  # method, analyte, level, tissue
NOT_OF_VALUES = "test"  # a column of tables whose numbers come from clinical chemistry


def sample_anchor(sample_id: str) -> str:
    """Return the id of the first value of a sample."""
    return f"sample-{slug(sample_id)}"


@dataclass(frozen=True)
class Ways:
    """Where runs, samples and readings stand.

    Attributes
    ----------
    runs, samples : frozenset of str
        All runs, and the samples with a row among the values.
    rows : DataFrame
        run_id and `ROWS` of the measurements of all runs.
    """

    runs: frozenset[str]
    samples: frozenset[str]
    rows: pd.DataFrame

    def linked(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table whose runs, positions, samples and groups lead to what they name.

        Of a long table a stretch is asked for at a time: only the rows of runs it names are looked through.
        """
        if table.empty:
            return table
        rows = table.to_dict("records")
        here = self.rows[
            self.rows.run_id.isin({_run_named(row, name) for name in RUNS if name in table for row in rows})
        ]
        leads = _Leads(here, table)
        made: dict[str, list[object]] = {}
        for column in RUNS:
            if column in table:
                made[column] = [self._run(row, column, leads) for row in rows]
        if {"run_id", "position", "analyte"} <= set(table):
            made["position"] = [_position(row, leads) for row in rows]
        if "sample_id" in table:
            made["sample_id"] = [self._sample(row["sample_id"]) for row in rows]
        return (table if NOT_OF_VALUES in table else to_values(table)).assign(**made)

    def _run(self, row: Mapping[str, object], column: str, leads: _Leads) -> object:
        run = _run_named(row, column)
        if isinstance(row[column], Cell) or run not in self.runs:
            return row[column]
        anchor = leads.by_sample.get((run, str(row.get("sample_id", "")), str(row.get("analyte", ""))), "")
        return Cell(str(row[column]), run_address(run, "Recovery" if column == "batch" else anchor))

    def _sample(self, sample_id: object) -> object:
        return Cell(str(sample_id), f"#{sample_anchor(str(sample_id))}") if sample_id in self.samples else sample_id


class _Leads:
    """The anchors of rows of runs, by sample and by position; the first of a run where there are several.

    Parameters
    ----------
    rows : DataFrame
        Rows of the runs.
    table : DataFrame
        What is to lead to them: rows of samples and positions that it does not name are left out.
    """

    def __init__(self, rows: pd.DataFrame, table: pd.DataFrame) -> None:
        self.by_sample = {
            (row.run_id, row.sample_id, row.analyte): row_anchor(row.line, row.analyte)
            for row in _of_named(rows, table, "sample_id")[::-1].itertuples()
        }
        self.by_position = {
            (row.run_id, row.plate, str(row.position), row.analyte): row_anchor(row.line, row.analyte)
            for row in _of_named(rows, table, "position")[::-1].itertuples()
        }


def _of_named(rows: pd.DataFrame, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows whose sample or position the table names; where it has no such column, those without one."""
    return rows[rows[column].isin(set(table[column].astype(str)) if column in table else {""})]


def _run_named(row: Mapping[str, object], column: str) -> str:
    """Return the run a cell names first: a run may hold several batches, such as LC-01:E1."""
    named = row.get("run_id") if column == "batch" else ""
    return str(named or row[column]).split(";")[0]


def _position(row: Mapping[str, object], leads: _Leads) -> object:
    run, place = str(row["run_id"]), str(row["position"])
    anchor = leads.by_position.get((run, str(row.get("plate", "")), place, str(row["analyte"])))
    return Cell(place, run_address(run, anchor)) if anchor else row["position"]


def to_values(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which animal, group or tissue, the first a row names, leads to the values; or its sample does.

    The address holds what narrows the values to those of the row: its animal, group, tissue and method.
    """
    places = [name for name in NARROWED[:3] if name in table]
    rows = table.to_dict("records")
    first = [_first_named(row, places) for row in rows]
    return table.assign(
        **{name: [_values(row, name) if name == own else row[name] for row, own in zip(rows, first, strict=True)]
           for name in places}
    )  # fmt: skip


def _first_named(row: Mapping[str, object], places: Sequence[str]) -> str:
    """Return the first of the columns that a row fills; none where the row names a sample."""
    if row.get("sample_id"):
        return ""
    return next((name for name in places if _is_named(row[name])), "")


def _is_named(word: object) -> bool:
    return isinstance(word, str) and word != ""


def _values(row: Mapping[str, object], column: str) -> Cell:
    narrowed = {head(name): str(row[name]) for name in NARROWED if name in row and _is_named(row[name])}
    return Cell(str(row[column]), f"#{slug(VALUES)}?{urlencode(narrowed)}")


def held_in(run: OfRun) -> list[ControlsOf]:
    """Return the QCs, and all else, that stand in the parts of a run that are accepted."""
    passed = run.acceptance[(run.acceptance.rule_id == RUN) & (run.acceptance.verdict == "pass")]
    accepted = set(zip(passed.plate, passed.analyte, strict=True))
    here = run.measurements[["plate", "analyte", "level", "tissue"]].drop_duplicates()
    found = [
        (run.method_id, analyte, level, tissue)
        for plate, analyte, level, tissue in here.itertuples(index=False, name=None)
        if accepted & {(plate, analyte), ("", analyte)}
    ]
    return list(dict.fromkeys(found))


def with_runs(controls: pd.DataFrame, held: Mapping[ControlsOf, Sequence[str]]) -> pd.DataFrame:
    """Return quality_controls.tsv with the accepted runs that hold the QCs of each row, each leading to its report."""
    lead = [
        [Cell(run, run_address(run, slug("Quality controls"))) for run in held.get(key, ())]
        for key in controls[["method_id", "analyte", "level", "tissue"]].itertuples(index=False, name=None)
    ]
    return controls.assign(found_in=[Cell("", more=tuple(cells)) if cells else "" for cells in lead])
