"""`config/config.yaml`: what the study is, and what may occur in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bioanalysis.limits import read_catalogue
from bioanalysis.settings import Name, Positive, Remark, Settings, contradictions
from bioanalysis.study.schema import EXPERIMENTS
from bioanalysis.text_files import did_you_mean

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


class Biodistribution(Settings):
    """What distribution is expected."""

    reference_profile: Literal["by_formulation", "unconjugated", "galnac", "none"] = "by_formulation"


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
