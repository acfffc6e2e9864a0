"""Small studies of animals and their tissue concentrations, for what is judged after the runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from small_study import make_small_study

from bioanalysis.study import Study, schema
from bioanalysis.study.config import StudyConfig

COLUMNS = {
    "piece": "1", "homogenate": "1", "collection_day": 29, "analyte": "mipomersen", "method_id": "ASO-LCMS-01",
    "status": "quantified", "unit": "ug/g", "pool": False, "basis": "free_acid", "treatment": "mipomersen",
    "relative_uncertainty": 0.02, "reading_uncertainty": 0.02, "extraction_uncertainty": 0.04, "run_id": "LC-01",
}  # fmt: skip
ABOUT = {
    "species": "rat", "sex": "M", "treatment": "mipomersen", "dose_mg_per_kg": 10.0, "dose_basis": "free_acid",
    "regimen": "weekly", "body_weight_g": 300.0, "formulation": "unconjugated",
}  # fmt: skip


def concentrations(*rows: dict[str, object]) -> pd.DataFrame:
    """Return rows of the concentration table; each needs subject_id, group, tissue and value."""
    table = pd.DataFrame([COLUMNS | row for row in rows])
    ids = [f"S{number}" for number in range(len(table))]
    if "sample_id" in table:
        ids = [name if isinstance(name, str) else other for name, other in zip(table.sample_id, ids, strict=True)]
    return table.assign(sample_id=ids, value=table.value.astype(float))


def subjects(*rows: dict[str, object]) -> pd.DataFrame:
    """Return rows of the subjects table; each needs subject_id and group."""
    return pd.DataFrame([ABOUT | row for row in rows])


def dosing(*rows: tuple[str, float, float], **more: object) -> pd.DataFrame:
    """Return rows of the dosing log from (animal, day, mg)."""
    table = pd.DataFrame(rows, columns=["subject_id", "study_day", "dose_mg"])
    return table.assign(**({"dose_basis": "free_acid", "site": "flank", "given": "", "comment": ""} | more))


def chemistry(*rows: tuple[str, float, str, float, float | None]) -> pd.DataFrame:
    """Return rows of clinical chemistry from (animal, day, test, value, upper limit of normal)."""
    table = pd.DataFrame(rows, columns=["subject_id", "study_day", "test", "value", "uln"])
    return table.assign(uln=table.uln.astype(float), unit="U/L", line=range(2, len(table) + 2))


def study_of(folder: Path, animals: pd.DataFrame, found: pd.DataFrame, **tables: object) -> Study:
    """Return a study with these animals, whose samples are those of the concentration table."""
    study = Study.load(make_small_study(folder / "study"))
    samples = schema.SAMPLES.empty().reindex(range(found.sample_id.nunique()))
    first = found.drop_duplicates("sample_id").reset_index(drop=True)
    for name in ("sample_id", "subject_id", "tissue", "collection_day"):
        samples[name] = first[name]
    samples["organ_weight_g"] = first.organ_weight_g if "organ_weight_g" in first else float("nan")
    config = study.config.model_copy(
        update={name: tables.pop(name) for name in ("exposure", "liver_safety") if name in tables}
    )
    return replace(study, subjects=animals, samples=samples, config=config, **tables)  # type: ignore[arg-type]


def settings(**blocks: object) -> StudyConfig:
    """Return the study settings of kidney, liver and spleen with these blocks."""
    tissues = {name: {"density_g_ml": 1.05} for name in ("kidney", "liver", "spleen")}
    return StudyConfig.model_validate({"study": {"id": "S", "status": "exploratory"}, "tissues": tissues, **blocks})
