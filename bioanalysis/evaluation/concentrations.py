"""Tissue concentrations of the study: one row per sample, analyte and method, a value or a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.choice import Choice, choose, only_results
from bioanalysis.flags import join_words
from bioanalysis.method import Method
from bioanalysis.moles import GRAMS, MOLES
from bioanalysis.recovery.applied import COLUMN, UNCORRECTED, WORDS, AppliedFactor
from bioanalysis.recovery.estimates import Scatter
from bioanalysis.recovery.study import RecoveryBook
from bioanalysis.study import Study
from bioanalysis.tissue.concentration import Contribution, concentration_of
from bioanalysis.tissue.homogenate import ADDED_VOLUME, FLUID, homogenate
from bioanalysis.words import NEEDS_DECISION, NOT_ANALYSED, NOT_REPORTED, QUANTIFIED

KEY = ["sample_id", "analyte", "method_id"]
COLUMNS = [
    "sample_id", "subject_id", "group", "tissue", "piece", "homogenate", "collection_day", "analyte", "method_id",
    "run_id", "plate", "position", "homogenate_ng_ml", "homogenate_factor_ml_per_g", "recovery_factor",
    "uncorrected_ug_g",
    "tissue_ug_g", "tissue_ug_g_low", "tissue_ug_g_high", "relative_uncertainty", "lloq_ug_g", "uloq_ug_g", "value",
    "value_low", "value_high", "lloq", "uloq", "unit", "status", "reason", "flags", "chosen", "basis",
    "tissue_nmol_g", "uncorrected_nmol_g", "homogenate_nmol_l", "sex", "treatment", "pool", "dilution_factor",
    "curve_uncertainty", "reading_uncertainty",
    "extraction_uncertainty", "recovery_uncertainty", "handling_uncertainty", "degrees_of_freedom",
    "curve_degrees_of_freedom", "recovery_degrees_of_freedom", "recovery_source", "extraction_degrees_of_freedom",
    "dilution_uncertainty", "mass_uncertainty", "volume_uncertainty", "recovery_shared_uncertainty",
    "recovery_shared_by",
]  # fmt: skip
NUMBERS = [
    "homogenate_ng_ml", "uncorrected_ug_g", "tissue_ug_g", "tissue_ug_g_low", "tissue_ug_g_high",
    "relative_uncertainty", "value", "value_low", "value_high", "tissue_nmol_g", "uncorrected_nmol_g",
    "homogenate_nmol_l", "curve_uncertainty",
    "reading_uncertainty", "extraction_uncertainty", "recovery_uncertainty", "handling_uncertainty",
    "degrees_of_freedom", "extraction_degrees_of_freedom", "dilution_uncertainty", "mass_uncertainty",
    "volume_uncertainty", "recovery_shared_uncertainty",
]  # fmt: skip


@dataclass(frozen=True)
class MethodContext:
    """What a method's runs gave together: recovery factors and the scatter of a single extraction, per analyte."""

    method: Method
    recovery: RecoveryBook
    scatter: Mapping[str, Scatter]


