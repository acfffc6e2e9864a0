"""An LC-MS/MS run worked by hand: the analyte's area is its concentration, the internal standard's 1000.

So every response is a thousandth of what the vial holds, the curve a straight line through the origin, and every
reading what a test put there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from bioanalysis.method import Method, read_method
from bioanalysis.sheets import Sheet
from bioanalysis.study import Run
from bioanalysis.study.schema import DECISIONS, WORKLIST
from bioanalysis.study.worklist import resolve
from bioanalysis.tables import Table

METHOD = Path(__file__).parents[1] / "config/methods/ASO-LCMS-01.yaml"
LEVELS = (5.0, 50.0, 500.0, 1000.0, 2500.0, 5000.0)
Row = Mapping[str, object]


def uncorrected(method: Method | None = None) -> Method:
    """Return the demonstration's method without recovery correction: a reading is a result."""
    method = method or read_method(METHOD, METHOD.name)
    extraction = method.extraction.model_copy(update={"recovery_correction": "none"})
    return method.model_copy(update={"extraction": extraction})


def calibrators(levels: Iterable[float] = LEVELS, times: int = 1) -> list[Row]:
    return [
        {"sample_type": "calibrator", "level": f"C{number}", "nominal_ng_ml": level}
        for number, level in enumerate(levels, start=1)
        for _ in range(times)
    ]


def controls(**times: int) -> list[Row]:
    """Return QCs: ``controls(LQC=2, MQC=2, HQC=2)``."""
    nominal = {"LQC": 15.0, "MQC": 2000.0, "HQC": 4000.0}
    return [
        {"sample_type": "qc", "level": level, "nominal_ng_ml": nominal[level]}
        for level, count in times.items()
        for _ in range(count)
    ]


def unknown(sample_id: str) -> Row:
    return {"sample_type": "unknown", "sample_id": sample_id, "tissue": "liver"}


def run_by_hand(
    rows: Iterable[Row], decisions: Iterable[Row] = (), method: Method | None = None, run_id: str = "LC-1"
) -> Run:
    """Return a run of these rows; positions count from 1."""
    method = method or uncorrected()
    table = [{"position": number, "file": f"{number}.mzML", **row} for number, row in enumerate(rows, start=1)]
    tissues = {str(row["sample_id"]): str(row["tissue"]) for row in table if row["sample_type"] == "unknown"}
    worklist = resolve(table_by_hand(WORKLIST, table), {"run_id": run_id, "extraction_batch": ""}, method, tissues)
    decided = decisions_by_hand({"run_id": run_id, **row} for row in decisions)
    return Run(run_id, method, "2026-01-05", "A. Lind", "", "", run_id, "", "", worklist, decided)


def decisions_by_hand(rows: Iterable[Row]) -> pd.DataFrame:
    """Return decisions ``D1``, ``D2`` ... with whatever is not given filled in."""
    codes = {"exclude": "SPILL", "integrate": "WRONG_BASELINE", "report_run": "POOR_CHROM"}
    usual = {"reason": "seen", "author": "K. Moreau", "decided_at": "2026-01-06T08:00:00Z", "analyte": "mipomersen"}
    numbered = enumerate(rows, start=1)
    return table_by_hand(
        DECISIONS, [{"decision_id": f"D{n}", "reason_code": codes[str(r["action"])], **usual, **r} for n, r in numbered]
    )


def table_by_hand(declared: Table, rows: list[Row]) -> pd.DataFrame:
    """Return a declared table of these rows, typed and with its defaults as if it had been read."""
    cells = [[str(row.get(name, "")) for name in declared.names] for row in rows]
    frame, faults = declared.check(Sheet("", declared.names, 1, cells, list(range(2, len(rows) + 2))))
    assert not faults, faults
    return frame


def peaks_by_hand(run: Run, held: Mapping[int, float], automatic: Mapping[int, float] | None = None) -> pd.DataFrame:
    """Return the peaks of a run.

    Parameters
    ----------
    held : mapping
        What the vials at these positions hold in ng/mL; the others hold their nominal concentration.
    automatic : mapping, optional
        Automatic areas of the peaks integrated by hand, by position.
    """
    automatic = automatic or {}
    amounts = run.worklist.nominal_ng_ml.fillna(0.0).tolist()
    areas = [held.get(number, amount) for number, amount in enumerate(amounts, start=1)]
    analyte = pd.DataFrame({"position": run.worklist.position, "transition": "mipomersen_quan", "area": areas})
    analyte["manual"] = [number in automatic for number in range(1, len(areas) + 1)]
    analyte["automatic_area"] = [automatic.get(number, area) for number, area in enumerate(areas, start=1)]
    standard = analyte.assign(transition="is_quan", area=1000.0, automatic_area=1000.0, manual=False)
    qualifier = analyte.assign(transition="mipomersen_qual")
    return pd.concat([analyte, qualifier, standard], ignore_index=True).assign(flags="")
