"""Position effects of the plates of a run, as a table and as flags."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from bioanalysis.acceptance.dilution_series import position_matters
from bioanalysis.flags import flag
from bioanalysis.limits import Limits
from bioanalysis.method import Analyte
from bioanalysis.study import Run
from bioanalysis.variability.positions import COLUMNS, position_effects

# blanks and zeros are left aside: their noise is not in proportion to the signal
JUDGED = ("calibrator", "anchor", "qc", "dilution_qc", "recovery_pre", "recovery_post", "unknown", "incurred")


@dataclass(frozen=True)
class PositionEvaluation:
    """Position effects of one analyte: positions.tsv, and flags of those large and unlikely enough."""

    table: pd.DataFrame
    flags: list[dict[str, object]] = field(default_factory=list)


def plate_positions(rows: pd.DataFrame, run: Run, analyte: Analyte, limits: Limits) -> PositionEvaluation:
    """Return the position effects of each plate of an ELISA run; nothing for LC-MS/MS.

    Parameters
    ----------
    rows : DataFrame
        Worklist rows of one analyte: plate, position, unit, sample_type, response, peak_flags.
    """
    names = ["run_id", "plate", "analyte", *COLUMNS]
    if run.platform != "elisa":
        return PositionEvaluation(pd.DataFrame(columns=names))
    judged = rows[rows.sample_type.isin(JUDGED) & rows.response.notna() & (rows.peak_flags == "")]
    tables = []
    for plate, here in judged.groupby("plate", sort=False):
        wells = pd.DataFrame({"well": here.position, "unit": here.unit, "signal": here.response})
        tables.append(position_effects(wells).assign(run_id=run.run_id, plate=plate, analyte=analyte.name))
    table = pd.concat(tables, ignore_index=True)[names] if tables else pd.DataFrame(columns=names)
    rule = limits["POS-01"]
    seen = [row for row in table.itertuples() if position_matters(rule, row.size_percent, row.p_value)]
    flags = [
        flag("position_effect", plate=row.plate, observed=f"{row.effect}: {row.size_percent:.1f} % ({row.largest}), "
             f"p {row.p_value:.3f}", limit=rule.printed_limit, source=rule.source)
        for row in seen
    ]  # fmt: skip
    return PositionEvaluation(table, flags)
