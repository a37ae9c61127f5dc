"""Architectures in SVG, as their spaces draw them, or else as lists of choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nasir.apps.formatting import as_typed
from nasir.apps.report.markup import Html, joined, tag
from nasir.apps.report.markup import number as pixel
from nasir.core.architecture import Architecture, Value
from nasir.core.diagram import Arrow, Box, Drawing, Key, Shape, Text, Wire
from nasir.settings.building import make


def diagram(architecture: Architecture, space: Mapping[str, Any]) -> Html:
    """The drawings of an architecture by the space with these settings, or else its choices."""
    try:
        drawings = make("space", space).diagram(architecture)
        made = joined(map(render, drawings))
    except Exception:  # a plugin's space may raise anything, and a folder may hold anything
        made = Html()
    return made or listing(architecture.choices)


def render(drawing: Drawing) -> Html:
    """Heading, picture and legend; the picture is scaled down to the page."""
    return joined(
        tag("h4", drawing.heading) if drawing.heading else None,
        _picture(drawing) if drawing.shapes else None,
        legend(drawing.legend),
    )


def legend(entries: Sequence[Key]) -> Html:
    """What colours mean."""
    items = [tag("li", tag("i", class_=_look("key", one.colour)), one.words) for one in entries]
    return tag("ul", items, class_="legend") if items else Html()


def listing(choices: Mapping[str, Value]) -> Html:
    """The choices as a list, those of one part of a network together (``layer0.node1``)."""
    parts: dict[str, list[tuple[str, Value]]] = {}
    for name, value in choices.items():
        part, dot, rest = name.rpartition(".")
        parts.setdefault(part, []).append((rest if dot else name, value))
    return tag("div", [_part(name, rows) for name, rows in parts.items()], class_="parts")


def _part(name: str, rows: list[tuple[str, Value]]) -> Html:
    pairs = [tag("div", tag("dt", n), tag("dd", as_typed(value))) for n, value in rows]
    return tag("div", tag("h4", name) if name else None, tag("dl", pairs, class_="choices"))


def _picture(drawing: Drawing) -> Html:
    width, height = drawing.width, drawing.height
    picture = tag(
        "svg",
        map(_shape, drawing.shapes),
        viewBox=f"0 0 {pixel(width)} {pixel(height)}",
        class_="diagram",
        role="img",
        aria_label=drawing.description,
        style=f"max-width:{pixel(width)}px;min-width:{pixel(min(width, 0.72 * width + 60))}px",
    )
    return tag("div", picture, class_="scroll", tabindex="0")


def _shape(shape: Shape) -> Html:
    if isinstance(shape, Box):
        return _box(shape)
    if isinstance(shape, Text):
        look = " ".join([shape.align, *(["quiet"] if shape.quiet else [])])
        turn = f"rotate(-90 {pixel(shape.x)} {pixel(shape.y)})" if shape.upwards else None
        return tag("text", shape.words, class_=look, x=shape.x, y=shape.y, transform=turn)
    if isinstance(shape, Arrow):
        x, y = shape.at
        head = Wire([(x - 6, y - 3.5), (x, y), (x - 6, y + 3.5)])
        return tag("path", d=f"{_path(head)}Z", class_=_look("head", shape.colour))
    kinds = [kind for kind in ("dashed", "faint") if getattr(shape, kind)]
    look = " ".join([_look("wire", shape.colour), *kinds])
    return tag("path", _title(shape.title), d=_path(shape), class_=look)


def _box(box: Box) -> Html:
    corners = min(7, box.width / 2, box.height / 2)
    label = Text(box.x + box.width / 2, box.y + box.height / 2 + 4, box.label)
    return tag(
        "g",
        _title(box.title),
        tag("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=corners),
        _shape(label) if box.label else None,
        class_=_look(f"box {box.kind}", box.colour),
    )


def _path(wire: Wire) -> str:
    """The line through the points of a wire, as SVG spells it."""
    first, *others = (f"{pixel(x)} {pixel(y)}" for x, y in wire.points)
    return f"M{first}{'C' if wire.curved else 'L'}{' '.join(others)}"


def _look(kind: str, colour: int | None) -> str:
    return kind if colour is None else f"{kind} series{colour}"


def _title(words: str) -> Html | None:
    return tag("title", words) if words else None
