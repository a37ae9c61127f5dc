from __future__ import annotations

import pytest

from nasir.core.architecture import Architecture
from nasir.core.errors import ArchitectureError, NasirError, SettingsError
from nasir.core.search_space import Signature
from nasir.search_spaces.clearer.space import Clearer
from nasir.settings import building


def test_the_paper_has_two_options_in_each_of_twelve_columns() -> None:
    space = Clearer()
    assert space.domain.size == 2**12
    assert space.domain.decisions[0].name == "cell1.column1"
    assert space.domain.decisions[-1].name == "cell3.column4"
    assert all(d.options == ("parallel", "fusion") for d in space.domain.decisions)
    assert space.widths == (32, 64, 128, 256)


@pytest.mark.parametrize(("cells", "columns"), [(1, 1), (2, 3), (2, (1, 4)), (5, 2)])
def test_the_size_is_two_to_the_number_of_all_columns(
    cells: int, columns: int | tuple[int, ...]
) -> None:
    numbers = columns if isinstance(columns, tuple) else (columns,) * cells
    assert Clearer(cells=cells, columns=columns).domain.size == 2 ** sum(numbers)


def test_columns_are_read_from_settings_as_one_number_or_a_list() -> None:
    assert building.structure(Clearer, {"columns": 3}) == Clearer(columns=3)
    assert building.structure(Clearer, {"columns": [1, 2, 3]}) == Clearer(columns=(1, 2, 3))


@pytest.mark.parametrize("columns", [(), (2, 2), 0, (1, 2, 0)])
def test_columns_that_fit_no_cells_are_refused(columns: int | tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match=r"space\.columns .* got"):
        Clearer(columns=columns)


@pytest.mark.parametrize(
    "wrong", [{"cells": 0}, {"channels": 0}, {"bottlenecks": 0}, {"mixture": "sum"}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NasirError):
        building.structure(Clearer, wrong, "space")


def test_references_are_of_one_kind_or_alternate() -> None:
    space = Clearer(cells=2, columns=(1, 3))
    modules = {name: space.searched.modules_of(a) for name, a in space.reference().items()}
    p, f = "parallel", "fusion"
    assert modules == {
        "all_parallel": ((p,), (p, p, p)),
        "all_fusion": ((f,), (f, f, f)),
        "alternating": ((p,), (p, f, p)),
    }


def test_an_architecture_of_another_space_is_refused() -> None:
    space = Clearer(cells=1, columns=1)
    with pytest.raises(NasirError, match="unknown decision"):
        space.build(Architecture("nasdip", {"kernel": 3}), Signature(3, 3))
    with pytest.raises(ArchitectureError, match=r"cell1\.column1"):
        space.build(Architecture("clearer", {"cell1.column1": "transition"}), Signature(3, 3))
