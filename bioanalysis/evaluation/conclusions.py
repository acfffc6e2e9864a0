"""Why the values of a tissue vary, in words: the dominant step, what replicates would buy, causes to check first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.causes import (
    CAUSES,
    COLLECTION,
    DOSING,
    EXTRACTION,
    HOMOGENISATION,
    MATCH,
    OTHER,
    explained_table,
    said,
)
from bioanalysis.evaluation.variance import FIXED, NESTED, crossed_of
from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.study import Study
from bioanalysis.variability import variance_components
from bioanalysis.variability.dominance import Dominance, dominant_step, one_more, replication
from bioanalysis.variability.robust import geometric_cv_percent
from bioanalysis.words import count_of

COLUMNS = ["tissue", "analyte", "method_id", "topic", "conclusion", "evidence", "check_first"]
KEYS = ["tissue", "analyte", "method_id"]
VALUE, DOMINANT = "log_concentration", "dominant step"
ALPHA = statistical_limits()["cause_alarms"]
FIRST = {
    "animal": f"{DOSING}; {COLLECTION}; {MATCH}; then biology",
    "piece": f"{COLLECTION}: where in the organ the piece lay, blood left in it; {HOMOGENISATION}",
    "homogenate": f"{HOMOGENISATION}: completeness, masses and volumes",
    "extraction": f"{EXTRACTION}: rows spiked before extraction, internal standard before extraction",
    "run": "calibration and recovery between runs: QCs over the runs, recovery.tsv by batch",
    "residual": "injections or wells: internal standard, carry-over, plate positions, replicate CV",
}


def variability_conclusions(study: Study, readings: pd.DataFrame, concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return variability_conclusions.tsv: sentences per tissue, analyte and method, each with its evidence.

    Parameters
    ----------
    readings : DataFrame
        `readings_of`: one row per quantified injection or well.
    concentrations : DataFrame
        tissue_concentrations.tsv.
    """
    explained = explained_table(study, concentrations)
    measured = concentrations.loc[concentrations.analyte != "", KEYS]
    rows: list[dict[str, str]] = []
    for key, group in measured.groupby(KEYS, sort=False):
        about = dict(zip(KEYS, map(str, key), strict=True))
        here = _of(readings, about)
        if here.empty:
            words = f"no value to judge: {count_of(len(group), 'result')}, none quantified"
            rows.append({**about, "topic": DOMINANT, "conclusion": words, "evidence": "", "check_first": ""})
            continue
        found = [*_steps(here), *_causes(_of(explained, about))]
        rows += [about | row for row in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of(table: pd.DataFrame, about: dict[str, str]) -> pd.DataFrame:
    return table[np.logical_and.reduce([table[name] == word for name, word in about.items()])]


def _steps(here: pd.DataFrame) -> list[dict[str, str]]:
    """Return the dominant step and what one more unit of each step would buy."""
    crossed = crossed_of(here)
    found = dominant_step(here, VALUE, NESTED, FIXED, crossed)
    row = {"topic": DOMINANT, "conclusion": _said_step(found), "evidence": _counts(here), "check_first": _first(found)}
    return [row, *_what_if(here, crossed)]


def _first(found: Dominance) -> str:
    """Return where to look first; where many steps may be the largest, replicates come before any search."""
    named = (found.component,) if found.component else found.candidates
    if not named or len(named) > 2:
        return "replicates of the steps that cannot be told apart, then the causes named below"
    return "; ".join(dict.fromkeys(FIRST[part] for name in named for part in name.split("+")))


def _counts(here: pd.DataFrame) -> str:
    paths = {"animals": NESTED[:1], "pieces": NESTED[:2], "homogenates": NESTED[:3], "extractions": NESTED}
    counts = {name: len(here.drop_duplicates(list(path))) for name, path in paths.items()}
    counts |= {"readings": len(here), "runs": here.run.nunique()}
    return ", ".join(f"{what} {number}" for what, number in counts.items())


def _said_step(found: Dominance) -> str:
    shares = {row.component: said(row) for row in found.shares.itertuples()}
    note = f"; {found.note}" if found.note else ""
    if found.component:
        sure = f"larger than each other step with a probability of {min(found.probability, 0.999):.3g}"
        return f"{_joined(found.component)} dominates: {shares[found.component]} of the variance, {sure}{note}"
    listed = ", ".join(f"{_joined(name)} {share}" for name, share in shares.items())
    out = [_joined(name) for name in shares if name not in found.candidates]
    ruled_out = f"; the largest is not {', nor '.join(out)}" if out and found.candidates else ""
    return f"not distinguishable: {listed}{ruled_out}{note}" if listed else f"not distinguishable: {found.note}"


def _joined(name: str) -> str:
    return name.replace("+", " + ").replace("residual", "reading")


def _what_if(here: pd.DataFrame, crossed: str | None) -> list[dict[str, str]]:
    """Return what one more animal, piece ... would do to the standard error of a group's mean."""
    try:
        components = variance_components(here, VALUE, NESTED, FIXED, crossed=crossed)
    except ValueError as error:
        return [_no_gain(str(error))]
    known = components[components.variance.notna()]
    lost = set(components.component[components.variance.isna()]) - {crossed}
    if lost or not known.variance.sum() > 0:
        why = f"{_joined(', '.join(sorted(lost)))} cannot be estimated" if lost else "no scatter"
        return [_no_gain(why)]
    variances = dict(zip(known.component, known.variance.astype(float), strict=True))
    table = one_more(variances, replication(here, VALUE, NESTED, FIXED, crossed), crossed)
    shown = " + ".join(f"{_joined(name)} {geometric_cv_percent(v):.3g} % CV" for name, v in variances.items())
    rows = table.sort_values("gain_percent", ascending=False, kind="stable").itertuples()
    about = {"topic": "replication", "evidence": f"REML: {shown}", "check_first": ""}
    return [about | {"conclusion": _said_gain(row)} for row in rows]


def _no_gain(why: str) -> dict[str, str]:
    return {"topic": "replication", "conclusion": f"not estimable: {why}", "evidence": "", "check_first": ""}


def _said_gain(row: Any) -> str:
    change = f"from {100 * row.error_now:.3g} to {100 * row.error_then:.3g} % ({row.gain_percent:.0f} % less)"
    more = f"one more {_joined(row.step)} ({row.now} to {row.then} each)"
    return f"{more} lowers the standard error of a group's mean {change}"


def _causes(explained: pd.DataFrame) -> list[dict[str, str]]:
    """Return a sentence for each usual cause, those with evidence first."""
    rows = []
    for cause, first in CAUSES.items():
        here = explained[explained.cause == cause]
        tested = here[here.p_value.notna()].sort_values(["p_value", "covariate"], kind="stable")
        seen = tested[tested.adjusted_p <= ALPHA]
        lowest = float(tested.p_value.min()) if len(tested) else 2.0
        if cause == OTHER and here.empty:
            continue
        rows.append((0 if len(seen) else 1, lowest, {
            "topic": cause, "conclusion": _said_cause(cause, tested, seen),
            "evidence": "; ".join([*map(_said_test, tested.itertuples()), *_untested(here)]),
            "check_first": first,
        }))  # fmt: skip
    return [row for *_, row in sorted(rows, key=lambda each: each[:2])]


def _said_cause(cause: str, tested: pd.DataFrame, seen: pd.DataFrame) -> str:
    if len(seen):
        best = seen.iloc[0]
        where = "between animals" if best.between == "between" else "inside animals"
        return f"{best.covariate} explains {said(best)} of the variance {where}: check {cause} first"
    if len(tested):
        return f"no sign of it in {', '.join(sorted(tested.covariate))}; not ruled out"
    return "the study's tables hold nothing on it that varies inside the groups"


def _said_test(row: Any) -> str:
    p = f"p {row.p_value:.3g}, adjusted {row.adjusted_p:.3g}, n {row.n}"
    return f"{row.covariate} {said(row)}, {p}"


def _untested(here: pd.DataFrame) -> list[str]:
    left = here[here.p_value.isna() & (here.note != "not given")]
    return [f"{row.covariate}: {row.note}" for row in left.itertuples()]
