"""`config/config.yaml`: what the study is, and what may occur in it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bioanalysis.limits import read_catalogue
from bioanalysis.settings import Name, NonNegative, Positive, Remark, Settings, contradictions
from bioanalysis.study.schema import EXPERIMENTS
from bioanalysis.text_files import did_you_mean

COMPARISON = r"\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s*"
COMPARISONS = re.compile(rf"{COMPARISON}(?:and{COMPARISON})*")
RESERVED_TISSUES = ("surrogate", "neat")


class StudyDescription(Settings):
    """What the study is called and how far its methods are validated."""

    id: Name = Field(description="the identifier of the study")
    kind: Literal["study", "validation"] = "study"
    title: Remark = ""
    test_article: Remark = ""
    status: Literal["validated", "partially_validated", "qualified", "exploratory"] = Field(
        description="validated, partially_validated, qualified or exploratory"
    )


class Tissue(Settings):
    """A tissue that may occur, with its density (g/mL) for the homogenate volume; a fluid has none."""

    density_g_ml: Positive | None = None
    source: Remark = ""
    fluid: bool = False

    @model_validator(mode="after")
    def _require_density(self) -> Self:
        if self.density_g_ml is None and not self.fluid:
            raise contradictions([(("density_g_ml",), "missing", "the density of the tissue in g/mL")])
        return self


class ValidationPlan(Settings):
    """What a method validation must know beside its worklists."""

    study_run_rows: Annotated[int, Field(gt=0)] | None = None
    not_needed: dict[str, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_experiments(self) -> Self:
        known = [*EXPERIMENTS, *(name for name, rule in read_catalogue().items() if rule.stage == "validation")]
        if unknown := [name for name in self.not_needed if name not in known]:
            expected = f"an experiment ({', '.join(EXPERIMENTS)}) or a rule of the validation"
            raise contradictions(
                [(("not_needed", name), f"'{name}'{did_you_mean(name, known)}", expected) for name in unknown]
            )
        return self


class ExpectedRatio(Settings):
    """The range expected of the ratio of two tissues, for one formulation and species where these are given."""

    numerator: Name = Field(description="a tissue of the study")
    denominator: Name = Field(description="a tissue of the study")
    low: Positive | None = None
    high: Positive | None = None
    formulation: Literal["", "unconjugated", "galnac", "nanoparticle", "other"] = ""
    species: Remark = ""
    source: Remark = ""

    @model_validator(mode="after")
    def _require_a_range(self) -> Self:
        if self.low is None and self.high is None:
            raise contradictions([(("low",), "neither low nor high", "one of them at least")])
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise contradictions([(("high",), f"'{self.high:g}'", f"a number above low ({self.low:g})")])
        return self


class Biodistribution(Settings):
    """What distribution is expected."""

    reference_profile: Literal["by_formulation", "unconjugated", "galnac", "custom", "none"] = "by_formulation"
    profile: tuple[ExpectedRatio, ...] = ()

    @model_validator(mode="after")
    def _require_its_profile(self) -> Self:
        if (self.reference_profile == "custom") != bool(self.profile):
            found = "custom without a profile" if not self.profile else f"a profile beside '{self.reference_profile}'"
            raise contradictions([(("reference_profile",), found, "custom, and the list profile of expected ratios")])
        return self


class KnownHalfLife(Settings):
    """Half-life in a tissue, known from elsewhere."""

    days: Positive = Field(description="the half-life in days")
    source: Remark = ""


class Phase(Settings):
    """Days after the last dose, the first and last included, over which decline is taken for log-linear."""

    from_day: NonNegative = 0.0
    to_day: Positive | None = None


class Exposure(Settings):
    """What is known of elimination from tissues."""

    half_life_days: dict[str, KnownHalfLife] = Field(default_factory=dict)
    terminal_phase: Phase | None = None


class ActionClass(Settings):
    """A class of liver findings: which tests, when, and what the protocol asks for then.

    `when` are comparisons joined by `and`, such as ``>= 3 and < 5``, of the multiple of the upper limit of normal
    (`scale: uln`), of the fold over concurrent control (`control`), or of the value itself (`value`).
    """

    name: Name = Field(description="the name of the class")
    tests: tuple[Name, ...] = Field(min_length=1, description="names of tests as in clinical_chemistry")
    when: Name = Field(description="such as '>= 3 and < 5'")
    scale: Literal["uln", "control", "value"] = "uln"
    action: Remark = ""
    repeat_within_days: Positive | None = None
    source: Remark = ""

    @model_validator(mode="after")
    def _require_comparisons(self) -> Self:
        if not COMPARISONS.fullmatch(self.when):
            raise contradictions([(("when",), f"'{self.when}'", "comparisons such as '>= 3 and < 5'")])
        return self


class LiverSafety(Settings):
    """Action classes, the mildest first: a preset, or the study's own."""

    preset: Literal["transaminase_3_5", "none"] = "transaminase_3_5"
    classes: tuple[ActionClass, ...] = ()


class Send(Settings):
    """Which results go into the SEND data set."""

    method_id: Name | None = None
    pieces: Literal["mean", "separate"] = "mean"
    terminology: Name = "2023-12-15"


class ReportSettings(Settings):
    """What stands on the title page and in the signature block of the report; what is empty is printed 'not given'."""

    sponsor: Remark = ""
    test_site: Remark = ""
    study_director: Remark = ""
    principal_investigator: Remark = ""
    analyst: Remark = ""
    analysis_start: Remark = ""
    analysis_end: Remark = ""
    archive: Remark = ""
    qa_statement: Remark = ""
    chromatogram_percent: Annotated[float, Field(ge=0, le=100)] = 5.0
    chromatogram_seed: int = 1


def _empty_means_default(value: Any) -> Any:
    return {} if value is None else value


class StudyConfig(Settings):
    """The study's own settings."""

    study: StudyDescription = Field(description="{id: ..., status: ...}")
    tissues: dict[str, Tissue] = Field(min_length=1, description="the tissues that may occur, each with density_g_ml")
    biodistribution: Annotated[Biodistribution, BeforeValidator(_empty_means_default)] = Biodistribution()
    exposure: Annotated[Exposure, BeforeValidator(_empty_means_default)] = Exposure()
    liver_safety: Annotated[LiverSafety, BeforeValidator(_empty_means_default)] = LiverSafety()
    send: Annotated[Send, BeforeValidator(_empty_means_default)] = Send()
    report: Annotated[ReportSettings, BeforeValidator(_empty_means_default)] = ReportSettings()
    validation: Annotated[ValidationPlan, BeforeValidator(_empty_means_default)] = ValidationPlan()
    allowed_roots: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _refuse_reserved(self) -> Self:
        taken = [tissue for tissue in self.tissues if tissue in RESERVED_TISSUES or not tissue.strip()]
        if taken:
            raise contradictions(
                [
                    (("tissues", tissue), f"'{tissue}' is a word of the worklist", "the name of a tissue")
                    for tissue in taken
                ]
            )
        return self

    @model_validator(mode="after")
    def _require_known_tissues(self) -> Self:
        named: list[tuple[tuple[str | int, ...], str]] = [
            (("biodistribution", "profile", number, side), getattr(ratio, side))
            for number, ratio in enumerate(self.biodistribution.profile)
            for side in ("numerator", "denominator")
        ]
        named += [(("exposure", "half_life_days", name), name) for name in self.exposure.half_life_days]
        unknown = [(place, name) for place, name in named if name not in self.tissues]
        if unknown:
            expected = f"a tissue of the study: {', '.join(self.tissues)}"
            raise contradictions([(place, f"'{name}'", expected) for place, name in unknown])
        return self
