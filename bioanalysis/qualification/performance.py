"""`bioanalysis pq`: a laboratory's own historical runs against the numbers of the software used before."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.disk import plain_disk_errors
from bioanalysis.errors import BatchError, Fault
from bioanalysis.launch import run_study
from bioanalysis.qualification.checks import FAIL, NOTED, PASS, Check
from bioanalysis.qualification.previous import OF_SAMPLE, UNITS, read_previous
from bioanalysis.qualification.report import Report, finish
from bioanalysis.qualification.results_held import results_held
from bioanalysis.report.figures import Figure
from bioanalysis.report.plots import Axis, Mark, scatter
from bioanalysis.report.sections import section
from bioanalysis.variability import compare_methods

TITLE = "Performance qualification"
ABOUT = (
    "A study of the laboratory's own, computed here from its raw data, row by row against the numbers of the software "
    "used before. Difference = 100 (here - before) / before; the tolerance is the laboratory's. A row passes at its "
    "tolerance and not beyond it; nothing is rounded before it is compared. A row that stands only in the earlier "
    "numbers fails; one that stands only here is named."
)
NOT_ANALYSED = "not_analysed"
ROWS, ONLY_HERE = "Row by row", "Only here: samples without an earlier number"
BY = ["quantity", "sample_id", "analyte", "method_id", "run_id", "plate", "position"]


def qualify_performance(study: Path, expected: Path, tolerance_percent: float | None, output: Path, cores: int) -> int:
    """Run the study, compare it with `expected`, write pq.html and pq.json and return the exit code.

    Raises
    ------
    BatchError
        Where the table or the study must be put right, or a row could mean several results.
    """
    previous = read_previous(expected, tolerance_percent)
    if code := run_study(study, cores=cores, profile="default", dry_run=False):
        return code
    held = results_held(study)
    compared = compare(previous, held, str(expected))
    checks = checks_of(compared)
    only_here = unmatched(previous, held)
    if len(only_here):
        checks.append(Check("Rows on one side", "UR-072", "samples without an earlier number", "named", 
                            f"{len(only_here)}, listed below", NOTED))  # fmt: skip
    sections = [*agreement_sections(compared), section(ONLY_HERE, only_here)]
    details = {"study": str(study), "expected": str(expected), "rows": _plain(compared), "only_here": _plain(only_here)}
    with plain_disk_errors():
        output.mkdir(parents=True, exist_ok=True)
        return finish(Report("pq", TITLE, ABOUT, checks, sections, details), output)


def compare(previous: pd.DataFrame, held: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return each earlier row beside ours: found, difference_percent, verdict and why."""
    rows, faults = [], []
    by_quantity = dict(tuple(held.groupby("quantity")))
    for row in previous.to_dict("records"):
        ours = _matching(row, by_quantity.get(row["quantity"], held.head(0)))
        if len(ours) > 1:
            said = ", ".join(sorted({" ".join(filter(None, words)) for words in
                                     zip(ours.method_id, ours.run_id, ours.plate, strict=True)}))  # fmt: skip
            faults.append(Fault(file, f"could be several results: {said}", "method_id or plate that tells them apart",
                                int(row["line"])))  # fmt: skip
            continue
        rows.append(_compared(row, ours.iloc[0].to_dict() if len(ours) else None))
    if faults:
        raise BatchError(faults)
    return pd.DataFrame(rows)


def _matching(row: dict[str, Any], held: pd.DataFrame) -> pd.DataFrame:
    """Return our rows that agree with an earlier one in whatever it names; what was not analysed has no analyte."""
    here = held
    for name in BY[1:]:
        if row[name]:
            without = (here[name] == "") & (here.word == NOT_ANALYSED)
            here = here[(here[name] == row[name]) | without]
    return here


def _compared(row: dict[str, Any], ours: dict[str, Any] | None) -> dict[str, Any]:
    made = {name: row[name] for name in BY} | {
        "line": int(row["line"]), "before": row["value"], "unit": row["unit"], "here": "", "difference_percent": None,
        "tolerance_percent": None, "tolerance_source": "", "verdict": FAIL, "note": "",
    }  # fmt: skip
    if ours is None:
        made |= _tolerance_of(row)
        return made | {"here": "nothing", "note": "not among the results here"}
    made["method_id"] = ours["method_id"]
    shown = ours["found"] or ours["word"]
    if row["number"] is None:
        same = ours["word"] == row["value"]
        return made | {"here": shown if ours["word"] == "quantified" else ours["word"],
                       "verdict": PASS if same else FAIL, "note": ours["reason"]}  # fmt: skip
    made |= _tolerance_of(row)
    if not ours["found"]:
        return made | {"here": ours["word"], "note": f"no number here: {ours['reason'] or ours['word']}"}
    base, factor = UNITS[row["unit"]]
    if ours["found_unit"] != base:
        return made | {"here": shown, "note": f"in {ours['found_unit']} here"}
    found = Fraction(ours["found"])
    difference = 100 * (found - row["number"]) / abs(row["number"])
    met = abs(difference) <= Fraction(str(row["tolerance"]))
    return made | {"here": repr(float(found / factor)), "difference_percent": float(difference),
                   "verdict": PASS if met else FAIL, "note": "" if met else "beyond the tolerance"}  # fmt: skip


