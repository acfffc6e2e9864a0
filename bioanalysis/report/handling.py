"""How long samples were kept against what is proven, and what was integrated by hand, over the whole study."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bioanalysis.report.injections import by_hand
from bioanalysis.report.links import to_values
from bioanalysis.report.sections import Cell, injection_anchor, run_address, section, shown
from bioanalysis.results import read_table
from bioanalysis.study import Study

SPANS = ["method_id", "tissue", "samples", "days", "proven days", "storage, °C", "proven to, °C", "cycles",
         "proven cycles", "within", "beyond", "not assessable"]  # fmt: skip
BY_HAND = ["run_id", "position", "transition", "automatic_area", "area", "change_percent", "reason_code", "reason",
           "author", "decided_at"]  # fmt: skip


def storage_section(storage: pd.DataFrame) -> dict[str, Any]:
    """Return, per method and tissue, the span of storage before analysis against the stability proven.

    Parameters
    ----------
    storage : DataFrame
        storage.tsv of the study.
    """
    text = "From collection to analysis; every analysis counts. What the method does not prove is not assessable."
    return section("Storage against proven stability", to_values(spans(storage)), text=text, source="storage.tsv")


def spans(storage: pd.DataFrame) -> pd.DataFrame:
    """Return, per method and tissue, days, temperature and cycles found and proven, and how many lie beyond."""
    rows = []
    for key, here in storage.groupby(["method_id", "tissue"], sort=False):
        verdicts = here.verdict.value_counts()
        rows.append(
            (*key, here.sample_id.nunique(), _span(here.days), _span(here.proven_days), _span(here.storage_c),
             _span(here.proven_temperature_c), _span(here.freeze_thaw_cycles), _span(here.proven_freeze_thaw_cycles),
             *(int(verdicts.get(word, 0)) for word in ("pass", "fail", "not_assessable")))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=SPANS)


def _span(values: pd.Series) -> str:
    numbers = pd.to_numeric(values, errors="coerce").dropna()
    if numbers.empty:
        return "not given"
    low, high = shown(float(numbers.min())), shown(float(numbers.max()))
    return low if low == high else f"{low} to {high}"


def by_hand_section(study: Study) -> dict[str, Any]:
    """Return every chromatogram integrated by hand in any run, before and after, with the way to it (RPT-09)."""
    decided = study.decisions[study.decisions.action == "integrate"].run_id
    tables = [
        by_hand(read_table(study.folder / "results/runs" / run_id / "peaks.tsv"))[1].assign(run_id=run_id)
        for run_id in dict.fromkeys(decided)
    ]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=BY_HAND)
    table["position"] = [
        Cell(str(place), run_address(run, injection_anchor(place)))
        for run, place in zip(table.run_id, table.position, strict=True)
    ]
    return section("Integrated by hand: before and after", table, BY_HAND, source="results/runs/<run>/peaks.tsv")
