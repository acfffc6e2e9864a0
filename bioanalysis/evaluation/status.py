"""What becomes of each reading: the one status word of every row, and its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, Ledger
from bioanalysis.calibration.reading import ABOVE, BELOW, INSIDE
from bioanalysis.limits import Limits
from bioanalysis.study import Run
from bioanalysis.words import ALQ, BLQ, NOT_ANALYSED, NOT_REPORTED, QUANTIFIED, STUDY_SAMPLES


@dataclass(frozen=True)
class Rejections:
    """What failed rules reject: the ids of the rules by plate (runs), and by plate and batch, tissue or dilution."""

    runs: dict[str, str] = field(default_factory=dict)
    batches: dict[tuple[str, str], str] = field(default_factory=dict)
    tissues: dict[tuple[str, str], str] = field(default_factory=dict)
    dilutions: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: Rejections) -> Rejections:
        return Rejections(
            self.runs | other.runs,
            self.batches | other.batches,
            self.tissues | other.tissues,
            self.dilutions | other.dilutions,
        )

    def reason(self, unit: Any) -> str:
        """Return why this unit's result may not be reported, or ''."""
        if unit.scope in self.runs:
            where = f"plate {unit.scope}" if unit.scope else "run"
            return f"RUN_FAIL: the {where} failed {self.runs[unit.scope]}"
        if (unit.scope, unit.batch) in self.batches:
            return f"RUN_FAIL: batch {unit.batch} failed {self.batches[unit.scope, unit.batch]}"
        if (unit.scope, unit.tissue) in self.tissues:
            return f"RUN_FAIL: the QCs in {unit.tissue} failed {self.tissues[unit.scope, unit.tissue]}"
        if unit.diluted and unit.scope in self.dilutions:
            return f"the dilution QCs failed {self.dilutions[unit.scope]}"
        return ""


def rejections_of(ledger: Ledger) -> Rejections:
    """Return what the failed rules of one ledger reject."""
    failed = [row for row in ledger.rows if row["verdict"] == FAIL and row["rule_id"] in ledger.limits]
    by = {
        decides: [row for row in failed if ledger.limits[str(row["rule_id"])].decides == decides]
        for decides in ("batch", "tissue")
    }
    runs, dilutions = ledger.failed("run"), ledger.failed("dilution")
    return Rejections(
        runs={ledger.plate: ", ".join(runs)} if runs else {},
        batches={(ledger.plate, str(row["batch"])): str(row["rule_id"]) for row in by["batch"]},
        tissues={(ledger.plate, str(row["tissue"])): str(row["rule_id"]) for row in by["tissue"]},
        dilutions={ledger.plate: ", ".join(dilutions)} if dilutions else {},
    )


def assign_status(units: pd.DataFrame, rejections: Rejections, run: Run, limits: Limits) -> pd.DataFrame:
    """Return the units with status and reason, by the words of the data contract."""
    words = [_status(unit, rejections, run, limits) for unit in units.itertuples()]
    status = pd.DataFrame(words, columns=["status", "reason"], index=units.index)
    return units.assign(status=status.status, reason=status.reason)


def _status(unit: Any, rejections: Rejections, run: Run, limits: Limits) -> tuple[str, str]:
    if unit.sample_type in STUDY_SAMPLES:
        return _study_sample_status(unit, rejections, run, limits)
    if unit.sample_type in ("qc", "dilution_qc"):
        return _control_status(unit)
    if unit.no_value_reason and unit.sample_type not in ("blank", "carryover_blank"):
        return "no_value", unit.no_value_reason
    if unit.no_value_reason.startswith(("not acquired", "excluded", "well without")):
        return "no_value", unit.no_value_reason
    if unit.sample_type == "calibrator" and np.isnan(unit.mean_response):
        return "no_value", unit.place_reason or "no response"
    return "measured", ""


def _control_status(unit: Any) -> tuple[str, str]:
    if not unit.counted:
        return "no_value", unit.no_value_reason
    if not unit.assessable:
        return "no_value", "not assessable: no recovery factor of this run or the method to correct it with"
    if unit.passes:
        return "pass", ""
    return "fail", unit.place_reason or f"bias {unit.bias_percent:+.1f} %"


def _study_sample_status(unit: Any, rejections: Rejections, run: Run, limits: Limits) -> tuple[str, str]:
    """Return the status of a study sample: what the reading says, unless the run may not be used."""
    if unit.no_value_reason.startswith("not acquired"):
        return NOT_ANALYSED, unit.no_value_reason
    if limits.enforced and (rejected := rejections.reason(unit)):
        return NOT_REPORTED, rejected
    if unit.no_value_reason:
        code = "" if run.method.platform == "elisa" or unit.excluded else "INSTRUMENT: "
        return NOT_REPORTED, code + unit.place_reason
    limit = run.method.plate.max_replicate_cv_percent
    if limits.enforced and limit is not None and unit.cv_percent > limit:
        return NOT_REPORTED, f"WELL_CV: replicate CV {unit.cv_percent:.1f} % above {limit:g} %"
    if unit.place == BELOW and unit.diluted:
        return NOT_REPORTED, f"DILUTED_BELOW_LLOQ: diluted {unit.dilution_factor:g} times, {unit.place_reason}"
    if unit.place in (BELOW, ABOVE):
        return (BLQ if unit.place == BELOW else ALQ), unit.place_reason
    if unit.place != INSIDE:
        return NOT_REPORTED, unit.place_reason
    if not unit.assessable and run.method.recovery.source != "study":
        return NOT_REPORTED, f"no recovery factor for {unit.tissue} in this run or the method"
    return QUANTIFIED, ""
