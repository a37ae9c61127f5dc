"""Charts of several runs side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from nasir.apps.report.axes import Axes, span
from nasir.apps.report.charts import Point, both, polyline, steps
from nasir.apps.report.diagrams import legend
from nasir.apps.report.markup import Html, joined, tag
from nasir.core.diagram import COLOURS, Key

if TYPE_CHECKING:
    from nasir.apps.compare.curves import Curve
    from nasir.apps.compare.plots import Curves

Row = tuple[float, float, float, float]
"""Evaluations, mean, low and high."""


def curves(panel: Curves) -> Html:
    """Best-so-far curves with their bands, over full evaluations."""
    shown = {name: _known(curve) for name, curve in panel.curves.items()}
    points = [row for rows in shown.values() for row in rows]
    across, up = span((r[0] for r in points), 0.02), span(v for r in points for v in r[1:])

    def draw(width: float, height: float) -> Html:
        axes = Axes(width, height, across, up)
        return axes.draw(
            *(_band(place, rows, axes) for place, rows in enumerate(shown.values())),
            *(_curve(p, name, rows, axes) for p, (name, rows) in enumerate(shown.items())),
            xlabel="full evaluations",
            ylabel=panel.of,
            description=f"{panel.of} of {', '.join(shown)}",
        )

    return joined(_legend(list(shown)), both(draw))


def fronts(by_name: Mapping[str, Sequence[Point]], xlabel: str, ylabel: str) -> Html:
    """Pareto fronts by name."""
    points = [point for front in by_name.values() for point in front]
    across, up = span(p[0] for p in points), span(p[1] for p in points)

    def draw(width: float, height: float) -> Html:
        axes = Axes(width, height, across, up)
        return axes.draw(
            *(_front(p, name, f, axes) for p, (name, f) in enumerate(by_name.items())),
            xlabel=xlabel,
            ylabel=ylabel,
            description=f"Pareto fronts of {', '.join(by_name)}",
        )

    return joined(_legend(list(by_name)), both(draw))


def _legend(names: Sequence[str]) -> Html:
    return legend([Key(name, place % COLOURS) for place, name in enumerate(names)])


def _known(curve: Curve) -> list[Row]:
    """The points from the first value of the curve on."""
    rows = zip(curve.evaluations, curve.mean, curve.low, curve.high, strict=True)
    found = [(float(x), float(mean), float(low), float(high)) for x, mean, low, high in rows]
    return [row for row in found if all(map(math.isfinite, row))]


def _band(place: int, rows: Sequence[Row], axes: Axes) -> Html:
    if all(low == high for _, _, low, high in rows):
        return Html()
    there = _corners([(x, high) for x, _, _, high in rows])
    back = _corners([(x, low) for x, _, low, _ in rows])[::-1]
    outline = polyline([(axes.x(x), axes.y(y)) for x, y in (*there, *back)])
    return tag("path", d=f"{outline}Z", class_=f"band series{place % COLOURS}")


def _curve(place: int, name: str, rows: Sequence[Row], axes: Axes) -> Html:
    if not rows:
        return Html()
    path = steps([(x, mean) for x, mean, _, _ in rows], rows[-1][0], axes)
    title = f"{name}: {rows[-1][1]:.4g} after {rows[-1][0]:g}"
    return tag("path", tag("title", title), d=path, class_=f"curve series{place % COLOURS}")


def _front(place: int, name: str, front: Sequence[Point], axes: Axes) -> Html:
    if not front:
        return Html()
    colour = f"series{place % COLOURS}"
    dots = [
        tag(
            "circle",
            tag("title", f"{name}: {x:.5g}, {y:.5g}"),
            cx=axes.x(x),
            cy=axes.y(y),
            r=4.5,
            class_=f"point {colour}",
        )
        for x, y in front
    ]
    line = tag(
        "path", d=polyline([(axes.x(x), axes.y(y)) for x, y in front]), class_=f"curve {colour}"
    )
    return tag("g", line, dots)


def _corners(points: Sequence[Point]) -> list[Point]:
    """The points of a step curve with the corners between."""
    pairs = pairwise(points)
    between = [corner for (_, y), (x, new) in pairs for corner in ((x, y), (x, new))]
    return [*points[:1], *between]
