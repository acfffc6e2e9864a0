"""The tables of many runs, held one below another: a table for each run takes several times its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, cast

import pandas as pd

from bioanalysis.evaluation.study import RunTables

Place = tuple[pd.DataFrame, int, int]


class StackedRuns(Mapping[str, RunTables]):
    """The tables of runs by run_id; a table of one run is cut out of the whole where it is asked for."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, Place]] = {}

    def add(self, runs: Mapping[str, RunTables]) -> None:
        """Take in the tables of some runs; tables of a kind with the same columns are laid together."""
        kinds = [field.name for field in fields(RunTables)]
        stacks = {kind: _stacked({name: getattr(tables, kind) for name, tables in runs.items()}) for kind in kinds}
        self._places |= {name: {kind: stacks[kind][name] for kind in kinds} for name in runs}

    def __getitem__(self, run_id: str) -> RunTables:
        return cast("RunTables", _Cut(self._places[run_id]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class _Cut:
    """The tables of one run, each a piece of a whole."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places

    def __getattr__(self, kind: str) -> Any:
        if kind not in self._places:
            raise AttributeError(kind)
        whole, start, end = self._places[kind]
        return whole.iloc[start:end].reset_index(drop=True)


def _stacked(tables: Mapping[str, pd.DataFrame]) -> dict[str, Place]:
    """Return in which whole table, from where and up to where, each table stands."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, table in tables.items():
        alike.setdefault(tuple(table.columns), []).append(name)
    places: dict[str, Place] = {}
    for names in alike.values():
        whole, end = pd.concat([tables[name] for name in names], ignore_index=True), 0
        for name in names:
            start, end = end, end + len(tables[name])
            places[name] = (whole, start, end)
    return places
