"""Chromatography and integration: rules CHR-01, CHR-02, INT-01 to INT-03, and system suitability (SST-01)."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from bioanalysis.acceptance.injections import Injections, outside_band, positions
from bioanalysis.acceptance.ledger import NOT_APPLICABLE, NOT_ASSESSABLE, PASS, Ledger
from bioanalysis.calibration.reading import coefficient_of_variation
from bioanalysis.calibration.standards import passes_limit
from bioanalysis.limits import Rule
from bioanalysis.words import count_of

RULES = ("CHR-01", "CHR-01-SN", "CHR-01-PTS", "CHR-01-ASY", "CHR-02", "INT-01", "INT-02", "INT-03", "SST-01")
UNKNOWN = "peaks.tsv does not hold it"


def judge_peaks(ledger: Ledger, injections: Injections, *, has_qualifier: bool) -> None:
    """Enter the verdicts on retention time, signal-to-noise, points, asymmetry and qualifier ratio."""
    judged = injections.table[injections.table.judged]
    _judge_deviation(ledger, "CHR-01", injections, judged.retention_time_min)
    _judge_least(ledger, "CHR-01-SN", injections.lloq, injections.lloq.signal_to_noise)
    _judge_least(ledger, "CHR-01-PTS", judged, judged.points)
    _judge_asymmetry(ledger, judged)
    if has_qualifier:
        _judge_deviation(ledger, "CHR-02", injections, judged.qualifier_ratio)
    else:
        ledger.add(ledger.limits["CHR-02"], NOT_APPLICABLE, "the method has no qualifier")


def deviations(injections: Injections, column: str) -> pd.Series:
    """Return each injection's deviation in percent from the mean of the accepted calibrators."""
    values = injections.table[column]
    middle = values[injections.table.calibrator].mean()
    return 100 * (values - middle) / middle


def beyond(injections: Injections, column: str, rule: Rule) -> pd.Series:
    """Return the deviations of the judged injections that lie beyond the rule's limit."""
    found = deviations(injections, column)[injections.table.judged].dropna()
    return found[~passes_limit(found.to_numpy(), float(rule.number))]


def _judge_deviation(ledger: Ledger, rule_id: str, injections: Injections, values: pd.Series) -> None:
    rule, column = ledger.limits[rule_id], str(values.name)
    known = deviations(injections, column)[values.index].dropna()
    if known.empty:
        ledger.add(rule, NOT_ASSESSABLE, UNKNOWN)
        return
    outside = beyond(injections, column, rule)
    worst = known[known.abs().idxmax()]
    observed = f"{len(outside)} of {count_of(len(known), 'injection')} outside, largest {worst:+.2f} %"
    ledger.add(rule, outside.empty, observed, position=positions(injections.table.loc[outside.index]))


def _judge_least(ledger: Ledger, rule_id: str, rows: pd.DataFrame, values: pd.Series) -> None:
    rule, known = ledger.limits[rule_id], values.dropna()
    if known.empty:
        ledger.add(rule, NOT_ASSESSABLE, UNKNOWN)
        return
    low = known[known < float(rule.number)]
    observed = f"{len(low)} of {count_of(len(known), 'injection')} below, least {known.min():.4g}"
    ledger.add(rule, low.empty, observed, position=positions(rows.loc[low.index]))


def _judge_asymmetry(ledger: Ledger, judged: pd.DataFrame) -> None:
    rule, known = ledger.limits["CHR-01-ASY"], judged.asymmetry.dropna()
    if known.empty:
        ledger.add(rule, NOT_ASSESSABLE, UNKNOWN)
        return
    outside = known[outside_band(known, *rule.numbers)]
    observed = f"{len(outside)} of {count_of(len(known), 'injection')} outside, {known.min():.3g} to {known.max():.3g}"
    ledger.add(rule, outside.empty, observed, position=positions(judged.loc[outside.index]))


def judge_integration(ledger: Ledger, injections: Injections, decided: Collection[tuple[str, str]]) -> None:
    """Enter the verdicts on integration by hand.

    Parameters
    ----------
    decided : collection of (position, transition)
        What the decisions of the run integrate by hand, of this analyte and its internal standard.
    """
    first, kept, same = (ledger.limits[rule_id] for rule_id in ("INT-01", "INT-02", "INT-03"))
    table = injections.table
    drawn = _named(table, "by_hand")
    if table.empty or "by_hand" not in table:
        for rule in (first, kept, same):
            ledger.add(rule, NOT_ASSESSABLE, UNKNOWN)
        return
    where = {"position": ";".join(dict.fromkeys(position for position, _ in drawn))}
    text = f"{count_of(len(drawn), 'chromatogram')} by hand, {count_of(len(decided), 'decision')}"
    ledger.add(first, set(drawn) == set(decided), text, **where)
    alone = _named(table, "by_hand_only")
    text = f"{len(drawn) - len(alone)} of {len(drawn)} with the automatic area beside"
    ledger.add(kept, (NOT_ASSESSABLE if alone else PASS) if drawn else NOT_APPLICABLE, text, **where)
    judged = set(positions(table[table.judged]).split(";"))
    apart = [pair for pair in drawn if pair[0] in judged]
    ledger.add(same, not apart, count_of(len(apart), "chromatogram"), **where)


def _named(table: pd.DataFrame, column: str) -> list[tuple[str, str]]:
    if column not in table:
        return []
    rows = table[table[column].fillna("") != ""]
    pairs = zip(rows.position.astype(str), rows[column], strict=True)
    return [(position, name) for position, names in pairs for name in str(names).split(";")]


def judge_suitability(ledger: Ledger, injections: Injections) -> None:
    """Enter the verdict on the system-suitability injections of each level: do they repeat?"""
    rule = ledger.limits["SST-01"]
    rows = injections.table[injections.table.sample_type == "system_suitability"]
    if rows.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no system-suitability injections")
    for level, here in rows.groupby("level", sort=False):
        responses = here.response.dropna()
        where = {"subject": str(level), "position": positions(here)}
        if len(responses) < 2 or len(responses) < len(here):
            ledger.add(rule, NOT_ASSESSABLE, f"{len(responses)} of {len(here)} with a response", **where)
            continue
        cv_percent = coefficient_of_variation(responses.to_numpy(float))
        verdict = bool(passes_limit(cv_percent, float(rule.number)))
        ledger.add(rule, verdict, f"CV {cv_percent:.2f} % of {len(here)}", **where)


def without_chromatograms(ledger: Ledger) -> None:
    """Say that no rule on chromatograms applies."""
    for rule_id in RULES:
        ledger.add(ledger.limits[rule_id], NOT_APPLICABLE, "a plate has no chromatograms")
