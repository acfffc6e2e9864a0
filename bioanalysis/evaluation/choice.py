"""Which of a sample's results is reported: by rule or by decision, never averaged in silence (ICH M10 3.3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.calibration.reading import coefficient_of_variation
from bioanalysis.evaluation.status import ALQ, BLQ, NEEDS_DECISION, NOT_ANALYSED, QUANTIFIED
from bioanalysis.flags import join_words
from bioanalysis.limits import Limits, limits_for
from bioanalysis.method import Method

CONFIRMATION = "PREDOSE_POSITIVE"
ACCEPTED = (QUANTIFIED, BLQ)


@dataclass(frozen=True)
class Choice:
    """The reported result of one sample, analyte and method.

    Attributes
    ----------
    result : Series
        A row of reportable.tsv, or the combination of several; homogenate_ng_ml is filled where quantified.
    status, reason : str
        Words of the data contract.
    note : str
        How it was chosen, where there was more than one.
    flags : str
        Flag words joined by ';'.
    """

    result: pd.Series
    status: str
    reason: str
    note: str = ""
    flags: str = ""


def choose(candidates: pd.DataFrame, decisions: pd.DataFrame, method: Method) -> Choice:
    """Return the reported result of one sample, analyte and method.

    Parameters
    ----------
    candidates : DataFrame
        Its rows of reportable.tsv over all runs (sample_type ``unknown``), in the order of runs and worklists.
    decisions : DataFrame
        Rows with action ``report_run`` or ``report_result`` that concern this sample.
    """
    acquired = candidates[candidates.status != NOT_ANALYSED]
    if acquired.empty:
        return _single(candidates.iloc[0])
    for decision in decisions.itertuples():
        chosen = _decided(acquired, decision)
        if len(chosen):
            return _by_decision(chosen, decision, acquired, method)
    runs = [_within_run(group, method) for _, group in acquired.groupby(["run_id", "repeat_reason"], sort=False)]
    return _among(runs, method) if len(runs) > 1 else runs[0]


def _single(row: pd.Series) -> Choice:
    return Choice(with_homogenate(row), row.status, row.reason, flags=row["flags"])


def with_homogenate(row: pd.Series) -> pd.Series:
    """Return a reportable row with homogenate_ng_ml (reading times dilution) and one extraction behind it."""
    value = row.reading_ng_ml * row.dilution_factor if row.status == QUANTIFIED else np.nan
    return pd.concat([row, pd.Series({"homogenate_ng_ml": value, "n_extractions": 1})])


def _decided(candidates: pd.DataFrame, decision: Any) -> pd.DataFrame:
    """Return the candidates a decision names."""
    chosen = candidates
    for column in ("run_id", "plate", "position", "extraction_id"):
        wanted = getattr(decision, column, "")
        if wanted:
            chosen = chosen[chosen[column].astype(str) == str(wanted)]
    factor = getattr(decision, "dilution_factor", np.nan)
    return chosen[chosen.dilution_factor == factor] if pd.notna(factor) else chosen


def _by_decision(chosen: pd.DataFrame, decision: Any, candidates: pd.DataFrame, method: Method) -> Choice:
    choice = _within_run(chosen, method) if chosen.run_id.nunique() == 1 else _single(chosen.iloc[-1])
    note = f"chosen by {decision.decision_id} ({decision.reason_code}, {decision.author}): {decision.reason}"
    flags = join_words(choice.flags, "reportable_chosen" if len(candidates) > 1 else "")
    return Choice(choice.result, choice.status, choice.reason, note, flags)


def _within_run(group: pd.DataFrame, method: Method) -> Choice:
    """Return one result of the readings of a sample in one run: the only one, or its dilutions that agree."""
    if len(group) == 1:
        return _single(group.iloc[0])
    inside = group[group.status == QUANTIFIED]
    if group.dilution_factor.nunique() == len(group):
        if len(inside) == 1:
            note = f"the dilution x{inside.dilution_factor.iloc[0]:g} lies inside the range"
            choice = _single(inside.iloc[0])
            return Choice(choice.result, choice.status, choice.reason, note, choice.flags)
        if len(inside) > 1:
            return _combined_dilutions(inside, method)
    accepted = group[group.status.isin(ACCEPTED)]
    if len(accepted) > 1:
        return _needs_decision(accepted)
    return _single(accepted.iloc[0] if len(accepted) else group.iloc[-1])


def _combined_dilutions(inside: pd.DataFrame, method: Method) -> Choice:
    """Average dilutions of one sample where they agree within the replicate limit."""
    values = (inside.reading_ng_ml * inside.dilution_factor).to_numpy(float)
    cv, limit = coefficient_of_variation(values), replicate_limit(method, limits_for(method))
    text = ", ".join(f"x{f:g}: {v:.4g}" for f, v in zip(inside.dilution_factor, values, strict=True))
    if cv > limit:
        return _needs_decision(inside, f"dilutions disagree (CV {cv:.1f} %, limit {limit:g} %): {text} ng/mL")
    row = with_homogenate(inside.iloc[0])
    count = len(inside)
    row["homogenate_ng_ml"] = float(values.mean())
    row["reading_uncertainty"] = float(np.sqrt((inside.reading_uncertainty**2).sum()) / count)
    row["curve_uncertainty"] = float(inside.curve_uncertainty.max())
    row["n_extractions"] = len(set(inside.extraction_id))
    row["dilution_steps"] = inside.dilution_steps.max()
    row["position"] = ";".join(inside.position.astype(str))
    return Choice(row, QUANTIFIED, "", f"mean of {count} dilutions ({text} ng/mL)", join_words(*inside["flags"]))


def replicate_limit(method: Method, limits: Limits) -> float:
    """Return the CV in percent within which several dilutions of one sample must agree."""
    own = method.plate.max_replicate_cv_percent
    return float(own) if own is not None else float(limits["DIL-AGR"].number)


def _needs_decision(candidates: pd.DataFrame, why: str = "") -> Choice:
    listed = "; ".join(f"{row.run_id} position {row.position}: {_value_text(row)}" for row in candidates.itertuples())
    reason = why or f"{len(candidates)} accepted results and no rule or decision that chooses: {listed}"
    return Choice(with_homogenate(candidates.iloc[0]), NEEDS_DECISION, reason, flags="needs_decision")


def _value_text(row: Any) -> str:
    return f"{row.reading_ng_ml * row.dilution_factor:.4g} ng/mL" if row.status == QUANTIFIED else str(row.status)


def _among(runs: list[Choice], method: Method) -> Choice:
    """Choose among the results of several runs, or of a first analysis and its repeats."""
    undecided = [choice for choice in runs if choice.status == NEEDS_DECISION]
    if undecided:
        return undecided[0]
    accepted = [choice for choice in runs if choice.status in ACCEPTED]
    if not accepted:
        return next((choice for choice in reversed(runs) if choice.status == ALQ), runs[-1])
    if len(accepted) == 1:
        return _replacing(accepted[0], runs)
    repeats = [choice for choice in accepted if choice.result.repeat_reason]
    confirmed = len(repeats) == len(accepted) - 1 and {c.result.repeat_reason for c in repeats} == {CONFIRMATION}
    if confirmed and method.repeat_rule is not None:
        return _by_repeat_rule(accepted, method.repeat_rule)
    return _needs_decision(pd.DataFrame([choice.result for choice in accepted]))


def _replacing(choice: Choice, runs: list[Choice]) -> Choice:
    others = "; ".join(f"{c.result.run_id}: {c.status} ({c.reason})" for c in runs if c is not choice)
    note = f"{choice.result.run_id} reported; {others}"
    return Choice(choice.result, choice.status, choice.reason, note, join_words(choice.flags, "reportable_chosen"))


def _by_repeat_rule(accepted: list[Choice], rule: str) -> Choice:
    """Apply the method's rule for confirmation repeats."""
    original = next(choice for choice in accepted if not choice.result.repeat_reason)
    rows = pd.DataFrame([choice.result for choice in accepted])
    values = rows.homogenate_ng_ml
    flags = join_words(original.flags, "reportable_chosen")
    if rule == "keep_original":
        note = f"confirmation repeats: {', '.join(f'{v:.4g}' for v in values)} ng/mL; the original is kept"
        return Choice(original.result, original.status, original.reason, note, flags)
    if values.isna().any() or (rule == "median_of_three" and len(values) != 3):
        return _needs_decision(rows)
    if rule == "median_of_three":
        middle = rows.iloc[int(np.argsort(values.to_numpy(float))[1])]
        return Choice(middle, QUANTIFIED, "", "median of the original and two confirmation repeats", flags)
    row = original.result.copy()
    row["homogenate_ng_ml"] = float(values.mean())
    row["reading_uncertainty"] = float(np.sqrt((rows.reading_uncertainty**2).sum()) / len(rows))
    row["n_extractions"] = rows.extraction_id.nunique()
    return Choice(row, QUANTIFIED, "", f"mean of the original and {len(rows) - 1} confirmation repeats", flags)
