"""The numbers of the software used before, as the laboratory hands them in."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import pandas as pd

from bioanalysis.columns import identifier, one_of, positive, text
from bioanalysis.errors import BatchError, Fault
from bioanalysis.sheets import read_sheet
from bioanalysis.tables import Table
from bioanalysis.text_files import quoted
from bioanalysis.words import NOT_ANALYSED

OF_SAMPLE = {"value": "", "uncorrected": "ug/g", "homogenate": "ng/mL"}
OF_READING = {
    "back_calculated": "ng/mL", "area": "counts x s", "internal_standard_area": "counts x s", "response": "1",
}  # fmt: skip
OF_RUN = {"run_verdict": "verdict"}
STATUSES = ("BLQ", "ALQ", "not_reported", NOT_ANALYSED, "needs_decision")
VERDICTS = ("pass", "fail")
UNITS = {
    "ug/g": ("ug/g", Fraction(1)), "mg/kg": ("ug/g", Fraction(1)), "ng/mg": ("ug/g", Fraction(1)),
    "ng/g": ("ug/g", Fraction(1, 1000)), "ng/mL": ("ng/mL", Fraction(1)), "ug/L": ("ng/mL", Fraction(1)),
    "ug/mL": ("ng/mL", Fraction(1000)), "mg/L": ("ng/mL", Fraction(1000)), "pg/mL": ("ng/mL", Fraction(1, 1000)),
    "counts x s": ("counts x s", Fraction(1)), "counts x min": ("counts x s", Fraction(60)), "1": ("1", Fraction(1)),
    "verdict": ("verdict", Fraction(1)),
}  # fmt: skip
NO_DEFAULT = "a tolerance, or --tolerance-percent: there is no default"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

PREVIOUS = Table(
    "Numbers of the previous software",
    (
        identifier("sample_id", "sample, as in samples.tsv (quantities of a sample)"),
        identifier("analyte", "analyte; empty for a sample that was not analysed"),
        identifier("method_id", "method, where a sample was measured by several"),
        one_of("quantity", "what the number is", *OF_SAMPLE, *OF_READING, *OF_RUN),
        identifier("run_id", "run (quantities of an injection, a well or a run)"),
        identifier("plate", "plate, where the run has several"),
        identifier("position", "injection or well, as in the worklist"),
        text("value", "number, or the word in its place", required=True),
        text("unit", "unit of the number; a word has none"),
        positive("tolerance_percent", "largest difference of this row in percent of its value"),
        text("tolerance_source", "who set that tolerance, or where it stands"),
    ),
)


def read_previous(path: Path, tolerance_percent: float | None) -> pd.DataFrame:
    """Return the table with `number` (exact, in our unit; None where a word stands) and `tolerance` of each row.

    Raises
    ------
    BatchError
        With every fault: no column may be missing, no unit unknown, and no number without a tolerance.
    """
    if tolerance_percent is not None and not tolerance_percent > 0:
        raise BatchError([Fault("--tolerance-percent", str(tolerance_percent), "a number above 0")])
    table, faults = PREVIOUS.check(read_sheet(path, str(path)))
    if table.empty and not faults:
        faults = [Fault(str(path), "no rows", "one row per number of the previous software")]
    table = table.assign(quantity=table.quantity.replace("", "value"))
    nowhere = tolerance_percent is None and table.tolerance_percent.isna().all()
    if nowhere and any(map(_NUMBER.fullmatch, table.value)):
        faults.append(Fault("--tolerance-percent", "not given, and no row has a tolerance_percent", NO_DEFAULT))
    for row in table.itertuples():
        wrong = _faults(row, math.inf if nowhere else tolerance_percent)  # said once, and not of each row
        faults += [Fault(str(path), found, expected, int(row.line), column) for column, found, expected in wrong]
    if faults:
        raise BatchError(faults)
    stated = "stated on the command line"
    return table.assign(
        number=[_exact(row.value, row.unit) for row in table.itertuples()],
        tolerance=table.tolerance_percent.fillna(tolerance_percent if tolerance_percent is not None else float("nan")),
        tolerance_source=table.tolerance_source.where(table.tolerance_percent.notna(), stated),
    )


def _faults(row: tuple, tolerance_percent: float | None) -> list[tuple[str, str, str]]:
    """Return (column, found, expected) of whatever is wrong with one row."""
    faults = []
    needed = ["sample_id"] if row.quantity in OF_SAMPLE else ["run_id"]  # type: ignore[attr-defined]
    needed += ["position"] if row.quantity in OF_READING else []  # type: ignore[attr-defined]
    needed += ["analyte"] if row.value != NOT_ANALYSED else []  # type: ignore[attr-defined]
    for name in needed:
        if not getattr(row, name):
            faults.append((name, "empty", f"filled in for {row.quantity}"))  # type: ignore[attr-defined]
    return faults + _faults_of_value(row, tolerance_percent)


def _faults_of_value(row: tuple, tolerance_percent: float | None) -> list[tuple[str, str, str]]:
    value, unit, quantity = row.value, row.unit, row.quantity  # type: ignore[attr-defined]
    words = VERDICTS if quantity in OF_RUN else STATUSES if quantity == "value" else ()
    if value in words:
        return []
    if quantity in OF_RUN or not _NUMBER.fullmatch(value):
        choices = (["a number"] if quantity not in OF_RUN else []) + list(words)
        return [("value", quoted(value), " or ".join(choices))]
    faults = []
    if Fraction(value) == 0:
        faults.append(("value", quoted(value), "a number other than 0: no difference in percent can be taken of it"))
    wanted = {**OF_SAMPLE, **OF_READING}[quantity]
    known = [name for name, (base, _) in UNITS.items() if base in ((wanted,) if wanted else ("ug/g", "ng/mL"))]
    if unit not in known:
        faults.append(("unit", quoted(unit) if unit else "empty", f"one of {', '.join(known)}"))
    own = row.tolerance_percent  # type: ignore[attr-defined]
    if own != own and tolerance_percent is None:
        faults.append(("tolerance_percent", "empty", NO_DEFAULT))
    if own == own and not row.tolerance_source:  # type: ignore[attr-defined]
        faults.append(("tolerance_source", "empty", "who set the tolerance, or where it stands"))
    return faults


def _exact(value: str, unit: str) -> Fraction | None:
    return Fraction(value) * UNITS[unit][1] if _NUMBER.fullmatch(value) else None
