"""HiNAS and IR-NAS: the layers with their widths, and what is inside each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nasir.apps.report.charts import COLOURS
from nasir.apps.report.diagrams.shapes import Point, arc, box, drawing, head, key, lane, line, text
from nasir.apps.report.markup import Html, joined, tag
from nasir.core.architecture import Value
from nasir.search_spaces.cells.decisions import SHARED, genotype_of
from nasir.search_spaces.cells.genotype import CellGenotype
from nasir.search_spaces.cells.widths import cell_width

NODE_WIDTH, NODE_HEIGHT, TOP, GAP = 122.0, 42.0, 8.0, 14.0
"""Pixels of a node's box, above the first, and between two."""

FIRST, COLUMN, BEND = 152.0, 178.0, 46.0
"""Where the first column is, how far apart columns are, and where a wire comes to its row."""

INPUTS = ("two back", "one back")
"""States 0 and 1 of a cell: the outputs of the layers before the last and of the last."""

Choices = Mapping[str, Value]


def diagram(choices: Choices, settings: Mapping[str, Any]) -> Html:
    """The network of an architecture of stacked cells."""
    layers, nodes = int(settings["layers"]), int(settings["nodes"])
    layer_wise = bool(settings["layer_wise"])
    factors = _factors(choices, settings, layers)
    levels = [0] * layers  # widths are drawn by their factors
    cells = genotype_of(choices, layers, nodes, layer_wise, (), levels).cells
    widths = [cell_width(int(settings["width"]), factor) for factor in factors]
    used = [name for cell in cells for node in cell.nodes for _, name in node]
    colours = {name: n for n, name in enumerate(sorted(set(used)))}
    named = (
        [(f"Layer {n}", cell) for n, cell in enumerate(cells)]
        if layer_wise
        else [(f"The {SHARED} of all layers", cells[0])]
    )
    return joined(
        tag("h4", "Layers"),
        _layers(widths, factors, nodes, settings.get("end") != "supernet"),
        key([("same", "also an input of the layer after the next")]),
        tag("h4", "Operations"),
        key([(f"series{n % COLOURS}", name) for name, n in colours.items()]),
        [joined(tag("h4", name), _cell(cell, colours)) for name, cell in named],
    )


def _factors(choices: Choices, settings: Mapping[str, Any], layers: int) -> list[float]:
    """The factor of the width of each layer, searched or set."""
    fixed = [float(factor) for factor in settings.get("widths", ())]
    if fixed:
        return fixed if len(fixed) == layers else fixed * layers
    return [float(choices[f"layer{layer}.width"]) for layer in range(layers)]


def _layers(widths: Sequence[int], factors: Sequence[float], nodes: int, low_level: bool) -> Html:
    """Start, cells as high as they are wide in channels, end; bows to what is two layers on."""
    middle, x, most = 118.0, 20.0, max(widths)
    names = ["start", *(f"layer {n}" for n in range(len(widths))), "end"]
    heights = [44.0, *(36 + 56 * width / most for width in widths), 44.0]
    content: list[Html] = []
    places: list[Point] = []
    for n, (name, height) in enumerate(zip(names, heights, strict=True)):
        if n:
            content += [line([(x - 30, middle), (x - 4, middle)], "trunk"), head((x, middle))]
        look = "end" if name in ("start", "end") else "encoder"
        content.append(box(x, middle - height / 2, 84, height, look, name))
        places.append((x + 42, middle - height / 2))
        if 0 < n <= len(widths):
            words = f"{nodes} \u00d7 {widths[n - 1]} channels"
            content.append(text(x + 42, middle + 70, words, "note"))
            content.append(text(x + 42, middle + 86, f"factor {factors[n - 1]:g}", "note"))
        x += 116
    for n in range(len(names) - 3):  # layer 1 on, of the layer before the last
        content.append(arc(places[n], places[n + 2], 34, "same"))
    if low_level:
        content.append(arc(places[0], places[-1], 74, "falling"))
        content.append(text((places[0][0] + places[-1][0]) / 2, 16, "low-level features", "note"))
    return drawing(x - 12, 214, f"{len(widths)} layers of cells", content)


def _cell(cell: CellGenotype, colours: Mapping[str, int]) -> Html:
    """A row for each node, in the column right of its sources; its two lines are its inputs.

    As a node is alone in its row, a wire that runs there from the gap behind its source, and
    from a node to the end, passes no other box.
    """
    columns = _columns(cell)
    total = TOP + len(columns) * (NODE_HEIGHT + GAP)
    end = FIRST + max(columns) * COLUMN
    wires, boxes, starts = [], [], []
    for n, name in enumerate(INPUTS):
        y = total * (n + 1) / 3
        boxes.append(box(12, y - 15, 84, 30, "end", name))
        starts.append((96.0, y))
    for n, (column, node) in enumerate(zip(columns, cell.nodes, strict=True)):
        x, y = FIRST + (column - 1) * COLUMN, TOP + n * (NODE_HEIGHT + GAP)
        boxes.append(box(x, y, NODE_WIDTH, NODE_HEIGHT, "plain"))
        for row, (source, name) in enumerate(node):
            at = y + NODE_HEIGHT * (row + 0.5) / 2
            look = f"series{colours[name] % COLOURS}"
            said = f"{_state(source)} \u2192 {name} \u2192 node {n}"
            wires.append(lane(starts[source], (x, at), BEND, look, said))
            boxes += [head((x, at), look), text(x + 12, at + 4, name, "start")]
        boxes.append(text(x + NODE_WIDTH - 12, y + NODE_HEIGHT / 2 + 4, f"node {n}", "node"))
        starts.append((x + NODE_WIDTH, y + NODE_HEIGHT / 2))
        wires.append(line([starts[-1], (end, starts[-1][1])], "same"))
    boxes.append(box(end, TOP, 26, total - TOP - GAP, "end", told="all nodes, concatenated"))
    along = f"translate({end + 17:g} {(total - GAP + TOP) / 2:g}) rotate(-90)"
    boxes.append(tag("text", "concatenated", transform=along))
    return drawing(end + 40, total, f"a cell of {len(cell.nodes)} nodes", wires, boxes)


def _columns(cell: CellGenotype) -> list[int]:
    """The length of the longest way from an input of the cell to each node."""
    depths = [0, 0]
    for node in cell.nodes:
        depths.append(1 + max(depths[source] for source, _ in node))
    return depths[2:]


def _state(source: int) -> str:
    return INPUTS[source] if source < 2 else f"node {source - 2}"
