"""Response of the internal standard by injection: rules IS-01 to IS-05."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bioanalysis.acceptance.injections import (
    STUDY_SAMPLES,
    WITHOUT_STANDARD,
    Injections,
    failed,
    outside_band,
    positions,
)
from bioanalysis.acceptance.ledger import FAIL, NOT_APPLICABLE, NOT_ASSESSABLE, Ledger
from bioanalysis.calibration.standards import passes_limit
from bioanalysis.limits import Limits, Rule
from bioanalysis.words import count_of

RULES = ("IS-01", "IS-03", "IS-04", "IS-05", "IS-02")
OUTSIDE, WARNING, MISSING = "is_response_outside", "is_response_warning", "is_missing"
COLUMNS = [
    "position", "sample_type", "sample_id", "level", "tissue", "internal_standard_area", "percent_of_mean",
    "reference", "in_verdict", "flag",
]  # fmt: skip


def internal_standard_table(injections: Injections, limits: Limits) -> pd.DataFrame:
    """Return one row per injection that holds internal standard, in the order of injection.

    Returns
    -------
    DataFrame
        `COLUMNS`: percent_of_mean is the area as a share of the mean of accepted calibrators and QCs; flag is
        ``is_response_outside``, ``is_response_warning``, ``is_missing`` or empty.
    """
    table = injections.table[~injections.table.sample_type.isin(WITHOUT_STANDARD)]
    percent = 100 * table.internal_standard_area / injections.standard_area
    low, high, low_warning, high_warning = limits["IS-03"].numbers
    flags = np.select(
        [table.internal_standard_area.isna(), outside_band(percent, low, high),
         outside_band(percent, low_warning, high_warning)],
        [MISSING, OUTSIDE, WARNING], default="",
    )  # fmt: skip
    return table.assign(percent_of_mean=percent, in_verdict=table.judged, flag=flags)[COLUMNS]


def judge_internal_standard(ledger: Ledger, table: pd.DataFrame) -> None:
    """Enter the verdicts on the internal standard from `internal_standard_table`."""
    judged = table[table.in_verdict]
    samples = judged[judged.sample_type.isin(STUDY_SAMPLES)]
    _judge_presence(ledger, samples)
    _judge_band(ledger, judged)
    judge_drift(ledger, judged)
    _judge_tissues(ledger, samples, table[table.reference])
    _judge_classes(ledger)


def without_internal_standard(ledger: Ledger, reason: str) -> None:
    """Say that no rule on the internal standard applies."""
    for rule_id in RULES:
        ledger.add(ledger.limits[rule_id], NOT_APPLICABLE, reason)


def _judge_presence(ledger: Ledger, samples: pd.DataFrame) -> None:
    missing = samples[samples.internal_standard_area.isna()]
    verdict = missing.empty if len(samples) else NOT_ASSESSABLE
    observed = f"{len(missing)} of {count_of(len(samples), 'study sample')} without a peak of the internal standard"
    ledger.add(ledger.limits["IS-01"], verdict, observed, position=positions(missing))


def _judge_band(ledger: Ledger, judged: pd.DataFrame) -> None:
    rule = ledger.limits["IS-03"]
    known = judged[judged.percent_of_mean.notna()]
    if known.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no accepted calibrator or QC, or no injection to hold against them")
        return
    outside, warned = known[known["flag"] == OUTSIDE], int((known["flag"] == WARNING).sum())
    share = 100 * len(outside) / len(known)
    observed = (
        f"{len(outside)} of {count_of(len(known), 'injection')} outside ({share:.1f} %), {warned} in the warning band; "
    )
    observed += f"{known.percent_of_mean.min():.1f} to {known.percent_of_mean.max():.1f} % of the mean"
    ledger.add(rule, outside.empty, observed, position=positions(outside))


@dataclass(frozen=True)
class Drift:
    """Change from the first to the last injection in percent, with the p-value of Kendall's test for a trend."""

    change_percent: float
    p_value: float
    count: int

    def judge(self, rule: Rule) -> str | bool:
        """Return the verdict: a change beyond the limit that is no chance; NOT_ASSESSABLE where p cannot be small."""
        limit, significance = (float(number) for number in rule.numbers)
        if 2 / math.factorial(min(self.count, 20)) >= significance:
            return NOT_ASSESSABLE
        return bool(passes_limit(self.change_percent, limit)) or self.p_value >= significance

    def __str__(self) -> str:
        return f"{self.change_percent:+.1f} % over {count_of(self.count, 'injection')}, p = {self.p_value:.2g}"


def drift_of(order: np.ndarray, area: np.ndarray) -> Drift:
    """Return the drift of areas (n,) over their order (n,): median of the slopes of log(area) between all pairs.

    References
    ----------
    Theil, Proc. K. Ned. Akad. Wet. 53 (1950) 386; Sen, J. Am. Stat. Assoc. 63 (1968) 1379.
    """
    from scipy import stats  # loaded where it is used: most jobs never do

    if len(order) < 2:
        return Drift(math.nan, math.nan, len(order))
    first, second = np.triu_indices(len(order), 1)
    log_area = np.log(area)
    slope = float(np.median((log_area[second] - log_area[first]) / (order[second] - order[first])))
    p_value = float(stats.kendalltau(order, area).pvalue)
    change = 100 * math.expm1(slope * (order.max() - order.min()))
    return Drift(change, 1.0 if math.isnan(p_value) else p_value, len(order))


def judge_drift(ledger: Ledger, judged: pd.DataFrame) -> None:
    """Enter the verdict on the drift of the internal standard over the positions of some injections."""
    rule = ledger.limits["IS-04"]
    known = judged[judged.internal_standard_area > 0]
    drift = drift_of(known.position.astype(float).to_numpy(), known.internal_standard_area.to_numpy(float))
    verdict = drift.judge(rule)
    few = f"{count_of(drift.count, 'injection')}: too few for a p below {float(rule.numbers[1]):g}"
    ledger.add(rule, verdict, few if verdict == NOT_ASSESSABLE else str(drift))


def _judge_tissues(ledger: Ledger, samples: pd.DataFrame, reference: pd.DataFrame) -> None:
    rule = ledger.limits["IS-05"]
    middle = reference.internal_standard_area.median()
    if samples.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no study samples")
    for tissue, here in samples.groupby("tissue"):
        share = 100 * here.internal_standard_area.median() / middle
        if math.isnan(share):
            ledger.add(rule, NOT_ASSESSABLE, "no areas to compare", tissue=tissue)
            continue
        outside = bool(outside_band(pd.Series([share]), *rule.numbers).iloc[0])
        ledger.add(rule, not outside, f"{share:.1f} %, {count_of(len(here), 'sample')}", tissue=tissue)


def _judge_classes(ledger: Ledger) -> None:
    """Whether any of the three patterns of concern is there."""
    found = {
        "samples unlike calibrators and QCs": failed(ledger, "IS-03"),
        "gradual drift": failed(ledger, "IS-04"),
        "a tissue consistently apart": failed(ledger, "IS-05"),
    }
    there = [name for name, verdict in found.items() if verdict]
    unknown = all(verdict is None for verdict in found.values())
    verdict = FAIL if there else (NOT_ASSESSABLE if unknown else True)
    ledger.add(ledger.limits["IS-02"], verdict, "; ".join(there) or ("not known" if unknown else "none"))


def limit_words(rule: Rule, flag: str) -> str:
    """Return the limit an injection's flag stands for, as it is printed."""
    low, high = rule.numbers[:2] if flag == OUTSIDE else rule.numbers[2:]
    return f"{float(low):g} to {float(high):g} %"
