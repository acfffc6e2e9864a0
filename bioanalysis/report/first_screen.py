"""The first screen of the study's report: the verdict in words, and what a person must do now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.report.said import said
from bioanalysis.report.study_tables import OfRun
from bioanalysis.words import ACCEPTED, NEEDS_DECISION, NOT_ANALYSED, NOT_REPORTED, count_of

NAMED = 8
HOW_TO_REPEAT = {  # by how the reason of the repeat begins
    "above the ULOQ": "diluted more, with repeat_reason ABOVE_ULOQ",
    "DILUTED_BELOW_LLOQ": "diluted less, or minimum_dilution in the method where this is the least it allows",
}
TO_DO_KINDS = ("repeat_missing", "needs_decision", "homogenate_implausible")


@dataclass(frozen=True)
class Verdict:
    """The verdict on one run, or on one plate of it, for one analyte.

    Attributes
    ----------
    waiting : sequence of str
        Samples without a result that wait for a repeat, one for each value.
    replaced : sequence of str
        For each sample that a repeat gave a result, the run of that repeat.
    """

    run_id: str
    method_id: str
    plate: str
    analyte: str
    accepted: bool
    why: str
    waiting: Sequence[str]
    replaced: Sequence[str]

    @property
    def name(self) -> str:
        return f"{self.run_id}{f' plate {self.plate}' if self.plate else ''}, {self.analyte}"


def run_verdicts(run: OfRun, concentrations: pd.DataFrame, repeats: pd.DataFrame) -> list[Verdict]:
    """Return the verdicts on a run, with the samples that wait for a repeat and those that a repeat replaced.

    Parameters
    ----------
    concentrations : DataFrame
        Rows of tissue_concentrations.tsv, those that are not reported at least.
    repeats : DataFrame
        repeats.tsv of the study.
    """
    return [
        Verdict(
            run.run_id, run.method_id, row.plate, row.analyte, row.verdict == "pass", _why(run.acceptance, row),
            _waiting(run.run_id, row, concentrations), _replaced(run.run_id, row, repeats, run.measurements),
        )
        for row in run.acceptance[run.acceptance.rule_id == RUN].itertuples()
    ]  # fmt: skip


def _why(acceptance: pd.DataFrame, verdict: Any) -> str:
    """Return what was observed where the rules failed that decided on the run."""
    if verdict.verdict == "pass":
        return str(verdict.observed)
    deciding = str(verdict.observed).removeprefix("failed: ").split(", ")
    here = acceptance[(acceptance.verdict == "fail") & acceptance.rule_id.isin(deciding)]
    here = here[here.plate.isin([verdict.plate, ""]) & here.analyte.isin([verdict.analyte, ""])]
    said = [f"{row.rule_id} {row.judged}{_of(row)}: {row.observed}, must be {row.limit}" for row in here.itertuples()]
    return "; ".join(dict.fromkeys(said)) or str(verdict.observed)


def _of(row: Any) -> str:
    """Return ', LQC, kidney': what a rule was judged on, since one of three levels that fails must be named."""
    return "".join(f", {name}" for name in (row.subject, row.tissue) if name)


def _waiting(run_id: str, verdict: Any, concentrations: pd.DataFrame) -> list[str]:
    table = concentrations
    here = (table.run_id == run_id) & (table.analyte == verdict.analyte) & (table.status == NOT_REPORTED)
    return table.sample_id[here & ((table.plate == verdict.plate) | (verdict.plate == ""))].tolist()


def _replaced(run_id: str, verdict: Any, repeats: pd.DataFrame, measurements: pd.DataFrame) -> list[str]:
    """Return the runs of the repeats of samples of a run (or plate) that failed, those with an accepted result."""
    here = repeats[(repeats.initial_run_id == run_id) & (repeats.analyte == verdict.analyte)]
    if verdict.plate:
        here = here[here.sample_id.isin(measurements.sample_id[measurements.plate == verdict.plate])]
    return here.accepted_run_id[(here.accepted_run_id != run_id) & here.accepted_status.isin(ACCEPTED)].tolist()


def cards(
    verdicts: Sequence[Verdict], concentrations: pd.DataFrame, flags: pd.DataFrame, wider: Sequence[str], status: str,
    edition: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the cards of the first screen: runs, results, flags, decisions, what is wider, the rules."""
    failed = [verdict for verdict in verdicts if not verdict.accepted]
    still_open = flags[flags.state == "open"]
    undecided = concentrations[concentrations.status == NEEDS_DECISION]
    return [
        _runs_card(verdicts, failed),
        _results_card(concentrations),
        _card("Open flags", count_of(len(still_open), "open flag"), _by_kind(still_open), len(still_open) > 0),
        _card("Decisions needed", count_of(len(undecided), "result") + " to decide", _listed(undecided),
              len(undecided) > 0),
        _card("Wider than ICH M10", "WIDER THAN ICH M10" if wider else "nothing is wider", list(wider), bool(wider)),
        _card("Rules and method", f"Method status: {status}", [f"Rule set follows: {edition}"], False),
    ]  # fmt: skip


