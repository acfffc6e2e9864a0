"""What the report of a study says of its own rules: repeats, incurred reanalysis, QCs over the runs, storage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.moles import GRAMS, MOLES, as_counted
from bioanalysis.report.figures import Figure
from bioanalysis.report.links import ControlsOf, with_runs
from bioanalysis.report.plots import Axis, Mark, scatter
from bioanalysis.report.study_tables import read_or_empty
from bioanalysis.words import count_of

Part = tuple[str, pd.DataFrame, list[str] | None, Iterable[Figure | str]]

# fmt: off
RULES = ["method_id", "rule_id", "verdict", "tissue", "analyte", "subject", "limit", "observed", "judged", "source",
         "standing"]
PAIRS = ["method_id", "analyte", "sample_id", "tissue", "group", "collection_day", "initial_run_id", "initial_date",
         "initial_ng_ml", "repeat_run_id", "repeat_date", "repeat_ng_ml", "difference_percent", "within_limit", "flyer",
         "counted", "not_independent", "reason"]
REPEATS = ["method_id", "analyte", "sample_id", "initial_run_id", "initial_status", "initial_ng_ml", "initial_reason",
           "reason_code", "repeat_run_id", "repeat_status", "repeat_ng_ml", "accepted_run_id", "accepted_status",
           "accepted_ng_ml", "justification"]
# fmt: on


def study_stage_parts(held: Mapping[ControlsOf, Sequence[str]], results: Path) -> Iterator[Part]:
    """Yield title, table, columns and figures of each section, from the tables in results/study.

    `held`: the accepted runs that hold each QC.
    """

    def read(name: str) -> pd.DataFrame:
        return read_or_empty(results / f"{name}.tsv")

    yield "Acceptance of the study: every rule and its numbers", read("acceptance"), RULES, []
    yield "Repeat analyses", read("repeats"), REPEATS, []
    yield "Repeat analyses by reason", read("repeat_counts"), None, []
    incurred = read("incurred")
    yield "Incurred sample reanalysis", incurred, PAIRS, difference_figures(incurred)
    yield "Quality controls over all accepted runs", with_runs(read("quality_controls"), held), None, []
    storage = read("storage")
    yield "Samples stored beyond proven stability", storage[storage.verdict == "fail"], None, []


def difference_figures(pairs: pd.DataFrame) -> list[Figure]:
    """Return, per method and analyte, the differences in percent against the mean of both values."""
    in_moles = pairs["mean_nmol_l"] != "" if "mean_nmol_l" in pairs else pd.Series(False, pairs.index)
    pairs = as_counted(pairs).assign(unit=np.where(in_moles, MOLES, GRAMS))
    pairs = pairs.assign(**{name: pd.to_numeric(pairs[name]) for name in ("mean_ng_ml", "difference_percent")})
    figures = []
    for (method_id, analyte), here in pairs.groupby(["method_id", "analyte"], sort=False):
        limit = float(pd.to_numeric(here.limit_percent).iloc[0])
        marks = [
            Mark(
                row.mean_ng_ml, row.difference_percent, "used" if row.within_limit == "true" else "fail",
                f"{row.sample_id}, {row.initial_run_id} and {row.repeat_run_id}: {row.difference_percent:+.1f} %",
            )
            for row in here[here.difference_percent.notna()].itertuples()
        ]  # fmt: skip
        drawn = scatter(
            marks,
            Axis(f"mean of both, {here.unit.iloc[0]}", log=True),
            Axis("difference %"),
            guides=(-limit, 0.0, limit),
        )
        words = f"{method_id}, {analyte}: {len(marks)} of {count_of(len(here), 'pair')} drawn, limit ±{limit:g} %."
        figures.append(Figure(drawn, words, {"method": str(method_id), "analyte": str(analyte)}, "incurred.tsv"))
    return figures


def study_stage_verdicts(results: Path) -> list[dict[str, str]]:
    """Return the lines of the first screen: incurred reanalysis, and how many rules pass, fail, cannot be assessed."""
    table = read_or_empty(results / "acceptance.tsv")
    said = []
    for (method_id, analyte), here in table[table.analyte != ""].groupby(["method_id", "analyte"], sort=False):
        share = here[here.rule_id.isin(["ISR-03", "ISR-04"])]
        number = here[here.rule_id == "ISR-01"]
        words = "; ".join(dict.fromkeys([*share.observed, *number.observed]))
        kind = "fail" if (share.verdict == "fail").any() else ""
        said.append({"kind": kind, "text": f"Incurred reanalysis, {method_id}, {analyte}: {words}"})
    counts = table.verdict.value_counts()
    failed = ", ".join(dict.fromkeys(table[table.verdict == "fail"].rule_id))
    text = (
        f"Rules of the study: {counts.get('pass', 0)} pass, {counts.get('fail', 0)} fail{f' ({failed})' * bool(failed)}"
    )
    text += f", {counts.get('not_assessable', 0)} not assessable; no result changes by them"
    return [*said, {"kind": "fail" if failed else "", "text": text}]
