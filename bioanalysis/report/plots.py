"""Small SVG figures, drawn by ourselves so that a page needs no network, no script and prints as it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, MARGIN = 420, 240, 46


def scatter(
    points: Sequence[tuple[float, float, str, str]], *, x_label: str, y_label: str, log_x: bool, log_y: bool,
    line: Sequence[tuple[float, float]] = (), title: str = "",
) -> str:  # fmt: skip
    """Return an SVG of points (x, y, css class, tooltip) and a line; points that a log axis cannot show are left out."""
    points = [p for p in points if _shown(p[0], log_x) and _shown(p[1], log_y)]
    line = [p for p in line if _shown(p[0], log_x) and _shown(p[1], log_y)]
    if not points:
        return "<p>nothing to draw</p>"
    xs, ys = [p[0] for p in [*points, *line]], [p[1] for p in [*points, *line]]
    to_x, to_y = _scale(xs, log_x, MARGIN, WIDTH - 10), _scale(ys, log_y, HEIGHT - MARGIN, 12)
    marks = "".join(
        f'<circle class="{escape(kind)}" cx="{to_x(x):.1f}" cy="{to_y(y):.1f}" r="3.5"><title>{escape(tip)}</title></circle>'
        for x, y, kind, tip in points
    )
    path = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in line)
    ticks = f'<text x="{MARGIN}" y="{HEIGHT - 28}">{min(xs):.3g}</text>'
    ticks += f'<text x="{WIDTH - 10}" y="{HEIGHT - 28}" text-anchor="end">{max(xs):.3g}</text>'
    ticks += f'<text x="{MARGIN - 4}" y="{HEIGHT - MARGIN}" text-anchor="end">{min(ys):.3g}</text>'
    ticks += f'<text x="{MARGIN - 4}" y="20" text-anchor="end">{max(ys):.3g}</text>'
    frame = f'<path class="axis" d="M{MARGIN} 10V{HEIGHT - MARGIN + 4}H{WIDTH - 6}"/>'
    names = f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
    names += f'<text transform="translate(12 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title or y_label)}">{frame}'
        f'<polyline class="curve" points="{path}"/>{marks}{ticks}{names}</svg>'
    )


def trace(time: Sequence[float], intensity: Sequence[float], left: float, right: float, title: str) -> str:
    """Return a small chromatogram with its boundaries."""
    if not len(time):
        return ""
    to_x, to_y = _scale(time, False, 4, 156), _scale([0, *intensity], False, 70, 14)
    path = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in zip(time, intensity, strict=True))
    marks = "".join(f'<path class="bound" d="M{to_x(b):.1f} 14V70"/>' for b in (left, right) if math.isfinite(b))
    return (
        f'<svg class="trace" viewBox="0 0 160 76" role="img" aria-label="{escape(title)}"><text x="4" y="10">'
        f'{escape(title)}</text>{marks}<polyline class="curve" points="{path}"/></svg>'
    )


def _shown(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _scale(values: Sequence[float], log: bool, start: float, end: float):  # noqa: ANN202
    ends = [math.log10(v) if log else v for v in (min(values), max(values))]
    span = (ends[1] - ends[0]) or 1.0
    return lambda v: start + ((math.log10(v) if log else v) - ends[0]) / span * (end - start)