def _card(name: str, headline: str, lines: Sequence[str], is_bad: bool) -> dict[str, Any]:
    return {"name": name, "headline": headline, "lines": list(lines), "kind": "fail" if is_bad else ""}


def _runs_card(verdicts: Sequence[Verdict], failed: Sequence[Verdict]) -> dict[str, Any]:
    runs = dict.fromkeys(verdict.run_id for verdict in verdicts)
    whole = [run for run in runs if all(v.accepted for v in verdicts if v.run_id == run)]
    none = [run for run in runs if not any(v.accepted for v in verdicts if v.run_id == run)]
    headline = f"{len(whole)} of {count_of(len(runs), 'run')} accepted"
    partly = len(runs) - len(whole) - len(none)
    headline += f", {partly} in part" * bool(partly) + f", {len(none)} failed" * bool(none)
    lines = [f"FAILED: {verdict.name}. {verdict.why}. {impact(verdict)}" for verdict in failed]
    lines += ["Accepted: " + "; ".join(v.name for v in verdicts if v.accepted)] * any(v.accepted for v in verdicts)
    return _card("Runs", headline, lines, bool(failed))


def impact(verdict: Verdict) -> str:
    """Return what a failed run cost: samples without a result, samples that a repeat gave one."""
    replaced = sorted(Counter(verdict.replaced).items())
    words = [f"{count_of(number, 'sample')} replaced by {run}" for run, number in replaced]
    waiting = len(verdict.waiting)
    words += [f"{count_of(waiting, 'sample')} without a result by {verdict.method_id}, no repeat yet"] * bool(waiting)
    return "; ".join(words) or "No reported sample depends on it"


def _results_card(concentrations: pd.DataFrame) -> dict[str, Any]:
    samples = concentrations.sample_id.nunique()
    reported = concentrations.sample_id[concentrations.status.isin(ACCEPTED)].nunique()
    counts = counted(concentrations.status)
    lines = [f"Results (one per sample, analyte and method): {counts}."] if counts else []
    lines += [
        f"{method_id}: {counted(here.status)}"
        for method_id, here in concentrations[concentrations.method_id != ""].groupby("method_id", sort=False)
    ]
    return _card(
        "Samples",
        f"{reported} of {count_of(samples, 'sample')} with a value or BLQ",
        lines,
        reported < samples,
    )


def _by_kind(flags: pd.DataFrame) -> list[str]:
    return [counted(flags["flag"])] if len(flags) else []


def counted(codes: pd.Series) -> str:
    """Return how often each code stands there, in words, the most frequent first."""
    return ", ".join(f"{number} {said(str(code))}" for code, number in codes.value_counts().items())


def _listed(rows: pd.DataFrame) -> list[str]:
    return [names(rows.sample_id)] if len(rows) else []


def names(sample_ids: Iterable[str]) -> str:
    """Return samples, the first few by name."""
    samples = list(dict.fromkeys(sample_ids))
    more = len(samples) - NAMED
    return ", ".join(samples[:NAMED]) + (f" and {more} more" if more > 0 else "")


