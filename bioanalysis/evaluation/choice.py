"""Which of a sample's results is reported: by rule or by decision, never averaged in silence (ICH M10 3.3.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.calibration.reading import coefficient_of_variation
from bioanalysis.evaluation.dilutions import HOOK, replicate_limit
from bioanalysis.evaluation.replicates import against_plan, combine_replicates, fewer_than_planned, planned
from bioanalysis.flags import join_words
from bioanalysis.limits import limits_for
from bioanalysis.method import Method
from bioanalysis.recovery.applied import corrected_readings, factor_of_several
from bioanalysis.words import ACCEPTED, ALQ, NEEDS_DECISION, NOT_ANALYSED, QUANTIFIED

CONFIRMATION = "PREDOSE_POSITIVE"


@dataclass(frozen=True)
class Choice:
    """The reported result of one sample, analyte and method.

    Attributes
    ----------
    result : Series or named tuple
        A row of reportable.tsv, or the combination of several; homogenate_ng_ml is filled where quantified.
    status, reason : str
        Words of the data contract.
    note : str
        How it was chosen, where there was more than one.
    flags : str
        Flag words joined by ';'.
    """

    result: Any
    status: str
    reason: str
    note: str = ""
    flags: str = ""


def only_results(rows: pd.DataFrame) -> Iterator[Choice]:
    """Yield the result of each sample that has but one: what `choose` says of it.

    Parameters
    ----------
    rows : DataFrame
        reportable.tsv with method_id: no two rows of one sample, analyte and method, none that a decision concerns,
        none of a method with planned replicates.
    """
    values = (rows.reading_ng_ml * rows.dilution_factor).where(rows.status == QUANTIFIED)
    rows = rows.assign(homogenate_ng_ml=values, n_extractions=1)
    return (Choice(row, row.status, row.reason, flags=row.flags) for row in rows.itertuples())


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
    if named := [(d, rows) for d in decisions.itertuples() if len(rows := _decided(acquired, d))]:
        return _by_decision(named, acquired, method)
    choice = _among(_analyses(acquired, method), method)
    return _after(choice, candidates[candidates.status == NOT_ANALYSED])


def _analyses(acquired: pd.DataFrame, method: Method) -> list[Choice]:
    """Return one result per analysis: a run's readings of a sample together, each confirmation repeat by itself."""
    if len(acquired) == 1:
        return [_within_run(acquired, method)]
    alone = acquired.extraction_id.where(acquired.repeat_reason == CONFIRMATION, "")
    keys = [acquired.run_id, acquired.repeat_reason, alone]
    return [_within_run(group, method) for _, group in acquired.groupby(keys, sort=False)]


def _after(choice: Choice, missing: pd.DataFrame) -> Choice:
    """Return the choice with a word on analyses of which nothing was acquired, where it does not speak of them yet."""
    if missing.empty or choice.note:
        return choice
    lost = "; ".join(f"{row.run_id}: {row.reason}" for row in missing.itertuples())
    return replace(choice, note=f"{choice.result.run_id}, the one analysis with a reading; {lost}")


def _single(row: pd.Series) -> Choice:
    return Choice(with_homogenate(row), row.status, row.reason, flags=row["flags"])


def with_homogenate(row: pd.Series) -> pd.Series:
    """Return a reportable row with homogenate_ng_ml (reading times dilution) and one extraction behind it."""
    value = row.reading_ng_ml * row.dilution_factor if row.status == QUANTIFIED else np.nan
    row = row.copy()  # that of an earlier choice has both already
    row["homogenate_ng_ml"], row["n_extractions"] = value, 1
    return row


def _decided(candidates: pd.DataFrame, decision: Any) -> pd.DataFrame:
    """Return the candidates a decision names."""
    chosen = candidates
    for column in ("run_id", "plate", "position", "extraction_id"):
        wanted = getattr(decision, column, "")
        if wanted:
            chosen = chosen[chosen[column].astype(str) == str(wanted)]
    factor = getattr(decision, "dilution_factor", np.nan)
    return chosen[chosen.dilution_factor == factor] if pd.notna(factor) else chosen


def _by_decision(named: list[tuple[Any, pd.DataFrame]], candidates: pd.DataFrame, method: Method) -> Choice:
    """Return the result that decisions name; two that name different results decide nothing."""
    decision, chosen = named[0]
    if rival := next((other for other, rows in named if not rows.index.equals(chosen.index)), None):
        why = f"{decision.decision_id} and {rival.decision_id} name different results"
        return _needs_decision(candidates, why)
    choice = _among(_analyses(chosen, method), method)
    if choice.status == NEEDS_DECISION:
        return replace(choice, reason=f"{decision.decision_id} names several results: {choice.reason}")
    note = f"chosen by {decision.decision_id} ({decision.reason_code}, {decision.author}): {decision.reason}"
    flags = join_words(choice.flags, "reportable_chosen" if len(candidates) > 1 else "")
    return replace(choice, note=note, flags=flags)


