"""The usual causes of scatter between tissues, held against what the study's own tables say of animals and samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.exposure.dosing import given_doses
from bioanalysis.recovery.study import study_batches
from bioanalysis.study import Study
from bioanalysis.variability.covariates import explained_share
from bioanalysis.variability.multiplicity import holm
from bioanalysis.words import QUANTIFIED

DOSING, COLLECTION, MATCH = "dosing consistency", "sample collection", "age and sex match"
HOMOGENISATION, EXTRACTION, OTHER = "homogenisation", "extraction recovery", "other covariates"
CAUSES = {
    DOSING: "dosing log: doses, sites, missed or repeated doses, dosing solution",
    COLLECTION: "times of collection and receipt, perfusion, storage, freeze-thaw cycles",
    MATCH: "age, sex, body weight and strain within the groups",
    HOMOGENISATION: "masses, buffer volumes, completeness of the homogenate, second homogenates of the same piece",
    EXTRACTION: "recovery.tsv by batch, extraction batch and operator, QCs in the tissue",
    OTHER: "the subject table's own columns",
}
CAUSE_OF = {
    "doses_given_mg": DOSING, "dose_mg_per_kg": DOSING, "regimen": DOSING, "formulation": DOSING,
    "collected_at": COLLECTION, "hours_to_receipt": COLLECTION, "storage_c": COLLECTION,
    "freeze_thaw_cycles": COLLECTION, "organ_weight_g": COLLECTION, "sex": MATCH, "body_weight_g": MATCH,
    "species": MATCH, "tissue_mass_mg": HOMOGENISATION, "homogenate_factor_ml_per_g": HOMOGENISATION,
    "homogenate": HOMOGENISATION, "piece": COLLECTION, "run": EXTRACTION, "extraction_batch": EXTRACTION,
    "extracted_on": EXTRACTION, "analyst": EXTRACTION, "recovery_factor": EXTRACTION, "dilution_factor": EXTRACTION,
}  # fmt: skip
HINTS = {
    DOSING: ("dos", "inject", "site", "syringe", "route"),
    COLLECTION: ("collect", "necrops", "perfus", "fast", "freez", "stor", "ischem", "time", "hour"),
    MATCH: ("age", "birth", "weight", "strain", "litter", "cage", "sex"),
    HOMOGENISATION: ("homogen", "bead", "mill", "lys"),
    EXTRACTION: ("extract", "batch", "cartridge"),
}
KEYS = ["tissue", "analyte", "method_id"]
COLUMNS = [*KEYS, "cause", "covariate", "percent", "low", "high", "p_value", "adjusted_p", "n", "between", "note"]
OF_SAMPLES = ["storage_c", "freeze_thaw_cycles", "organ_weight_g", "tissue_mass_mg", "homogenate", "piece"]
NOT_COVARIATES = {"line", "subject_id", "group", "treatment", "dose_basis"}


def explained_table(study: Study, concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return, per tissue, analyte and method, what each covariate of the study's tables explains of the scatter.

    Returns
    -------
    DataFrame
        `cause` it speaks for, `covariate`, `percent` of the variance inside groups and days with its interval,
        `p_value` and `adjusted_p` (Holm over all tests of the study), `n`, `between` animals or inside them, `note`
        where there is no number.
    """
    covariates = _covariates(study, concentrations)
    kept = (concentrations.status == QUANTIFIED) & ~concentrations.pool.astype(bool) & (concentrations.value > 0)
    rows = []
    values = concentrations.loc[kept, [*KEYS, "subject_id", "group", "collection_day", "value"]]
    for key, here in values.groupby(KEYS, sort=False):
        known = covariates.loc[here.index]
        cell = here.group.astype(str) + "/" + here.collection_day.astype(str)
        seen: dict[bytes, str] = {}
        for name in known:
            found = explained_share(np.log(here.value), cell, here.subject_id, known[name])
            twin = seen.setdefault(_split(known[name]), name)
            if twin != name and not found.note:
                found = found._replace(percent=np.nan, p_value=np.nan, note=f"splits the samples as {twin} does")
            rows.append({**dict(zip(KEYS, key, strict=True)), "covariate": name, "cause": cause_of(name),
                         **found._asdict()})  # fmt: skip
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "adjusted_p"])
    return table.assign(adjusted_p=holm(table.p_value.to_numpy(float)))[COLUMNS]


