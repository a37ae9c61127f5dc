"""The axes of a chart: places of values, ticks and grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import attrs

from nasir.apps.report.markup import Html, joined, tag

Range = tuple[float, float]
LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 14.0, 44.0
"""Pixels around the plot for its labels."""


@attrs.frozen
class Axes:
    """Maps values to pixels in a drawing of `width` x `height` pixels, y upwards.

    If `whole`, the ticks across are whole numbers.
    """

    width: float
    height: float
    across: Range
    up: Range
    whole: bool = False

    def x(self, value: float) -> float:
        return LEFT + _share(value, self.across) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return self.floor - _share(value, self.up) * (self.floor - TOP)

    @property
    def floor(self) -> float:
        """The lowest pixel of the plot."""
        return self.height - BOTTOM

    def draw(self, *content: Html, xlabel: str, ylabel: str, description: str) -> Html:
        """The chart of `content`; `description` is for those who cannot see it."""
        return tag(
            "svg",
            self._grid(),
            *content,
            tag("text", xlabel, class_="label", x=self.x(self.across[1]), y=self.height - 8.0),
            tag("text", ylabel, class_="label up", x=-TOP, y=13.0, transform="rotate(-90)"),
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            class_="chart",
            role="img",
            aria_label=description,
        )

    def _grid(self) -> Html:
        wanted = 4 if self.width < 600 else 8
        lines = [
            tag("line", x1=LEFT, x2=self.width - RIGHT, y1=self.y(v), y2=self.y(v), class_="grid")
            for v in ticks(self.up, 5)
        ]
        left = _labels(ticks(self.up, 5), lambda v: (LEFT - 8, self.y(v) + 4), "tick left")
        across = ticks(self.across, wanted, 1.0 if self.whole else 0.0)
        below = _labels(across, lambda v: (self.x(v), self.floor + 18), "tick below")
        base = tag("line", x1=LEFT, x2=self.width - RIGHT, y1=self.floor, y2=self.floor)
        return tag("g", lines, tag("g", base, class_="base"), left, below)


def ticks(span: Range, wanted: int, least: float = 0.0) -> list[float]:
    """Round values in a range, about as many as wanted.

    They are 1, 2 or 5 times a power of ten apart, and `least` at least.
    """
    low, high = span
    if not high > low:
        return [low]
    rough = max((high - low) / max(wanted, 1), least)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def span(values: Iterable[float], margin: float = 0.06) -> Range:
    """The range of the finite values with some room around it; (0, 1) of none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return low - room, high + room


def tick_label(value: float, step: float) -> str:
    """A tick in as many digits as distinguish it from its neighbours."""
    if abs(value) >= 1e4 or (value and step < 1e-4):
        text = f"{value:.3g}"
        for power, unit in ((9, "G"), (6, "M"), (3, "k")):
            if abs(value) >= 10**power:
                text = f"{value / 10**power:.4g}{unit}"
                break
        return text.replace("-", "\u2212")
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 0
    return f"{value:.{digits}f}".replace("-", "\u2212")


def _labels(values: list[float], place: Callable[[float], Range], kind: str) -> Html:
    step = values[1] - values[0] if len(values) > 1 else 0.0
    return joined(
        tag("text", tick_label(v, step), x=place(v)[0], y=place(v)[1], class_=kind) for v in values
    )


def _share(value: float, span: Range) -> float:
    low, high = span
    return (value - low) / (high - low) if high > low else 0.5
