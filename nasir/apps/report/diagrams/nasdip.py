"""NAS-DIP: encoder and decoder levels, the connections that cross them, and the cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nasir.apps.report.diagrams.shapes import box, drawing, flow, head, key, line, text
from nasir.apps.report.markup import Html, joined, tag
from nasir.core.architecture import Value
from nasir.search_spaces.nasdip.connections import Matrix, matrix, shared_choices

HAND_MADE = "deep_image_prior"

ROW, TOP, LEFT, STEP = 66.0, 34.0, 96.0, 34.0
"""Pixels between resolutions, above them and beside them, and by which a level is set in."""

BOX_WIDTH, BOX_HEIGHT, GAP = 108.0, 36.0, 250.0
"""Pixels of a level's box, and between the coarsest encoder and decoder level."""

Choices = Mapping[str, Value]


def diagram(choices: Choices, settings: Mapping[str, Any]) -> Html:
    """The network of an architecture, and its cell; settings have at least `depth`."""
    depth = int(settings["depth"])
    hand_made = choices.get("network") == HAND_MADE
    connections = matrix(shared_choices((0,), depth) if hand_made else choices, depth)
    legend = key(
        [
            ("same", "same resolution" + (", 4 channels, concatenated" if hand_made else "")),
            ("rising", "from a coarser level, up by the cell"),
            ("falling", "from a finer level, down by strided convolutions"),
            ("trunk", "the U itself"),
        ]
    )
    if hand_made:
        legend = key([("same", "4 channels, concatenated"), ("trunk", "the U itself")])
    return joined(
        tag("h4", "Levels"),
        _levels(depth, connections, settings.get("width")),
        legend,
        tag("h4", "What takes a map one level up"),
        _chain([("\u00d72", "bilinear")] if hand_made else _cell(choices)),
    )


def _levels(depth: int, connections: Matrix, width: object) -> Html:
    """Rows are resolutions, the finest on top; encoder on the left, decoder on the right."""
    total = 2 * (LEFT + BOX_WIDTH + STEP * depth) + GAP
    height = TOP + ROW * depth + BOX_HEIGHT + 8
    rows = [TOP + ROW * row for row in range(depth + 1)]
    sources = [LEFT + STEP * row for row in range(depth + 1)]
    levels = [total - LEFT - BOX_WIDTH - STEP * row for row in range(depth)]
    middle = [row + BOX_HEIGHT / 2 for row in rows]
    content = [
        text(14, middle[r] + 4, "1" if not r else f"1/{2**r}", "scale") for r in range(depth + 1)
    ]
    content.append(text(14, TOP - 16, "resolution", "scale"))
    for row in range(depth):
        down, up = sources[row] + 22, levels[row] + BOX_WIDTH - 22
        content.append(line([(down, middle[row]), (down + STEP, middle[row + 1])], "trunk"))
        if row + 1 < depth:
            content.append(line([(up - STEP, middle[row + 1]), (up, middle[row])], "trunk"))
    last = (levels[-1], middle[depth - 1])
    content.append(flow((sources[-1] + BOX_WIDTH, middle[-1]), last, "trunk"))
    for decoder, joins in enumerate(connections):
        for source, joined_ in enumerate(joins):
            if joined_:
                start = (sources[source] + BOX_WIDTH, middle[source])
                content.append(
                    _connection(start, (levels[decoder], middle[decoder]), source, decoder)
                )
    for row in range(depth + 1):
        name = "data" if not row else f"encoder {row}"
        look = "end" if not row else "encoder"
        content.append(box(sources[row], rows[row], BOX_WIDTH, BOX_HEIGHT, look, name))
    for row in range(depth):
        arrow = (levels[row], middle[row])
        content.append(
            box(levels[row], rows[row], BOX_WIDTH, BOX_HEIGHT, "decoder", f"decoder {row + 1}")
        )
        content.append(head(arrow))
    out = levels[0] + BOX_WIDTH
    content += [
        line([(out, middle[0]), (out + 26, middle[0])], "trunk"),
        head((out + 30, middle[0])),
    ]
    content.append(text(out + 36, middle[0] + 4, "picture", "start"))
    if width is not None:
        content.append(
            text(levels[-1], middle[-1] + 4, f"{width} channels at every level", "scale")
        )
    count = sum(map(sum, connections))
    return drawing(total, height, f"{depth} levels with {count} connections across", content)


def _connection(
    start: tuple[float, float], end: tuple[float, float], source: int, decoder: int
) -> Html:
    look = "same" if source == decoder else "rising" if source > decoder else "falling"
    name = "data" if not source else f"encoder {source}"
    return flow(start, end, look, f"{name} to decoder {decoder + 1}")


def _cell(choices: Choices) -> list[tuple[str, str]]:
    """The steps of the cell in their order, each with a heading and its words."""
    resize = ("\u00d72", _words(choices["upsample"]))
    activation = ("activation", _words(choices.get("activation", "none")))
    kernel = choices.get("kernel", 1)
    size = f"{kernel} \u00d7 {kernel}, dilation {choices.get('dilation', 1)}"
    if "transform" not in choices:
        return [("\u00d72", f"{resize[1]} {size}"), activation]
    shape = f" {size}" if "kernel" in choices else ""
    transform = ("transform", f"{_words(choices['transform'])}{shape}")
    if choices["upsample"] == "sub_pixel":
        return [transform, activation, resize, activation]
    return [resize, activation, transform, activation]


def _chain(steps: list[tuple[str, str]]) -> Html:
    """Boxes one after another, as wide as their words."""
    x, content = 14.0, []
    for place, (heading, words) in enumerate(steps):
        width = 28 + 7.4 * max(len(words), len(heading))
        if place:
            content += [line([(x - 26, 40), (x - 4, 40)], "trunk"), head((x, 40))]
        look = "plain" if heading == "activation" else "decoder"
        content += [box(x, 18, width, 44, look), text(x + width / 2, 36, heading, "note")]
        content.append(text(x + width / 2, 53, words))
        x += width + 30
    told = " then ".join(words for _, words in steps)
    return drawing(x - 16, 76, f"the cell: {told}", content)


def _words(option: Value) -> str:
    return str(option).replace("_", " ")