def tissue_concentrations(
    study: Study, reportable: pd.DataFrame, contexts: Mapping[str, MethodContext]
) -> pd.DataFrame:
    """Return tissue_concentrations.tsv.

    Parameters
    ----------
    reportable : DataFrame
        reportable.tsv of all runs with method_id, in the order of runs.tsv, `with_applied_factors`.
    contexts : mapping
        By method_id.
    """
    about = _manifest(study)
    rows = _together(_results(study, reportable, contexts)).join(about, on="sample_id")
    order = {sample_id: number for number, sample_id in enumerate(about.index)}
    rows = rows.sort_values("sample_id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)
    table = _with_numbers(rows.reindex(columns=list(dict.fromkeys([*rows.columns, *_MEASURED]))))
    table.loc[table.status != QUANTIFIED, NUMBERS] = np.nan
    table.loc[table.status == NOT_ANALYSED, _WHERE_MEASURED] = np.nan
    return table[COLUMNS]


def _results(
    study: Study, reportable: pd.DataFrame, contexts: Mapping[str, MethodContext]
) -> Iterator[dict[str, object]]:
    """Yield what is reported of each sample, analyte and method, then the samples that were never measured."""
    unknowns = reportable[reportable.sample_type == "unknown"]
    for key, choice in _choices(study, unknowns, contexts):
        yield _measured(contexts, key, choice)
    names = set(unknowns.sample_id)
    yield from (_not_measured(row) for row in study.samples.itertuples() if row.sample_id not in names)


def _together(rows: Iterator[dict[str, object]]) -> pd.DataFrame:
    """Return the rows as a table with the columns of the first; a dictionary of each would take more than the table."""
    columns: list[str] = []
    cells = []
    for row in rows:
        columns = columns or list(row)
        cells.append(tuple(row.get(name, np.nan) for name in columns))
    return pd.DataFrame(cells, columns=columns)


def _choices(
    study: Study, unknowns: pd.DataFrame, contexts: Mapping[str, MethodContext]
) -> Iterator[tuple[tuple[str, str, str], Choice]]:
    """Yield what is reported by sample, analyte and method, in the order of runs and worklists."""
    decisions = study.decisions[study.decisions.action.isin(["report_run", "report_result"])]
    alone = ~unknowns.duplicated(KEY, keep=False) & ~unknowns.sample_id.isin(decisions.sample_id)
    alone &= ~unknowns.method_id.isin([name for name, context in contexts.items() if context.method.plans_replicates])
    choices, single = {}, only_results(unknowns[alone])
    for (sample, analyte, method_id), candidates in unknowns[~alone].groupby(KEY, sort=False):
        concerning = decisions[
            decisions.sample_id.isin(["", sample])
            & decisions.analyte.isin(["", analyte])
            & decisions.run_id.isin(["", *candidates.run_id])
        ]
        choices[sample, analyte, method_id] = choose(candidates, concerning, contexts[method_id].method)
    for key in unknowns[KEY].drop_duplicates().itertuples(index=False, name=None):
        yield key, choices[key] if key in choices else next(single)


def _manifest(study: Study) -> pd.DataFrame:
    """Return what the manifest says of each sample, by sample_id: its animal or pool, masses, density."""
    samples = study.samples.set_index("sample_id")
    density = {name: tissue.density_g_ml or np.nan for name, tissue in study.config.tissues.items()}
    fluid = {name: tissue.fluid for name, tissue in study.config.tissues.items()}
    pools = set() if study.pools is None else set(study.pools.pool_id)
    subjects = _with_pools(study)
    return samples[_OF_SAMPLE].assign(
        density_g_ml=samples.tissue.map(density).astype(float),
        fluid=samples.tissue.map(fluid).astype(bool),
        pool=samples.subject_id.isin(list(pools)),
        **{name: samples.subject_id.map(subjects[name]).fillna("") for name in ("group", "sex", "treatment")},
    )


def _with_pools(study: Study) -> pd.DataFrame:
    """Return group, sex and treatment of animals and pools; what the animals of a pool differ in is left empty."""
    about = study.subjects.set_index("subject_id")[["group", "sex", "treatment"]]
    if study.pools is None or study.pools.empty:
        return about
    members = about.reindex(study.pools.subject_id).set_index(study.pools.pool_id.to_numpy())
    of_pool = members.groupby(level=0, sort=False).agg(lambda cells: cells.iloc[0] if cells.nunique() == 1 else "")
    return pd.concat([about, of_pool])


_OF_SAMPLE = [
    "subject_id", "tissue", "piece", "homogenate", "collection_day", "tissue_mass_mg", "buffer_volume_ul",
    "homogenate_volume_ul", "buffer_mass_mg",
]  # fmt: skip
_MEASURED = [
    "homogenate_ng_ml", "dilution_factor", "recovery_factor", "lloq_in_force", "uloq_in_force", "curve_uncertainty",
    "reading_uncertainty", "curve_degrees_of_freedom", "extraction_uncertainty", "extraction_degrees_of_freedom",
    "recovery_uncertainty", "recovery_degrees_of_freedom", "dilution_uncertainty", "balance_mg", "buffer_percent",
    "molar_mass_g_mol", "recovery_source", "basis", "moles", "recovery_shared_uncertainty", "recovery_shared_by",
]  # fmt: skip
_WHERE_MEASURED = ["recovery_factor", "lloq_ug_g", "uloq_ug_g", "lloq", "uloq", "recovery_degrees_of_freedom"]


def _measured(contexts: Mapping[str, MethodContext], key: tuple[str, str, str], choice: Choice) -> dict[str, object]:
    """Return what one result brings: words, the reading, and the uncertainties of all but the homogenate."""
    sample_id, analyte, method_id = key
    context, result = contexts[method_id], choice.result
    factor, words, problem = _factor(result)
    lost = choice.status == QUANTIFIED and factor is None
    status, reason = (NOT_REPORTED, problem) if lost else (choice.status, choice.reason)
    scatter, handling = context.scatter[analyte], context.method.uncertainty
    extraction = np.sqrt(scatter.variance_log / result.n_extractions)
    return {
        "sample_id": sample_id, "analyte": analyte, "method_id": method_id,
        "run_id": result.run_id if status != NEEDS_DECISION else "",
        "plate": str(result.plate), "position": str(result.position),
        "status": status, "reason": reason, "flags": join_words(choice.flags, words), "chosen": choice.note,
        "basis": context.method.concentration_basis, "convention": context.method.homogenate,
        "molar_mass_g_mol": context.method.molar_mass(analyte) or np.nan, "moles": context.method.counts_moles,
        **{name: getattr(result, name) for name in _OF_RESULT},
        "extraction_uncertainty": extraction, "extraction_degrees_of_freedom": scatter.degrees_of_freedom,
        "dilution_uncertainty": handling.pipette_percent_per_step / 100 * np.sqrt(result.dilution_steps),
        "balance_mg": handling.balance_mg, "buffer_percent": handling.buffer_percent,
        **_factor_columns(factor),
    }  # fmt: skip


_OF_RESULT = (
    "homogenate_ng_ml", "dilution_factor", "lloq_in_force", "uloq_in_force", "curve_uncertainty",
    "reading_uncertainty", "curve_degrees_of_freedom",
)  # fmt: skip


def _factor_columns(factor: AppliedFactor | None) -> dict[str, object]:
    applied = factor or AppliedFactor(np.nan, np.nan, np.nan, "", np.nan)
    return {
        "recovery_factor": applied.factor,
        "recovery_uncertainty": applied.relative_uncertainty,
        "recovery_degrees_of_freedom": applied.degrees_of_freedom,
        "recovery_source": applied.source,
        "recovery_shared_uncertainty": applied.shared_uncertainty,
        "recovery_shared_by": applied.shared_by,
    }


def _not_measured(sample: Any) -> dict[str, object]:
    words = ("analyte", "method_id", "run_id", "plate", "position", "flags", "chosen", "basis", "recovery_source",
             "recovery_shared_by")  # fmt: skip
    reason = sample.not_available_reason or "in no worklist"
    return dict.fromkeys(words, "") | {
        "sample_id": sample.sample_id, "status": NOT_ANALYSED, "reason": reason, "convention": ADDED_VOLUME,
    }  # fmt: skip


def _factor(result: Any) -> tuple[AppliedFactor | None, str, str]:
    """Return the factor a result is divided by (None without), the flag words it brings, and why there is none."""
    if not result.correction_applies:
        return UNCORRECTED, "", ""
    if not np.isfinite(result.recovery_factor):
        return None, "", result.recovery_problem
    found = AppliedFactor.of(result, COLUMN)
    unsure = "" if np.isfinite(found.relative_uncertainty) else "recovery_not_estimable"
    return found, join_words(getattr(result, WORDS), unsure), ""


def _with_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with value, interval and budget (science: concentration in tissue, and its uncertainty)."""
    made = homogenate(
        np.where(rows.fluid, FLUID, rows.convention),
        **{name: rows[name].to_numpy(float) for name in (*_OF_SAMPLE[5:], "density_g_ml")},
        balance_mg=rows.balance_mg.fillna(0.0).to_numpy(float),
        buffer_percent=rows.buffer_percent.fillna(0.0).to_numpy(float),
    )
    measured = np.hypot(_known(rows.curve_uncertainty), _known(rows.reading_uncertainty))
    contributions = [
        Contribution(measured, rows.curve_degrees_of_freedom.to_numpy(float)),
        Contribution(_known(rows.extraction_uncertainty), rows.extraction_degrees_of_freedom.to_numpy(float)),
        Contribution(_known(rows.recovery_uncertainty), rows.recovery_degrees_of_freedom.to_numpy(float)),
        Contribution(_known(rows.dilution_uncertainty), np.asarray(np.inf)),
    ]
    found = concentration_of(rows.homogenate_ng_ml, made, contributions, recovery_factor=rows.recovery_factor)
    budget = [measured, *(part.uncertainty for part in contributions[1:3])]
    handling = np.sqrt(np.maximum(0.0, found.relative_uncertainty**2 - np.sum(np.square(budget), axis=0)))
    known = {f"{kind}_degrees_of_freedom": rows[f"{kind}_degrees_of_freedom"].replace(np.inf, np.nan)
             for kind in ("recovery", "extraction")}  # fmt: skip
    making = {"mass_uncertainty": made.mass_uncertainty, "volume_uncertainty": made.buffer_uncertainty}
    rows = rows.assign(handling_uncertainty=handling, **known, **making)
    return _in_its_unit(rows.drop(columns="recovery_factor").join(found), rows)


def _in_its_unit(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table with value, interval and range in ug/g, or in ng/mL for a fluid; in nmol without molar mass.

    nmol/L x mL/g / 1000 is nmol/g, as ng/mL x mL/g / 1000 is ug/g.
    """
    factor = rows.recovery_factor
    scale = rows.dilution_factor / factor * table.homogenate_factor_ml_per_g / 1000
    table = table.assign(recovery_factor=factor, lloq_ug_g=rows.lloq_in_force * scale)
    moles = rows.moles.eq(True)  # nothing of these is known in grams
    units = np.where(moles, np.where(rows.fluid, MOLES, "nmol/g"), np.where(rows.fluid, GRAMS, "ug/g"))
    table = table.assign(uloq_ug_g=rows.uloq_in_force * scale, unit=units)
    own = np.where(rows.fluid, 1000.0, 1.0)
    pairs = {"value": "tissue_ug_g", "value_low": "tissue_ug_g_low", "value_high": "tissue_ug_g_high"}
    pairs |= {"lloq": "lloq_ug_g", "uloq": "uloq_ug_g"}
    table = table.assign(**{name: table[tissue] * own for name, tissue in pairs.items()})
    table["homogenate_nmol_l"] = table.homogenate_ng_ml.where(
        moles, table.homogenate_ng_ml / rows.molar_mass_g_mol * 1000
    )
    for name in ("tissue", "uncorrected"):
        grams = table[f"{name}_ug_g"]
        table[f"{name}_nmol_g"] = grams.where(moles, grams / rows.molar_mass_g_mol * 1000)
    in_grams = [*pairs.values(), "uncorrected_ug_g"]
    table.loc[rows.fluid | moles, in_grams] = np.nan
    table.loc[rows.fluid, ["tissue_nmol_g", "uncorrected_nmol_g"]] = np.nan
    return table


def _known(uncertainty: pd.Series) -> np.ndarray:
    """Return uncertainties, 0 where one is not estimable (the value then carries a flag that says so)."""
    values = uncertainty.to_numpy(float)
    return np.where(np.isfinite(values), values, 0.0)
