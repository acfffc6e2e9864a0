"""Trends of a folder from its result tables to trends/: gather, chart, write; fix limits where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bioanalysis.tables import write_table
from bioanalysis.trends.agreement import agreement
from bioanalysis.trends.control import SIGNALS, TRENDS, chart, signals
from bioanalysis.trends.drift import drift_signals, within_runs
from bioanalysis.trends.limits import (
    FILE,
    Declaration,
    append_version,
    changed_since,
    fixed_limits,
    new_version,
    read_limits,
)
from bioanalysis.trends.lots import STEPS, step_signals, steps
from bioanalysis.trends.page import UNLISTED, Board, write_page
from bioanalysis.trends.reading import RunResults, read_runs, study_folders, unlisted_results
from bioanalysis.trends.series import gather, verdicts

RUNS = ["study", "run_id", "run_date", "method_id", "instrument", "state", "note", "lots"]


def make_trends(folder: Path) -> Board:
    """Write trends/ of a study, or of a folder of studies, and return what it says. Limits are read, never changed.

    Raises
    ------
    BatchError
        Where settings, tables or the limits must be put right; nothing is written then.
    """
    limits = read_limits(folder)
    runs = read_runs(folder)
    board = board_of(folder, runs, gather(runs), limits)
    write_board(board, folder)
    return board


def fix_limits(folder: Path, declared: Declaration, only: Sequence[str] = ()) -> tuple[Board, list[str]]:
    """Add a version to trends/limits.tsv from the runs of a phase 1, and write trends/ with it.

    Returns
    -------
    board : Board
    short : list of str
        Series of the phase that got no limits, and why.

    Raises
    ------
    BatchError
        Where nothing can be fixed: unknown runs, too few points, no author or reason; nothing is written then.
    """
    table = read_limits(folder)
    runs = read_runs(folder)
    points = gather(runs)
    block, short = new_version(points, runs, table, declared, only)
    board = board_of(folder, runs, points, pd.concat([table, block], ignore_index=True))
    append_version(folder, table, block)
    write_board(board, folder)
    return board, short


def board_of(folder: Path, runs: Sequence[RunResults], points: pd.DataFrame, limits: pd.DataFrame) -> Board:
    """Return all tables of the charts; nothing is written."""
    fixed = fixed_limits(limits)
    trends = chart(points, runs, fixed)
    changes, drifts = steps(trends), within_runs(runs)
    rows = [*signals(trends), *step_signals(changes), *drift_signals(drifts)]
    return Board(
        trends=trends,
        limits=limits,
        signals=pd.DataFrame(rows, columns=SIGNALS),
        steps=changes[STEPS],
        drift=drifts,
        agreement=agreement(study_folders(folder), folder),
        runs=_run_table(runs, unlisted_results(folder, runs)),
        changed=tuple(changed_since(points, [version for versions in fixed.values() for version in versions])),
    )


def _run_table(runs: Sequence[RunResults], unlisted: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return one row per run of `runs.tsv`: accepted, failed or missing; then results that belong to no such run."""
    rows = []
    for run in runs:
        state, note = "missing", run.missing
        if not run.missing:
            failed = [f"{analyte} {plate}".strip() for (analyte, plate), good in verdicts(run).items() if not good]
            whole = len(failed) == len(verdicts(run))
            state = "failed" if whole else "accepted"
            note = f"failed: {', '.join(failed)}" if failed else ""
        lots = "; ".join(f"{name}={lot}" for name, lot in run.lots.items())
        method = run.method.method_id
        rows.append([run.study, run.run_id, run.run_date, method, run.instrument, state, note, lots])
    note = "results of a run that config/runs.tsv does not have"
    rows += [[study, run_id, "", "", "", UNLISTED, note, ""] for study, run_id in unlisted]
    return pd.DataFrame(rows, columns=RUNS)


def write_board(board: Board, folder: Path) -> None:
    """Write the tables and the page to trends/; `limits.tsv` only where there is none yet."""
    place = folder / "trends"
    write_table(board.trends[TRENDS], place / "trends.tsv")
    for name in ("signals", "steps", "drift", "agreement", "runs"):
        write_table(getattr(board, name), place / f"{name}.tsv")
    if not (folder / FILE).exists():
        write_table(board.limits, folder / FILE)
    write_page(board, place / "trends.html")
