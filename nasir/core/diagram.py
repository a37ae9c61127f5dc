"""Drawings of architectures: plain shapes, in pixels from the upper left corner.

A space returns them from :meth:`~nasir.core.search_space.SearchSpace.diagram`; the report page
renders them. Colours are numbers, 0 to 7, of the page's palette; None is a neutral grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

Point = tuple[float, float]
"""Pixels from the left and from the top."""

COLOURS = 8
"""Colours of the palette."""


def _colour(shape: object, field: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and not 0 <= value < COLOURS:
        raise ValueError(f"colour {value}: wants 0 to {COLOURS - 1}, or None")


@attrs.frozen
class Box:
    """A rounded box with a label in its middle; `title` is shown when it is pointed at.

    `kind` is ``block`` for a part of the network, ``end`` for inputs and outputs, and ``group``
    for an area behind other boxes.
    """

    x: float
    y: float
    width: float
    height: float
    label: str = ""
    title: str = ""
    kind: Literal["block", "end", "group"] = "block"
    colour: int | None = attrs.field(default=None, validator=_colour)


@attrs.frozen
class Text:
    """Words on one line, at their base line; `upwards` turns them by 90 degrees."""

    x: float
    y: float
    words: str
    align: Literal["start", "middle", "end"] = "middle"
    quiet: bool = False
    upwards: bool = False


@attrs.frozen
class Wire:
    """A line through `points`.

    If `curved`, they are a start and then, for each cubic Bézier curve, two control points and an
    end.
    """

    points: Sequence[Point]
    colour: int | None = attrs.field(default=None, validator=_colour)
    title: str = ""
    curved: bool = False
    dashed: bool = False
    faint: bool = False


@attrs.frozen
class Arrow:
    """The head of an arrow that points to the right and ends at a point."""

    at: Point
    colour: int | None = attrs.field(default=None, validator=_colour)


Shape = Box | Text | Wire | Arrow


@attrs.frozen
class Key:
    """What a colour means."""

    words: str
    colour: int | None = attrs.field(default=None, validator=_colour)


@attrs.frozen
class Drawing:
    """Shapes that belong together, later ones on top, under a heading and above a legend.

    `description` is read to those who cannot see it. Without shapes, heading and legend remain.
    """

    heading: str = ""
    width: float = 0.0
    height: float = 0.0
    description: str = ""
    shapes: Sequence[Shape] = ()
    legend: Sequence[Key] = ()


def level_curve(start: Point, end: Point, colour: int | None = None, title: str = "") -> Wire:
    """A curve that leaves and arrives level."""
    (x, y), (to_x, to_y) = start, end
    reach = max(24.0, abs(to_x - x) * 0.45)
    points = (start, (x + reach, y), (to_x - reach, to_y), end)
    return Wire(points, colour, title, curved=True)


def lane(start: Point, end: Point, bend: float, colour: int | None = None, title: str = "") -> Wire:
    """A curve to the height of `end` within `bend` pixels, and level from there."""
    (x, y), (_, to_y) = start, end
    middle, turned = x + bend / 2, (x + bend, to_y)
    points = (start, (middle, y), (middle, to_y), turned, turned, end, end)
    return Wire(points, colour, title, curved=True)


def arc(start: Point, end: Point, rise: float, colour: int | None = None) -> Wire:
    """A bow from point to point, `rise` pixels above the higher of them."""
    top = min(start[1], end[1]) - rise
    return Wire((start, (start[0], top), (end[0], top), end), colour, curved=True)
