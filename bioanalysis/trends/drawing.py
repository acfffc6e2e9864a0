"""Levey-Jennings and EWMA charts as SVG, drawn by ourselves so that a page needs no network and no script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.report.plots import plain
from bioanalysis.trends.series import ACCEPTED

WIDE, NARROW, FEW = 900, 440, 12  # charts of few runs take half the width
LEFT, RIGHT = 70, 64
TOP, BOTTOM, GAP, EWMA_HEIGHT, HEIGHT = 34, 214, 26, 92, 250
BEYOND = 3.6  # standard deviations shown: the outermost limit and some room


@dataclass(frozen=True)
class Columns:
    """Where the runs stand: a place for each, between the axis and the names of the lines at `right`."""

    width: int
    places: tuple[float, ...]

    @classmethod
    def of(cls, n: int) -> Columns:
        width = WIDE if n > FEW else NARROW
        span = width - LEFT - RIGHT - 24
        return cls(width, tuple(LEFT + 12 + (span * i / (n - 1) if n > 1 else span / 2) for i in range(n)))

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def half_step(self) -> float:
        """Half the way from one run to the next; the whole width for a single run."""
        return (self.places[1] - self.places[0]) / 2 if len(self.places) > 1 else float(self.width)


@dataclass(frozen=True)
class Panel:
    """A strip of the figure: the function from a value to its height, between `top` and `bottom`."""

    low: float
    high: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        """Return the height of a value, at the border where it lies outside."""
        inside = min(max(value, self.low), self.high)
        return self.bottom - (inside - self.low) / ((self.high - self.low) or 1.0) * (self.bottom - self.top)

    def shows(self, value: float) -> bool:
        return self.low <= value <= self.high


def series_chart(points: pd.DataFrame) -> str:
    """Return one series: values with 1, 2, 3 SD and Westgard words, below it EWMA with its limits where there are any.

    Parameters
    ----------
    points : DataFrame
        Rows of trends.tsv of one series, in the order of runs.
    """
    rows = points.to_dict("records")
    values = _panel(points)
    if values is None:
        notes = "; ".join(dict.fromkeys(row["note"] for row in rows if row["note"]))
        return f"<p>no value to draw: {escape(notes)}</p>"
    has_limits = bool(points.limits_version.ne("").any())
    height = HEIGHT + (GAP + EWMA_HEIGHT if has_limits else 0)
    columns = Columns.of(len(rows))
    parts = [*_frame(values, columns), *_segments(rows, columns, values), *_boundaries(rows, columns, height)]
    parts += [*_line(rows, columns, values), *_marks(rows, columns, values)]
    if has_limits:
        parts += _ewma(points, columns, height)
    parts += _run_names(rows, columns, BOTTOM + 14)
    title = escape(rows[0]["series"], quote=True)
    size = f'viewBox="0 0 {columns.width} {height}" style="width:{columns.width / 16:g}rem"'
    return f'<svg {size} role="img" aria-label="{title}">{"".join(parts)}</svg>'


def _panel(points: pd.DataFrame) -> Panel | None:
    """Return the strip of the values: accepted values, limits, nominal; a failed value may lie outside of it."""
    good = points[(points.state == ACCEPTED)]
    shown = [*good.value, *points.nominal, *points.method_low.where(points.limits_version == "")]
    shown += [*points.method_high.where(points.limits_version == "")]
    shown += [*(points.centre - BEYOND * points.sd), *(points.centre + BEYOND * points.sd)]
    if not np.isfinite(points.value).any():
        return None
    finite = [value for value in shown if math.isfinite(value)] or list(points.value[np.isfinite(points.value)])
    low, high = min(finite), max(finite)
    room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return Panel(low - room, high + room, TOP, BOTTOM)


def _frame(panel: Panel, columns: Columns) -> Iterator[str]:
    yield f'<path class="axis" d="M{LEFT} {panel.top}V{panel.bottom}H{columns.right}"/>'
    for value in _round_values(panel.low, panel.high):
        yield f'<text x="{LEFT - 5}" y="{panel.y(value) + 3:.1f}" text-anchor="end">{escape(_number(value))}</text>'


def _round_values(low: float, high: float, about: int = 4) -> list[float]:
    """Return a few round numbers between `low` and `high`."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    unit = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [unit * i for i in range(math.ceil(low / unit), math.floor(high / unit) + 1)]


