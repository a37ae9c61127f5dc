"""The diagram of a NAS-DIP network: its levels, the connections that cross them, and the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nasir.core.architecture import Value
from nasir.core.diagram import Arrow, Box, Drawing, Key, Point, Shape, Text, Wire, level_curve
from nasir.search_spaces.nasdip.connections import Matrix

ROW, TOP, LEFT, STEP = 66.0, 34.0, 96.0, 34.0
"""Pixels between resolutions, above them and beside them, and by which a level is set in."""

BOX_WIDTH, BOX_HEIGHT, GAP = 108.0, 36.0, 250.0
"""Pixels of a level's box, and between the coarsest encoder and decoder level."""

ENCODER, DECODER = 6, 0
SAME, RISING, FALLING = 2, 0, 1
"""Colours of boxes and connections."""

STEPS: Mapping[str, Sequence[tuple[str, str]]] = {
    "deep_decoder": (
        ("convolution", "1 \u00d7 1"),
        ("\u00d72", "bilinear"),
        ("activation", "relu"),
        ("each channel", "normalised"),
    ),
    "cyclegan_unet": (
        ("activation", "relu"),
        ("\u00d72", "trans conv 4 \u00d7 4"),
        ("each channel", "normalised"),
        ("beside it", "the encoder's map"),
    ),
    "comp_mirror": (
        ("coordinates", "beside the maps"),
        ("convolution", "4 \u00d7 4"),
        ("\u00d72", "bilinear, or a cell"),
        ("activation", "tanh"),
    ),
}
"""Of networks that have no cells, the steps of a level up, each with a heading and its words."""


def network_drawing(connections: Matrix, width: int, hand_made: bool) -> Drawing:
    """Rows are resolutions, the finest on top; encoder on the left, decoder on the right."""
    depth = len(connections)
    total = 2 * (LEFT + BOX_WIDTH + STEP * depth) + GAP
    rows = [TOP + ROW * row for row in range(depth + 1)]
    sources = [LEFT + STEP * row for row in range(depth + 1)]
    levels = [total - LEFT - BOX_WIDTH - STEP * row for row in range(depth)]
    middle = [row + BOX_HEIGHT / 2 for row in rows]
    shapes: list[Shape] = [Text(14, TOP - 16, "resolution", "start", quiet=True)]
    for row, y in enumerate(middle):
        shapes.append(Text(14, y + 4, f"1/{2**row}" if row else "1", "start", quiet=True))
    for row in range(depth):
        down, up = sources[row] + 22, levels[row] + BOX_WIDTH - 22
        shapes.append(Wire([(down, middle[row]), (down + STEP, middle[row + 1])]))
        if row + 1 < depth:
            shapes.append(Wire([(up - STEP, middle[row + 1]), (up, middle[row])]))
    coarsest = (sources[-1] + BOX_WIDTH, middle[-1])
    shapes.append(level_curve(coarsest, (levels[-1], middle[depth - 1])))
    for decoder, joins in enumerate(connections):
        for source, joined in enumerate(joins):
            if joined:
                start = (sources[source] + BOX_WIDTH, middle[source])
                shapes.append(
                    _connection(start, (levels[decoder], middle[decoder]), source, decoder)
                )
    shapes.append(Box(sources[0], rows[0], BOX_WIDTH, BOX_HEIGHT, "data", kind="end"))
    for row in range(1, depth + 1):
        shapes.append(
            Box(sources[row], rows[row], BOX_WIDTH, BOX_HEIGHT, f"encoder {row}", colour=ENCODER)
        )
    for row in range(depth):
        label = f"decoder {row + 1}"
        shapes.append(Box(levels[row], rows[row], BOX_WIDTH, BOX_HEIGHT, label, colour=DECODER))
        shapes.append(Arrow((levels[row], middle[row])))
    out = levels[0] + BOX_WIDTH
    shapes += [
        Wire([(out, middle[0]), (out + 26, middle[0])]),
        Arrow((out + 30, middle[0])),
        Text(out + 36, middle[0] + 4, "picture", "start"),
        Text(levels[-1], middle[-1] + 4, f"{width} channels at every level", "start", quiet=True),
    ]
    return Drawing(
        "Levels",
        total,
        TOP + ROW * depth + BOX_HEIGHT + 8,
        f"{depth} levels with {sum(map(sum, connections))} connections across",
        shapes,
        _legend(hand_made),
    )


def cell_drawing(choices: Mapping[str, Value], hand_made: bool) -> Drawing:
    """The steps of the cell from left to right, in boxes as wide as their words."""
    steps = [("\u00d72", "bilinear")] if hand_made else _steps(choices)
    return _row("What takes a map one level up", "the cell", steps)


def step_drawing(network: str) -> Drawing:
    """A step up of a network that has no cells."""
    return _row("What takes a map one level up", "a step", STEPS[network])


def _row(title: str, what: str, steps: Sequence[tuple[str, str]]) -> Drawing:
    """Boxes from left to right, each with a heading and words."""
    x = 14.0
    shapes: list[Shape] = []
    for place, (heading, words) in enumerate(steps):
        width = 28 + 7.4 * max(len(words), len(heading))
        if place:
            shapes += [Wire([(x - 26, 40), (x - 4, 40)]), Arrow((x, 40))]
        colour = None if heading == "activation" else DECODER
        shapes += [
            Box(x, 18, width, 44, colour=colour),
            Text(x + width / 2, 36, heading, quiet=True),
            Text(x + width / 2, 53, words),
        ]
        x += width + 30
    description = f"{what}: {' then '.join(words for _, words in steps)}"
    return Drawing(title, x - 16, 76, description, shapes)


def _legend(hand_made: bool) -> list[Key]:
    if hand_made:
        return [Key("4 channels, concatenated", SAME), Key("the U itself")]
    return [
        Key("same resolution", SAME),
        Key("from a coarser level, up by the cell", RISING),
        Key("from a finer level, down by strided convolutions", FALLING),
        Key("the U itself"),
    ]


def _connection(start: Point, end: Point, source: int, decoder: int) -> Wire:
    colour = SAME if source == decoder else RISING if source > decoder else FALLING
    name = f"encoder {source}" if source else "data"
    return level_curve(start, end, colour, f"{name} to decoder {decoder + 1}")


def _steps(choices: Mapping[str, Value]) -> list[tuple[str, str]]:
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


def _words(option: Value) -> str:
    return str(option).replace("_", " ")
