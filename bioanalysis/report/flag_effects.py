"""What each open flag may do to the means of groups: the mean with and without the values it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.report.study_tables import Stacked
from bioanalysis.words import QUANTIFIED

KEYS = ["group", "tissue", "collection_day", "sex", "analyte", "method_id"]
ABOUT = ["flag", "run_id", "plate", "sample_id", "tissue", "analyte"]
COLUMNS = [
    "flag", "run_id", "plate", "sample_id", "group", "tissue", "collection_day", "sex", "analyte", "method_id",
    "n_values", "n_with", "mean_with", "n_without", "mean_without", "change_percent", "unit", "note",
]  # fmt: skip
NO_VALUE = "no reported value rests on what is flagged"
NOWHERE = np.array([], dtype=int)
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
    quantified = concentrations[concentrations.status == QUANTIFIED]
    values = _Values(quantified.assign(sex=quantified.get("sex", ""), plate=quantified.get("plate", "")))
    distinct = flags[flags.state == "open"].drop_duplicates(ABOUT)
    samples = set(concentrations.sample_id)
    rows = Stacked(*COLUMNS)
    for flag in distinct[ABOUT].to_dict("records"):
        for row in _effects(flag, values, flag["sample_id"] in samples):
            rows.add_row(flag | row)
    return rows.table()


class _Values:
    """The quantified values as arrays, with the places of each sample, run and group: flags are many."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.value = table.value.to_numpy(float)
        self.unit = table.unit.to_numpy(object)
        self.names = {name: table[name].to_numpy(object) for name in ("plate", "tissue", "analyte")}
        keys = list(table[KEYS].itertuples(index=False, name=None))
        self.keys = list(dict.fromkeys(keys))
        number = {key: place for place, key in enumerate(self.keys)}
        self.group = np.array([number[key] for key in keys], dtype=int)
        self.animal = pd.factorize(pd.Series(zip(self.group, table.subject_id, strict=True), dtype=object))[0]
        self.of_group = _places(self.group)
        self.means = {group: self.animal_means(places) for group, places in self.of_group.items()}
        self.of_sample = _places(table.sample_id)
        runs = [(run, place) for place, cell in enumerate(table.run_id.astype(str)) for run in cell.split(";")]
        at = np.array([place for _, place in runs], dtype=int)
        self.of_run = {run: at[here] for run, here in _places(run for run, _ in runs).items()}

    def concerned(self, flag: dict[str, Any], of_a_sample: bool) -> np.ndarray:
        """Return the places of the values a flag concerns; a name the flag leaves empty does not narrow it."""
        here = np.arange(len(self.value))
        if of_a_sample:
            here = self.of_sample.get(flag["sample_id"], NOWHERE)
        if flag["run_id"]:
            here = np.intersect1d(here, self.of_run.get(flag["run_id"], NOWHERE), assume_unique=True)
        for name, column in self.names.items():
            if flag[name]:
                here = here[column[here] == flag[name]]
        return here

    def without(self, group: int, concerned: np.ndarray) -> np.ndarray:
        """Return the places of a group but for those concerned."""
        stays = np.ones(len(self.value), dtype=bool)
        stays[concerned] = False
        places = self.of_group[group]
        return places[stays[places]]

    def animal_means(self, places: np.ndarray) -> np.ndarray:
        """Return the mean of each animal over its values at these places."""
        _, animal = np.unique(self.animal[places], return_inverse=True)
        return np.bincount(animal, weights=self.value[places]) / np.bincount(animal)


def _places(words: Iterable[Any]) -> dict[Any, np.ndarray]:
    """Return where each word stands."""
    made: dict[Any, list[int]] = {}
    for place, word in enumerate(words):
        made.setdefault(word, []).append(place)
    return {word: np.array(places, dtype=int) for word, places in made.items()}


def _effects(flag: dict[str, Any], values: _Values, of_a_sample: bool) -> list[dict[str, Any]]:
    concerned = values.concerned(flag, of_a_sample)
    if not len(concerned):
        return [{"n_values": 0, "note": NO_VALUE}]
    return [
        dict(zip(KEYS, values.keys[group], strict=True)) | _effect(values, group, here)
        for group, here in _split(values.group[concerned], concerned)
    ]


def _split(groups: np.ndarray, places: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return the places in each group, the groups in the order in which they first occur."""
    return [(group, places[groups == group]) for group in dict.fromkeys(groups.tolist())]


def _effect(values: _Values, group: int, concerned: np.ndarray) -> dict[str, Any]:
    with_all = values.means[group]
    without = values.animal_means(values.without(group, concerned))
    row = {
        "n_values": len(concerned), "n_with": len(with_all), "mean_with": float(with_all.mean()),
        "n_without": len(without), "unit": values.unit[values.of_group[group][0]], "note": "" if len(without) else ALL,
    }  # fmt: skip
    if len(without):
        mean = float(without.mean())
        row |= {"mean_without": mean, "change_percent": 100 * (mean / row["mean_with"] - 1)}
    return row
