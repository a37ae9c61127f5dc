"""CLEARER: columns of parallel and fusion modules over several scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nasir.apps.report.diagrams.shapes import box, drawing, head, key, line, text
from nasir.apps.report.markup import Html, joined
from nasir.core.architecture import Value

COLUMN, ROW, LEFT, TOP = 62.0, 62.0, 112.0, 52.0
"""Pixels between columns and scales, and beside and above them."""

SIDE = 26.0
"""Pixels of a block's box."""


def diagram(choices: Mapping[str, Value], settings: Mapping[str, Any]) -> Html:
    """The scales as rows, the finest on top; the modules as columns, cell by cell."""
    cells, channels = int(settings["cells"]), int(settings["channels"])
    each = [int(columns) for columns in settings["columns"]]
    counts = each * cells if len(each) == 1 else each
    rows = [TOP + ROW * scale for scale in range(cells + 1)]
    content = [
        text(
            14,
            y + 4,
            f"1/{2**s} \u00b7 {channels * 2**s}" if s else f"1 \u00b7 {channels}",
            "scale",
        )
        for s, y in enumerate(rows)
    ]
    content.append(text(14, 18, "resolution \u00b7 channels", "scale"))
    x = LEFT + 8.0
    bottlenecks = int(settings.get("bottlenecks", 2))
    told = f"{bottlenecks} bottlenecks"
    wires = []
    boxes = [
        box(x - SIDE, rows[0] - SIDE / 2, 2 * SIDE, SIDE, "end", f"\u00d7 {bottlenecks}", told)
    ]
    before = x + SIDE
    for cell, count in enumerate(counts, start=1):
        after = x + COLUMN
        wires += _transition(before, after, rows[: cell + 1])
        content += _bracket(after, after + COLUMN * count + SIDE / 2, cell, rows)
        boxes += [_dot(after, y) for y in rows[: cell + 1]]
        x = after
        for column in range(1, count + 1):
            option = str(choices[f"cell{cell}.column{column}"])
            wires += _module(option, x, x + COLUMN, rows[: cell + 1])
            boxes += _blocks(option, x + COLUMN, rows[: cell + 1], f"cell {cell}, column {column}")
            x += COLUMN
        before = x + SIDE / 2
    end = x + COLUMN
    wires += [line([(x, y), (end - SIDE / 2, rows[0])], "fusion") for y in rows]
    boxes.append(box(end - SIDE / 2, rows[0] - SIDE / 2, SIDE, SIDE, "fusion", "+", "last fusion"))
    boxes += [line([(end + SIDE / 2, rows[0]), (end + 34, rows[0])], "trunk")]
    boxes += [head((end + 38, rows[0])), text(end + 44, rows[0] + 4, "picture", "start")]
    number = sum(counts)
    said = f"{number} modules in {cells} cells over {cells + 1} scales"
    return joined(
        drawing(end + 108, rows[-1] + 40, said, content, wires, boxes),
        key(
            [
                ("parallel", "parallel module: a residual block on each scale"),
                ("fusion", "fusion module: each scale is the sum of all"),
                ("dashed", "transition: opens a scale"),
            ]
        ),
    )


def _transition(x: float, to_x: float, rows: list[float]) -> list[Html]:
    kept = [line([(x, y), (to_x, y)], "dashed") for y in rows[:-1]]
    return [*kept, line([(x, rows[-2]), (to_x, rows[-1])], "dashed")]


def _bracket(x: float, to_x: float, cell: int, rows: list[float]) -> list[Html]:
    """A band behind the columns of a cell, with its name."""
    bottom = rows[cell] + SIDE
    frame = box(x - 10, 28, to_x - x + 18, bottom - 28, "band")
    return [frame, text((x + to_x) / 2, 18, f"cell {cell}")]


def _module(option: str, x: float, to_x: float, rows: list[float]) -> list[Html]:
    if option == "parallel":
        return [line([(x, y), (to_x, y)], "parallel") for y in rows]
    return [line([(x, y), (to_x, to_y)], "fusion") for y in rows for to_y in rows]


def _blocks(option: str, x: float, rows: list[float], place: str) -> list[Html]:
    letter = "+" if option == "fusion" else ""
    told = f"{place}: {option}"
    return [box(x - SIDE / 2, y - SIDE / 2, SIDE, SIDE, option, letter, told) for y in rows]


def _dot(x: float, y: float) -> Html:
    return box(x - 4, y - 4, 8, 8, "end")
