"""A validated method as its file states it: frozen, complete, free of contradictions."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bioanalysis.columns import NotThis, date
from bioanalysis.contradictions import PROFILES, admissible_corrections, contradictions_of
from bioanalysis.errors import BatchError, Fault
from bioanalysis.full_scan_ions import full_scan_contradictions, ions_mz
from bioanalysis.method_blocks import RecoverySource, Stability, Uncertainty, ValidatedScope
from bioanalysis.mole_ranges import mass_key, with_ranges
from bioanalysis.moles import GRAMS, MOLES
from bioanalysis.persons import is_nobody
from bioanalysis.settings import (
    FileName,
    Name,
    Number,
    Positive,
    Settings,
    contradictions,
    settings_of,
)
from bioanalysis.text_files import listed, quoted
from bioanalysis.yaml_with_lines import Document, read_yaml

__all__ = ["Analyte", "Extraction", "Method", "Transition", "admissible_corrections", "method_of", "read_method"]


def _readable(sequence: str) -> str:
    from bioanalysis.oligonucleotides import read_sequence

    try:
        read_sequence(sequence)
    except ValueError as error:
        expected = "a sequence such as Ges mCes Ads Ge (`bioanalysis mass --help`)"
        raise contradictions([((), str(error), expected)]) from error
    return sequence


Sequence = Annotated[str, AfterValidator(_readable)]
Correction = Literal["none", "extraction_recovery", "process_efficiency", "apparent", "is_normalised"]


WEIGHTINGS = ("none", "1/x", "1/x^2", "1/y", "1/y^2")


def _known_weighting(value: str) -> str:
    """Let pass the named weightings, and 1/y^p with any power p from 0 to 4 (of the response's variance)."""
    power = re.fullmatch(r"1/y\^(\d(?:\.\d{1,4})?)", value, re.ASCII)
    if value in WEIGHTINGS or (power and 0 < float(power[1]) <= 4):
        return value
    expected = ", ".join(f"'{name}'" for name in WEIGHTINGS) + " or '1/y^p with a power such as 1.6 for p'"
    raise PydanticCustomError("literal_error", "no weighting", {"expected": expected})


def _day(value: str) -> str:
    """Let pass a day as the tables take one."""
    try:
        return str(date("effective_date", "").read(value))
    except NotThis as refusal:
        raise contradictions([((), quoted(value), str(refusal))]) from refusal


def _somebody(name: str) -> str:
    if is_nobody(name):
        raise contradictions([((), quoted(name), "the name of who released the method, or nothing")])
    return name


class Calibration(Settings):
    """Curve and weighting, fixed by validation."""

    model: Literal["linear", "quadratic", "4pl", "5pl"]
    weighting: Annotated[str, AfterValidator(_known_weighting)]
    weight_by: Literal["fitted", "observed"] | None = None


class Analyte(Settings):
    """One measured substance with its validated range (ng/mL of homogenate).

    A method in nmol/L may give the range in nmol/L; without a molar mass, `lloq_ng_ml` and `uloq_ng_ml` then hold it.
    """

    name: Name = Field(description="the name of the analyte")
    internal_standard: Name | None = None
    lloq_ng_ml: Positive = Field(description="the lower limit of quantification in ng/mL of homogenate")
    uloq_ng_ml: Positive = Field(description="the upper limit of quantification in ng/mL of homogenate")
    lloq_nmol_l: Positive | None = None
    uloq_nmol_l: Positive | None = None
    calibration: Calibration = Field(description="{model: linear, weighting: '1/x^2'} or another curve")
    molar_mass_g_mol: Positive | None = None
    salt_molar_mass_g_mol: Positive | None = None
    sequence: Sequence | None = None
    channel: Name | None = None


class Transition(Settings):
    """One monitored pair of masses (Th), with its retention time (min) and approximate peak width at base (s).

    With `ms_level: 1`, instead, the ions of full scans that are summed: charge states and isotopes of one neutral mass,
    each within a window in ppm. Q1 and Q3 are then those of the first ion.
    """

    name: Name = Field(description="the name of the transition")
    analyte: Name | None = None
    internal_standard: Name | None = None
    role: Literal["quantifier", "qualifier"] = Field(description="quantifier or qualifier")
    q1_mz: Positive = Field(description="m/z of the precursor")
    q3_mz: Positive = Field(description="m/z of the product")
    polarity: Literal["positive", "negative"] | None = None
    rt_min: Positive = Field(description="the retention time in minutes")
    rt_window_min: Positive = 0.5
    peak_width_s: Positive = 6.0
    ms_level: Literal[1, 2] = 2
    neutral_mass_da: Positive | None = None
    charges: tuple[Annotated[int, Field(ge=1, le=100)], ...] = ()
    isotopes: tuple[Annotated[int, Field(ge=0, le=50)], ...] = (0,)
    mz_tolerance_ppm: Positive = 10.0

    @model_validator(mode="before")
    @classmethod
    def _masses_of_ions(cls, stated: Any) -> Any:
        """Give a full-scan transition the m/z of its first ion as Q1 and Q3, which it need not state."""
        if not isinstance(stated, dict) or stated.get("ms_level") != 1:
            return stated
        if found := full_scan_contradictions(stated):
            raise contradictions(found)
        ions = ions_mz(stated)
        return stated | {"q1_mz": ions[0], "q3_mz": ions[0]}

    @property
    def ions_mz(self) -> tuple[float, ...]:
        """The m/z (Th) of the ions summed from full scans, charge by charge; none at MS level 2."""
        return ions_mz(self.model_dump()) if self.ms_level == 1 else ()


class Extraction(Settings):
    """How calibrators and internal standard stand to the extraction, and which recovery is corrected."""

    calibrator_matrix: Literal["tissue", "surrogate", "neat"] = Field(description="tissue, surrogate or neat")
    calibrators_extracted: bool = Field(description="true or false")
    internal_standard_kind: Literal["none", "analog", "stable_label"] = Field(
        description="none, analog or stable_label"
    )
    internal_standard_added: Literal["none", "before_extraction", "after_extraction"] = Field(
        description="none, before_extraction or after_extraction"
    )
    recovery_correction: Correction = Field(
        description="none, extraction_recovery, process_efficiency, apparent or is_normalised"
    )


def _number_or_text(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return ";".join(str(part) for part in value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return "" if value is None or isinstance(value, dict) else value


class Override(Settings):
    """A limit of this method in place of the profile's, with its source."""

    limit: Annotated[float | str, BeforeValidator(_number_or_text)] = Field(description="the limit of this method")
    source: Name = Field(description="the source of this limit")


class PeakOverride(Settings):
    """A limit of this method at which peaks are flagged, with its source."""

    limit: Number = Field(description="the limit of this method")
    source: Name = Field(description="the source of this limit")


class Acceptance(Settings):
    """Which limits judge a run."""

    profile: Literal[
        "ich_m10_chromatographic",
        "ich_m10_ligand_binding",
        "tissue_qualified_chromatographic",
        "tissue_qualified_ligand_binding",
        "exploratory",
    ] = Field(description=f"one of {listed(PROFILES)}")
    overrides: dict[str, Override] = Field(default_factory=dict)


class Plate(Settings):
    """How wells become a curve and a result."""

    reader: Literal[
        "auto", "tidy", "grid", "softmax", "gen5", "msd_workbench", "methodical_mind", "magellan", "mars", "envision",
        "kaleido", "skanit",
    ] = "auto"  # fmt: skip
    replicate_statistic: Literal["mean_of_concentrations", "mean_of_responses"] = "mean_of_concentrations"
    fit_on: Literal["wells", "means"] = "wells"
    zero_standard: Literal["excluded", "included"] = "excluded"
    max_replicate_cv_percent: Positive | None = None
    wavelength_nm: Positive | None = None
    reference_wavelength_nm: Positive | None = None
    channel: Name | None = None
    wells: Literal[96, 384] | None = None
    standards: Literal["own", "first_and_last"] | None = None
    saturation_signal: Positive | None = None
    hook_percent: Positive | None = None
    wild_well_cv_percent: Positive | None = None


class Replicates(Settings):
    """Planned replicates of one sample in one run: injections of each extract, extractions of each homogenate."""

    injections: Annotated[int, Field(ge=1)] = 1
    extractions: Annotated[int, Field(ge=1)] = 1
    combine: Literal["geometric_mean"] = "geometric_mean"
    max_cv_percent: Positive = 20.0


class ExtractionOfTissue(Settings):
    """What is done otherwise for one tissue; empty keys are as in the method's `extraction`."""

    calibrator_matrix: Literal["tissue", "surrogate", "neat"] | None = None
    calibrators_extracted: bool | None = None
    internal_standard_kind: Literal["none", "analog", "stable_label"] | None = None
    internal_standard_added: Literal["none", "before_extraction", "after_extraction"] | None = None
    recovery_correction: Correction | None = None


class TissueOverride(Settings):
    """What one tissue has otherwise: a narrower range (of every analyte), another extraction."""

    lloq_ng_ml: Positive | None = None
    uloq_ng_ml: Positive | None = None
    lloq_nmol_l: Positive | None = None
    uloq_nmol_l: Positive | None = None
    extraction: ExtractionOfTissue = ExtractionOfTissue()


class Integration(Settings):
    """Which area of a peak is reported, and the limits at which peaks are flagged in place of the usual ones."""

    estimate: Literal["by_signal_to_noise", "drop", "template"] = "by_signal_to_noise"
    template_below_signal_to_noise: Positive = 20.0
    template_with_neighbour: bool = True
    flag_limits: dict[str, PeakOverride] = Field(default_factory=dict)


class Method(Settings):
    """One validated method; attributes are the keys of its file."""

    method_id: FileName = Field(description="the identifier of the method")
    version: Name = Field(description="the version of the method")
    effective_date: Annotated[str, AfterValidator(_day)] | None = None
    approved_by: Annotated[Name, AfterValidator(_somebody)] | None = None
    platform: Literal["lcms", "elisa"] = Field(description="lcms or elisa")
    assay_class: Literal["chromatographic", "ligand_binding"] = Field(description="chromatographic or ligand_binding")
    concentration_basis: Literal["free_acid", "sodium_salt"] = Field(
        description="free_acid or sodium_salt: what every concentration of the method counts"
    )
    analytes: tuple[Analyte, ...] = Field(min_length=1, description="a list of at least one analyte")
    transitions: tuple[Transition, ...] = ()
    extraction: Extraction = Field(description="the block that says how samples and calibrators were extracted")
    acceptance: Acceptance = Field(description="{profile: ...}")
    mz_tolerance: Positive = 0.3
    plate: Plate = Plate()
    integration: Integration = Integration()
    homogenate: Literal["added_volume", "final_volume", "gravimetric", "tissue_equivalent"] = "added_volume"
    replicates: Replicates = Replicates()
    repeat_rule: Literal["keep_original", "median_of_three", "mean"] | None = None
    dilution_rule: Literal["mean_of_agreeing", "least_diluted", "most_diluted", "nearest_middle"] | None = None
    recovery: RecoverySource = RecoverySource()
    minimum_dilution: dict[str, Annotated[float, Field(ge=1, allow_inf_nan=False)]] = Field(default_factory=dict)
    uncertainty: Uncertainty = Uncertainty()
    stability: dict[str, Stability] = Field(default_factory=dict)
    validation: ValidatedScope | None = None
    tissues: dict[str, TissueOverride] = Field(default_factory=dict)
    concentration_unit: Literal["ng_ml", "nmol_l"] = "ng_ml"

    @model_validator(mode="before")
    @classmethod
    def _ranges_in_moles(cls, stated: Any) -> Any:
        """Give a range stated in nmol/L in the unit the method counts in as well."""
        return with_ranges(stated) if isinstance(stated, dict) else stated

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if found := contradictions_of(self):
            raise contradictions(found)
        return self

    def of_tissue(self, tissue: str) -> Method:
        """Return the method as it is for one tissue: itself, but for what `tissues` says otherwise."""
        return self._by_tissue.get(tissue, self)

    @cached_property
    def _by_tissue(self) -> dict[str, Method]:
        return {name: self.model_copy(update=_overridden(self, own)) for name, own in self.tissues.items()}

    def analyte(self, name: str) -> Analyte:
        """Return the analyte called `name`; KeyError where the method has none."""
        return _named(self.analytes, name)

    def quantifier(self, analyte: str) -> Transition:
        """Return the transition that quantifies `analyte`; KeyError where there is none (ELISA)."""
        return _named([t for t in self.transitions if t.role == "quantifier"], analyte, "analyte")

    def internal_standard_quantifier(self, analyte: str) -> Transition | None:
        """Return the transition of the internal standard of `analyte`, None where it has no internal standard."""
        standard = self.analyte(analyte).internal_standard
        quantifiers = [t for t in self.transitions if t.role == "quantifier"]
        return None if standard is None else _named(quantifiers, standard, "internal_standard")

    def channel(self, analyte: str) -> str | None:
        """Return the channel (assay or spot of a multiplex plate) of `analyte`, None where there is but one."""
        return self.analyte(analyte).channel or self.plate.channel

    def molar_mass(self, analyte: str) -> float | None:
        """Return the molar mass (g/mol) of `analyte` on the basis the method counts in, None where it is not given."""
        return getattr(self.analyte(analyte), mass_key(self.concentration_basis))

    @property
    def counts_moles(self) -> bool:
        """Whether the method counts in nmol/L and has no molar mass, so that nothing of it is known in grams."""
        return self.concentration_unit == "nmol_l" and all(self.molar_mass(n) is None for n in self.analyte_names)

    @property
    def unit(self) -> str:
        """The unit of the method's concentrations in words."""
        return MOLES if self.counts_moles else GRAMS

    @property
    def plans_replicates(self) -> bool:
        """Whether a sample is meant to be read, or extracted, more than once."""
        return self.replicates.injections * self.replicates.extractions > 1

    @property
    def analyte_names(self) -> tuple[str, ...]:
        """Names of the analytes in the order of the file."""
        return tuple(analyte.name for analyte in self.analytes)

    @property
    def digest(self) -> str:
        """SHA-256 of the method with all defaults written out, as canonical JSON.

        Its release counts where it is given alone, so that methods that state none keep the digest they had.
        """
        unsaid = {name for name in ("effective_date", "approved_by") if getattr(self, name) is None}
        canonical = json.dumps(
            self.model_dump(mode="json", exclude=unsaid), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        return hashlib.sha256(canonical.encode()).hexdigest()


def read_method(path: Path, file: str) -> Method:
    """Return the method in the YAML file `path`, known to the user as `file`; BatchError with all its faults."""
    method, faults = method_of(read_yaml(path, file))
    if method is None:
        raise BatchError(faults)
    return method


def method_of(document: Document) -> tuple[Method | None, list[Fault]]:
    """Return the method in `document`, or None and all that is wrong with it."""
    return settings_of(Method, document)


def _overridden(method: Method, own: TissueOverride) -> dict[str, Any]:
    """Return the fields of a method that one tissue has otherwise."""
    span = own.model_dump(include={"lloq_ng_ml", "uloq_ng_ml"}, exclude_none=True)
    extraction = own.extraction.model_dump(exclude_none=True)
    return {
        "analytes": tuple(analyte.model_copy(update=span) for analyte in method.analytes),
        "extraction": method.extraction.model_copy(update=extraction),
        "tissues": {},
    }


def _named(things: Any, name: str, by: str = "name") -> Any:
    for thing in things:
        if getattr(thing, by) == name:
            return thing
    raise KeyError(name)
