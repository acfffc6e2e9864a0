"""Exposure over time: doses as given, what they predict in each tissue, and what was observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.findings import Findings, flags_of
from bioanalysis.evaluation.half_lives import declines, known_half_life
from bioanalysis.evaluation.regimens import equal_weekly, filling
from bioanalysis.exposure import sparse_auc
from bioanalysis.exposure.dosing import SUMMARY, WEEK, WEEKLY, dosing_summary, weekly_doses
from bioanalysis.limits import Rule, distribution_rules
from bioanalysis.study import Study
from bioanalysis.variability.biodistribution import animal_values
from bioanalysis.variability.combined_degrees import combined_degrees
from bioanalysis.variability.multiplicity import stand_out
from bioanalysis.variability.shared_terms import beyond_scatter
from bioanalysis.words import BLQ, count_of

COLUMNS = [
    "treatment", "regimen", "compared_with", "tissue", "analyte", "method_id", "collection_day", "from_day", "quantity",
    "value", "low", "high", "standard_error", "degrees_of_freedom", "unit", "n", "expected", "flag", "source", "note",
]  # fmt: skip
VEHICLE = "vehicle"
APART = {"accumulation": "accumulation_differs", "decline": "decline_differs"}
PLACE = ["tissue", "analyte", "method_id"]
PER = {"ng/mL": "ug/mL", "nmol/L": "nmol/mL"}  # fluids are counted per mL as tissues are per g


def judge_exposure(study: Study, concentrations: pd.DataFrame) -> Findings:
    """Return exposure, dosing_summary and weekly_doses with flags; without a dosing log the last two are empty."""
    rules = distribution_rules()
    summary, weeks = pd.DataFrame(columns=SUMMARY), pd.DataFrame(columns=WEEKLY)
    if study.dosing is not None:
        collected = study.samples.groupby("subject_id").collection_day.max().to_dict()
        summary = dosing_summary(study.dosing, study.subjects, collected, rules, _molar_masses(study))
        weeks = weekly_doses(study.dosing, study.subjects)
    table = exposure_table(study, concentrations, summary, rules)
    tables = {"exposure": table, "dosing_summary": summary, "weekly_doses": weeks}
    named = summary.assign(note=summary.subject_id.astype(str) + ": " + summary.note.astype(str)).fillna({"flag": ""})
    text = "{treatment}, {regimen}: {value:.3g} ({low:.3g} to {high:.3g})"
    flags = flags_of(named, "DOSE-01, DOSE-02", "as planned")
    return Findings(tables, [*flags, *flags_of(table, "BIO-09", accumulation_differs=text, decline_differs=text)])


def _molar_masses(study: Study) -> tuple[float | None, float | None]:
    """Return the molar masses of the first analyte that has both; the log does not name an analyte."""
    both = [
        (analyte.molar_mass_g_mol, analyte.salt_molar_mass_g_mol)
        for method in study.methods.values()
        for analyte in method.analytes
        if analyte.molar_mass_g_mol and analyte.salt_molar_mass_g_mol
    ]
    return both[0] if both else (None, None)


def exposure_table(
    study: Study, concentrations: pd.DataFrame, summary: pd.DataFrame, rules: Mapping[str, Rule]
) -> pd.DataFrame:
    """Return exposure.tsv, one row per regimen, tissue and quantity."""
    animals = _animals(study, concentrations, summary)
    rows: list[dict[str, Any]] = []
    values = animal_values(concentrations)
    for place, here in animals.groupby(PLACE, sort=False):
        rows_of = values[np.logical_and.reduce([values[key] == one for key, one in zip(PLACE, place, strict=True)])]
        about = dict(zip(PLACE, place, strict=True))
        known = known_half_life(study.config.exposure, animals, values, about)
        for (treatment, regimen), arm in here.groupby(["treatment", "regimen"], sort=False):
            own = rows_of[rows_of.subject_id.isin(arm.subject_id)]
            found = [*_areas(arm, own), *declines(arm, study.config.exposure, own), *filling(study, arm, known, own)]
            rows += [about | {"treatment": treatment, "regimen": regimen} | row for row in found]
        within = float(rules["DOSE-03"].number)
        rows += [about | row for row in equal_weekly(study, here, known, within, rows_of)]
    words = dict.fromkeys(("compared_with", "expected", "flag", "source", "note"), "")
    _mark_apart(rows)
    return pd.DataFrame([words | row for row in rows], columns=COLUMNS)


def _mark_apart(rows: list[dict[str, Any]]) -> None:
    """Flag ratios between days that are not what doses predict (BIO-09), held against all of the study at once."""
    judged = [row for row in rows if row["quantity"] in APART]
    for row, apart in zip(judged, stand_out([row.get("p", np.nan) for row in judged]), strict=True):
        row["flag"] = APART[row["quantity"]] if apart else ""


def _animals(study: Study, concentrations: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Return one row per dosed animal, day, tissue, analyte and method, BLQ included (without a value)."""
    values = animal_values(concentrations).assign(log=lambda table: np.log(table.ug_per_g))
    keys = ["subject_id", "collection_day", *PLACE]
    blq = concentrations[(concentrations.status == BLQ) & ~concentrations.pool.astype(bool)]
    kept = {"log": "mean", "unit": "first"}
    table = pd.concat([values, blq]).groupby(keys, sort=False).agg(kept).reset_index()
    about = study.subjects.set_index("subject_id")
    doses = summary.set_index("subject_id").reindex(about.index)
    about = about.assign(**{name: doses[name].astype(float) for name in NEEDED})
    about["regimen"] = [_regimen(row) for row in about.itertuples()]
    columns = ["treatment", "dose_mg_per_kg", "regimen", *NEEDED]
    table = table.join(about[columns], on="subject_id").assign(value=np.exp(table.log))
    return table[(table.treatment != VEHICLE) & table.treatment.notna()]


