"""Figures → SVG, drawn here: bars and lines are enough, and stay readable in a diff."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 760
LEFT, RIGHT = 190, 70
BAR, GAP, GROUP_GAP = 16, 3, 14
TOP, BOTTOM = 64, 40
LINE_HEIGHT = 260
COLOURS = {"ours": "#1f6feb", "peer": "#d9822b", "floor": "#8c959f"}
OTHERS = ("#2da44e", "#8250df", "#cf222e", "#57606a")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `least` and `most` are the range of several runs."""

    series: str
    value: float
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Values → places; a logarithmic scale shows a value beside one a thousand times larger."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def place(self, value: float) -> float:
        """Where a value goes."""
        if self.log:
            share = math.log10(max(value, self.low) / self.low) / math.log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values to mark."""
        if self.log:
            return [
                10.0**power
                for power in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            ]
        step = _round_step(self.high - self.low)
        return [
            self.low + step * number
            for number in range(math.floor((self.high - self.low) / step + 1e-9) + 1)
        ]


def scale(values: Sequence[float], *, start: float, end: float, log: bool) -> Scale:
    """One that has room for all of the values."""
    if log:
        positive = [value for value in values if value > 0] or [1.0]
        low = 10.0 ** math.floor(math.log10(min(positive)))
        high = 10.0 ** math.ceil(math.log10(max(positive)))
        return Scale(
            low=low / (10 if low == min(positive) else 1),
            high=max(high, low * 10),
            start=start,
            end=end,
            log=True,
        )
    high = max([*values, 1e-9])
    step = _round_step(high)
    return Scale(
        low=0.0, high=step * math.ceil(high / step - 1e-9), start=start, end=end, log=False
    )


def bars(title: str, groups: Mapping[str, Sequence[Bar]], *, unit: str, log: bool = False) -> str:
    """Horizontal bars in groups; the number stands at the end of each."""
    across = scale(
        [bar.most for group in groups.values() for bar in group],
        start=LEFT,
        end=WIDTH - RIGHT,
        log=log,
    )
    drawn, y = [], float(TOP)
    for label, group in groups.items():
        height = len(group) * (BAR + GAP)
        drawn.append(_text(LEFT - 8, y + height / 2 + 3, label, anchor="end"))
        for bar in group:
            end = across.place(bar.value)
            drawn.append(
                _rect(LEFT, y, width=max(end - LEFT, 1.0), height=BAR, colour=_colour(bar.series))
            )
            if bar.most > bar.least:
                least, most = across.place(bar.least), across.place(bar.most)
                drawn.append(_line((least, y + BAR / 2), (most, y + BAR / 2), colour="#1f2328"))
            drawn.append(
                _text(max(end, across.place(bar.most)) + 5, y + BAR - 4, number(bar.value))
            )
            y += BAR + GAP
        y += GROUP_GAP
    axis = [
        part
        for tick in across.ticks()
        for part in (
            _line((across.place(tick), TOP - 6), (across.place(tick), y), colour="#d0d7de"),
            _text(across.place(tick), y + 14, number(tick), anchor="middle"),
        )
    ]
    names = list(dict.fromkeys(bar.series for group in groups.values() for bar in group))
    return _document(title, unit, [*axis, *drawn], names=names, height=y + BOTTOM)


def lines(
    title: str,
    series: Mapping[str, Sequence[Point]],
    *,
    units: tuple[str, str],
    log: tuple[bool, bool] = (False, False),
) -> str:
    """Lines with their points; `units` and `log` are of x and y."""
    points = [point for line in series.values() for point in line]
    across = scale([x for x, _ in points], start=70, end=WIDTH - 30, log=log[0])
    up = scale([y for _, y in points], start=TOP + LINE_HEIGHT, end=TOP, log=log[1])
    drawn = []
    for tick in up.ticks():
        drawn += [_line((70, up.place(tick)), (WIDTH - 30, up.place(tick)), colour="#d0d7de")]
        drawn += [_text(62, up.place(tick) + 4, number(tick), anchor="end")]
    drawn += [
        _text(across.place(tick), TOP + LINE_HEIGHT + 18, number(tick), anchor="middle")
        for tick in across.ticks()
    ]
    drawn.append(_text(WIDTH - 30, TOP + LINE_HEIGHT + 34, units[0], anchor="end"))
    for name, line in series.items():
        placed = [(across.place(x), up.place(y)) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{_colour(name)}" stroke-width="2"/>'
        )
        if len(placed) <= 30:
            drawn += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_colour(name)}"/>'
                for x, y in placed
            ]
    return _document(title, units[1], drawn, names=list(series), height=TOP + LINE_HEIGHT + 44)


def number(value: float) -> str:
    """A number as short as it may be."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _document(
    title: str, unit: str, parts: Sequence[str], *, names: Sequence[str], height: float
) -> str:
    legend, x = [], float(WIDTH - RIGHT)
    for name in reversed(names):
        x -= 8 * len(name) + 26
        legend += [_rect(x, 34, width=11, height=11, colour=_colour(name)), _text(x + 16, 44, name)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img">'
    )
    style = (
        "<style>text{font:12px "
        "sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}</style>"
    )
    # A ground of its own: the page may be dark.
    ground = f'<rect width="{WIDTH}" height="{height:.0f}" rx="6" fill="#ffffff"/>'
    captions = [f'<text class="title" x="16" y="26">{escape(title)}</text>', _text(16, 44, unit)]
    return (
        "\n".join(
            [
                head,
                f"<title>{escape(title)}</title>",
                style,
                ground,
                *captions,
                *legend,
                *parts,
                "</svg>",
            ]
        )
        + "\n"
    )


def _colour(name: str) -> str:
    return COLOURS.get(name) or OTHERS[sum(name.encode()) % len(OTHERS)]


def _rect(x: float, y: float, *, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
    )


def _line(start: Point, end: Point, *, colour: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}"/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _round_step(span: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(span / 4 if span > 0 else 1.0))
    steps: Callable[[float], bool] = lambda factor: span / (factor * power) <= 6  # noqa: E731
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if steps(factor))
