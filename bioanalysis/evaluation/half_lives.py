"""Half-lives in tissue: of the settings, or of this study's own decline after the last dose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bioanalysis.exposure import half_life
from bioanalysis.study.config import Exposure
from bioanalysis.variability.shared_terms import shared_of_slope
from bioanalysis.words import count_of

ANIMAL = ["subject_id", "collection_day"]


class KnownHalf(NamedTuple):
    """A half-life in days and where it comes from, with the relative standard error of its rate."""

    days: float
    source: str
    relative_error: float = 0.0
    degrees_of_freedom: float = np.inf


def declines(arm: pd.DataFrame, settings: Exposure, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the half-life from animals collected at several times after their last dose.

    Days on which an animal read BLQ are left out whole: the others of that day alone would lie too high.
    """
    phase = settings.terminal_phase
    since = arm.collection_day - arm.last_day
    inside = since >= (phase.from_day if phase else 0)
    if phase and phase.to_day:
        inside &= since <= phase.to_day
    for n_given, whole in arm[inside].groupby("n_given", sort=False):
        blq = whole.log.isna().groupby(whole.collection_day).transform("any")
        here = whole[~blq]
        since = here.collection_day - here.last_day
        left = ", ".join(f"{day:g}" for day in sorted(set(whole.collection_day[blq])))
        words = f"day {left} left out, where animals read BLQ" if left else ""
        if since.nunique() < 2:
            if left and whole.collection_day.nunique() > 1:
                row = {"quantity": "half_life", "unit": "d", "n": len(here)}
                yield row | {"note": f"{words}: fewer than two days remain, no half-life"}
            continue
        points = pd.Series(since.to_numpy(float), index=pd.MultiIndex.from_frame(here[ANIMAL]))
        found = half_life(since, here.value, shared=shared_of_slope(rows, ANIMAL, points))
        notes = [found.note, "" if phase else "no phase declared: all collections after the last dose"]
        notes += [words]
        span = f"span {found.span_ratio:.2g} half-lives" if np.isfinite(found.span_ratio) else ""
        given = count_of(int(n_given), "dose")
        yield {
            "quantity": "half_life", "value": found.half_life, "low": found.low, "high": found.high, "unit": "d",
            "degrees_of_freedom": found.degrees_of_freedom, "n": found.n, "from_day": since.min(),
            "collection_day": here.collection_day.max(), "source": f"{given}, single animals; {span}",
            "note": "; ".join(filter(None, notes)), "relative_error": found.rate_standard_error / found.rate,
        }  # fmt: skip


def known_half_life(
    settings: Exposure, animals: pd.DataFrame, values: pd.DataFrame, about: Mapping[str, Any]
) -> KnownHalf | None:
    """Return the half-life of a place (tissue, analyte, method): its own, else what another method found there."""
    tissue, method_id = about["tissue"], about["method_id"]
    here, rows = (each[(each.tissue == tissue) & (each.analyte == about["analyte"])] for each in (animals, values))
    for name in dict.fromkeys([method_id, *here.method_id]):
        found = _known(settings, here[here.method_id == name], tissue, rows[rows.method_id == name])
        if found is not None:
            return found if name == method_id else found._replace(source=f"{found.source}, by {name}")
    return None


def _known(settings: Exposure, animals: pd.DataFrame, tissue: str, rows: pd.DataFrame) -> KnownHalf | None:
    """Return the half-life of a tissue: that of the settings, else the first that this study's own decline gives."""
    if tissue in settings.half_life_days:
        known = settings.half_life_days[tissue]
        return KnownHalf(known.days, f"half-life {known.days:g} d ({known.source or 'no source given'})")
    for _, arm in animals.groupby(["treatment", "regimen"], sort=False):
        for row in declines(arm, settings, rows):
            if np.isfinite(row.get("high", np.nan)) and np.isfinite(row["value"]):
                said = f"half-life {row['value']:.3g} d of this study"
                return KnownHalf(row["value"], said, row["relative_error"], row["degrees_of_freedom"])
    return None