def _number(value: float) -> str:
    """Return a tick in few characters."""
    return plain(value) if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"


def _stretches(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of neighbours with the same limits."""
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or _limits_key(rows[place]) != _limits_key(rows[start]):
            yield start, place - 1
            start = place


def _limits_key(row: dict[str, Any]) -> tuple[str, ...]:
    return (row["limits_version"], *(str(row[name]) for name in ("centre", "sd", "method_low", "method_high")))


def _segments(rows: Sequence[dict[str, Any]], columns: Columns, panel: Panel) -> Iterator[str]:
    """Yield centre and limits over each stretch of runs that they hold for."""
    for first, last in _stretches(rows):
        left, right = columns.places[first] - columns.half_step, columns.places[last] + columns.half_step
        left, right = max(left, LEFT), min(right, columns.right)
        named: list[float] = []
        for value, kind, name in _levels(rows[first]):
            if not (math.isfinite(value) and panel.shows(value)):
                continue
            y = panel.y(value)
            yield f'<path class="{kind}" d="M{left:.1f} {y:.1f}H{right:.1f}"/>'
            if last == len(rows) - 1 and all(abs(y - other) > 8 for other in named):
                named.append(y)
                yield f'<text class="name" x="{columns.right + 4}" y="{y + 3:.1f}">{escape(name)}</text>'


def _levels(row: dict[str, Any]) -> list[tuple[float, str, str]]:
    """Return value, css class and name of each horizontal line of a stretch."""
    if not row["limits_version"]:
        return [
            (row["nominal"], "centre", "nominal"), (row["method_low"], "method", "method"),
            (row["method_high"], "method", "method"),
        ]  # fmt: skip
    lines = [(row["centre"], "centre", "mean"), (row["nominal"], "nominal", "nominal")]
    for k in (1, 2, 3):
        lines += [(row["centre"] + sign * k * row["sd"], f"sd{k}", f"{word}{k} SD") for sign, word in SIGNS]
    return lines


SIGNS = ((1, "+"), (-1, "-"))


def _boundaries(rows: Sequence[dict[str, Any]], columns: Columns, height: float) -> Iterator[str]:
    """Yield a line where version or phase changes, and one where a lot changes."""
    for place in range(len(rows)):
        row, before = rows[place], rows[place - 1] if place else None
        at = columns.places[place] - columns.half_step if before else LEFT
        if before is None or _phase_key(row) != _phase_key(before):
            if before:
                yield f'<path class="phase" d="M{at:.1f} {TOP - 20}V{height - 8}"/>'
            yield f'<text class="phase" x="{at + 4:.1f}" y="{TOP - 22}">{escape(_phase_words(row))}</text>'
        if before and row["lots"] != before["lots"]:
            words = _lot_words(before["lots"], row["lots"])
            yield f'<path class="lot" d="M{at:.1f} {TOP - 8}V{BOTTOM}"><title>{escape(words)}</title></path>'
            yield f'<text class="lot" x="{at + 3:.1f}" y="{TOP - 9}">{escape(words)}</text>'


def _phase_key(row: dict[str, Any]) -> tuple[str, str]:
    return row["limits_version"], row["phase"][:1]


def _phase_words(row: dict[str, Any]) -> str:
    if not row["limits_version"]:
        has = math.isfinite(row["method_low"]) or math.isfinite(row["method_high"])
        return f"no limits fixed yet{': limits of the method, centre = nominal' if has else ''}"
    return f"phase {row['phase'][:1]}, limits version {row['limits_version']}"


def _lot_words(before: str, after: str) -> str:
    changed = [part for part in after.split("; ") if part and part not in before.split("; ")]
    return ", ".join(changed) or "lot no longer given"


def _line(rows: Sequence[dict[str, Any]], columns: Columns, panel: Panel) -> Iterator[str]:
    good = [
        f"{x:.1f},{panel.y(row['value']):.1f}"
        for row, x in zip(rows, columns.places, strict=True)
        if row["state"] == ACCEPTED and math.isfinite(row["value"])
    ]
    yield f'<polyline class="run" points="{" ".join(good)}"/>'


def _marks(rows: Sequence[dict[str, Any]], columns: Columns, panel: Panel) -> Iterator[str]:
    before: set[str] = set()
    for row, x in zip(rows, columns.places, strict=True):
        tip = escape(_tip(row))
        if not math.isfinite(row["value"]):
            at = f'x="{x:.1f}" y="{panel.bottom - 3}"'
            yield f'<text class="none" {at} text-anchor="middle">?<title>{tip}</title></text>'
            continue
        y = panel.y(row["value"])
        yield f'<circle class="{_mark_kind(row)}" cx="{x:.1f}" cy="{y:.1f}" r="3.4"><title>{tip}</title></circle>'
        words = row["westgard"].split()
        said = [word for word in words if word not in before and not (word == "1-2s" and len(words) > 1)]
        if not panel.shows(row["value"]):
            said.insert(0, _number(row["value"]))
        if said:
            place = f"translate({x + 3:.1f} {y - 5:.1f}) rotate(-40)"
            yield f'<text class="word" transform="{place}">{escape(", ".join(said))}</text>'
        before = set(words) if row["state"] == ACCEPTED else before


def _mark_kind(row: dict[str, Any]) -> str:
    if row["state"] != ACCEPTED:
        return "failed"
    words = set(row["westgard"].split())
    if words - {"1-2s"}:
        return "signal"
    outside = not row["limits_version"] and (row["value"] < row["method_low"] or row["value"] > row["method_high"])
    return "signal" if outside else "warning" if words else "good"


def _tip(row: dict[str, Any]) -> str:
    name = f"{row['study']} {row['run_id']}{' plate ' + row['plate'] if row['plate'] else ''}, {row['run_date']}"
    if not math.isfinite(row["value"]):
        return f"{name}: {row['note']}"
    score = f", z {row['z']:+.2f}" if math.isfinite(row["z"]) else ""
    state = "" if row["state"] == ACCEPTED else ", FAILED RUN"
    lots = f"; {row['lots']}" if row["lots"] else ""
    return f"{name}: {row['value']:.4g} {row['unit']} (n {row['n']}){score}{state} {row['westgard']}{lots}".strip()


def _ewma(points: pd.DataFrame, columns: Columns, height: float) -> list[str]:
    """Return the strip of the EWMA with its exact limits."""
    numbers = points[["ewma", "ewma_low", "ewma_high"]].to_numpy(dtype=float)
    top, bottom = height - EWMA_HEIGHT - 6, height - 12
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return []
    room = 0.08 * (finite.max() - finite.min())
    panel = Panel(finite.min() - room, finite.max() + room, top, bottom)
    parts = [
        f'<path class="axis" d="M{LEFT} {top}V{bottom}H{columns.right}"/>',
        f'<text x="14" y="{top + 12}">EWMA</text>',
    ]
    parts += [
        f'<text x="{LEFT - 5}" y="{panel.y(v) + 3:.1f}" text-anchor="end">{escape(_number(v))}</text>'
        for v in _round_values(panel.low, panel.high, 2)
    ]
    segment = (points.limits_version + points.phase.str[:1]).to_numpy()
    for name in dict.fromkeys(segment):
        here = [i for i in np.flatnonzero(segment == name) if np.isfinite(numbers[i, 0])]
        for column, kind in ((1, "limit"), (2, "limit"), (0, "ewma")):
            path = " ".join(f"{columns.places[i]:.1f},{panel.y(numbers[i, column]):.1f}" for i in here)
            parts.append(f'<polyline class="{kind}" points="{path}"/>')
        parts += [
            f'<circle class="signal" cx="{columns.places[i]:.1f}" cy="{panel.y(numbers[i, 0]):.1f}" r="3"/>'
            for i in here
            if not numbers[i, 1] <= numbers[i, 0] <= numbers[i, 2]
        ]
    return parts


def _run_names(rows: Sequence[dict[str, Any]], columns: Columns, y: float) -> Iterator[str]:
    """Yield names of as many runs as there is room for, the first and the last among them."""
    every = max(1, math.ceil(len(rows) * 105 / (columns.right - LEFT)))
    shown = sorted({*range(0, len(rows) - every // 2 - 1, every), len(rows) - 1})
    for i in shown:
        name = rows[i]["run_id"] + (f"/{rows[i]['plate']}" if rows[i]["plate"] else "")
        short = name if len(name) <= 16 else f"{name[:15]}…"
        inside = f"{escape(short)}<title>{escape(name)}</title>"
        yield f'<text x="{columns.places[i]:.1f}" y="{y}" text-anchor="middle">{inside}</text>'
