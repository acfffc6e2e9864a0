"""Methods that count in nmol/L and have no molar mass: nothing of theirs can be said in grams.

Inside, columns named ng/mL hold what a method counts in. Written, those of such a method are named nmol/L, the ones in
ng/mL stay empty, and words say nmol/L.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pandas as pd

NG_ML, NMOL_L = "_ng_ml", "_nmol_l"
GRAMS, MOLES = "ng/mL", "nmol/L"
UNIT = "concentration_unit"


def in_either_unit(names: Iterable[str]) -> list[str]:
    """Return names of columns, each in ng/mL with that in nmol/L behind it: a table holds the ones it needs."""
    return list(dict.fromkeys(own for name in names for own in (name, name.replace(NG_ML, NMOL_L))))


def as_written(table: pd.DataFrame, where: Any = True, said: Collection[str] = ()) -> pd.DataFrame:
    """Return a table in which the rows `where` stand in nmol/L.

    Parameters
    ----------
    where : array_like of bool, or bool
        Rows of methods that count in nmol/L.
    said : collection of str
        What people wrote (reasons, labels): these words stay as they are.
    """
    rows = np.broadcast_to(np.asarray(where, dtype=bool), len(table))
    if not rows.any():
        return table
    names = [name for name in table if NG_ML in str(name)]
    columns: dict[str, pd.Series] = {}
    for name in table:
        column = table[name]
        if name in names:
            columns[name], columns[name.replace(NG_ML, NMOL_L)] = column.mask(rows), column.where(rows)
        else:
            columns[name] = column if column.dtype.kind in "fiub" else _words(column, rows, said)
    return pd.DataFrame(columns, index=table.index)


def _words(column: pd.Series, rows: np.ndarray, said: Collection[str]) -> pd.Series:
    """Return the words of a column with the unit changed, except inside what people wrote."""
    kept = [re.escape(words) for words in sorted(said, key=len, reverse=True) if GRAMS in words]
    pattern = re.compile("|".join([*kept, re.escape(GRAMS)]))
    cells = [
        pattern.sub(lambda found: MOLES if found[0] == GRAMS else found[0], cell)
        if here and isinstance(cell, str) and GRAMS in cell else cell
        for cell, here in zip(column, rows, strict=True)
    ]  # fmt: skip
    return pd.Series(cells, index=column.index, dtype=column.dtype)


def as_counted(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table read back: the numbers in nmol/L in the columns every room counts in."""
    for name in [name for name in table if NMOL_L in str(name)]:
        inside = name.replace(NMOL_L, NG_ML)
        own = table[name]
        table = table.assign(**{inside: own if inside not in table else table[inside].mask(_filled(own), own)})
        table = table.drop(columns=name)
    return table


def _filled(column: pd.Series) -> pd.Series:
    return column.notna() & (column.astype(str) != "")


def keys_written(document: Any) -> Any:
    """Return a document (curve.json) whose keys in ng/mL are named nmol/L."""
    return _renamed(document, NG_ML, NMOL_L)


def keys_counted(curves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return curves read back, each with its `concentration_unit`."""
    return [_renamed(one, NMOL_L, NG_ML) | {UNIT: MOLES if f"lloq{NMOL_L}" in one else GRAMS} for one in curves]


def _renamed(part: Any, old: str, new: str) -> Any:
    if isinstance(part, dict):
        return {str(key).replace(old, new): _renamed(value, old, new) for key, value in part.items()}
    return [_renamed(each, old, new) for each in part] if isinstance(part, list) else part
