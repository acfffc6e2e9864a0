"""Steps where the lot of a critical reagent, the column or the instrument changes (rule CC-07)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bioanalysis.limits import Rule, trend_rules
from bioanalysis.trends import charts
from bioanalysis.trends.control import signal
from bioanalysis.trends.series import ACCEPTED

STEPS = [
    "series", "unit", "factor", "before", "after", "study", "run_id", "plate", "run_date", "n_before", "n_after",
    "mean_before", "mean_after", "difference", "low", "high", "p_value", "p_adjusted", "together_with", "note",
]  # fmt: skip


class Stretch(NamedTuple):
    """Consecutive points of one lot."""

    lot: str
    points: pd.DataFrame


def steps(trends: pd.DataFrame) -> pd.DataFrame:
    """Return steps.tsv: for every change of a lot and every series the size of the step, its interval and p.

    Compared are the accepted runs since the change before and up to the change after. Series of one change are several
    looks at one question: their p values are adjusted together. What changed at the same run stands in
    `together_with`: the data cannot tell them apart.
    """
    rows = [row for _, here in trends.groupby("series", sort=True) for row in _series_steps(here)]
    table = pd.DataFrame(rows, columns=["kind", *STEPS])
    for _, here in table.groupby(["factor", "before", "after"], sort=False):
        table.loc[here.index, "p_adjusted"] = charts.holm(here.p_value.astype(float))
    changes = table.groupby(["series", "study", "run_id", "plate"]).factor.transform(lambda names: "; ".join(names))
    table["together_with"] = [
        "; ".join(other for other in str(together).split("; ") if other != factor)
        for together, factor in zip(changes, table.factor, strict=True)
    ]
    return table


def _series_steps(points: pd.DataFrame) -> Iterator[dict[str, Any]]:
    points = points[(points.state == ACCEPTED) & np.isfinite(points.value)]
    lots = [_lots_of(words) for words in points.lots]
    for factor in sorted({name for named in lots for name in named}):
        known = [factor in named for named in lots]
        of_factor = [named[factor] for named in lots if factor in named]
        for before, after in pairwise(_stretches(points[known], of_factor)):
            first = after.points.iloc[0]
            yield {
                **{name: first[name] for name in ("kind", "series", "unit", "study", "run_id", "plate", "run_date")},
                "factor": factor, "before": before.lot, "after": after.lot, "p_adjusted": np.nan, "together_with": "",
                **charts.step(before.points.value, after.points.value)._asdict(),
            }  # fmt: skip


def _lots_of(words: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in words.split("; ") if "=" in part)


def _stretches(points: pd.DataFrame, lots: list[str]) -> list[Stretch]:
    named = pd.Series(lots, index=points.index, dtype="str")
    number = (named != named.shift()).cumsum()
    return [Stretch(named[here.index[0]], here) for _, here in points.groupby(number, sort=True)]


def step_signals(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of signals.tsv for steps whose adjusted p lies below the limit."""
    rule = trend_rules()["CC-07"]
    return [
        signal(
            row, rule.rule_id,
            f"{row['factor']} {row['before']} to {row['after']}: {row['mean_before']:.4g} to {row['mean_after']:.4g}, "
            f"p {row['p_adjusted']:.2g}",
            rule.printed_limit,
            "bridging of the two lots" + (f"; changed together with {row['together_with']}" if row["together_with"]
                                          else ""),
        )
        for row in table.to_dict("records")
        if is_below(row["p_adjusted"], rule)
    ]  # fmt: skip


def is_below(p_value: float, rule: Rule) -> bool:
    """Return whether a p value signals: below the rule's percentage, not on it; NaN (not assessable) does not."""
    return bool(np.isfinite(p_value) and 100 * p_value < rule.number)
