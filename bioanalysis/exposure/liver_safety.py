"""Liver findings beside liver concentrations. A research flag, not a dosing decision.

Classes of findings come from the study's settings or a named preset; the most severe that applies to a value, the last
in the list, is the one reported.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtr

from bioanalysis.study.config import COMPARISON, LiverSafety
from bioanalysis.text_files import own_table
from bioanalysis.words import count_of

OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
SCALES = {"uln": "x ULN", "control": "x control", "value": "as measured"}


@dataclass(frozen=True)
class FindingClass:
    """A class of findings as it is applied."""

    name: str
    tests: tuple[str, ...]
    when: str
    scale: str
    action: str
    repeat_within_days: float | None
    source: str

    def applies(self, test: str, value: float) -> bool:
        """Return whether a value of a test, on the scale of this class, belongs to it."""
        named = test.lower() in (name.lower() for name in self.tests)
        return named and bool(np.isfinite(value)) and meets(value, self.when)


class Correlation(NamedTuple):
    """A correlation coefficient with interval and p-value; NaN where `note` says why."""

    coefficient: float
    low: float
    high: float
    p_value: float
    n: int
    note: str


def meets(value: float, when: str) -> bool:
    """Return whether `value` meets all comparisons of a text such as ``>= 3 and < 5``."""
    return all(OPERATORS[sign](value, float(number)) for sign, number in re.findall(COMPARISON, when))


def classes_of(settings: LiverSafety) -> tuple[FindingClass, ...]:
    """Return the classes in force, the mildest first: the study's own, or those of its preset."""
    if settings.classes:
        return tuple(
            FindingClass(
                c.name, c.tests, c.when, c.scale, c.action, c.repeat_within_days, c.source or "no source given"
            )
            for c in settings.classes
        )
    return _presets().get(settings.preset, ())


@cache
def _presets() -> dict[str, tuple[FindingClass, ...]]:
    found: dict[str, tuple[FindingClass, ...]] = {}
    for row in own_table("bioanalysis.limits", "liver_safety.tsv"):
        within = float(row["repeat_within_days"]) if row["repeat_within_days"] else None
        one = FindingClass(
            row["name"], tuple(row["tests"].split(";")), row["when"], row["scale"], row["action"], within, row["source"]
        )
        found[row["preset"]] = (*found.get(row["preset"], ()), one)
    return found


def correlation(x: ArrayLike, y: ArrayLike, groups: Sequence[str] | None = None, *, level: float = 0.95) -> Correlation:
    """Return Pearson's correlation, within groups where `groups` are given.

    Parameters
    ----------
    x, y : array_like (n_animals,)
        Pass logarithms of concentrations and enzyme activities.
    groups : sequence (n_animals,), optional
        Group of each animal. Values are then taken from their group's means, and each group costs a degree of freedom:
        an overall correlation may come of the dose alone.
    level : float
        Confidence of the interval, by Fisher's transformation.
    """
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    labels = (
        np.zeros(len(first), dtype=int) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    )
    n, size = len(first), np.bincount(labels, minlength=1)
    degrees = n - int(np.sum(size > 0)) - 1
    if degrees < 2:
        return Correlation(np.nan, np.nan, np.nan, np.nan, n, f"too few to correlate: {count_of(n, 'animal')}")
    off = [values - (np.bincount(labels, values) / size)[labels] for values in (first, second)]
    scale = float(np.sqrt((off[0] @ off[0]) * (off[1] @ off[1])))
    if scale <= 1e-12 * max(1.0, float(np.abs(first).max() * np.abs(second).max())):
        return Correlation(np.nan, np.nan, np.nan, np.nan, n, "no scatter: no correlation")
    r = float(np.clip(off[0] @ off[1] / scale, -1, 1))
    if 1 - abs(r) < 1e-12:
        return Correlation(r, np.nan, np.nan, 0.0, n, "all on one line: no interval")
    reach = ndtri((1 + level) / 2) / np.sqrt(degrees - 1)
    p_value = float(2 * stdtr(degrees, -abs(r) * np.sqrt(degrees / (1 - r**2))))
    return Correlation(r, float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach)), p_value, n, "")
