"""The numbers of the NAS-DIP paper and of the program that its authors published."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasir.core.errors import ArchitectureError
from nasir.search_spaces.nasdip import connections, published
from nasir.search_spaces.nasdip.space import NasDip

UNBUILDABLE = {*range(237, 252), *range(300, 312)}
PUBLISHED: dict[str, Any] = {
    "depth": 5,
    "width": 128,
    "upsample": (*published.UPSAMPLES, "sub_pixel", "trans_conv"),
    "transform": (*published.TRANSFORMS, "identity"),
    "dilation": (1,),
    "activation": published.ACTIVATIONS,
    "crossing": "apart",
}
MATRICES = {
    "nasdip_denoising": "11111 01111 00111 00011 00001",
    "nasdip_inpainting": "11000 01100 10110 01011 00101",
    "nasdip_super_resolution": "10010 11001 01100 00110 00011",
}


@pytest.fixture(scope="module")
def space() -> NasDip:
    return NasDip(**PUBLISHED)


@pytest.fixture(scope="module")
def cells(space: NasDip) -> set[int]:
    """The numbers of all cells in the domain."""
    one_level = NasDip(**{**PUBLISHED, "depth": 1})
    return {published.number_of(a.choices) for a in one_level.domain}


def test_297_of_the_324_cells_can_be_built_at_width_128(cells: set[int]) -> None:
    assert len(cells) == 297
    assert set(range(324)) - cells == UNBUILDABLE


@pytest.mark.parametrize("number", [0, 62, 86, 119, 158, 236, 252, 299, 312, 323])
def test_buildable_numbers_build(number: int) -> None:
    from nasir.search_spaces.nasdip.cell import UpsamplingCell

    UpsamplingCell(published.cell_of(number), 128)


@pytest.mark.parametrize("number", sorted(UNBUILDABLE))
def test_the_other_27_numbers_are_refused(number: int) -> None:
    from nasir.search_spaces.nasdip.cell import UpsamplingCell

    with pytest.raises(ArchitectureError, match="cannot be built at width 128"):
        UpsamplingCell(published.cell_of(number), 128)


@given(st.integers(0, 323))
def test_a_number_is_a_cell_and_back(number: int) -> None:
    assert published.number_of(published.cell_of(number)) == number


def test_all_numbered_cells_are_different() -> None:
    assert len({str(published.cell_of(number)) for number in range(324)}) == 324


@pytest.mark.parametrize("number", [-1, 324])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(ArchitectureError, match="0 to 323"):
        published.cell_of(number)


def test_a_cell_that_the_published_program_lacks_has_no_number() -> None:
    with pytest.raises(ArchitectureError, match="no cell"):
        published.number_of({**published.cell_of(158), "dilation": 2})


@pytest.mark.parametrize(
    ("number", "upsample", "transform", "kernel"),
    [
        (158, "nearest", "split_stack_sum", 5),
        (86, "bicubic", "trans_conv", 7),
        (119, "bicubic", "depth_wise_conv", 5),
    ],
)
def test_the_found_cells_are_those_of_the_published_table(
    number: int, upsample: str, transform: str, kernel: int
) -> None:
    assert published.cell_of(number) == {
        "upsample": upsample,
        "transform": transform,
        "kernel": kernel,
        "dilation": 1,
        "activation": "leaky_relu",
    }


@pytest.mark.parametrize("connected", ["shared", "full"])
@pytest.mark.parametrize(("name", "rows"), MATRICES.items())
def test_the_found_connections_are_those_of_the_published_table(
    connected: str, name: str, rows: str
) -> None:
    architecture = NasDip(**PUBLISHED, connections=connected, same_level="searched").named(name)
    matrix = connections.matrix(architecture.choices, 5)
    assert " ".join("".join(str(int(used)) for used in row) for row in matrix) == rows


@pytest.mark.parametrize("name", MATRICES)
def test_the_found_architectures_are_in_the_published_programs_domain(
    space: NasDip, name: str
) -> None:
    assert space.named(name) in space.domain


def test_the_level_shared_patterns_are_2_to_the_power_9() -> None:
    assert NasDip(**PUBLISHED, same_level="searched").domain.size == 297 * 2**9


def test_connected_same_levels_halve_the_patterns(space: NasDip) -> None:
    assert space.domain.size == 297 * 2**8


def test_the_full_matrices_are_2_to_the_power_25() -> None:
    assert NasDip(**PUBLISHED, connections="full").domain.size == 297 * 2**25


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_other_depths_have_2_to_the_power_2d_minus_1_patterns(depth: int) -> None:
    given = {**PUBLISHED, "depth": depth}
    assert NasDip(**given, same_level="searched").domain.size == 297 * 2 ** (2 * depth - 1)
    assert NasDip(**given, connections="full").domain.size == 297 * 2 ** (depth**2)


def test_the_domain_of_the_papers_options_includes_dilation() -> None:
    wide = 3 * 3  # kernels 3, 5 and 7 at dilation rates 1, 2 and 3
    shapes = 1 + wide
    transformed = 4 * shapes + 1  # four transforms with a kernel, and identity
    fitting = 3 * transformed  # bilinear, bicubic, nearest
    shuffled = 2 * 3 * shapes  # no depth-wise convolution and no identity fits
    activations = 5
    size = (fitting + shuffled + shapes) * activations * 2**8
    assert NasDip(depth=5, width=128).domain.size == size
