"""The injections of a run in the order they were made, with what they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import PASS, Ledger
from bioanalysis.calibration.standards import ROUNDING, StandardCurve
from bioanalysis.words import STUDY_SAMPLES

JUDGED = ("calibrator", "qc", "dilution_qc", *STUDY_SAMPLES)
WITHOUT_STANDARD = ("blank", "carryover_blank")
NOT_ACQUIRED = "not acquired"


@dataclass(frozen=True)
class Injections:
    """Acquired injections of one analyte, and the accepted calibrators and QCs among them.

    Attributes
    ----------
    table : DataFrame
        In the order of injection: order, position, sample_type, sample_id, level, tissue, nominal_ng_ml, analyte_area,
        internal_standard_area, response, reference (accepted calibrator or QC), calibrator (accepted),
        judged (calibrator, QC or study sample that no decision excludes), and the peak's shape where it is known.
    lloq_ng_ml : float
        LLOQ in force.
    """

    table: pd.DataFrame
    lloq_ng_ml: float

    @cached_property
    def lloq(self) -> pd.DataFrame:
        """The accepted calibrators at the LLOQ in force."""
        calibrators = self.table[self.table.calibrator]
        return calibrators[np.isclose(calibrators.nominal_ng_ml, self.lloq_ng_ml, rtol=ROUNDING)]

    @cached_property
    def lloq_area(self) -> float:
        """Mean analyte area of the accepted calibrators at the LLOQ; NaN without any."""
        return float(self.lloq.analyte_area.mean())

    @cached_property
    def standard_area(self) -> float:
        """Mean internal standard area of the accepted calibrators and QCs; NaN without any."""
        return float(self.table.internal_standard_area[self.table.reference].mean())

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Study samples that no decision excludes."""
        return self.table[self.table.judged & self.table.sample_type.isin(STUDY_SAMPLES)]


def injections_of(units: pd.DataFrame, curve: StandardCurve) -> Injections:
    """Return the acquired injections of a curve.

    Parameters
    ----------
    units : DataFrame
        Units of an LC-MS/MS run (one per injection, indexed by unit) with passes, counted and excluded.
    """
    units = units[~units.no_value_reason.str.startswith(NOT_ACQUIRED)]  # such a row may have no position
    standards = curve.judged
    accepted = units.index.isin(standards.index[standards.passes & ~standards.dropped])
    calibrator = (units.sample_type == "calibrator") & accepted & (units.excluded == "")
    table = units.assign(
        order=units.position.astype(int),
        calibrator=calibrator,
        reference=calibrator | ((units.sample_type == "qc") & units.passes & units.counted),
        judged=units.sample_type.isin(JUDGED) & (units.excluded == ""),
    )
    return Injections(table.sort_values("order", kind="stable"), curve.lloq_ng_ml)


def outside_band(values: pd.Series, low: object, high: object) -> pd.Series:
    """Return which values lie outside `low` to `high`; the ends belong to the band, a missing value is not outside."""
    return (values < float(low) * (1 - ROUNDING)) | (values > float(high) * (1 + ROUNDING))  # type: ignore[arg-type]


def positions(rows: pd.DataFrame) -> str:
    """Return the positions of some injections, joined by ';'."""
    return ";".join(rows.position.astype(str))


def failed(ledger: Ledger, rule_id: str) -> bool | None:
    """Return whether the ledger's verdicts on a rule hold a failure; None where it could not be judged."""
    words = [row["verdict"] for row in ledger.rows if row["rule_id"] == rule_id]
    judged = [word for word in words if word in (PASS, "fail")]
    return any(word != PASS for word in judged) if judged else None
