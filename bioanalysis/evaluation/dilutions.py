"""Several dilutions of one study sample in a run: agreement, trend, hook; and the minimum required dilution."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bioanalysis.calibration.dilution import Dilutions, hook_check, parallelism
from bioanalysis.calibration.standards import ROUNDING
from bioanalysis.flags import flag
from bioanalysis.limits import Limits
from bioanalysis.method import Analyte, Method
from bioanalysis.study import Run
from bioanalysis.words import NOT_REPORTED, STUDY_SAMPLES

COLUMNS = [
    "run_id", "plate", "sample_type", "sample_id", "tissue", "analyte", "n_dilutions", "n_inside", "dilutions",
    "mean_ng_ml", "cv_percent", "percent_per_doubling", "trend_p_value", "hook", "note",
]  # fmt: skip
HOOK, BELOW_MINIMUM = "hook_suspected", "below_minimum_dilution"


@dataclass(frozen=True)
class DilutionEvaluation:
    """What the dilutions of a run's samples came to.

    Attributes
    ----------
    units : DataFrame
        The units with dilution_words (flag words of a value, '' for most) and, where a value is withheld, its status.
    table : DataFrame
        dilutions.tsv: one row per sample with several dilutions.
    flags : list of flag rows
    """

    units: pd.DataFrame
    table: pd.DataFrame
    flags: list[dict[str, object]] = field(default_factory=list)


def judge_dilutions(units: pd.DataFrame, analyte: Analyte, run: Run, limits: Limits) -> DilutionEvaluation:
    """Return the units of one analyte with what their dilutions say of each other.

    Parameters
    ----------
    units : DataFrame
        Units with status: sample_type, sample_id, repeat_reason, dilution_factor, reading_ng_ml, place.
    """
    units = units.assign(dilution_words="")
    units, flags = _held_to_minimum(units, run.method, limits)
    rows = []
    samples = units[units.sample_type.isin(STUDY_SAMPLES)]
    several = samples.groupby(["sample_type", "sample_id", "repeat_reason"], sort=False).dilution_factor
    several = samples[several.transform("nunique") > 1]
    for _, here in several.groupby(["sample_type", "sample_id", "repeat_reason"], sort=False):
        checked = _checked_for_hook(here, analyte, limits)
        hooked = checked.index[checked.hook]
        found = parallelism(here[~checked.hook])
        if len(hooked):
            units = _withhold_hooked(units, checked, found, run.method, limits)
        row = _row(here, found, checked, run, analyte)
        rows.append(row)
        flags += _flags(row, found, limits)
    return DilutionEvaluation(units, pd.DataFrame(rows, columns=COLUMNS), flags)


def _checked_for_hook(here: pd.DataFrame, analyte: Analyte, limits: Limits) -> pd.DataFrame:
    """Return the dilutions with hook and expected_ng_ml; a chromatographic response has no hook."""
    if "DIL-HOOK" not in limits:
        return here.assign(hook=False, expected_ng_ml=np.nan)
    return hook_check(here, analyte.uloq_ng_ml, tolerance_percent=float(limits["DIL-HOOK"].number))


def _held_to_minimum(
    units: pd.DataFrame, method: Method, limits: Limits
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """Withhold samples diluted less than the method's minimum: it is the same for all samples of a tissue."""
    minimum = units.tissue.map(lambda tissue: method.minimum_dilution.get(tissue, 1.0)).astype(float)
    less = units.sample_type.isin(STUDY_SAMPLES) & (units.dilution_factor < minimum * (1 - ROUNDING))
    less &= ~units.no_value_reason.str.startswith("not acquired")
    flags = []
    for unit, row in units[less].iterrows():
        observed, limit = f"x{row.dilution_factor:g}", f"x{minimum[unit]:g}"
        flags.append(
            flag(BELOW_MINIMUM, plate=row.plate, sample_id=row.sample_id, tissue=row.tissue, observed=observed,
                 limit=limit, source="ICH M10 7.4")
        )  # fmt: skip
        units.loc[unit, "dilution_words"] = BELOW_MINIMUM
        if limits.enforced and row.status != NOT_REPORTED:
            reason = f"BELOW_MINIMUM_DILUTION: diluted {observed}, the method's minimum for {row.tissue} is {limit}"
            units.loc[unit, ["status", "reason"]] = [NOT_REPORTED, reason]
    return units, flags


