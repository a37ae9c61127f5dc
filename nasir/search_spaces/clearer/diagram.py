"""The diagram of a CLEARER network: columns of parallel and fusion modules over several scales."""

from __future__ import annotations

from collections.abc import Sequence

from nasir.core.diagram import Arrow, Box, Drawing, Key, Shape, Text, Wire

COLUMN, ROW, LEFT, TOP = 62.0, 62.0, 112.0, 52.0
"""Pixels between columns and scales, and beside and above them."""

SIDE = 26.0
"""Pixels of a block's box."""

PARALLEL, FUSION = 6, 1
"""Colours of the two modules."""

LEGEND = (
    Key("parallel module: a residual block on each scale", PARALLEL),
    Key("fusion module: each scale is the sum of all", FUSION),
    Key("transition: opens a scale (dashed)"),
)


def network_drawing(
    modules: Sequence[Sequence[str]], widths: Sequence[int], bottlenecks: int
) -> Drawing:
    """The scales as rows, the finest on top; the modules as columns, cell by cell.

    `modules` are the options of each cell's columns, `widths` the channels of each scale.
    """
    rows = [TOP + ROW * scale for scale in range(len(widths))]
    x = LEFT + 8.0
    labels: list[Shape] = [Text(14, 18, "resolution \u00b7 channels", "start", quiet=True)]
    for scale, (y, width) in enumerate(zip(rows, widths, strict=True)):
        resolution = f"1/{2**scale}" if scale else "1"
        labels.append(Text(14, y + 4, f"{resolution} \u00b7 {width}", "start", quiet=True))
    wires: list[Shape] = []
    first = f"\u00d7 {bottlenecks}", f"{bottlenecks} bottlenecks"
    boxes: list[Shape] = [Box(x - SIDE, rows[0] - SIDE / 2, 2 * SIDE, SIDE, *first, kind="end")]
    before = x + SIDE
    for cell, columns in enumerate(modules, start=1):
        scales = rows[: cell + 1]
        x += COLUMN
        wires += _transition(before, x, scales)
        labels += _group(x, x + COLUMN * len(columns) + SIDE / 2, cell, rows)
        boxes += [Box(x - 4, y - 4, 8, 8, kind="end") for y in scales]
        for column, option in enumerate(columns, start=1):
            wires += _module(option, x, x + COLUMN, scales)
            x += COLUMN
            boxes += _blocks(option, x, scales, f"cell {cell}, column {column}")
        before = x + SIDE / 2
    end = x + COLUMN
    wires += [Wire([(x, y), (end - SIDE / 2, rows[0])], FUSION, faint=True) for y in rows]
    boxes += [
        Box(end - SIDE / 2, rows[0] - SIDE / 2, SIDE, SIDE, "+", "last fusion", colour=FUSION),
        Wire([(end + SIDE / 2, rows[0]), (end + 34, rows[0])]),
        Arrow((end + 38, rows[0])),
        Text(end + 44, rows[0] + 4, "picture", "start"),
    ]
    count = sum(map(len, modules))
    return Drawing(
        width=end + 108,
        height=rows[-1] + 40,
        description=f"{count} modules in {len(modules)} cells over {len(rows)} scales",
        shapes=[*labels, *wires, *boxes],
        legend=LEGEND,
    )


def _transition(x: float, to_x: float, rows: Sequence[float]) -> list[Shape]:
    """Dashed lines to each scale, the last one new."""
    kept = [Wire([(x, y), (to_x, y)], dashed=True) for y in rows[:-1]]
    return [*kept, Wire([(x, rows[-2]), (to_x, rows[-1])], dashed=True)]


def _group(x: float, to_x: float, cell: int, rows: Sequence[float]) -> list[Shape]:
    """The area behind the columns of a cell, with its name."""
    bottom = rows[cell] + SIDE
    area = Box(x - 10, 28, to_x - x + 18, bottom - 28, kind="group")
    return [area, Text((x + to_x) / 2, 18, f"cell {cell}")]


def _module(option: str, x: float, to_x: float, rows: Sequence[float]) -> list[Shape]:
    if option == "parallel":
        return [Wire([(x, y), (to_x, y)], PARALLEL) for y in rows]
    return [Wire([(x, y), (to_x, to_y)], FUSION, faint=True) for y in rows for to_y in rows]


def _blocks(option: str, x: float, rows: Sequence[float], place: str) -> list[Shape]:
    label, colour = ("+", FUSION) if option == "fusion" else ("", PARALLEL)
    title, corner = f"{place}: {option}", x - SIDE / 2
    return [Box(corner, y - SIDE / 2, SIDE, SIDE, label, title, colour=colour) for y in rows]
