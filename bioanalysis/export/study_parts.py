"""Tables of the document of a study beside its values: curves, recovery, repeats, storage, deviations, materials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.export.parts import columns_of, listed
from bioanalysis.moles import in_either_unit
from bioanalysis.report.account import NO_MATERIALS, materials
from bioanalysis.report.all_runs import deviations, not_acquired
from bioanalysis.report.first_screen import Verdict
from bioanalysis.report.handling import spans
from bioanalysis.report.study_tables import read_or_empty
from bioanalysis.report.variability_sections import is_factor
from bioanalysis.study import Study

# fmt: off
CURVES = ["run_id", "plate", "analyte", "model and weighting", "parameters", "range in force", "standards used",
          "dropped", "bias of standards used (%)"]
RECOVERY = ["tissue", "batch", "kind", "level", "factor", "low", "high", "n", "source", "note"]
REPEATS = ["method_id", "analyte", "sample_id", "initial_run_id", "initial_status", "initial_ng_ml", "reason_code",
           "repeat_run_id", "repeat_status", "repeat_ng_ml", "accepted_run_id", "accepted_ng_ml", "justification"]
PAIRS = ["method_id", "analyte", "sample_id", "tissue", "initial_run_id", "initial_date", "initial_ng_ml",
         "repeat_run_id", "repeat_date", "repeat_ng_ml", "difference_percent", "within_limit", "flyer", "reason"]
OF_STORAGE = ["method_id", "tissue", "sample_id", "days", "proven_days", "storage_c", "proven_temperature_c",
              "freeze_thaw_cycles", "proven_freeze_thaw_cycles", "verdict"]
# fmt: on
LIES: dict[str, Any] = {"landscape": True, "size": 7}


def tables_of_runs(all_curves: pd.DataFrame, results: Path) -> Iterator[dict[str, Any]]:
    """Yield curves, recovery factors, repeats, incurred reanalysis and storage (RPT-02, 07, 08 and 14).

    Parameters
    ----------
    all_curves : DataFrame
        As `curves` returns it.
    results : Path
        Folder with recovery, repeats, incurred and storage of the study.
    """
    note = "Factors by which values are divided, with 95 % intervals; what is applied stands beside each value."
    difference = "Difference = 100 (repeat - initial) / mean of both. A reanalysis never replaces the first result."
    stored = "From collection to analysis; every analysis counts."
    yield listed("Calibration of all runs", all_curves, CURVES, wide=["parameters"], **LIES)
    recovery = columns_of(results / "recovery.tsv", *RECOVERY)
    yield listed("Recovery", recovery[is_factor(recovery)], RECOVERY, footnotes=[note], wide=["note"], **LIES)
    repeats = read_or_empty(results / "repeats.tsv")
    yield listed("Repeat analyses", repeats, in_either_unit(REPEATS), wide=["justification"], **LIES)
    incurred = read_or_empty(results / "incurred.tsv")
    yield listed("Incurred sample reanalysis", incurred, in_either_unit(PAIRS), footnotes=[difference], **LIES)
    storage = spans(columns_of(results / "storage.tsv", *OF_STORAGE))
    yield listed("Storage against proven stability", storage, footnotes=[stored], **LIES)


def tables_of_records(study: Study, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return deviations with their impact, and materials with lots and expiry (RPT-13 and 16)."""
    causes = "Causes and investigations are the laboratory's to write."
    lost = [row for run in study.runs for row in not_acquired(run.run_id, run.worklist)]
    return [
        listed("Deviations and their impact", deviations(study, verdicts, lost), footnotes=[causes], size=8),
        materials_table(study),
    ]


def materials_table(study: Study) -> dict[str, Any]:
    """Return materials with lots and expiry; where none are given, that is said (RPT-13)."""
    given = materials(study)
    lots = listed("Materials", pd.DataFrame() if given is None else given, size=7.5)
    return lots | ({"note": NO_MATERIALS} if given is None else {})
