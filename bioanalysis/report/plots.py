"""Small SVG figures, drawn by ourselves so that a page needs no network, no script and prints as it is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import islice, pairwise
from types import MappingProxyType

WIDTH, HEIGHT, LEFT, BOTTOM = 440, 250, 56, 48
SHAPES = {"down": "m-4.5 -3.5h9l-4.5 8", "up": "m-4.5 3.5h9l-4.5 -8", "square": "m-3.5 -3.5h7v7h-7"}
EXACT = 1e15  # whole numbers below are written as they are
SMALL, LARGE = 1e-6, 1e9  # other numbers outside have an exponent: their zeros would be counted, not read


CHARACTER = 5.5  # width of a letter of a figure, in its units
AT_ONCE = 1000  # marks drawn at a time
PLACES = 6  # words at most along one axis


@dataclass(frozen=True, slots=True)
class Mark:
    """One point of a figure: where it lies, its css class, what it says when pointed at, its interval and its shape.

    Shapes: circle, down and up (triangles: the value lies below or above), square.
    """

    x: float
    y: float
    kind: str
    tip: str
    low: float = math.nan
    high: float = math.nan
    shape: str = "circle"


@dataclass(frozen=True)
class Axis:
    """One axis: its name, whether it is logarithmic, words for places on it, and values it must show."""

    label: str
    log: bool = False
    ticks: Mapping[str, float] = field(default_factory=dict)
    include: Sequence[float] = ()

    def shows(self, value: float) -> bool:
        return math.isfinite(value) and (value > 0 or not self.log)

    def places(self, low: float, high: float) -> list[float]:
        """Return where words stand: round values inside the span; decades, or 1, 2, 5, where it is logarithmic."""
        if not self.log:
            return _round_places(low, high)
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in ((1, 2, 5), (1,)):
            inside = [float(f"{step}e{power}") for power in powers for step in steps]
            inside = [value for value in inside if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]
            if len(inside) <= PLACES:
                return inside if len(inside) > 1 else _round_places(low, high)
        return inside[:: math.ceil(len(inside) / PLACES)]

    def scale(self, values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
        """Return the function from a value to its place on the page."""
        span = [*values, *self.include]
        low, high = (math.log10(v) if self.log else v for v in (min(span), max(span)))
        width = (high - low) or 1.0
        return lambda value: start + ((math.log10(value) if self.log else value) - low) / width * (end - start)


@dataclass(frozen=True)
class Drawing:
    """Marks, a line through (x, y) pairs and horizontal guides, drawn when the picture is asked for.

    `notes` stand under the words of the x axis; intervals of marks are drawn as far as the axis can show them.
    """

    x_axis: Axis
    y_axis: Axis
    marks: Sequence[Mark] = ()
    line: Sequence[tuple[float, float]] = ()
    guides: Sequence[float] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    width: int = WIDTH

    @property
    def svg(self) -> str:
        """The picture; without marks a sentence that says so."""
        return "".join(self.pieces())

    def pieces(self) -> Iterator[str]:
        """Yield the picture a piece at a time, its head first: that of a study of many animals has megabytes."""
        if not self.marks:
            yield f"<p>{escape(self.y_axis.label)}, {escape(self.x_axis.label)}: nothing to draw</p>"
            return
        title = escape(f"{self.y_axis.label} against {self.x_axis.label}", quote=True)
        yield f'<svg viewBox="0 0 {self.width} {HEIGHT}" role="img" aria-label="{title}">'
        parts = self._parts()
        while some := list(islice(parts, AT_ONCE)):
            yield "".join(some)

    def _parts(self) -> Iterator[str]:
        x_axis, y_axis, marks, width = self.x_axis, self.y_axis, self.marks, self.width
        xs = [mark.x for mark in marks] + [x for x, _ in self.line]
        ys = [y for mark in marks for y in (mark.y, mark.low, mark.high) if y_axis.shows(y)]
        ys += [y for _, y in self.line] + list(self.guides)
        to_x, to_y = x_axis.scale(xs, LEFT + 8, width - 14), y_axis.scale(ys, HEIGHT - BOTTOM - 6, 12)
        path = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in self.line)
        yield f'<path class="axis" d="M{LEFT} 6V{HEIGHT - BOTTOM}H{width - 6}"/>'
        yield from (f'<path class="guide" d="M{LEFT} {to_y(y):.1f}H{width - 6}"/>' for y in self.guides)
        yield f'<polyline class="curve" points="{path}"/>'
        spread = (mark for mark in marks if y_axis.shows(mark.low) and y_axis.shows(mark.high))
        yield from (_interval(mark, to_x(mark.x), to_y) for mark in spread)
        yield from (_drawn(mark, to_x(mark.x), to_y(mark.y)) for mark in marks)
        yield from _ticks(x_axis, y_axis, xs, [*ys, *y_axis.include], to_x, to_y)
        yield from _notes(x_axis, self.notes, to_x)
        yield f'<text x="{width / 2}" y="{HEIGHT - 10}" text-anchor="middle">{_fitted(x_axis.label, width)}</text>'
        yield f'<text transform="translate(12 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        yield f"{_fitted(y_axis.label, HEIGHT)}</text></svg>"


def scatter(
    marks: Sequence[Mark],
    x_axis: Axis,
    y_axis: Axis,
    *,
    line: Sequence[tuple[float, float]] = (),
    guides: Sequence[float] = (),
    notes: Mapping[str, str] = MappingProxyType({}),
    width: int = WIDTH,
) -> Drawing:
    """Return a drawing of what its axes can show; what they cannot is left out."""
    marks = [mark for mark in marks if x_axis.shows(mark.x) and y_axis.shows(mark.y)]
    if not marks:
        return Drawing(x_axis, y_axis)
    line = [(x, y) for x, y in line if x_axis.shows(x) and y_axis.shows(y)]
    return Drawing(x_axis, y_axis, marks, line, guides, notes, width)


def _drawn(mark: Mark, x: float, y: float) -> str:
    kind, tip = escape(mark.kind, quote=True), f"<title>{escape(mark.tip)}</title>"
    if mark.shape not in SHAPES:
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5">{tip}</circle>'
    return f'<path class="mark {kind}" d="M{x:.1f} {y:.1f}{SHAPES[mark.shape]}z">{tip}</path>'


def _interval(mark: Mark, x: float, to_y: Callable[[float], float]) -> str:
    return f'<path class="interval" d="M{x:.1f} {to_y(mark.low):.1f}V{to_y(mark.high):.1f}"/>'


def _notes(x_axis: Axis, notes: Mapping[str, str], to_x: Callable[[float], float]) -> list[str]:
    return [
        f'<text class="note" x="{to_x(value):.1f}" y="{HEIGHT - BOTTOM + 25}" text-anchor="middle">'
        f"{escape(notes[name])}</text>"
        for name, value in x_axis.ticks.items()
        if name in notes
    ]


def _ticks(
    x_axis: Axis,
    y_axis: Axis,
    xs: Sequence[float],
    ys: Sequence[float],
    to_x: Callable[[float], float],
    to_y: Callable[[float], float],
) -> list[str]:
    across = x_axis.ticks or {_place(v): v for v in x_axis.places(min(xs), max(xs))}
    room = min((there - here for here, there in pairwise(sorted(map(to_x, across.values())))), default=WIDTH - LEFT)
    up = y_axis.ticks or {_place(v): v for v in y_axis.places(min(ys), max(ys))}
    words = [
        f'<text x="{to_x(v):.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{_fitted(name, room)}</text>'
        for name, v in across.items()
    ]
    words += [
        f'<text x="{LEFT - 6}" y="{to_y(v) + 3:.1f}" text-anchor="end">{_fitted(name, LEFT)}</text>'
        for name, v in up.items()
    ]
    small = "".join(f"M{LEFT - 3} {to_y(v):.1f}h3" for v in up.values())
    if not x_axis.ticks:
        small += "".join(f"M{to_x(v):.1f} {HEIGHT - BOTTOM}v3" for v in across.values())
    return [f'<path class="axis" d="{small}"/>', *words]


def _fitted(words: str, room: float) -> str:
    """Return words as markup; where they need more room than there is, cut with an ellipsis, whole when pointed at."""
    most = max(3, int(room / CHARACTER))
    if len(words) <= most:
        return escape(words)
    return f"{escape(words[: most - 1])}…<title>{escape(words)}</title>"


def _place(value: float) -> str:
    """Return the word at a place of an axis: decades without trailing zeros."""
    return f"{value:g}" if value == 0 or (1e-4 <= abs(value) < 1e6 and float(f"{value:.3g}") == value) else plain(value)


def _round_places(low: float, high: float) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten inside a span, at most `PLACES`; zero is one of them."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / PLACES))
    for step in (power * size for size in (1, 2, 5, 10, 20)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < PLACES:
            return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
    return [low, high]


def trace(time: Sequence[float], intensity: Sequence[float], left: float, right: float, title: str) -> str:
    """Return a small chromatogram (minutes, counts) with its boundaries."""
    if not len(time):
        return ""
    to_x, to_y = Axis("").scale(time, 4, 156), Axis("", include=[0]).scale(intensity, 70, 14)
    path = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in zip(time, intensity, strict=True))
    bounds = "".join(f'<path class="bound" d="M{to_x(b):.1f} 14V70"/>' for b in (left, right) if math.isfinite(b))
    return (
        f'<svg class="trace" viewBox="0 0 160 76" role="img" aria-label="{escape(title, quote=True)}">'
        f'<text x="4" y="10">{escape(title)}</text>{bounds}<polyline class="curve" points="{path}"/></svg>'
    )


def plain(value: float) -> str:
    """Return a number with three significant digits, whole numbers as they are; very large and small with exponent."""
    size = abs(value)
    if value == int(value) and size < EXACT:
        return str(int(value))
    if not SMALL <= size < LARGE:
        return f"{value:.2e}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}"
