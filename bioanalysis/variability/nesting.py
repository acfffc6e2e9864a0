"""A nested design as arrays: who lies in whom, in which fixed cell, and in which run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import numpy as np
import pandas as pd

from bioanalysis.words import count_of


@dataclass(frozen=True)
class Nesting:
    """Values sorted by their path through the levels, with the tree that path spells.

    Parameters
    ----------
    measured : ndarray (n,)
        Values, sorted so that the rows of each node stand together; shifted by a constant, which no variance notices.
    cell : ndarray of int (n,)
        Fixed cell of each row, 0 .. n_cells - 1, in the order of first appearance.
    levels : tuple of str
        Names of the levels that the design can tell apart, outermost first, then the crossed one, if there is one, the
        residual last. Levels without replication are joined to the one below: ``"extraction+injection"``.
    nodes : tuple of ndarray of int (n,)
        Node of each row, for every nested level but the residual.
    crossed : ndarray of int (n,) or None
        Level of the crossed factor (the run) of each row.
    """

    measured: np.ndarray
    cell: np.ndarray
    levels: tuple[str, ...]
    nodes: tuple[np.ndarray, ...] = field(repr=False)
    crossed: np.ndarray | None = field(default=None, repr=False)

    @property
    def depth(self) -> int:
        """Number of nested random levels above the residual."""
        return len(self.nodes)

    @cached_property
    def n_cells(self) -> int:
        return int(self.cell.max()) + 1

    @cached_property
    def sizes(self) -> tuple[np.ndarray, ...]:
        """Rows in each node, level by level."""
        return tuple(np.bincount(node) for node in self.nodes)

    @cached_property
    def starts(self) -> tuple[np.ndarray, ...]:
        """First child of each node among the nodes of the level below (the rows, at the lowest level)."""
        below = [*self.nodes[1:], np.arange(len(self.measured))]
        return tuple(child[_firsts(node)] for node, child in zip(self.nodes, below, strict=True))

    @cached_property
    def cell_is_unique(self) -> bool:
        """True where each outermost node (each animal; each row, if there are no nodes) lies in one fixed cell only."""
        if not self.nodes:
            return True
        return bool(np.all(self.cell == self.cell[_firsts(self.nodes[0])][self.nodes[0]]))

    def sums(self, level: int, children: np.ndarray) -> np.ndarray:
        """Return sums over the children of each node of `level`; `children` (n_children, ...) -> (n_nodes, ...)."""
        return np.add.reduceat(children, self.starts[level], axis=0)

    def spread(self, level: int, nodes: np.ndarray) -> np.ndarray:
        """Repeat what belongs to the nodes of `level` for each of their children."""
        below = len(self.measured) if level + 1 == self.depth else len(self.sizes[level + 1])
        return np.repeat(nodes, np.diff(self.starts[level], append=below), axis=0)

    def means(self, level: int, rows: np.ndarray) -> np.ndarray:
        """Return for each row the mean of `rows` (n,) over its node at `level`."""
        node, size = self.nodes[level], self.sizes[level]
        return (np.bincount(node, rows) / size)[node]


def read_nesting(
    table: pd.DataFrame, value: str, nested: Sequence[str], fixed: Sequence[str], crossed: str | None = None
) -> Nesting:
    """Return the design of `table`, nesting by the full path: piece 1 of one animal is not piece 1 of the next.

    A label of the outermost level means the same animal wherever it stands, also in two fixed cells. Rows with a
    missing value must have been left out before.

    Raises
    ------
    ValueError
        For a column that is not there or a label that is missing.
    """
    _refuse_missing_labels(table, [*nested, *fixed, *([crossed] if crossed else [])])
    paths: list[np.ndarray] = []
    for name in nested:
        label = pd.factorize(table[name])[0]
        paths.append(label if not paths else _codes(paths[-1] * (label.max() + 1) + label))
    order = np.argsort(paths[-1], kind="stable") if paths else np.arange(len(table))
    kept, names = _join_unreplicated(paths, nested, len(table))
    values = table[value].to_numpy(dtype=float)[order]
    return Nesting(
        measured=values - values[0],
        cell=_cells(table, fixed)[order],
        levels=(*names[:-1], crossed, names[-1]) if crossed else names,
        nodes=tuple(_codes(paths[level])[order] for level in kept),
        crossed=_codes(pd.factorize(table[crossed])[0])[order] if crossed else None,
    )


def _refuse_missing_labels(table: pd.DataFrame, columns: Sequence[str]) -> None:
    absent = [name for name in columns if name not in table]
    if absent:
        raise ValueError(
            f"no column {', '.join(map(repr, absent))}; the table has {', '.join(map(str, table.columns))}"
        )
    empty = [
        f"{name} is missing in {count_of(int(table[name].isna().sum()), 'row')}"
        for name in columns
        if table[name].isna().any()
    ]
    if empty:
        raise ValueError(f"every row needs its labels: {'; '.join(empty)}")


def _join_unreplicated(paths: list[np.ndarray], names: Sequence[str], rows: int) -> tuple[list[int], tuple[str, ...]]:
    """Return the levels to keep and the names of all, the residual last: equal counts cannot be told apart."""
    counts = [*(int(path.max()) + 1 for path in paths), rows]
    labels = [*names, "residual"]
    runs = [list(run) for _, run in groupby(range(len(counts)), key=counts.__getitem__)]
    kept = [run[0] for run in runs[:-1]]
    return kept, tuple("+".join(labels[level] for level in run) for run in runs)


def _cells(table: pd.DataFrame, fixed: Sequence[str]) -> np.ndarray:
    if not fixed:
        return np.zeros(len(table), dtype=int)
    return table.groupby(list(fixed), sort=False, observed=True).ngroup().to_numpy()


def _codes(keys: np.ndarray) -> np.ndarray:
    """Return ranks 0, 1, 2 ... of `keys`."""
    return np.unique(keys, return_inverse=True)[1]


def _firsts(sorted_codes: np.ndarray) -> np.ndarray:
    """Return the first row of each code."""
    return np.flatnonzero(np.diff(sorted_codes, prepend=-1))
