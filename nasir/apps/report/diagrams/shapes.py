"""What diagrams are made of: boxes, lines and letters, in pixels from the upper left corner."""

from __future__ import annotations

from nasir.apps.report.markup import Child, Html, tag
from nasir.apps.report.markup import number as pixel

Point = tuple[float, float]


def drawing(width: float, height: float, told: str, *content: Child) -> Html:
    """A diagram in its own size, smaller where the page is; `told` says what it shows."""
    picture = tag(
        "svg",
        content,
        viewBox=f"0 0 {pixel(width)} {pixel(height)}",
        class_="diagram",
        role="img",
        aria_label=told,
        style=f"max-width:{pixel(width)}px;min-width:{pixel(min(width, 0.72 * width + 60))}px",
    )
    return tag("div", picture, class_="scroll", tabindex="0")


def box(
    x: float, y: float, width: float, height: float, look: str, label: str = "", told: str = ""
) -> Html:
    """A rounded box with a label in its middle."""
    return tag(
        "g",
        tag("title", told) if told else None,
        tag("rect", x=x, y=y, width=width, height=height, rx=min(7, width / 2, height / 2)),
        text(x + width / 2, y + height / 2 + 4, label) if label else None,
        class_=f"box {look}",
    )


def text(x: float, y: float, words: str, look: str = "middle") -> Html:
    """Words on one line, at their base line."""
    return tag("text", words, x=x, y=y, class_=look)


def line(points: list[Point], look: str) -> Html:
    """Straight lines through points."""
    path = "M" + "L".join(f"{pixel(x)} {pixel(y)}" for x, y in points)
    return tag("path", d=path, class_=f"wire {look}")


def flow(start: Point, end: Point, look: str, told: str = "") -> Html:
    """A curve that leaves and arrives level."""
    (x, y), (to_x, to_y) = start, end
    reach = max(24.0, abs(to_x - x) * 0.45)
    path = (
        f"M{pixel(x)} {pixel(y)}C{pixel(x + reach)} {pixel(y)} "
        f"{pixel(to_x - reach)} {pixel(to_y)} {pixel(to_x)} {pixel(to_y)}"
    )
    return tag("path", tag("title", told) if told else None, d=path, class_=f"wire {look}")


def lane(start: Point, end: Point, bend: float, look: str, told: str = "") -> Html:
    """A curve to the height of its end within `bend` pixels, and level from there."""
    (x, y), (to_x, to_y) = start, end
    path = (
        f"M{pixel(x)} {pixel(y)}C{pixel(x + bend / 2)} {pixel(y)} {pixel(x + bend / 2)} "
        f"{pixel(to_y)} {pixel(x + bend)} {pixel(to_y)}H{pixel(to_x)}"
    )
    return tag("path", tag("title", told) if told else None, d=path, class_=f"wire {look}")


def arc(start: Point, end: Point, rise: float, look: str) -> Html:
    """A bow from point to point, `rise` pixels above the higher of them."""
    (x, y), (to_x, to_y) = start, end
    top = min(y, to_y) - rise
    path = (
        f"M{pixel(x)} {pixel(y)}C{pixel(x)} {pixel(top)} {pixel(to_x)} {pixel(top)} "
        f"{pixel(to_x)} {pixel(to_y)}"
    )
    return tag("path", d=path, class_=f"wire {look}")


def head(at: Point, look: str = "") -> Html:
    """The head of an arrow that points to the right and ends at a point."""
    x, y = at
    path = (
        f"M{pixel(x - 6)} {pixel(y - 3.5)}L{pixel(x)} {pixel(y)}L{pixel(x - 6)} {pixel(y + 3.5)}Z"
    )
    return tag("path", d=path, class_=f"head {look}".strip())


def key(entries: list[tuple[str, str]]) -> Html:
    """What the looks of lines or boxes mean."""
    items = [tag("li", tag("i", class_=f"key {look}"), words) for look, words in entries]
    return tag("ul", items, class_="legend")