def _within_run(group: pd.DataFrame, method: Method) -> Choice:
    """Return one result of the readings of a sample in one run: the only one, or its dilutions that agree."""
    if len(group) == 1:
        return replace(_single(group.iloc[0]), note=fewer_than_planned(group, method))
    if planned(group, method):
        row, status, reason, note = combine_replicates(group, method)
        row = row if "homogenate_ng_ml" in row else with_homogenate(row)
        words = join_words(row["flags"], "needs_decision" if status == NEEDS_DECISION else "")
        return Choice(row, status, reason, note, words)
    inside = group[group.status == QUANTIFIED]
    if group.dilution_factor.nunique() == len(group):
        if len(inside) == 1:
            note = f"the dilution x{inside.dilution_factor.iloc[0]:g} lies inside the range"
            return replace(_single(inside.iloc[0]), note=note)
        if len(inside) > 1:
            return _combined_dilutions(inside, method)
    accepted = group[group.status.isin(ACCEPTED)]
    if len(accepted) > 1:
        return _needs_decision(accepted, against_plan(group, method))
    row = accepted.iloc[0] if len(accepted) else group.iloc[-1]
    others = "; ".join(f"position {o.position}: {o.status}" for o in group.drop(row.name).itertuples())
    note = "the one reportable reading" if len(accepted) else "no reading is reportable; the last is shown"
    return replace(_single(row), note=f"position {row.position}, {note}; {others}")


def _combined_dilutions(inside: pd.DataFrame, method: Method) -> Choice:
    """Average dilutions of one sample where they agree within the replicate limit."""
    values, corrected = (inside.reading_ng_ml * inside.dilution_factor).to_numpy(float), corrected_readings(inside)
    cv, limit = coefficient_of_variation(corrected), replicate_limit(method, limits_for(method))
    text = ", ".join(f"x{f:g}: {v:.4g}" for f, v in zip(inside.dilution_factor, values, strict=True))
    hooked = inside["flags"].str.contains(HOOK).any()
    if method.dilution_rule not in (None, "mean_of_agreeing") and not (hooked and cv > limit):
        words = "dilutions_disagree" if cv > limit else ""
        chosen = _by_dilution_rule(inside, method.dilution_rule)
        note = f"{method.dilution_rule} of {text} ng/mL, CV {cv:.1f} %"
        return Choice(with_homogenate(chosen), QUANTIFIED, "", note, join_words(chosen["flags"], words))
    if cv > limit:
        return _needs_decision(inside, f"dilutions disagree (CV {cv:.1f} %, limit {limit:g} %): {text} ng/mL")
    row = with_homogenate(inside.iloc[0])
    count = len(inside)
    row["homogenate_ng_ml"] = float(values.mean())
    row["reading_uncertainty"] = float(np.sqrt((inside.reading_uncertainty**2).sum()) / count)
    row["curve_uncertainty"] = float(inside.curve_uncertainty.max())
    row["n_extractions"] = len(set(inside.extraction_id))
    row["dilution_steps"] = inside.dilution_steps.max()
    row["plate"] = ";".join(dict.fromkeys(inside.plate.astype(str)))
    row["position"] = ";".join(inside.position.astype(str))
    row = _with_one_factor(row, inside, corrected)
    return Choice(row, QUANTIFIED, "", f"mean of {count} dilutions ({text} ng/mL)", join_words(*inside["flags"]))


def _with_one_factor(row: pd.Series, rows: pd.DataFrame, corrected: np.ndarray) -> pd.Series:
    """Return an arithmetic mean with the factor that gives the mean of the values, each divided by its own."""
    weights = corrected / corrected.sum()
    for name, value in factor_of_several(rows, row.homogenate_ng_ml, float(corrected.mean()), weights).items():
        row[name] = value
    return row


def _by_dilution_rule(inside: pd.DataFrame, rule: str | None) -> pd.Series:
    """Return the dilution that the method reports: by its factor, or by a reading near the middle of the range."""
    if rule == "nearest_middle":
        middle = np.log(inside.lloq_in_force * inside.uloq_in_force) / 2
        return inside.loc[(np.log(inside.reading_ng_ml) - middle).abs().idxmin()]
    factor = inside.dilution_factor
    return inside.loc[factor.idxmin() if rule == "least_diluted" else factor.idxmax()]


