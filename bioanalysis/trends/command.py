"""What `bioanalysis trends` does and says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.trends.folder import fix_limits, make_trends
from bioanalysis.trends.limits import Declaration
from bioanalysis.trends.page import Board, verdicts

OF_FIXING = ("--first", "--last", "--author", "--reason", "--series")


def chart_folder(
    folder: Path, *, fix: bool, phase: tuple[str, str], author: str, reason: str, only: Sequence[str]
) -> None:
    """Write trends/ of `folder`, with new limits where `fix` is set, and print what its page says first.

    Raises
    ------
    BatchError
        Where something must be put right, or options of fixing are given without it.
    """
    if not fix:
        given = [name for name, value in zip(OF_FIXING, (*phase, author, reason, only), strict=True) if value]
        if given:
            expected = "--fix-limits with it: limits change only where that is said"
            raise BatchError([Fault("the command", f"{', '.join(given)} without --fix-limits", expected)])
        _say(make_trends(folder.resolve()), folder)
        return
    time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    board, short = fix_limits(folder.resolve(), Declaration(*phase, author, reason, time), only)
    newest = board.limits[board.limits.version == board.limits.version.iloc[-1]]
    print(f"limits version {newest.version.iloc[0]}: {len(newest)} series fixed by {newest.author.iloc[0]}")
    for name in short:
        print(f"not fixed: {name}")
    inside = board.signals[(board.signals.phase == "1") & board.signals.series.isin(newest.series)]
    for row in inside[inside.signal != "warning"].itertuples():
        print(f"signal inside phase 1, is it in control? {row.series}: {row.rule} in {row.run_id}, {row.observed}")
    _say(board, folder)


def _say(board: Board, folder: Path) -> None:
    for verdict in verdicts(board):
        print(verdict["text"])
    print(f"charts: {folder / 'trends' / 'trends.html'}")