def to_do(verdicts: Sequence[Verdict], concentrations: pd.DataFrame, flags: pd.DataFrame) -> list[str]:
    """Return what a person must do now, the most urgent first; an empty list: nothing waits."""
    failed = [verdict for verdict in verdicts if not verdict.accepted and len(verdict.waiting)]
    lines = _implausible(flags)
    lines += [
        f"Repeat {count_of(len(v.waiting), 'sample')} of {v.name} ({v.method_id}), which FAILED {v.why}: "
        f"{names(v.waiting)}. Find the cause first, extract and analyse again in a new run, add it to config/runs.tsv "
        f"with a worklist that gives repeat_reason, and run again."
        for v in failed
    ]
    undecided = concentrations[concentrations.status == NEEDS_DECISION]
    if len(undecided):
        lines.append(f"Decide which result counts for {names(undecided.sample_id)}: a line report_run or report_result "
                     "in config/decisions.tsv, with reason and author.")  # fmt: skip
    covered = {(verdict.run_id, sample) for verdict in failed for sample in verdict.waiting}
    lines += _other_repeats(flags, covered)
    lines += _never_measured(concentrations)
    others = flags[(flags.state == "open") & ~flags["flag"].isin(TO_DO_KINDS)]
    if len(others):
        kinds = count_of(len(set(others["flag"])), "kind")
        other = "the other " if lines else ""
        lines.append(f"Review {other}{count_of(len(others), 'open flag')} ({kinds}; section Flags says "
                     "where to look first); accept with accept_flag in config/decisions.tsv, or correct.")  # fmt: skip
    return lines


def _implausible(flags: pd.DataFrame) -> list[str]:
    """Return the line on samples whose mass and volume contradict each other: their values are wrong."""
    wanted = flags[(flags.state == "open") & (flags["flag"] == "homogenate_implausible")]
    if wanted.empty:
        return []
    count = count_of(wanted.sample_id.nunique(), "sample")
    return [
        f"Check tissue mass and volume of {count}, which do not go together ({wanted.observed.iloc[0]} in "
        f"{wanted.sample_id.iloc[0]}): {names(wanted.sample_id)}. Hold config/samples.tsv against balance print and "
        "notebook: mg and uL, not exchanged? Correct it and run again; until then these values stand as computed."
    ]


def _never_measured(concentrations: pd.DataFrame) -> list[str]:
    """Return a line per reason for which a homogenate that is there was not measured, which no flag tells."""
    missing = concentrations[concentrations.status == NOT_ANALYSED]
    unplanned = missing.sample_id[missing.reason == "in no worklist"]
    otherwise = "or say in config/samples.tsv, not_available_reason, why there is no homogenate"
    lines = [f"Analyse {names(unplanned)}, in no worklist, {otherwise}."] if len(unplanned) else []
    lost = missing[missing.reason.str.startswith("not acquired")]
    lines += [
        f"Analyse {names(here.sample_id)} by {method}: {reason}."
        for (method, reason), here in lost.groupby(["method_id", "reason"], sort=False)
    ]
    return lines


def _other_repeats(flags: pd.DataFrame, covered: set[tuple[str, str]]) -> list[str]:
    """Return one line per sample that needs a repeat for another reason than a failed run."""
    wanted = flags[(flags.state == "open") & (flags["flag"] == "repeat_missing")]
    pairs = zip(wanted.run_id, wanted.sample_id, strict=True)
    wanted = wanted[pd.Series([pair not in covered for pair in pairs], index=wanted.index, dtype=bool)]
    return [
        f"Repeat {names(here.sample_id)} (first in {run_id}): {observed}{_how(str(observed))}."
        for (run_id, observed), here in wanted.groupby(["run_id", "observed"], sort=False)
    ]


def _how(reason: str) -> str:
    return "".join(f"; {how}" for start, how in HOW_TO_REPEAT.items() if reason.startswith(start))
