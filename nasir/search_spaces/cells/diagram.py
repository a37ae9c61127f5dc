"""The diagrams of stacked cells (HiNAS, IR-NAS): the layers with their widths, and each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nasir.core.diagram import (
    COLOURS,
    Arrow,
    Box,
    Drawing,
    Key,
    Point,
    Shape,
    Text,
    Wire,
    arc,
    lane,
)
from nasir.search_spaces.cells.genotype import CellGenotype

NODE_WIDTH, NODE_HEIGHT, TOP, GAP = 122.0, 42.0, 8.0, 14.0
"""Pixels of a node's box, above the first, and between two."""

FIRST, COLUMN, BEND = 152.0, 178.0, 46.0
"""Where the first column is, how far apart columns are, and where a wire comes to its row."""

INPUTS = ("two back", "one back")
"""States 0 and 1 of a cell: the outputs of the layers before the last and of the last."""

LAYER, SKIPPED, LOW_LEVEL = 6, 2, 1
"""Colours of layers and of the ways past them."""

Colours = Mapping[str, int]
"""The colour of each operation."""


def layers_drawing(widths: Sequence[int], factors: Sequence[float], nodes: int) -> Drawing:
    """Start, cells as high as they are wide in channels, end; bows to what is two layers on.

    `widths` are the channels of a node of each layer, `factors` what they are multiples by. The end
    also takes the low-level features of the start.
    """
    middle, x, most = 118.0, 20.0, max(widths)
    names = ["start", *(f"layer {n}" for n in range(len(widths))), "end"]
    heights = [44.0, *(36 + 56 * width / most for width in widths), 44.0]
    shapes: list[Shape] = []
    tops: list[Point] = []
    for n, (name, height) in enumerate(zip(names, heights, strict=True)):
        top = middle - height / 2
        tops.append((x + 42, top))
        if n:
            shapes += [Wire([(x - 30, middle), (x - 4, middle)]), Arrow((x, middle))]
        if 0 < n <= len(widths):
            words = f"{nodes} \u00d7 {widths[n - 1]} channels"
            shapes += [
                Box(x, top, 84, height, name, colour=LAYER),
                Text(x + 42, middle + 70, words, quiet=True),
                Text(x + 42, middle + 86, f"factor {factors[n - 1]:g}", quiet=True),
            ]
        else:
            shapes.append(Box(x, top, 84, height, name, kind="end"))
        x += 116
    for n in range(len(names) - 3):  # layer 1 on, of the layer before the last
        shapes.append(arc(tops[n], tops[n + 2], 34, SKIPPED))
    shapes.append(arc(tops[0], tops[-1], 74, LOW_LEVEL))
    between = (tops[0][0] + tops[-1][0]) / 2
    shapes.append(Text(between, 16, "low-level features", quiet=True))
    legend = [Key("also an input of the layer after the next", SKIPPED)]
    return Drawing("Layers", x - 12, 214, f"{len(widths)} layers of cells", shapes, legend)


def cell_drawings(cells: Mapping[str, CellGenotype]) -> list[Drawing]:
    """The colours of all operations, and a drawing of each cell under its name."""
    nodes = [node for cell in cells.values() for node in cell.nodes]
    used = sorted({operation for node in nodes for _, operation in node})
    colours = {operation: n % COLOURS for n, operation in enumerate(used)}
    legend = [Key(operation, colour) for operation, colour in colours.items()]
    drawings = [_cell(name, cell, colours) for name, cell in cells.items()]
    return [Drawing("Operations", legend=legend), *drawings]


def _cell(name: str, cell: CellGenotype, colours: Colours) -> Drawing:
    """A row for each node, in the column right of its sources; its two lines are its inputs.

    As a node is alone in its row, a wire that runs there from the gap behind its source, and
    from a node to the end, passes no other box.
    """
    columns = _columns(cell)
    total = TOP + len(columns) * (NODE_HEIGHT + GAP)
    end = FIRST + max(columns) * COLUMN
    wires: list[Shape] = []
    boxes: list[Shape] = []
    starts: list[Point] = []
    for n, state in enumerate(INPUTS):
        y = total * (n + 1) / 3
        boxes.append(Box(12, y - 15, 84, 30, state, kind="end"))
        starts.append((96.0, y))
    for n, (column, node) in enumerate(zip(columns, cell.nodes, strict=True)):
        x, y = FIRST + (column - 1) * COLUMN, TOP + n * (NODE_HEIGHT + GAP)
        boxes.append(Box(x, y, NODE_WIDTH, NODE_HEIGHT))
        for row, (source, operation) in enumerate(node):
            at, colour = (x, y + NODE_HEIGHT * (row + 0.5) / 2), colours[operation]
            title = f"{_state(source)} \u2192 {operation} \u2192 node {n}"
            wires.append(lane(starts[source], at, BEND, colour, title))
            boxes += [Arrow(at, colour), Text(x + 12, at[1] + 4, operation, "start")]
        out = (x + NODE_WIDTH, y + NODE_HEIGHT / 2)
        boxes.append(Text(out[0] - 12, out[1] + 4, f"node {n}", "end", quiet=True))
        wires.append(Wire([out, (end, out[1])], SKIPPED, faint=True))
        starts.append(out)
    title = "all nodes, concatenated"
    boxes += [
        Box(end, TOP, 26, total - TOP - GAP, title=title, kind="end"),
        Text(end + 17, (total - GAP + TOP) / 2, "concatenated", upwards=True),
    ]
    return Drawing(name, end + 40, total, f"a cell of {len(columns)} nodes", [*wires, *boxes])


def _columns(cell: CellGenotype) -> list[int]:
    """The length of the longest way from an input of the cell to each node."""
    depths = [0, 0]
    for node in cell.nodes:
        depths.append(1 + max(depths[source] for source, _ in node))
    return depths[2:]


def _state(source: int) -> str:
    return INPUTS[source] if source < 2 else f"node {source - 2}"
