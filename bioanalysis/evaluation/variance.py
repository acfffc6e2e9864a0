"""Variance components of the study's logarithmic concentrations, per tissue, analyte and method."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from bioanalysis.study import Study
from bioanalysis.variability import variance_components
from bioanalysis.variability.robust import geometric_cv_percent
from bioanalysis.words import QUANTIFIED, STUDY_SAMPLES, count_of

COLUMNS = [
    "tissue", "analyte", "method_id", "estimator", "component", "variance", "degrees_of_freedom", "low", "high",
    "percent", "geometric_cv_percent", "note",
]  # fmt: skip
NESTED = ("animal", "piece", "homogenate", "extraction")
Estimator = Literal["anova", "reml"]
ESTIMATORS: tuple[Estimator, ...] = ("anova", "reml")
FIXED = ("group", "collection_day", "sex")


CROSSED = "run"


def variance_table(readings: pd.DataFrame, concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return variance_components.tsv, by type-1 ANOVA and by REML.

    Every quantified reading of study samples in accepted runs counts, repeats and reanalyses included: they are what
    separates extraction and injection from the animal. Runs lie across the nesting and are told apart by what was
    measured in several. BLQ rows are left out and counted.

    Parameters
    ----------
    readings : DataFrame
        `readings_of`.
    concentrations : DataFrame
        tissue_concentrations.tsv.
    """
    rows = []
    keys = ["tissue", "analyte", "method_id"]
    measured = concentrations.loc[concentrations.analyte != "", keys].drop_duplicates()
    for tissue, analyte, method_id in measured.itertuples(index=False, name=None):
        here = readings[(readings.tissue == tissue) & (readings.analyte == analyte) & (readings.method_id == method_id)]
        blq = concentrations[
            (concentrations.tissue == tissue) & (concentrations.method_id == method_id)
            & (concentrations.analyte == analyte) & (concentrations.status == "BLQ")
        ]  # fmt: skip
        for estimator in ESTIMATORS:
            for row in _components(here, estimator, len(blq)):
                rows.append({"tissue": tissue, "analyte": analyte, "method_id": method_id, **row})
    return pd.DataFrame(rows, columns=COLUMNS)


def crossed_of(readings: pd.DataFrame) -> str | None:
    """Return the crossed factor, where there are several runs."""
    return CROSSED if readings[CROSSED].nunique() > 1 else None


UNIT = ["run_id", "analyte", "plate", "sample_type", "sample_id", "dilution_factor", "extraction_id"]


def with_factors(measurements: pd.DataFrame, reportable: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements of study samples with the factors their values are divided by.

    Those of the runs are what QCs were judged with: under `recovery: {source: study}` other ones are applied, and a
    batch without recovery rows has none of its run. Those without a factor they need are left out.

    Parameters
    ----------
    reportable : DataFrame
        With the factors applied.
    """
    samples = measurements[measurements.sample_type.isin(STUDY_SAMPLES)]
    applied = reportable[reportable.sample_type.isin(STUDY_SAMPLES)].drop_duplicates(UNIT)
    applied = applied[UNIT].assign(recovery_factor=applied.recovery_factor.astype(float))
    found = samples.drop(columns="recovery_factor").merge(applied, on=UNIT, how="left")
    return found[found.recovery_factor.notna()]


def quantified_readings(measurements: pd.DataFrame) -> pd.DataFrame:
    """Return the quantified rows of study samples: all that the scatter of values is judged by."""
    return measurements[measurements.sample_type.isin(STUDY_SAMPLES) & (measurements.status == QUANTIFIED)]


def readings_of(study: Study, measurements: pd.DataFrame, concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return one row per quantified injection or well of study samples, with its place in the nesting.

    Parameters
    ----------
    measurements : DataFrame
        measurements.tsv of all runs, with method_id, `with_factors`.

    Returns
    -------
    DataFrame
        tissue, analyte, method_id, log_concentration (ln of ug/g, or of ng/mL/1000 for a fluid), animal, piece,
        homogenate, extraction, run, group, sex, collection_day. Pools are no animals and are left out.
    """
    good = quantified_readings(measurements)
    good = good[~good.sample_id.isin(concentrations.sample_id[concentrations.pool.astype(bool)])]
    factors = concentrations.drop_duplicates("sample_id").set_index("sample_id").homogenate_factor_ml_per_g
    samples = study.samples.set_index("sample_id")
    subjects = study.subjects.set_index("subject_id")
    columns = ["sample_id", "analyte", "method_id", "extraction_id", "run_id"]
    table = good[columns].rename(columns={"extraction_id": "extraction", "run_id": CROSSED})
    value = good.curve_reading_ng_ml * good.dilution_factor / good.recovery_factor.fillna(1.0)
    value = value * good.sample_id.map(factors) / 1000
    table["log_concentration"] = np.log(value.where(value > 0))
    for name in ("tissue", "piece", "homogenate", "collection_day"):
        table[name] = table.sample_id.map(samples[name])
    table["animal"] = table.sample_id.map(samples.subject_id)
    for name in ("group", "sex"):
        table[name] = table.animal.map(subjects[name]).fillna("")
    return table.dropna(subset=["log_concentration"])


def _components(here: pd.DataFrame, estimator: Estimator, blq: int) -> list[dict[str, object]]:
    missing = f"{count_of(blq, 'BLQ sample')} left out" if blq else ""
    if here.empty:
        note = "; ".join(filter(None, ["not estimable: no quantified value", missing]))
        return [{"estimator": estimator, "component": "residual", "note": note}]
    try:
        found = variance_components(
            here, "log_concentration", nested=NESTED, fixed=FIXED, method=estimator, crossed=crossed_of(here)
        )
    except ValueError as error:
        note = "; ".join(filter(None, [f"not estimable: {error}", missing]))
        return [{"estimator": estimator, "component": "residual", "note": note}]
    found = found.assign(
        estimator=estimator,
        geometric_cv_percent=[geometric_cv_percent(max(0.0, v)) if np.isfinite(v) else np.nan for v in found.variance],
        note=["; ".join(filter(None, [note, missing])) for note in found.note],
    )
    return found.to_dict("records")