def _split(covariate: pd.Series) -> bytes:
    """Return how a covariate parts the samples: the same for two that no test can tell apart."""
    numeric = pd.api.types.is_numeric_dtype(covariate) and covariate.nunique() > 2
    return covariate.to_numpy(float).tobytes() if numeric else pd.factorize(covariate)[0].tobytes()


def cause_of(covariate: str) -> str:
    """Return the cause a column speaks for: by its name, or by what its name holds."""
    if covariate in CAUSE_OF:
        return CAUSE_OF[covariate]
    return next((cause for cause, parts in HINTS.items() if any(p in covariate.lower() for p in parts)), OTHER)


def _covariates(study: Study, concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return the covariates of each row of the concentration table, on its index."""
    samples = study.samples.set_index("sample_id")[["collected_at", "received_at", *OF_SAMPLES]]
    samples = samples.reindex(concentrations.sample_id)
    animals = study.subjects.set_index("subject_id").reindex(concentrations.subject_id)
    own = [name for name in animals if name not in NOT_COVARIATES]
    collected, received = (pd.to_datetime(samples[name], errors="coerce", utc=True, format="ISO8601")
                           for name in ("collected_at", "received_at"))  # fmt: skip
    runs = {run.run_id: run for run in study.runs}
    table = {
        **{name: _typed(animals[name]) for name in own},
        "doses_given_mg": concentrations.subject_id.map(_doses(study)).to_numpy(float),
        "collected_at": (collected - pd.Timestamp("2000-01-01", tz="UTC")).dt.total_seconds().to_numpy(float),
        "hours_to_receipt": ((received - collected).dt.total_seconds() / 3600).to_numpy(float),
        **{name: samples[name].to_numpy() for name in OF_SAMPLES},
        "homogenate_factor_ml_per_g": concentrations.homogenate_factor_ml_per_g.to_numpy(float),
        "run": concentrations.run_id.to_numpy(),
        **{name: [getattr(runs.get(run), field, "") for run in concentrations.run_id]
           for name, field in (("extracted_on", "extraction_date"), ("analyst", "analyst"))},
        "extraction_batch": _batches(study, concentrations),
    }  # fmt: skip
    return pd.DataFrame({name: pd.Series(values, index=concentrations.index) for name, values in table.items()})


def _batches(study: Study, concentrations: pd.DataFrame) -> list[str]:
    """Return the batch in which each row's sample was extracted, by its name in the study."""
    known: dict[tuple[str, str], str] = {}
    names = study_batches(study.runs)
    for run in study.runs:
        rows = run.worklist[run.worklist.sample_type == "unknown"]
        batches = [names[run.run_id, label] for label in rows.batch]
        known |= {(run.run_id, sample): batch for sample, batch in zip(rows.sample_id, batches, strict=True)}
    return [known.get(key, "") for key in zip(concentrations.run_id, concentrations.sample_id, strict=True)]


def _typed(column: pd.Series) -> np.ndarray:
    """Return an animal's column as numbers where all of it that is given are numbers."""
    words = column[column.notna() & (column.astype(str) != "")]
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.to_numpy(float) if len(words) and numbers[words.index].notna().all() else column.to_numpy(object)


def _doses(study: Study) -> dict[str, float]:
    """Return the sum of the doses given to each animal, where there is a dosing log."""
    if study.dosing is None:
        return {}
    return given_doses(study.dosing).groupby("subject_id").dose_mg.sum().to_dict()


def said(found: Any) -> str:
    """Return a share (percent, low, high) with its interval, in words."""
    return f"{found.percent:.0f} % ({found.low:.0f} to {found.high:.0f} %)"