def _needs_decision(candidates: pd.DataFrame, why: str = "") -> Choice:
    several = candidates.plate.nunique() > 1
    listed = "; ".join(
        f"{row.run_id}{f' plate {row.plate}' if several else ''} position {row.position}: {_value_text(row)}"
        for row in candidates.itertuples()
    )
    reason = why or f"{len(candidates)} accepted results and no rule or decision that chooses: {listed}"
    return Choice(with_homogenate(candidates.iloc[0]), NEEDS_DECISION, reason, flags="needs_decision")


def _value_text(row: Any) -> str:
    return f"{row.reading_ng_ml * row.dilution_factor:.4g} ng/mL" if row.status == QUANTIFIED else str(row.status)


def _among(runs: list[Choice], method: Method) -> Choice:
    """Choose among the results of several runs, or of a first analysis and its repeats."""
    if len(runs) == 1:
        return runs[0]
    undecided = [choice for choice in runs if choice.status == NEEDS_DECISION]
    if undecided:
        return undecided[0]
    accepted = [choice for choice in runs if choice.status in ACCEPTED]
    if len(accepted) < 2:
        above = [choice for choice in runs if choice.status == ALQ]
        return _replacing((accepted or above or runs)[-1], runs)
    repeats = [choice for choice in accepted if choice.result.repeat_reason]
    confirmed = len(repeats) == len(accepted) - 1 and {c.result.repeat_reason for c in repeats} == {CONFIRMATION}
    if confirmed and method.repeat_rule is not None:
        return _by_repeat_rule(accepted, method.repeat_rule)
    return _needs_decision(pd.DataFrame([choice.result for choice in accepted]))


def _replacing(choice: Choice, runs: list[Choice]) -> Choice:
    """Return the one result that counts among several analyses, with what became of the others."""
    others = "; ".join(f"{c.result.run_id}: {c.status} ({c.reason})" for c in runs if c is not choice)
    if choice.status not in ACCEPTED:
        return replace(choice, note=f"{choice.result.run_id} shown, no analysis gave a reportable result; {others}")
    note = f"{choice.result.run_id} reported; {others}"
    return replace(choice, note=note, flags=join_words(choice.flags, "reportable_chosen"))


def _by_repeat_rule(accepted: list[Choice], rule: str) -> Choice:
    """Apply the method's rule for confirmation repeats."""
    original = next(choice for choice in accepted if not choice.result.repeat_reason)
    rows = pd.DataFrame([choice.result for choice in accepted])
    listed = ", ".join(_found_text(choice) for choice in accepted)
    if rule == "keep_original":
        note = f"the original and its confirmation repeats: {listed}; the original is kept"
        flags = join_words(original.flags, "reportable_chosen")
        return replace(original, note=note, flags=flags)
    if rule == "median_of_three":
        return _median(accepted, listed) if len(accepted) == 3 else _needs_decision(rows)
    if rows.homogenate_ng_ml.isna().any():
        return _needs_decision(rows)
    row = original.result.copy()
    row["homogenate_ng_ml"] = float(rows.homogenate_ng_ml.mean())
    row["reading_uncertainty"] = float(np.sqrt((rows.reading_uncertainty**2).sum()) / len(rows))
    row["n_extractions"] = rows.extraction_id.nunique()
    row = _with_one_factor(row, rows, _corrected(rows))
    flags = join_words(*(choice.flags for choice in accepted), "reportable_chosen")
    return Choice(row, QUANTIFIED, "", f"mean of the original and its confirmation repeats: {listed}", flags)


def _median(accepted: list[Choice], listed: str) -> Choice:
    """Return the middle of three results; BLQ is lower than any number."""
    values = np.nan_to_num(_corrected(pd.DataFrame([choice.result for choice in accepted])), nan=-np.inf)
    in_order = [accepted[place] for place in np.argsort(values, kind="stable")]
    note = f"median of the original and two confirmation repeats: {listed}"
    return replace(in_order[1], note=note, flags=join_words(in_order[1].flags, "reportable_chosen"))


def _corrected(rows: pd.DataFrame) -> np.ndarray:
    """Return results as they are compared: homogenates, each divided by its own recovery factor."""
    return corrected_readings(rows.assign(reading_ng_ml=rows.homogenate_ng_ml, dilution_factor=1.0))


def _found_text(choice: Choice) -> str:
    value = choice.result.homogenate_ng_ml
    return f"{choice.result.run_id} {value:.4g} ng/mL" if choice.status == QUANTIFIED else choice.status
