"""Endogenous analyte: accuracy after what the blank holds has been taken off."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.acceptance.validation import BLANKS, SUBTRACTED

EXPERIMENT = "endogenous"


def endogenous_rows(units: pd.DataFrame) -> list[dict[str, object]]:
    """Return 100 (measured spiked - endogenous) / nominal per tissue, level and lot, by ICH M10 7.1.5.

    The blank of a lot counts as 0 where it has no peak or reads below what the curve can give.
    """
    here = units[(units.experiment == EXPERIMENT) & (units.why_not == "")]
    blanks = here[here.sample_type.isin(BLANKS)]
    below = blanks.found_ng_ml.isna() & blanks.place.str.startswith("below")
    held = blanks.found_ng_ml.mask(below, 0.0).groupby([blanks.tissue, blanks.lot]).mean()
    rows = []
    spiked = here[here.sample_type == "qc"]
    for key, group in spiked.groupby(["tissue", "level", "nominal_ng_ml", "lot"], sort=False):
        tissue, level, nominal, lot = key
        taken_off = held.get((tissue, lot), np.nan)
        accuracy = 100 * (group.found_ng_ml.mean() - taken_off) / nominal
        where = {"tissue": tissue, "level": level, "nominal_ng_ml": nominal, "lot": lot}
        note = f"{taken_off:.3g} ng/mL in the blank" if np.isfinite(taken_off) else "no blank of this lot"
        rows.append({"experiment": EXPERIMENT, "measure": SUBTRACTED, "run_id": "", **where, "n": len(group),
                     "mean": accuracy, "bias_percent": accuracy - 100, "note": note})  # fmt: skip
    return rows
