"""Carry-over and blanks: rules CAR-CC-01, CAR-CC-02, CAR-LBA-01, BLK-CC-01, BLK-LBA-01."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bioanalysis.acceptance.injections import NOT_ACQUIRED, Injections, positions
from bioanalysis.acceptance.ledger import NOT_APPLICABLE, NOT_ASSESSABLE, Ledger
from bioanalysis.calibration.reading import BELOW, NO_VALUE
from bioanalysis.calibration.standards import ROUNDING, passes_limit
from bioanalysis.limits import Limits, Rule
from bioanalysis.words import STUDY_SAMPLES, count_of

SUSPECTED = "carry_over_suspected"
COLUMNS = [
    "position", "sample_type", "sample_id", "level", "tissue", "analyte_area", "internal_standard_area",
    "previous_position", "previous_area", "lloq_area", "carry_over_percent", "impact_percent", "limit_percent",
    "in_verdict", "flag",
]  # fmt: skip


def carry_over_table(injections: Injections, limits: Limits) -> pd.DataFrame:
    """Return one row per injection, in order, with what the injection before it can have left in it.

    Returns
    -------
    DataFrame
        `COLUMNS`: carry_over_percent is the area of a blank after the highest level, as a share of the area before it;
        impact_percent is the largest such share of the run times the area before an injection, as a share of the
        injection's own area (of the LLOQ's, where that is larger); NaN where the run has no such blank.
    """
    table = injections.table.copy()
    area = table.analyte_area.fillna(0.0)  # no peak: nothing found
    table["previous_position"] = table.position.astype(str).shift(fill_value="")
    table["previous_area"] = area.shift()
    after = _after_highest(injections)
    table["carry_over_percent"] = (100 * area / table.previous_area.where(table.previous_area > 0)).where(after)
    table = table.assign(
        lloq_area=injections.lloq_area, limit_percent=float(limits["CAR-CC-02"].number), in_verdict=table.judged
    )
    return with_impact(table)[COLUMNS]


def with_impact(table: pd.DataFrame) -> pd.DataFrame:
    """Return the injections with the impact of the one before on each, and a flag where it is beyond the limit."""
    own = np.fmax(table.analyte_area.fillna(0.0), table.lloq_area)
    impact = table.carry_over_percent.max() * table.previous_area / own
    samples = table.in_verdict & table.sample_type.isin(STUDY_SAMPLES)
    beyond = samples & (impact > table.limit_percent * (1 + ROUNDING))
    return table.assign(impact_percent=impact, flag=np.where(beyond, SUSPECTED, ""))


def _after_highest(injections: Injections) -> pd.Series:
    """Which injections are blanks for carry-over: those named so, and blanks straight after the highest calibrator."""
    table = injections.table
    highest = table.nominal_ng_ml[table.sample_type == "calibrator"].max()
    before = ((table.sample_type == "calibrator") & (table.nominal_ng_ml >= highest * (1 - ROUNDING))).shift(
        fill_value=False
    )
    return (table.sample_type == "carryover_blank") | ((table.sample_type == "blank") & before)


def judge_carry_over(ledger: Ledger, injections: Injections, table: pd.DataFrame) -> None:
    """Enter the verdicts on carry-over and on the other blanks of a chromatographic run.

    Parameters
    ----------
    table : DataFrame
        `carry_over_table` of the injections.
    """
    after = _after_highest(injections)
    rule = ledger.limits["CAR-CC-01"]
    blanks = injections.table[after].assign(previous=table.previous_position[after])
    if blanks.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no blank after the highest calibrator")
    for blank in blanks.itertuples():
        _judge_blank(ledger, rule, blank, injections, f"after position {blank.previous or 'none'}, ")
    judge_impact(ledger, table)
    _judge_other_blanks(ledger, injections, after)


def _judge_blank(ledger: Ledger, rule: Rule, blank: object, injections: Injections, subject: str = "") -> None:
    """Hold the analyte of a blank against the LLOQ, and its internal standard against the mean of the run."""
    parts = [("analyte", blank.analyte_area, injections.lloq_area, rule.numbers[0])]  # type: ignore[attr-defined]
    has_standard = injections.table.internal_standard_area.notna().any()
    if has_standard and blank.sample_type != "zero":  # type: ignore[attr-defined]
        area = blank.internal_standard_area  # type: ignore[attr-defined]
        parts.append(("internal standard", area, injections.standard_area, rule.numbers[1]))
    for name, area, whole, limit in parts:
        percent = 100 * (0.0 if math.isnan(area) else area) / whole if whole > 0 else math.nan
        verdict = NOT_ASSESSABLE if math.isnan(percent) else bool(passes_limit(percent, float(limit)))
        observed = "no accepted standard to compare with" if math.isnan(percent) else f"{name} {percent:.2f} %"
        where = {"position": str(blank.position), "tissue": blank.tissue}  # type: ignore[attr-defined]
        ledger.add(rule, verdict, observed, subject=f"{subject}{name}", **where)


def judge_impact(ledger: Ledger, table: pd.DataFrame) -> None:
    """Enter the verdict on what study samples may hold of the injections before them."""
    rule = ledger.limits["CAR-CC-02"]
    samples = table[table.in_verdict & table.sample_type.isin(STUDY_SAMPLES)]
    known = samples[samples.impact_percent.notna()]
    if known.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no study samples" if samples.empty else "carry-over not measured in this run")
        return
    flagged = known[known["flag"] == SUSPECTED]
    worst = known.loc[known.impact_percent.idxmax()]
    observed = (
        f"{len(flagged)} of {count_of(len(known), 'study sample')}; carry-over {table.carry_over_percent.max():.3g} %, "
    )
    observed += f"largest share {worst.impact_percent:.2g} % at position {worst.position}"
    ledger.add(rule, flagged.empty, observed, position=positions(flagged))


def _judge_other_blanks(ledger: Ledger, injections: Injections, after: pd.Series) -> None:
    rule = ledger.limits["BLK-CC-01"]
    blanks = injections.table[injections.table.sample_type.isin(["blank", "zero"]) & ~after]
    if blanks.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no blank and no zero")
    for blank in blanks.itertuples():
        _judge_blank(ledger, rule, blank, injections, f"{blank.sample_type} {blank.sample_id}, ")


def judge_blank_wells(ledger: Ledger, units: pd.DataFrame) -> None:
    """Enter the verdicts on blanks, zeros and carry-over blanks of a ligand-binding run: each reads below the LLOQ."""
    acquired = units[~units.no_value_reason.str.startswith(NOT_ACQUIRED)]
    carried = acquired[acquired.sample_type == "carryover_blank"]
    blanks = acquired[acquired.sample_type.isin(["blank", "zero"])]
    if carried.empty:
        ledger.add(ledger.limits["CAR-LBA-01"], NOT_APPLICABLE, "no carry-over blank: asked of platforms prone to it")
    if blanks.empty:
        ledger.add(ledger.limits["BLK-LBA-01"], NOT_ASSESSABLE, "no blank and no zero")
    for rule_id, here in (("CAR-LBA-01", carried), ("BLK-LBA-01", blanks)):
        for blank in here.itertuples():
            verdict = NOT_ASSESSABLE if blank.place == NO_VALUE else blank.place == BELOW
            observed = blank.place_reason or f"reads {blank.reading_ng_ml:.3g} ng/mL"
            where = {"position": str(blank.position), "tissue": blank.tissue, "subject": blank.sample_type}
            ledger.add(ledger.limits[rule_id], verdict, observed, **where)
