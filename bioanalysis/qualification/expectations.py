"""What must come out of the shipped studies: the truth of their simulation, and what was planted in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.qualification.checks import FAIL, PASS, Check
from bioanalysis.tables import read_results
from bioanalysis.text_files import own_table

NO_ROW = "(no row)"
TRUTH = "test_data/truth/samples.tsv"
STATUS = {"ASO-LCMS-01": "expected_status_lcms", "ASO-HELISA-01": "expected_status_elisa"}


def expected_cells(folder: Path, study: str) -> Iterator[Check]:
    """Yield one check per row of expected_studies.tsv that speaks of `study`.

    `where` names the rows (``column=value;column=value``), `expected` all different words of `column` in them in
    order, or ``low..high`` for the mean of their numbers.
    """
    for row in own_table(__package__, "expected_studies.tsv"):
        if row["study"] == study:
            observed = _observed(folder / row["file"], row["where"], row["column"], ".." in row["expected"])
            checked = f"{row['file']}: {row['column']}" + (f" where {row['where']}" if row["where"] else "")
            verdict = PASS if _meets(observed, row["expected"]) else FAIL
            yield Check(
                f"Planted results: {study}", row["requirement"], checked, row["expected"], observed, verdict,
                row["source"],
            )  # fmt: skip


def _observed(path: Path, where: str, column: str, is_number: bool) -> str:
    """Return the words, or the mean, that a result file holds; in words where it does not."""
    if not path.is_file():
        return f"{path.name} is missing"
    table = read_results(path)
    for condition in filter(None, where.split(";")):
        name, _, value = condition.partition("=")
        if name not in table:
            return f"no column {name}"
        table = table[table[name] == value]
    if table.empty:
        return NO_ROW
    if column not in table:
        return f"no column {column}"
    words = sorted(set(table[column]))
    return f"{pd.to_numeric(table[column]).mean():.4g}" if is_number else ";".join(words)


def _meets(observed: str, expected: str) -> bool:
    if ".." not in expected:
        return observed == expected
    low, high = map(float, expected.split(".."))
    try:
        return low <= float(observed) <= high
    except ValueError:
        return False


def truth_checks(folder: Path) -> Iterator[Check]:
    """Yield how values, intervals and words of the demonstration stand to the truth it was simulated from."""
    path = folder / "results/study/tissue_concentrations.tsv"
    part = "Truth of the simulation: demonstration"
    if not path.is_file():
        yield Check(part, "UR-014", "values against the truth", "values", f"{path.name} is missing", FAIL, TRUTH)
        return
    truth = read_results(folder / TRUTH, ["true_tissue_ug_g"]).set_index("sample_id")
    found = read_results(path, ["tissue_ug_g", "tissue_ug_g_low", "tissue_ug_g_high"])
    for method, column in STATUS.items():
        yield _words(part, found[found.method_id == method], truth[column], method)
    values = found[found.status == "quantified"].copy()
    values["true"] = values.sample_id.map(truth.true_tissue_ug_g)
    values["error"] = 100 * (values.tissue_ug_g - values.true) / values.true
    for row in own_table(__package__, "expected_truth.tsv"):
        yield _against_truth(part, row, values[values.method_id == row["method_id"]] if row["method_id"] else values)


def _words(part: str, found: pd.DataFrame, expected: pd.Series, method: str) -> Check:
    wanted = found.sample_id.map(expected)
    wrong = found[(wanted != "") & (found.status != wanted)]
    number = int((wanted != "").sum())
    said = "; ".join(f"{row.sample_id} is {row.status}" for row in wrong.head(5).itertuples())
    observed = f"{number - len(wrong)} of {number}" + (f": {said}" if said else "")
    verdict = PASS if number and wrong.empty else FAIL
    return Check(part, "UR-012;UR-028", f"status of every sample by {method}", f"{number} of {number} as expected",
                 observed, verdict, TRUTH)  # fmt: skip


def _against_truth(part: str, row: dict[str, str], values: pd.DataFrame) -> Check:
    """Return the check of one row of expected_truth.tsv: each error, the medians of the tissues, or the coverage."""
    limit, checked = float(row["limit"]), " ".join(filter(None, [row["checked"], row["method_id"]]))
    if row["kind"] == "coverage":
        covered = (values.tissue_ug_g_low <= values.true) & (values.true <= values.tissue_ug_g_high)
        share = 100 * covered.mean()
        met, observed = share >= limit, f"{share:.1f} % of {len(values)}"
    elif row["kind"] == "median":
        medians = values.groupby("tissue").error.median()
        met = bool((medians.abs() <= limit).all()) and len(medians) > 0
        observed = ", ".join(f"{tissue} {median:+.1f} %" for tissue, median in medians.items())
    else:
        largest = float(np.abs(values.error).max()) if len(values) else np.nan
        met, observed = largest <= limit, f"largest {largest:.1f} % of {len(values)} values"
    expected = f"{'at least' if row['kind'] == 'coverage' else 'at most'} {row['limit']} {row['unit']}"
    return Check(part, "UR-014", checked, expected, observed, PASS if met else FAIL, row["source"])
