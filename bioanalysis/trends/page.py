"""trends.html: verdict first, then signals, charts and tables, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from bioanalysis.limits import trend_rules
from bioanalysis.report.heads import head
from bioanalysis.report.plots import plain
from bioanalysis.tables import write_whole
from bioanalysis.trends.control import WARNING
from bioanalysis.trends.drawing import series_chart
from bioanalysis.trends.series import FAILED, kinds

READING = (
    "Filled blue: accepted run. Yellow: 1-2s, a warning. Orange: a signal. Hollow: failed run, shown and marked, in no "
    "limit and in no sequence. ?: no value, with the reason. Lines: mean, 1, 2 and 3 SD of phase 1; dotted blue: "
    "nominal. Below: EWMA (weight {0}) with its exact limits at {1} of its SD. Blue dashes: change of a lot."
)
UNLISTED = "not listed"
STATES = {
    "missing": "without results, not charted",
    FAILED: "failed, shown and in no limit",
    UNLISTED: "with results that config/runs.tsv does not list, not charted",
}
NO_DECISION = "A signal says where to look. It accepts and rejects nothing: that is decided by the rules of each run."


@dataclass(frozen=True)
class Board:
    """Everything the charts of a folder say: the tables as they are written, and what is worth saying first."""

    trends: pd.DataFrame
    limits: pd.DataFrame
    signals: pd.DataFrame
    steps: pd.DataFrame
    drift: pd.DataFrame
    agreement: pd.DataFrame
    runs: pd.DataFrame
    changed: tuple[str, ...]


def verdicts(board: Board) -> list[dict[str, str]]:
    """Return what is to be said first, the gravest first."""
    said = [{"kind": "fail", "text": f"LIMITS AND RUNS DISAGREE: {text}"} for text in board.changed]
    said += [_signal_verdict(board), *_latest_run(board)]
    n_series, fixed = board.trends.series.nunique(), board.limits.series.nunique()
    text = f"{fixed} of {n_series} series have fixed limits."
    if fixed < n_series:
        text += (
            f" The others are shown against the limits of the method, centre = nominal, where it has any; "
            f"{trend_rules()['CC-01'].printed_limit} of accepted runs fix limits."
        )
    said.append({"kind": "" if fixed else "warn", "text": text})
    for state, words in STATES.items():
        names = [f"{run.study} {run.run_id}".strip() for run in board.runs[board.runs.state == state].itertuples()]
        if names:
            said.append({"kind": "warn", "text": f"Runs {words}: {', '.join(names)}."})
    return [*said, {"kind": "", "text": NO_DECISION}]


def _signal_verdict(board: Board) -> dict[str, str]:
    """Return how many signals there are since limits were fixed, and in which series."""
    after = board.signals[(board.signals.phase != "1") & (board.signals.signal != WARNING)]
    after = after[after.state != FAILED]
    warnings = int((board.signals.signal == WARNING).sum())
    if after.empty:
        return {
            "kind": "",
            "text": f"NO SIGNAL outside phase 1 in accepted runs; {_counted(warnings, 'warning')} (1-2s).",
        }
    runs = after[["study", "run_id"]].drop_duplicates()
    counted = (_counted(len(after), "signal"), after.series.nunique(), _counted(len(runs), "run"))
    text = "INVESTIGATE: {} in {} series and {} outside phase 1".format(*counted)
    text += f"; {_counted(warnings, 'warning')} (1-2s)."
    return {"kind": "fail", "text": text}


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _latest_run(board: Board) -> list[dict[str, str]]:
    """Return what the signals of the last charted run are."""
    charted = board.runs[~board.runs.state.isin(["missing", UNLISTED])]
    if charted.empty:
        return []
    last = charted.iloc[-1]
    here = board.signals[(board.signals.study == last.study) & (board.signals.run_id == last.run_id)]
    here = here[here.signal != WARNING]
    rules = {
        str(series): ", ".join(dict.fromkeys(of_one.rule)) for series, of_one in here.groupby("series", sort=False)
    }
    words = "; ".join(f"{series} ({names})" for series, names in rules.items())
    text = f"Latest run {last.study} {last.run_id} ({last.run_date}): {words or 'no signal'}."
    return [{"kind": "fail" if words else "", "text": text}]


def write_page(board: Board, path: Path) -> None:
    """Write the page; the same tables give the same bytes."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True)
    template = environment.from_string((files("bioanalysis.trends") / "page.html").read_text(encoding="utf-8"))
    runs = board.runs[board.runs.state != UNLISTED]
    n_studies = runs.study.nunique()
    subtitle = f"{_counted(len(runs), 'run')} of {n_studies} stud{'y' if n_studies == 1 else 'ies'}"
    if len(runs):
        subtitle += f", {runs.run_date.iloc[0]} to {runs.run_date.iloc[-1]}"
    page = template.render(
        title="Trends over runs", subtitle=subtitle, verdicts=verdicts(board), sections=_sections(board)
    )
    write_whole(path, page.encode("utf-8"))


