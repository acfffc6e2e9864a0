"""THE result in the study's report: figures per tissue and method, and every value with the way to its reading."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from bioanalysis.report.links import VALUES, sample_anchor
from bioanalysis.report.said import said
from bioanalysis.report.sections import Cell, run_address, section, shown
from bioanalysis.report.study_tables import located
from bioanalysis.report.tissue_figures import tissue_figures
from bioanalysis.words import QUANTIFIED

# fmt: off
COLUMNS = ["sample_id", "subject_id", "group", "collection_day", "tissue", "method_id", "analyte", "result",
           "interval", "unit", "status", "reason", "lloq", "recovery_factor", "run_id", "plate", "position", "flags"]
# fmt: on
FILTERS = ["run_id", "tissue", "group", "subject_id", "status", "flags", "method_id"]
HEADS = {"interval": "95 % interval", "lloq": "LLOQ", "result": "result"}
TEXT = (
    "Three significant digits; the files hold all. Each result leads to its row in the report of its run, and from "
    "there to its chromatogram or well. A BLQ is never a number. LLOQ: the sample's own."
)


def concentrations_section(concentrations: pd.DataFrame, flags: pd.DataFrame, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the section on tissue concentrations.

    Parameters
    ----------
    concentrations : DataFrame
        As `read_concentrations` returns them.
    flags : DataFrame
        flags.tsv of the study: those that name a sample stand beside its values.
    rows : DataFrame
        Measurements of all runs, as `located` asks for them.
    """
    table = concentrations.assign(
        result=[_result(row) for row in concentrations.itertuples()],
        interval=[_interval(row.value_low, row.value_high) for row in concentrations.itertuples()],
        flags=_flags(concentrations, flags),
    )
    is_first = ~concentrations.sample_id.duplicated()
    anchors = [sample_anchor(name) if first else ""
               for name, first in zip(concentrations.sample_id, is_first, strict=True)]  # fmt: skip
    return section(VALUES, table, COLUMNS, tissue_figures(concentrations), text=TEXT, anchors=anchors,
                   source="tissue_concentrations.tsv", filters=FILTERS, heads=HEADS,
                   linked=partial(_linked, rows))  # fmt: skip


def _linked(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return values that lead to their rows, and runs that lead to their reports."""
    addresses = located(table, rows).address
    return table.assign(
        result=[Cell(text, address) for text, address in zip(table.result, addresses, strict=True)],
        run_id=[Cell(run, run_address(run.split(";")[0]) if run else "") for run in table.run_id],
    )


def _result(row: Any) -> str:
    return shown(row.value) if row.status == QUANTIFIED else said(row.status)


def _interval(low: float, high: float) -> str:
    return f"{shown(low)} to {shown(high)}" if pd.notna(low) and pd.notna(high) else ""


def _flags(concentrations: pd.DataFrame, flags: pd.DataFrame) -> list[str]:
    """Return the flags of each value: its own, and those of the study that name its sample (and run)."""
    named: dict[tuple[str, str], list[str]] = {}
    for row in flags[flags.sample_id != ""].itertuples():
        named.setdefault((row.sample_id, row.run_id), []).append(row.flag)
    return [
        "; ".join(dict.fromkeys([
            *filter(None, row.flags.split(";")), *named.get((row.sample_id, row.run_id), []),
            *named.get((row.sample_id, ""), []),
        ]))
        for row in concentrations.itertuples()
    ]  # fmt: skip
