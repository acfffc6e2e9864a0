"""The recovery factor a reading is divided by: which one, whether at all, and that of readings taken together."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.flags import join_words
from bioanalysis.method import Method
from bioanalysis.recovery.sets import ALL_LEVELS

WORDS = "recovery_words"
COLUMN = "recovery_"


@dataclass(frozen=True)
class AppliedFactor:
    """The recovery factor one sample is divided by.

    Attributes
    ----------
    shared_uncertainty : float
        The part of `relative_uncertainty` that other batches' factors have as well; `shared_by` says which.
    source : str
        Where it comes from; factors of one source and tissue are one number.
    """

    factor: float
    relative_uncertainty: float
    degrees_of_freedom: float
    source: str
    shared_uncertainty: float = 0.0
    shared_by: str = ""

    @classmethod
    def of(cls, row: Any, prefix: str = "") -> AppliedFactor:
        """Return the factor of a row of recovery.tsv; with the prefix `COLUMN`, that of a row of `as_columns`."""
        return cls(**{own.name: getattr(row, prefix + own.name) for own in fields(cls)})

    def as_columns(self) -> dict[str, object]:
        """Return what a reading's row says of its factor."""
        return {COLUMN + name: value for name, value in asdict(self).items()}


UNCORRECTED = AppliedFactor(1.0, 0.0, np.inf, "none applied")
NONE_KNOWN = AppliedFactor(np.nan, 0.0, np.inf, "none applied")


def correction_applies(extracted: bool, tissue: str, calibrator_tissue: str, method: Method) -> bool:
    """Return whether a row lost analyte that the calibrators did not, and the method corrects for it."""
    extraction = method.of_tissue(tissue).extraction
    if extraction.recovery_correction == "none" or not extracted:
        return False
    return not (extraction.calibrators_extracted and tissue == calibrator_tissue)


def factor_of_batch(tissue: str, batch: str, recovery: pd.DataFrame, method: Method) -> AppliedFactor | None:
    """Return the factor a run can give by itself: of the validation, or of its own recovery rows; None without.

    Parameters
    ----------
    batch : str
        Label of the extraction batch. One of which the table does not speak (a QC's alone, say) has the mean.
    recovery : DataFrame
        `run_recovery` of the run.
    """
    fixed = method.recovery.factors.get(tissue)
    if method.recovery.source == "validation":
        if fixed is None:
            return None
        freedom = fixed.degrees_of_freedom or np.inf
        return AppliedFactor(fixed.factor, fixed.relative_uncertainty, freedom, f"validation: {fixed.source}")
    known = recovery[(recovery.tissue == tissue) & (recovery.level == ALL_LEVELS) & recovery.factor.notna()]
    own = known[known.extraction_batch == batch]
    own = own if len(own) else known[known.extraction_batch == ""]
    own = own if len(own) else known
    return AppliedFactor.of(own.iloc[0]) if len(own) else None


def corrected_readings(rows: pd.DataFrame) -> np.ndarray:
    """Return reading x dilution / recovery factor (n,), by which readings of one sample are compared.

    Where the rows bring no factor, or one of them has none, all are compared uncorrected.
    """
    found = (rows.reading_ng_ml * rows.dilution_factor).to_numpy(float)
    factors = rows.recovery_factor.to_numpy(float) if "recovery_factor" in rows else np.ones(len(rows))
    return found / factors if np.isfinite(factors).all() else found


def factor_of_several(rows: pd.DataFrame, combined: float, corrected: float, weights: np.ndarray) -> dict[str, object]:
    """Return the columns of the one factor between a combination of readings and that of their corrected values.

    Parameters
    ----------
    rows : DataFrame
        Readings of one sample: `AppliedFactor.as_columns`, and recovery_words, the flag words their factors bring.
    combined, corrected : float
        What the readings, and the readings each divided by its own factor, were combined to.
    weights : array (n,)
        Share of each in the relative error of the corrected value.

    Returns
    -------
    dict
        Nothing where all rows have one factor. Otherwise combined / corrected with its uncertainty, in which one factor
        is one error, and what batches share where all share the same. The words are those of all.
    """
    if "recovery_source" not in rows or rows.recovery_source.nunique() < 2:
        return {}
    whole = rows.recovery_relative_uncertainty.to_numpy(float)
    one = rows.recovery_shared_by.nunique() == 1
    common = rows.recovery_shared_uncertainty.to_numpy(float) if one else np.zeros(len(rows))
    own = pd.Series(weights * np.sqrt(np.maximum(0.0, whole**2 - common**2)))
    of_sources = own.groupby(rows.recovery_source.to_numpy()).sum(min_count=1)
    shared = float(np.sum(weights * common))
    applied = AppliedFactor(
        factor=combined / corrected if np.isfinite(rows.recovery_factor).all() else np.nan,
        relative_uncertainty=float(np.sqrt((of_sources**2).sum() + shared**2)) if np.isfinite(whole).all() else np.nan,
        degrees_of_freedom=float(rows.recovery_degrees_of_freedom.min()),
        source="; ".join(dict.fromkeys(rows.recovery_source)),
        shared_uncertainty=shared,
        shared_by=str(rows.recovery_shared_by.iloc[0]) if one else "",
    )
    words = {WORDS: join_words(*rows[WORDS])} if WORDS in rows else {}
    return applied.as_columns() | words
