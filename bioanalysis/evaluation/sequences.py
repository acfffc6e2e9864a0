"""Runs acquired in one sequence: carry-over from one run into the next, and drift over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from bioanalysis.acceptance.carry_over import judge_impact, with_impact
from bioanalysis.acceptance.internal_standard import judge_drift
from bioanalysis.acceptance.ledger import COLUMNS as VERDICTS
from bioanalysis.acceptance.ledger import FAIL, Ledger
from bioanalysis.flags import flag
from bioanalysis.limits import limits_for
from bioanalysis.study import Run

COLUMNS = ["sequence_id", "runs", *VERDICTS]
FLAG = {"IS-04": "sequence_drift", "CAR-CC-02": "sequence_carry_over"}


def judge_sequences(runs: Sequence[Run], tables: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """Return the verdicts on drift (IS-04) and carry-over (CAR-CC-02) over each sequence of several runs.

    Parameters
    ----------
    runs : sequence of Run
        In the order of the run table.
    tables : mapping
        carry_over.tsv and internal_standard.tsv of each run, by run_id.

    Returns
    -------
    DataFrame
        `COLUMNS`: one row per sequence, rule and analyte; empty where no two runs share a sequence_id.
    """
    named = [run for run in runs if run.sequence_id and run.platform == "lcms" and run.run_id in tables]
    rows = []
    for sequence in dict.fromkeys(run.sequence_id for run in named):
        members = [run for run in named if run.sequence_id == sequence]
        if len(members) > 1:
            verdicts = _judge_sequence(members, [tables[run.run_id] for run in members])
            about = {"sequence_id": sequence, "runs": ";".join(run.run_id for run in members)}
            rows.append(verdicts.assign(**about))
    return pd.concat(rows, ignore_index=True)[COLUMNS] if rows else pd.DataFrame(columns=COLUMNS)


def _judge_sequence(members: list[Run], tables: list[tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    limits = limits_for(members[0].method)
    carried, standards = (in_order(list(kind)) for kind in zip(*tables, strict=True))
    verdicts = []
    for analyte in dict.fromkeys([*carried.analyte, *standards.analyte]):
        ledger = Ledger(limits, str(analyte), stage="study")
        injections = carried[carried.analyte == analyte]
        if len(injections) and "CAR-CC-02" in limits:
            judge_impact(ledger, _chained(injections))
        injections = standards[(standards.analyte == analyte) & standards.in_verdict.astype(bool)]
        if len(injections):
            judge_drift(ledger, injections.assign(position=injections.place))
        verdicts.append(ledger.table())
    return pd.concat(verdicts, ignore_index=True) if verdicts else pd.DataFrame(columns=VERDICTS)


def in_order(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the injections of several runs as one sequence, with their place in it.

    Positions that are unique over the runs are those of the sequence; else each run follows the one before it in the
    run table.
    """
    numbered = [table.assign(turn=turn) for turn, table in enumerate(tables) if len(table)]
    if not numbered:
        return pd.DataFrame(columns=["analyte", "in_verdict", "place"])
    whole = pd.concat(numbered, ignore_index=True)
    order = whole.position.astype(int)
    shared = whole.assign(order=order).duplicated(["analyte", "order"]).any()
    keys = ["turn", "order"] if shared else ["order"]
    whole = whole.assign(order=order).sort_values(keys, kind="stable", ignore_index=True)
    place = whole.groupby(keys, sort=True).ngroup() + 1
    named = whole.run_id + " position " + whole.position.astype(str)
    return whole.assign(place=place, position=named)


def _chained(injections: pd.DataFrame) -> pd.DataFrame:
    """Return the injections with the area before each, from the run before where it is the first of its run."""
    previous = injections.analyte_area.fillna(0.0).shift()
    return with_impact(injections.assign(previous_area=previous, in_verdict=injections.in_verdict.astype(bool)))


def sequence_flags(sequences: pd.DataFrame) -> list[dict[str, object]]:
    """Return a flag for each failed verdict on a sequence."""
    return [
        flag(
            FLAG[row.rule_id], position=row.position, analyte=row.analyte, limit=row.limit, source=row.rule_id,
            observed=f"sequence {row.sequence_id} ({row.runs}): {row.observed}",
        )
        for row in sequences[sequences.verdict == FAIL].itertuples()
    ]  # fmt: skip