def _withhold_hooked(
    units: pd.DataFrame, checked: pd.DataFrame, found: Dilutions, method: Method, limits: Limits
) -> pd.DataFrame:
    """Mark hooked dilutions; withhold them where at least two further dilutions agree on what they should have read.

    With one further dilution alone nobody can say which of the two is wrong: choosing then needs a decision.
    """
    told = found.n >= 2 and found.cv_percent <= replicate_limit(method, limits)
    for unit, row in checked[checked.hook].iterrows():
        units.loc[unit, "dilution_words"] = HOOK
        if told and limits.enforced and row.status != NOT_REPORTED:
            reason = f"HOOK_EFFECT: reads {row.reading_ng_ml:.4g}" if np.isfinite(row.reading_ng_ml) else "HOOK_EFFECT"
            reason += f", more diluted it should read {row.expected_ng_ml:.4g} ng/mL, above the range"
            units.loc[unit, ["status", "reason"]] = [NOT_REPORTED, reason]
    return units


def replicate_limit(method: Method, limits: Limits) -> float:
    """Return the CV in percent within which several dilutions of one sample must agree."""
    own = method.plate.max_replicate_cv_percent
    return float(own) if own is not None else float(limits["DIL-AGR"].number)


def _row(here: pd.DataFrame, found: Dilutions, checked: pd.DataFrame, run: Run, analyte: Analyte) -> dict[str, object]:
    first = here.iloc[0]
    steps = [
        f"x{row.dilution_factor:g}: "
        + (f"{row.reading_ng_ml * row.dilution_factor:.4g}" if row.place == "inside" else str(row.place))
        for row in here.sort_values("dilution_factor", kind="stable").itertuples()
    ]
    return {
        "run_id": run.run_id,
        "plate": ";".join(dict.fromkeys(here.plate.astype(str))),
        "sample_type": first.sample_type,
        "sample_id": first.sample_id,
        "tissue": first.tissue,
        "analyte": analyte.name,
        "n_dilutions": here.dilution_factor.nunique(),
        "n_inside": found.n,
        "dilutions": "; ".join(steps),
        "mean_ng_ml": found.mean_ng_ml,
        "cv_percent": found.cv_percent,
        "percent_per_doubling": found.trend.percent_per_doubling,
        "trend_p_value": found.trend.p_value,
        "hook": ";".join(f"x{factor:g}" for factor in checked.dilution_factor[checked.hook]),
        "note": "" if found.n > 2 else "fewer than three dilutions inside the range: no test of a trend",
    }


def _flags(row: dict[str, object], found: Dilutions, limits: Limits) -> list[dict[str, object]]:
    """Return the flags of one sample: a hook, a CV above the limit of parallelism, a trend."""
    where = {name: row[name] for name in ("plate", "sample_id", "tissue")}
    rows = []
    parallel, trend = limits["DIL-PAR"], limits["DIL-TREND"]
    if row["hook"]:
        rows.append(
            flag(HOOK, observed=f"{row['hook']} of {row['dilutions']}", source=limits["DIL-HOOK"].source, **where)
        )
    if found.cv_percent > parallel.number:
        observed = f"CV {found.cv_percent:.1f} % of {row['dilutions']}"
        rows.append(
            flag("not_parallel", observed=observed, limit=parallel.printed_limit, source=parallel.source, **where)
        )
    if found.trend.p_value < trend.number:
        observed = (
            f"{found.trend.percent_per_doubling:+.1f} % per doubling of the dilution, p {found.trend.p_value:.2g}"
        )
        rows.append(flag("dilution_trend", observed=observed, limit=trend.printed_limit, source=trend.source, **where))
    return rows