NEEDED = ["first_day", "last_day", "interval_days", "days_covered", "dose_mg", "weekly_mg", "n_given", "n_missed"]


def _regimen(animal: Any) -> str:
    """Return dose and interval in words: of the log where there is one, else as the subjects table says."""
    dose = f"{animal.dose_mg_per_kg:g} mg/kg" if np.isfinite(animal.dose_mg_per_kg) else f"{animal.dose_mg:.3g} mg"
    if not np.isfinite(animal.dose_mg_per_kg) and not np.isfinite(animal.dose_mg):
        dose = "dose not given"
    if not np.isfinite(animal.interval_days):
        return f"{dose} {animal.regimen}".strip()
    times = WEEK / animal.interval_days
    weekly = times.is_integer() and not float(animal.interval_days).is_integer()
    return f"{dose} {times:g} times a week" if weekly else f"{dose} every {animal.interval_days:g} d"


def _areas(arm: pd.DataFrame, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the AUC from the first to the last collection day."""
    days, unit = arm.collection_day.nunique(), arm.unit.iloc[0]
    row = {"quantity": "auc", "unit": f"{PER.get(unit, unit)} x d", "n": len(arm)}
    row |= {"from_day": arm.collection_day.min(), "collection_day": arm.collection_day.max()}
    if days < 2:
        return
    if arm.log.isna().any():
        of_all = f"{int(arm.log.isna().sum())} of {count_of(len(arm), 'animal')}"
        yield row | {"note": f"{of_all} BLQ and no rule to replace them: no AUC"}
        return
    again = arm.subject_id.duplicated().any()
    try:
        found = sparse_auc(arm.collection_day, arm.value, animal=arm.subject_id if again else None)
    except ValueError as error:
        yield row | {"note": f"no AUC: {error}"}
        return
    own = (found.standard_error**2, found.degrees_of_freedom)
    total, degrees = combined_degrees([own, *beyond_scatter(_shares(arm, rows, bool(again)))])
    row |= {"value": found.auc, "standard_error": float(np.sqrt(total)), "note": found.note}
    yield row | {
        "degrees_of_freedom": degrees if np.isfinite(total) else np.nan,
        "source": "linear trapezoids of means; Bailer, Nedelman",
    }


def _shares(arm: pd.DataFrame, rows: pd.DataFrame, again: bool) -> pd.DataFrame:
    """Return the samples of an AUC with the weight of each one's relative error.

    Animals collected on one day scatter together; where animals were sampled repeatedly, shared errors are taken whole.
    """
    days = np.sort(arm.collection_day.unique())
    width = dict(zip(days, (np.append(days[1:], days[-1]) - np.insert(days[:-1], 0, days[0])) / 2, strict=True))
    count = arm.groupby("collection_day").subject_id.transform("size")
    share = (arm.collection_day.map(width) * arm.value / count).to_numpy()
    keys = ["subject_id", "collection_day"]
    table = rows.merge(arm[keys].assign(weight=share), on=keys)
    pieces = table.groupby(keys).subject_id.transform("size")
    return table.assign(weight=table.weight / pieces, side=0, group=table.sample_id if again else table.collection_day)
