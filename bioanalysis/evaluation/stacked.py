"""The tables of many runs, held one below another: a table for each run takes several times its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class RunTables:
    """The tables one run left in results/runs/<run_id>/."""

    measurements: pd.DataFrame
    reportable: pd.DataFrame
    acceptance: pd.DataFrame
    recovery: pd.DataFrame
    flags: pd.DataFrame
    carry_over: pd.DataFrame = field(default_factory=pd.DataFrame)
    internal_standard: pd.DataFrame = field(default_factory=pd.DataFrame)


class TablesOf(Mapping[str, pd.DataFrame]):
    """One kind of table of many runs by run_id; none is held, each is fetched where it is asked for."""

    def __init__(self, runs: Mapping[str, RunTables], kind: str) -> None:
        self._runs, self._kind = runs, kind

    def __getitem__(self, run_id: str) -> pd.DataFrame:
        return cast("pd.DataFrame", getattr(self._runs[run_id], self._kind))

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)


Place = tuple[int, int, int]  # number of the whole table, first row, row behind the last


class StackedRuns(Mapping[str, RunTables]):
    """The tables of runs by run_id; a table of one run is cut out of the whole where it is asked for."""

    def __init__(self) -> None:
        self._wholes: dict[str, list[pd.DataFrame]] = {kind.name: [] for kind in fields(RunTables)}
        self._places: dict[str, dict[str, Place]] = {}

    def add(self, runs: Mapping[str, RunTables]) -> None:
        """Take in the tables of some runs; tables of a kind with the same columns are laid together."""
        self._places |= {name: {} for name in runs}
        for kind, wholes in self._wholes.items():
            alike: dict[tuple[str, ...], dict[str, pd.DataFrame]] = {}
            for name, tables in runs.items():
                table = getattr(tables, kind)
                alike.setdefault(tuple(table.columns), {})[name] = table
            for those in alike.values():
                ends = np.cumsum([len(table) for table in those.values()]).tolist()
                for name, start, end in zip(those, [0, *ends], ends, strict=False):
                    self._places[name][kind] = (len(wholes), start, end)
                wholes.append(pd.concat(list(those.values()), ignore_index=True))

    def together(self, kind: str) -> pd.DataFrame:
        """Return a kind of table of all runs, one below another; where they have the same columns it is held once."""
        wholes = self._wholes[kind]
        if any(list(whole) != list(wholes[0]) for whole in wholes):
            return pd.concat([getattr(tables, kind) for tables in self.values()], ignore_index=True)
        if len(wholes) > 1:
            before = np.cumsum([0, *map(len, wholes)]).tolist()
            wholes[:] = [pd.concat(wholes, ignore_index=True)]
            for places in self._places.values():
                number, start, end = places[kind]
                places[kind] = (0, before[number] + start, before[number] + end)
        return wholes[0]

    def __getitem__(self, run_id: str) -> RunTables:
        return cast("RunTables", _Cut(self._wholes, self._places[run_id]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class _Cut:
    """The tables of one run, each a piece of a whole."""

    def __init__(self, wholes: Mapping[str, list[pd.DataFrame]], places: Mapping[str, Place]) -> None:
        self._wholes, self._places = wholes, places

    def __getattr__(self, kind: str) -> Any:
        if kind not in self._places:
            raise AttributeError(kind)
        number, start, end = self._places[kind]
        return self._wholes[kind][number].iloc[start:end].reset_index(drop=True)


def laid_together(runs: Mapping[str, RunTables], kind: str) -> pd.DataFrame:
    """Return a kind of table of all runs, one below another."""
    if isinstance(runs, StackedRuns):
        return runs.together(kind)
    return pd.concat([getattr(tables, kind) for tables in runs.values()], ignore_index=True)
