"""Tables of the document of a study beside its values: curves, recovery, repeats, storage, deviations, materials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bioanalysis.export.parts import listed
from bioanalysis.moles import in_either_unit
from bioanalysis.report.account import NO_MATERIALS, materials
from bioanalysis.report.all_runs import curves, deviations
from bioanalysis.report.first_screen import Verdict
from bioanalysis.report.handling import spans
from bioanalysis.report.study_tables import OfRun
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
# fmt: on
LIES: dict[str, Any] = {"landscape": True, "size": 7}


def tables_of_runs(
    runs: Sequence[OfRun], tables: Mapping[str, pd.DataFrame], incurred: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return curves, recovery factors, repeats, incurred reanalysis and storage (RPT-02, 07, 08 and 14).

    Parameters
    ----------
    tables : dict of DataFrame
        recovery, repeats and storage of the study.
    incurred : DataFrame
        incurred.tsv of the study.
    """
    recovery = tables["recovery"]
    note = "Factors by which values are divided, with 95 % intervals; what is applied stands beside each value."
    difference = "Difference = 100 (repeat - initial) / mean of both. A reanalysis never replaces the first result."
    stored = "From collection to analysis; every analysis counts."
    return [
        listed("Calibration of all runs", curves(runs), CURVES, wide=["parameters"], **LIES),
        listed("Recovery", recovery[is_factor(recovery)], RECOVERY, footnotes=[note], wide=["note"], **LIES),
        listed("Repeat analyses", tables["repeats"], in_either_unit(REPEATS), wide=["justification"], **LIES),
        listed("Incurred sample reanalysis", incurred, in_either_unit(PAIRS), footnotes=[difference], **LIES),
        listed("Storage against proven stability", spans(tables["storage"]), footnotes=[stored], **LIES),
    ]


def tables_of_records(study: Study, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return deviations with their impact, and materials with lots and expiry (RPT-13 and 16)."""
    causes = "Causes and investigations are the laboratory's to write."
    return [
        listed("Deviations and their impact", deviations(study, verdicts), footnotes=[causes], size=8),
        materials_table(study),
    ]


def materials_table(study: Study) -> dict[str, Any]:
    """Return materials with lots and expiry; where none are given, that is said (RPT-13)."""
    given = materials(study)
    lots = listed("Materials", pd.DataFrame() if given is None else given, size=7.5)
    return lots | ({"note": NO_MATERIALS} if given is None else {})
