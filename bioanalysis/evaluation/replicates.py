"""Planned replicates: injections of one extract and extractions of one homogenate, combined as the method says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.calibration.reading import coefficient_of_variation
from bioanalysis.flags import join_words
from bioanalysis.method import Method
from bioanalysis.recovery.applied import corrected_readings, factor_of_several
from bioanalysis.words import BLQ, NEEDS_DECISION, NOT_REPORTED, QUANTIFIED, count_of


def planned(group: pd.DataFrame, method: Method) -> bool:
    """Return whether the readings of a sample in one run are the replicates the method plans, or fewer of them."""
    plan = method.replicates
    if len(group) < 2 or plan.injections * plan.extractions < 2 or group.dilution_factor.nunique() > 1:
        return False
    injections = group.groupby("extraction_id", sort=False).size()
    return len(injections) <= plan.extractions and int(injections.max()) <= plan.injections


def combine_replicates(group: pd.DataFrame, method: Method) -> tuple[pd.Series, str, str, str]:
    """Return (result, status, reason, note) of planned replicates.

    All BLQ is BLQ, all ALQ is ALQ; where none can be reported (of a failed run, say), neither can the sample, and a
    repeat takes its place. A value is only formed where every replicate acquired has one and their CV is within the
    method's limit; anything else waits for a decision.

    Parameters
    ----------
    group : DataFrame
        Rows of reportable.tsv of one sample, analyte and run.
    """
    first = group.iloc[0]
    if not set(group.status) & {QUANTIFIED, BLQ} or set(group.status) == {BLQ}:
        return first, *_without_value(group), ""
    listed = ", ".join(_said(row) for row in group.itertuples())
    if set(group.status) != {QUANTIFIED}:
        return first, NEEDS_DECISION, f"planned replicates do not agree: {listed}", ""
    values = (group.reading_ng_ml * group.dilution_factor).to_numpy(float)
    cv, limit = coefficient_of_variation(corrected_readings(group)), method.replicates.max_cv_percent
    if cv > limit:
        return first, NEEDS_DECISION, f"planned replicates scatter (CV {cv:.1f} %, limit {limit:g} %): {listed}", ""
    note = f"geometric mean of {_said_plan(group, method)} (CV {cv:.1f} %): {listed}"
    return _combined(group, values), QUANTIFIED, "", note


def _without_value(group: pd.DataFrame) -> tuple[str, str]:
    """Return (status, reason) of replicates of which none has a value to report."""
    statuses = list(dict.fromkeys(group.status))
    status = statuses[0] if len(statuses) == 1 else NOT_REPORTED
    reasons = "; ".join(dict.fromkeys(group.reason))
    return status, f"all {len(group)} planned replicates are {' or '.join(statuses)}: {reasons}"


def _said(row: object) -> str:
    if row.status != QUANTIFIED:  # type: ignore[attr-defined]
        return f"position {row.position}: {row.status}"  # type: ignore[attr-defined]
    return f"position {row.position}: {row.reading_ng_ml * row.dilution_factor:.4g} ng/mL"  # type: ignore[attr-defined]


def fewer_than_planned(group: pd.DataFrame, method: Method) -> str:
    """Return how many planned replicates are missing, in words, or nothing."""
    missing = method.replicates.injections * method.replicates.extractions - len(group)
    return f"{missing} fewer than the planned replicates" if missing > 0 else ""


def against_plan(group: pd.DataFrame, method: Method) -> str:
    """Return why several readings of a sample in one run are not the replicates planned and what to add; '' without.

    Where the column `extraction_id` is empty, every row of an LC-MS/MS worklist is an extraction of its own.
    """
    plan, extractions = method.replicates, group.extraction_id.nunique()
    if not method.plans_replicates or group.dilution_factor.nunique() > 1:
        return ""
    places = ", ".join(group.position.astype(str))
    worklist = f"config/worklists/{group.run_id.iloc[0]}.tsv"
    found = f"{count_of(len(group), 'reading')} (positions {places}) are {count_of(extractions, 'extraction')}"
    planned_words = f"the method plans {plan.injections} injection(s) of {plan.extractions} extraction(s)"
    if extractions <= plan.extractions or plan.injections < 2:
        return f"{planned_words}; {found}"
    sample = group["sample_id"].iloc[0]
    return (
        f"{planned_words}; {found}, since every row is one unless the column extraction_id says otherwise: where they "
        f"are injections of one extract, write one name (such as {sample}-E1) into extraction_id of all of them in "
        f"{worklist}"
    )


def _said_plan(group: pd.DataFrame, method: Method) -> str:
    extractions = group.extraction_id.nunique()
    said = f"{count_of(len(group), 'reading')} of {count_of(extractions, 'extraction')}"
    return ", ".join(filter(None, [said, fewer_than_planned(group, method)]))


def _combined(group: pd.DataFrame, values: np.ndarray) -> pd.Series:
    """Return the geometric mean over extractions of the geometric means over their injections.

    The scatter of readings and of single extractions shrinks with their number; the curve is shared and does not.
    """
    logs = pd.DataFrame({"found": np.log(values), "corrected": np.log(corrected_readings(group))}, index=group.index)
    within = logs.groupby(group.extraction_id, sort=False)
    found, corrected = (float(np.exp(mean)) for mean in within.mean().mean())
    sizes = group.groupby(group.extraction_id).extraction_id.transform("size") * within.ngroups
    row = group.iloc[0].copy()
    row["homogenate_ng_ml"] = found
    for name, value in factor_of_several(group, found, corrected, (1 / sizes).to_numpy(float)).items():
        row[name] = value
    row["reading_uncertainty"] = float(np.sqrt(np.sum((group.reading_uncertainty / sizes) ** 2)))
    row["curve_uncertainty"] = float(group.curve_uncertainty.max())
    row["n_extractions"] = int(within.ngroups)
    row["plate"] = ";".join(dict.fromkeys(group.plate.astype(str)))
    row["position"] = ";".join(group.position.astype(str))
    row["flags"] = join_words(*group["flags"])
    return row
