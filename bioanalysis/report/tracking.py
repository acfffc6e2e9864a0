"""Where samples have been until they were analysed, and what standards and QCs were made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bioanalysis.report.sections import section
from bioanalysis.study import Run, Study
from bioanalysis.study.entries import MEASURED, by_hand
from bioanalysis.study.schema import FROM_INSTRUMENT
from bioanalysis.words import count_of

NOT_GIVEN = "not given"
SAMPLE_COLUMNS = ["sample_id", "collected_at", "received_at", "storage_c", "freeze_thaw_cycles", "not_available_reason",
                  "comment"]  # fmt: skip
ENTRIES = ["sample_id", "tissue", *MEASURED, "entered_by", "checked_by"]
PREPARED = ["calibrator", "anchor", "qc", "dilution_qc"]
Preparation = tuple[object, ...]  # a row of the section on what was prepared
BLANKS = ["blank", "zero", "carryover_blank", "recovery_pre", "recovery_post"]


def tracking_section(study: Study, concentrations: pd.DataFrame) -> dict[str, Any]:
    """Return each sample's dates, condition and days from collection to its first analysis (RPT-14)."""
    dates = {run.run_id: run.run_date[:10] for run in study.runs}
    first = concentrations.assign(analysed=concentrations.run_id.map(dates)).groupby("sample_id").analysed.min()
    table = study.samples.reindex(columns=SAMPLE_COLUMNS)
    analysed = pd.to_datetime(table.sample_id.map(first))
    collected = pd.to_datetime(table.collected_at.astype(str).str[:10].replace("", None), errors="coerce")
    days = (analysed - collected).dt.days
    table = table.assign(
        first_analysed=[day.date().isoformat() if pd.notna(day) else "" for day in analysed],
        days_until_analysed=[str(int(number)) if pd.notna(number) else NOT_GIVEN for number in days],
    )
    given = {name: int((table[name].fillna("").astype(str) != "").sum()) for name in ("collected_at", "received_at")}
    text = (
        f"Of {count_of(len(table), 'sample')}, {given['collected_at']} have a time of collection and "
        f"{given['received_at']} one of receipt. The first analysis is that behind the reported result; "
        "deviations stand under Deviations."
    )
    return section("Samples from collection to analysis", table, text=text, source="config/samples.tsv", folded=True)


def entries_section(study: Study) -> dict[str, Any]:
    """Return which masses and volumes were entered by hand, by whom, and who checked them (DI-20)."""
    samples = study.samples
    rows, weighed = by_hand(samples), samples[list(MEASURED)].notna().any(axis=1)
    instrument = int((weighed & (samples.entry == FROM_INSTRUMENT)).sum())
    unknown = int(weighed.sum()) - len(rows) - instrument
    text = (
        f"Of {int(weighed.sum())} samples with a mass or a volume, {len(rows)} were entered by hand, "
        f"{int(rows.checked.sum())} of them checked by a second person; {instrument} came from an instrument; "
        f"for {unknown} config/samples.tsv does not say."
    )
    table = rows.assign(checked_by=rows.checked_by.where(rows.checked, "NOT CHECKED"))
    return section("Masses and volumes entered by hand", table, ENTRIES, text=text, source="config/samples.tsv",
                   folded=True)  # fmt: skip


def prepared(run: Run, worklist: pd.DataFrame) -> list[Preparation]:
    """Return what calibrators and QCs, and what blanks and recovery rows of a run were made of."""
    kinds = {"calibrators and QCs": PREPARED, "blanks and recovery rows": BLANKS}
    found = {words: worklist[worklist.sample_type.isin(types)] for words, types in kinds.items()}
    return [
        (run.run_id, run.run_date[:10], words, len(here),
         *(_words(here, name) for name in ("tissue", "lot", "stock", "prepared_on")))
        for words, here in found.items() if len(here)
    ]  # fmt: skip


def preparation_section(rows: Sequence[Preparation]) -> dict[str, Any]:
    """Return, run by run, stock and day of preparation of calibrators and QCs, and matrix lots (RPT-15).

    `rows`: what was `prepared` for each run.
    """
    columns = ["run_id", "run_date", "rows of", "number", "matrix", "matrix lot", "stock", "prepared_on"]
    text = (
        "As given in the worklists. Whether stocks were independent and still within their proven stability is judged "
        "by QC-18 and CAL-GEN-01 in the report of each run."
    )
    return section("Preparation of standards and QCs", pd.DataFrame(rows, columns=columns), text=text,
                   source="config/worklists")  # fmt: skip


def _words(rows: pd.DataFrame, name: str) -> str:
    """Return the words of a column, each once; `not given` where there are none."""
    words = dict.fromkeys(str(word) for word in rows.get(name, pd.Series(dtype=str)).fillna("") if str(word))
    return ", ".join(words) or NOT_GIVEN