def _tolerance_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the tolerance of an earlier number; none where a word stands."""
    if row["number"] is None:
        return {}
    return {"tolerance_percent": row["tolerance"], "tolerance_source": row["tolerance_source"]}


def unmatched(previous: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """Return our results of samples that no earlier row speaks of."""
    ours = held[held.quantity == "value"]
    rows = previous[previous.quantity.isin(OF_SAMPLE)]
    known = {(row.sample_id, row.analyte, row.method_id) for row in rows.itertuples()}
    named = {row.sample_id for row in rows.itertuples()}
    spoken = [
        (row.sample_id, row.analyte, row.method_id) in known
        or (row.sample_id, row.analyte, "") in known
        or (row.word == NOT_ANALYSED and row.sample_id in named)
        for row in ours.itertuples()
    ]
    table = ours[[not each for each in spoken]]
    return table[["sample_id", "analyte", "method_id", "run_id", "found", "found_unit", "word"]]


def checks_of(compared: pd.DataFrame) -> list[Check]:
    """Return the check of each row of `compare`."""
    return [_check(row) for row in compared.to_dict("records")]


def _check(row: dict[str, Any]) -> Check:
    name = " ".join(str(row[key]) for key in BY if row[key])
    is_number = pd.notna(row["tolerance_percent"])
    unit = f" {row['unit']}" if is_number else ""  # a word such as BLQ has none
    expected = f"{row['before']}{unit}" + (f" within {row['tolerance_percent']:g} %" if is_number else "")
    difference = row["difference_percent"]
    here = f"{float(row['here']):.6g}" if pd.notna(difference) else row["here"]
    observed = here + (f"{unit}, {difference:+.3g} %" if pd.notna(difference) else "")
    observed = "; ".join(filter(None, [observed, row["note"] if row["verdict"] == FAIL else ""]))
    source = f"line {row['line']}" + (f"; tolerance: {row['tolerance_source']}" if is_number else "")
    return Check(ROWS, "UR-072", name, expected, observed, row["verdict"], source)


def agreement_sections(compared: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a section per quantity, analyte and method: lines, bias and limits of agreement, and a figure."""
    numbers = compared[compared.difference_percent.notna()]
    return [
        _agreement(" ".join(key), rows)
        for key, rows in numbers.groupby(["quantity", "analyte", "method_id"], sort=True)
    ]


def _agreement(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    before, here = rows.before.astype(float).to_numpy(), rows.here.astype(float).to_numpy()
    title, marks = f"Agreement: {name}", _marks(rows, before)
    tolerance = rows.tolerance_percent.astype(float).max()
    drawn = scatter(marks, Axis("before", log=True), Axis("difference (%)"), guides=(-tolerance, 0.0, tolerance))
    caption = "Difference against the earlier number. Dashes: 0 and the largest tolerance; hollow: beyond its own."
    try:
        found = compare_methods(np.log(before), np.log(here))
    except ValueError as error:
        return section(
            title, figures=[Figure(drawn, caption).html()], text=f"No line and no limits of agreement: {error}."
        )
    text = f"{found.n} pairs, on the logarithm: a slope of 1 and a bias of 0 % are full agreement; 95 % intervals."
    return section(title, _agreement_table(found), figures=[Figure(drawn, caption).html()], text=text)


def _agreement_table(found: Any) -> pd.DataFrame:
    line, agreement = found.deming, found.bland_altman

    def percent(log_ratio: float) -> float:
        return 100 * math.expm1(log_ratio)

    rows = [
        ("Deming slope", line.slope, line.slope_low, line.slope_high),
        ("Deming factor at 1", math.exp(line.intercept), *map(_exp, (line.intercept_low, line.intercept_high))),
        ("bias (%), Bland-Altman", *map(percent, (agreement.bias, agreement.bias_low, agreement.bias_high))),
        ("limits of agreement (%)", np.nan, percent(agreement.lower_limit), percent(agreement.upper_limit)),
    ]
    return pd.DataFrame(rows, columns=["measure", "estimate", "low", "high"])


def _exp(value: float) -> float:
    return math.exp(value) if math.isfinite(value) else math.nan


def _marks(rows: pd.DataFrame, before: np.ndarray) -> list[Mark]:
    return [
        Mark(x, float(row.difference_percent), "" if row.verdict == PASS else "fail",
             f"{row.sample_id or row.position}: {row.difference_percent:+.2f} %")
        for x, row in zip(before, rows.itertuples(), strict=True)
    ]  # fmt: skip


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")
