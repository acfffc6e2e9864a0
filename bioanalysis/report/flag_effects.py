"""What each open flag may do to the means of groups: the mean with and without the values it concerns."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bioanalysis.words import QUANTIFIED

KEYS = ["group", "tissue", "collection_day", "sex", "analyte", "method_id"]
ABOUT = ["flag", "run_id", "plate", "sample_id", "tissue", "analyte"]
COLUMNS = [
    "flag", "run_id", "plate", "sample_id", "group", "tissue", "collection_day", "sex", "analyte", "method_id",
    "n_values", "n_with", "mean_with", "n_without", "mean_without", "change_percent", "unit", "note",
]  # fmt: skip
NO_VALUE = "no reported value rests on what is flagged"
ALL = "every value of the group is concerned"


def flag_effects(concentrations: pd.DataFrame, flags: pd.DataFrame) -> pd.DataFrame:
    """Return flag_effects.tsv: for each open flag, each group mean with and without the values it concerns.

    Parameters
    ----------
    concentrations : DataFrame
        tissue_concentrations.tsv with `plate`, as `located` returns it. Pieces of an animal are averaged first.
    flags : DataFrame
        flags.tsv of the study. A flag concerns the values of the run, plate, sample, tissue and analyte it names; one
        that names a position of a calibrator or QC concerns all values of the run (and plate and tissue).

    Returns
    -------
    DataFrame
        One row per flag and group mean; means are of quantified animals alone, BLQ is left out as in the summary.
    """
    table = concentrations.assign(
        sex=concentrations.get("sex", ""),
        plate=concentrations.get("plate", ""),
        runs=concentrations.run_id.astype(str).str.split(";"),
    )[[*KEYS, "sample_id", "subject_id", "plate", "runs", "status", "value", "unit"]]
    of_sample = {name: here for name, here in table.groupby("sample_id", sort=False)}
    quantified = table[table.status == QUANTIFIED]
    groups = {key: here for key, here in quantified.groupby(KEYS, sort=False)}
    distinct = flags[flags.state == "open"].drop_duplicates(ABOUT)
    rows = []
    for flag in distinct.to_dict("records"):
        candidates = of_sample.get(flag["sample_id"], quantified)
        rows += _effects(flag, _concerned(flag, candidates), groups)
    return pd.DataFrame(rows, columns=COLUMNS)


def _concerned(flag: dict[str, Any], candidates: pd.DataFrame) -> pd.DataFrame:
    """Return the values a flag concerns; a name the flag leaves empty does not narrow it."""
    here = candidates.status == QUANTIFIED
    for name in ("plate", "tissue", "analyte"):
        if flag[name]:
            here &= candidates[name] == flag[name]
    if flag["run_id"]:
        here &= candidates.runs.map(lambda runs: flag["run_id"] in runs).astype(bool)
    return candidates[here]


def _effects(flag: dict[str, Any], concerned: pd.DataFrame, groups: dict[Any, pd.DataFrame]) -> list[dict[str, Any]]:
    about = {name: flag[name] for name in ABOUT}
    if concerned.empty:
        return [about | {"n_values": 0, "note": NO_VALUE}]
    return [
        about | dict(zip(KEYS, key, strict=True)) | _effect(groups[key], here)
        for key, here in concerned.groupby(KEYS, sort=False)
    ]


def _effect(group: pd.DataFrame, concerned: pd.DataFrame) -> dict[str, Any]:
    with_all = group.groupby("subject_id").value.mean()
    without = group.drop(concerned.index).groupby("subject_id").value.mean()
    row = {
        "n_values": len(concerned), "n_with": len(with_all), "mean_with": with_all.mean(), "n_without": len(without),
        "unit": group.unit.iloc[0], "note": "" if len(without) else ALL,
    }  # fmt: skip
    if len(without):
        mean = without.mean()
        row |= {"mean_without": mean, "change_percent": 100 * (mean / row["mean_with"] - 1)}
    return row
