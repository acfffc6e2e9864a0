"""Concentrations of a tissue by group and day, one figure per method; what has no value is drawn as such or counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bioanalysis.report.figures import Figure
from bioanalysis.report.plots import WIDTH, Axis, Mark, scatter
from bioanalysis.report.said import said
from bioanalysis.report.sections import shown
from bioanalysis.words import ALQ, BLQ, QUANTIFIED, count_of

SOURCE = "tissue_concentrations.tsv"
SPREAD = 0.3
PER_GROUP = 90


def tissue_figures(concentrations: pd.DataFrame) -> Iterator[Figure]:
    """Yield a figure per tissue, analyte and method, in the order of the table."""
    measured = concentrations[concentrations.method_id != ""]
    keys = ["tissue", "analyte", "method_id"]
    for key, here in measured.groupby(keys, sort=False):
        yield _tissue_figure(here, *map(str, key))


def _tissue_figure(here: pd.DataFrame, tissue: str, analyte: str, method_id: str) -> Figure:
    labels = _labels(here)
    places = {label: float(number) for number, label in enumerate(dict.fromkeys(labels), start=1)}
    place_in_group = here.groupby(labels).cumcount()
    size_of_group = labels.map(labels.value_counts())
    offsets = SPREAD * (2 * (place_in_group + 1) / (size_of_group + 1) - 1)
    marks = [
        mark
        for row, label, offset in zip(here.itertuples(), labels, offsets, strict=True)
        if (mark := _mark(row, places[label] + offset)) is not None
    ]
    counts = {label: _counted(here.status[labels == label]) for label in places}
    unit = str(here.unit.iloc[0])
    days = here.collection_day.unique()
    x_axis = Axis(
        "group and day" if len(days) > 1 else f"group, day {days[0]}", ticks=places, include=[0.5, len(places) + 0.5]
    )
    width = max(WIDTH, min(PER_GROUP * len(places) + 80, 1400))
    drawn = scatter(marks, x_axis, Axis(f"{tissue}, {unit}", log=True), notes=counts, width=width)
    words = (
        f"{tissue}, {analyte} by {method_id}, {unit}, log axis: each sample with its 95 % interval; "
        f"hollow triangles down: BLQ, at the sample's own LLOQ; up: ALQ, at its ULOQ. {_totals(here)}"
    )
    return Figure(drawn, words, {"tissue": tissue, "analyte": analyte, "method": method_id}, SOURCE)


def _labels(here: pd.DataFrame) -> pd.Series:
    """Return what each row stands under: its group, with the day where there are several."""
    group = here.group.astype(str)
    days = here.collection_day.astype(str)
    return group + " d" + days if days.nunique() > 1 else group


def _mark(row: Any, x: float) -> Mark | None:
    name = f"{row.sample_id}, {row.group}, day {row.collection_day}"
    if row.status == QUANTIFIED:
        tip = f"{name}: {shown(row.value)} {row.unit}"
        return Mark(x, row.value, "m0", tip, row.value_low, row.value_high)
    if row.status not in (BLQ, ALQ):
        return None
    limit, shape = (row.lloq, "down") if row.status == BLQ else (row.uloq, "up")
    return Mark(x, limit, "empty", f"{name}: {row.status} ({shown(limit)} {row.unit})", shape=shape)


def _counted(status: pd.Series) -> str:
    """Return how many rows of a group there are of each kind, short enough to stand under it."""
    quantified, below = int((status == QUANTIFIED).sum()), int((status == BLQ).sum())
    words = [f"n {quantified}"] + [f"BLQ {below}"] * bool(below)
    others = len(status) - quantified - below
    return ", ".join(words + [f"other {others}"] * bool(others))


def _totals(here: pd.DataFrame) -> str:
    counts = ", ".join(f"{number} {said(status)}" for status, number in here.status.value_counts().items())
    return f"{count_of(len(here), 'sample')}: {counts}; without a mark: those with neither value nor limit."
