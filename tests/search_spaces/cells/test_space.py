from __future__ import annotations

from math import comb, prod
from typing import Any

import pytest

from nasir.core.errors import SettingsError
from nasir.search_spaces.cells.space import CellSpace
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas
from nasir.settings.building import make


def cells(nodes: int, operations: int) -> int:
    return prod(comb(node + 2, 2) * operations**2 for node in range(nodes))


def width_paths(layers: int, levels: int) -> int:
    ends = {0: 1}
    for _ in range(layers):
        ends = {
            i: sum(n for k, n in ends.items() if abs(k - i) <= 1)
            for i in range(levels)
            if any(abs(k - i) <= 1 for k in ends)
        }
    return sum(ends.values())


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (HiNas(), cells(4, 6) ** 3 * 12),
        (HiNas(layer_wise=False), cells(4, 6) * 12),
        (HiNas(widths=(1, 2, 4)), cells(4, 6) ** 3),
        (HiNas(layers=2, nodes=3), cells(3, 6) ** 2 * 5),
        (HiNas(layers=1, nodes=1, factors=(1,)), 36),
        (HiNas(layers=6, nodes=1, operations=("skip",), factors=(1, 2, 3, 4)), width_paths(6, 4)),
        (IrNas(), cells(5, 5) * width_paths(4, 3)),
        (IrNas(layer_wise=True), cells(5, 5) ** 4 * width_paths(4, 3)),
    ],
)
def test_the_number_of_architectures_is_the_product_of_cells_and_width_paths(
    space: CellSpace, size: int
) -> None:
    assert space.domain.size == size


def test_width_paths_are_as_many_as_in_the_paper() -> None:
    """Two cells in layer 0, three in each of the next: 2, then 5, then 12 paths."""
    assert [width_paths(layers, 3) for layers in (1, 2, 3)] == [2, 5, 12]
    assert cells(4, 6) == 180 * 6**8


def test_the_options_of_a_supernet_end_with_none() -> None:
    assert HiNas().options == ("conv_3", "sep_3", "sep_5", "dil_3", "dil_5", "skip", "none")
    assert IrNas().options == ("conv_3", "sep_3", "dil_3", "def_3", "skip", "none")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"operations": ["conv_4"]}, "did you mean 'conv_3'"),
        ({"operations": ["conv_3", "none"]}, "leave 'none' out"),
        ({"operations": ["skip", "skip"]}, "different operations"),
        ({"operations": []}, "at least one"),
        ({"factors": [2.0, 1.0]}, "ascending"),
        ({"factors": []}, "ascending"),
        ({"factors": [0.0, 1.0]}, "above 0"),
        ({"widths": [1.0, 2.0]}, "one for each of the 3"),
        ({"widths": [float("nan")]}, "above 0"),
        ({"routing": "other"}, "routing"),
        ({"layers": 0}, "layers"),
        ({"aspp": [0]}, "aspp"),
    ],
)
def test_wrong_settings_are_refused_with_advice(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make("space", {"name": "hinas", **settings})


def test_a_single_width_applies_to_all_layers() -> None:
    assert make("space", {"name": "hinas", "widths": 2}).levels == (0, 0, 0)
