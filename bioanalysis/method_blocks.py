"""Blocks of a method file about recovery, uncertainty and what validation showed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bioanalysis.settings import Fraction, Name, NonNegative, Positive, Remark, Settings


class RecoveryFactor(Settings):
    """A recovery fixed by validation for one tissue."""

    factor: Positive = Field(description="recovery as a fraction")
    relative_uncertainty: Fraction = Field(description="standard uncertainty as a fraction of the factor")
    degrees_of_freedom: Positive | None = None
    source: Remark = ""


class RecoverySource(Settings):
    """Where recovery factors come from."""

    source: Literal["run", "validation", "study"] = "run"
    factors: dict[str, RecoveryFactor] = Field(default_factory=dict)


class Uncertainty(Settings):
    """Standard uncertainties of handling; coefficients of variation are fractions."""

    balance_mg: NonNegative = 0.0
    buffer_percent: NonNegative = 0.0
    pipette_percent_per_step: NonNegative = 0.0
    extraction_cv_floor: Fraction = 0.0
    between_batch_cv: Fraction | None = None
    source: Remark = ""


class Stability(Settings):
    """Storage shown to be harmless in one tissue."""

    days: Positive | None = None
    temperature_c: float | None = None
    freeze_thaw_cycles: int | None = None
    source: Remark = ""


class ValidatedScope(Settings):
    """The validation a method rests on, and what it covers; what is empty is not known."""

    report: Name = Field(description="the identifier of the validation report")
    file: Name | None = None
    tissues: tuple[Name, ...] = ()
    dilution_factors: tuple[Positive, ...] = ()
    reinjection: bool | None = None
