"""Charts of a search in SVG, each for wide and for narrow screens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from nasir.apps.report.axes import Axes, span
from nasir.apps.report.markup import Html, joined, tag
from nasir.apps.report.markup import number as pixel
from nasir.core.diagram import Point

WIDE, NARROW = (980.0, 340.0), (420.0, 320.0)
"""Width and height in pixels; a stylesheet shows the one that fits."""


@attrs.frozen
class Dot:
    """A trial in a chart: its place, the words shown when it is pointed at, and its CSS classes."""

    x: float
    y: float
    title: str
    trial: int
    look: str = "dot"


def both(draw: Callable[[float, float], Html]) -> Html:
    """A chart for wide and for narrow screens."""
    return tag(
        "div",
        tag("div", draw(*WIDE), class_="wide"),
        tag("div", draw(*NARROW), class_="narrow"),
        class_="plot",
    )


def history(
    dots: Sequence[Dot],
    failed: Sequence[Dot],
    best: Sequence[Point],
    marks: Mapping[str, float],
    ylabel: str = "score",
) -> Html:
    """Scores over the numbers of trials, with the best so far and the scores in `marks`.

    Scores far below the others are drawn on the lower edge, so that they do not flatten the rest.
    """
    low = _lowest_in_place([dot.y for dot in dots])
    last = max((dot.x for dot in (*dots, *failed)), default=1.0)
    first = min((dot.x for dot in (*dots, *failed)), default=0.0)
    up = span([*(max(dot.y, low) for dot in dots), *(m for m in marks.values() if m >= low)])

    def draw(width: float, height: float) -> Html:
        axes = Axes(width, height, (first - 0.5, last + 0.5), up, whole=True)
        path = steps([(x, max(y, up[0])) for x, y in best], last + 0.5, axes)
        lines = [_mark(name, value, axes) for name, value in marks.items() if value >= up[0]]
        return axes.draw(
            *lines,
            tag("path", d=path, class_="best") if best else Html(),
            joined(_failed(dot, axes) for dot in failed),
            joined(_dot(dot, axes) for dot in dots),
            xlabel="trial",
            ylabel=ylabel,
            description=f"Scores of {len(dots)} trials and the best so far",
        )

    return both(draw)


def scatter(dots: Sequence[Dot], front: Sequence[Point], xlabel: str, ylabel: str) -> Html:
    """Trials by two metrics, with a line through a front."""
    across, up = span(d.x for d in dots), span(d.y for d in dots)

    def draw(width: float, height: float) -> Html:
        axes = Axes(width, height, across, up)
        line = polyline([(axes.x(x), axes.y(y)) for x, y in front])
        return axes.draw(
            tag("path", d=line, class_="front") if front else Html(),
            joined(_dot(dot, axes) for dot in dots),
            xlabel=xlabel,
            ylabel=ylabel,
            description=f"{len(dots)} trials by {xlabel} and {ylabel}",
        )

    return both(draw)


def _dot(dot: Dot, axes: Axes) -> Html:
    below = dot.y < axes.up[0]
    circle = tag(
        "circle",
        tag("title", dot.title),
        cx=axes.x(dot.x),
        cy=axes.floor if below else axes.y(dot.y),
        r=3.5 if below else 4.5,
        class_=f"{dot.look} below" if below else dot.look,
    )
    return tag("a", circle, href=f"#trial-{dot.trial}")


def _failed(dot: Dot, axes: Axes) -> Html:
    x, y = axes.x(dot.x), axes.floor - 7
    cross = f"M{pixel(x - 4)} {pixel(y - 4)}l8 8m0 -8l-8 8"
    mark = tag("path", tag("title", dot.title), d=cross, class_="failed")
    return tag("a", mark, href=f"#trial-{dot.trial}")


def _mark(name: str, value: float, axes: Axes) -> Html:
    left, right = axes.x(axes.across[0]), axes.x(axes.across[1])
    return tag(
        "g",
        tag("line", x1=left, x2=right, y1=axes.y(value), y2=axes.y(value)),
        tag("text", name, x=left + 6, y=axes.y(value) - 6),
        class_="mark",
    )


def _lowest_in_place(values: Sequence[float]) -> float:
    """The lowest score that is drawn in its place: Tukey's far-out fence, or the minimum."""
    if not values:
        return 0.0
    ordered = sorted(values)
    lower, upper = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    return max(ordered[0], lower - 3 * (upper - lower)) if upper > lower else ordered[0]


def steps(points: Sequence[Point], end: float, axes: Axes) -> str:
    """The path of a step curve, which keeps each value until the next one, up to `end`."""
    if not points:
        return ""
    path = f"M{pixel(axes.x(points[0][0]))} {pixel(axes.y(points[0][1]))}"
    path += "".join(f"H{pixel(axes.x(x))}V{pixel(axes.y(y))}" for x, y in points[1:])
    return f"{path}H{pixel(axes.x(end))}"


def polyline(points: Sequence[Point]) -> str:
    """The path of straight lines through points in pixels."""
    return "M" + "L".join(f"{pixel(x)} {pixel(y)}" for x, y in points)
