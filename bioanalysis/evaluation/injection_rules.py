"""Rules on the injections and wells of a run beside its curve and QCs, and the tables they are judged from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from bioanalysis.acceptance import carry_over as carry_over_rules
from bioanalysis.acceptance import internal_standard as standard_rules
from bioanalysis.acceptance.carry_over import SUSPECTED, carry_over_table, judge_blank_wells, judge_carry_over
from bioanalysis.acceptance.control_levels import judge_control_levels
from bioanalysis.acceptance.injections import Injections, injections_of
from bioanalysis.acceptance.internal_standard import (
    MISSING,
    internal_standard_table,
    judge_internal_standard,
    limit_words,
    without_internal_standard,
)
from bioanalysis.acceptance.ledger import Ledger
from bioanalysis.acceptance.peak_quality import (
    beyond,
    judge_integration,
    judge_peaks,
    judge_suitability,
    without_chromatograms,
)
from bioanalysis.acceptance.preparation import judge_preparation, judge_reinjection
from bioanalysis.calibration.standards import StandardCurve
from bioanalysis.evaluation.peaks import manual_integrations
from bioanalysis.flags import flag, join_words
from bioanalysis.limits import Limits
from bioanalysis.method import Analyte
from bioanalysis.study import Run

CARRY_OVER = ["run_id", "analyte", *carry_over_rules.COLUMNS]
INTERNAL_STANDARD = ["run_id", "analyte", "internal_standard", *standard_rules.COLUMNS]
DEVIATIONS = {"retention_time_min": ("rt_outside", "CHR-01"), "qualifier_ratio": ("qualifier_ratio_outside", "CHR-02")}


@dataclass(frozen=True)
class InjectionTables:
    """The injections of one analyte: what may be carried over, the internal standard, and flags by injection."""

    carry_over: pd.DataFrame
    internal_standard: pd.DataFrame
    flags: tuple[dict[str, object], ...]

    @cached_property
    def words(self) -> dict[str, str]:
        """Return the flag words of each flagged position, joined by ';'."""
        found: dict[str, list[str]] = {}
        for row in self.flags:
            found.setdefault(str(row["position"]), []).append(str(row["flag"]))
        return {position: join_words(*words) for position, words in found.items()}


def judge_beside(ledger: Ledger, run: Run, analyte: Analyte, curve: StandardCurve, units: pd.DataFrame) -> None:
    """Enter the verdicts on QC levels, preparation, re-injection, and on each injection or blank well."""
    judge_control_levels(ledger, units, analyte, run.method.plate.max_replicate_cv_percent)
    judge_preparation(ledger, units, run.method, run.run_date)
    chromatographic = "CAR-CC-01" in ledger.limits
    if chromatographic:
        judge_reinjection(ledger, units, run.method, run.reinjection_of)
    if run.platform == "lcms":
        _judge_injections(ledger, run, analyte, injections_of(units, curve))
    else:
        without_internal_standard(ledger, "the method has no internal standard")
        without_chromatograms(ledger)
    if not chromatographic:
        judge_blank_wells(ledger, units)


def _judge_injections(ledger: Ledger, run: Run, analyte: Analyte, injections: Injections) -> None:
    if "CAR-CC-01" in ledger.limits:
        judge_carry_over(ledger, injections, carry_over_table(injections, ledger.limits))
    if analyte.internal_standard:
        judge_internal_standard(ledger, internal_standard_table(injections, ledger.limits))
    else:
        without_internal_standard(ledger, "the method has no internal standard")
    ours = [t for t in run.method.transitions if t.analyte == analyte.name]
    judge_peaks(ledger, injections, has_qualifier=any(t.role == "qualifier" for t in ours))
    names = {t.name for t in run.method.transitions if t.internal_standard == (analyte.internal_standard or "")}
    names |= {t.name for t in ours}
    manual = manual_integrations(run)
    pairs = zip(manual.position.astype(str), manual.transition, strict=True)
    judge_integration(ledger, injections, {pair for pair in pairs if pair[1] in names})
    judge_suitability(ledger, injections)


def injection_tables(
    run: Run, analyte: Analyte, curves: Sequence[StandardCurve], units: pd.DataFrame, limits: Limits
) -> InjectionTables:
    """Return the tables of one analyte's injections; without rows for a plate."""
    where = {"run_id": run.run_id, "analyte": analyte.name}
    carry_over, standard = pd.DataFrame(columns=CARRY_OVER), pd.DataFrame(columns=INTERNAL_STANDARD)
    if run.platform != "lcms":
        return InjectionTables(carry_over, standard, ())
    injections = injections_of(units, curves[0])
    if "CAR-CC-02" in limits:
        carry_over = carry_over_table(injections, limits).assign(**where)[CARRY_OVER]
    if analyte.internal_standard:
        named = where | {"internal_standard": analyte.internal_standard}
        standard = internal_standard_table(injections, limits).assign(**named)[INTERNAL_STANDARD]
    flags = [*_standard_flags(standard, limits), *_carry_over_flags(carry_over), *_peak_flags(injections, limits)]
    return InjectionTables(carry_over, standard, tuple(row | where for row in flags))


def _standard_flags(table: pd.DataFrame, limits: Limits) -> Iterator[dict[str, object]]:
    rule = limits["IS-03"]
    for row in table[table.in_verdict & ~table["flag"].isin(["", MISSING])].itertuples():
        yield flag(
            row.flag, position=str(row.position), sample_id=row.sample_id, tissue=row.tissue,
            observed=f"{row.percent_of_mean:.1f} %", limit=limit_words(rule, row.flag), source="IS-03",
        )  # fmt: skip


def _carry_over_flags(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    for row in table[table["flag"] == SUSPECTED].itertuples():
        yield flag(
            SUSPECTED, position=str(row.position), sample_id=row.sample_id, tissue=row.tissue,
            observed=f"{row.impact_percent:.1f} % from position {row.previous_position}",
            limit=f"{row.limit_percent:g} %", source="CAR-CC-02",
        )  # fmt: skip


def _peak_flags(injections: Injections, limits: Limits) -> Iterator[dict[str, object]]:
    for column, (word, rule_id) in DEVIATIONS.items():
        outside = beyond(injections, column, limits[rule_id])
        for row in injections.table.loc[outside.index].itertuples():
            yield flag(
                word, position=str(row.position), sample_id=row.sample_id, tissue=row.tissue,
                observed=f"{outside[row.Index]:+.1f} %", limit=limits[rule_id].printed_limit, source=rule_id,
            )  # fmt: skip