def _sections(board: Board) -> list[dict[str, Any]]:
    numbers = (f"{float(number):g}" for number in trend_rules()["CC-03"].numbers)
    rules = pd.DataFrame(
        [
            {"rule": rule.rule_id, "judged": rule.judged, "limit": rule.printed_limit, "source": rule.source}
            for rule in trend_rules().values()
        ]
    )
    limits = board.limits.drop(columns=["runs", "digest"])
    return [
        _section("signals", "Signals, the latest run first", _latest_first(board.signals)),
        _section("charts", "Charts", charts=_charts(board), text=READING.format(*numbers)),
        _section("steps", "Steps where a lot or an instrument changes", board.steps),
        _section("drift", "Within runs: drift and edge of the plate", board.drift),
        _section("agreement", "Two methods on the same samples", board.agreement),
        _section("limits", "Limits as fixed", limits),
        _section("runs", "Runs", board.runs),
        _section("rules", "Rules of the charts", rules),
    ]


def _latest_first(signals: pd.DataFrame) -> pd.DataFrame:
    """Return the signals by run, the latest first; warnings after what is to be investigated."""
    weight = signals.signal.map({WARNING: 1}).fillna(0)
    order = signals.assign(weight=weight).sort_values(
        ["run_date", "run_id", "weight", "series"], ascending=[False, False, True, True], kind="stable"
    )
    return order.drop(columns="weight")


def _section(
    name: str, title: str, table: pd.DataFrame | None = None, *, charts: Sequence[Any] = (), text: str = ""
) -> dict[str, Any]:
    section: dict[str, Any] = {"id": name, "title": title, "text": text, "charts": charts, "columns": [], "rows": []}
    if table is not None:
        kept = [name for name in table if len(table) and not _is_empty(table[name])]
        rows = [[_shown(cell) for cell in row] for row in table[kept].itertuples(index=False)]
        section |= {
            "columns": [head(name) for name in kept],
            "rows": rows,
            "text": text or ("" if len(table) else "none"),
        }
    return section


def _is_empty(column: pd.Series) -> bool:
    return bool((column.isna() | (column.astype(str) == "")).all())


def _shown(cell: Any) -> str:
    if isinstance(cell, float | np.floating):
        number = float(cell)
        if np.isnan(number):
            return ""
        return plain(number) if number == 0 or abs(number) >= 1e-4 else f"{number:.2g}"
    return "" if cell is None else str(cell)


def _charts(board: Board) -> list[dict[str, str]]:
    """Return the charts: series with signals first, then by kind and name."""
    loud = set(board.signals.series[board.signals.signal != WARNING])
    order = list(kinds())
    groups: list[tuple[str, pd.DataFrame]] = [
        (str(series), here) for series, here in board.trends.groupby("series", sort=True)
    ]
    groups.sort(key=lambda group: (group[0] not in loud, order.index(group[1].kind.iloc[0]), group[0]))
    return [
        {"title": f"{series} ({here.unit.iloc[0]})", "svg": series_chart(here), "text": _caption(here, board.signals)}
        for series, here in groups
    ]


def _caption(points: pd.DataFrame, signals: pd.DataFrame) -> str:
    """Return the centre and spread in force, and the signals by rule."""
    last: Mapping[str, Any] = points.iloc[-1].to_dict()
    here = signals[signals.series == last["series"]]
    counts = ", ".join(f"{rule} {count}" for rule, count in here.rule.value_counts(sort=False).items())
    words = _counted(len(points), "point")
    if last["limits_version"]:
        words += f"; mean {_shown(last['centre'])}, SD {_shown(last['sd'])} of limits version {last['limits_version']}"
    return f"{words}; signals: {counts or 'none'}"
