from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nasir.core.architecture import Architecture, Value
from nasir.core.errors import ArchitectureError, NasirError, SettingsError
from nasir.core.search_space import Signature
from nasir.search_spaces.nasdip.connections import Matrix
from nasir.search_spaces.nasdip.network import NasDipNetwork
from nasir.search_spaces.nasdip.space import NasDip
from nasir.settings import building

CELL: dict[str, Value] = {
    "upsample": "bilinear",
    "transform": "split_stack_sum",
    "kernel": 3,
    "dilation": 1,
    "activation": "leaky_relu",
}
WIDTH = 4
DEPTH = 3
MATRICES = st.tuples(*[st.tuples(*[st.booleans()] * DEPTH)] * DEPTH)


def _network(matrix: Matrix, in_channels: int = 2, apart: bool = False) -> NasDipNetwork:
    torch.manual_seed(0)
    return NasDipNetwork(CELL, matrix, WIDTH, Signature(in_channels, 3), apart)


def _every_path_by_itself(
    network: NasDipNetwork, matrix: Matrix, x: Tensor, crossing: str = ""
) -> Tensor:
    """The network as the paper draws it: each connection walks its whole path, nothing shared."""
    y = network.any_size(x)
    sources = {1: y}
    for level, encode in enumerate(network.encoder, start=2):
        y = encode(y)
        sources[level] = y
    for level in range(DEPTH, 0, -1):
        arriving = [network.up[str(level)](y)]
        for source in range(1, DEPTH + 1):
            if not matrix[level - 1][source - 1]:
                continue
            z = sources[source]
            if source == level:
                z = network.same[str(level)](z)
            for step in range(source - 1, level - 1, -1):
                z = network.up[f"{crossing}{step}"](z)
            for step in range(source, level):
                z = network.down[str(step)](z)
            arriving.append(z)
        y = network.decoder[level - 1](torch.stack(arriving).sum(0))
    return network.any_size.crop(network.to_picture(y).sigmoid(), *x.shape[-2:])


@settings(max_examples=25, deadline=None)
@given(MATRICES)
def test_output_equals_that_of_paths_computed_one_by_one(matrix: Matrix) -> None:
    network = _network(matrix)
    x = torch.rand(1, 2, 17, 22)
    torch.testing.assert_close(network(x), _every_path_by_itself(network, matrix, x))


@settings(max_examples=25, deadline=None)
@given(MATRICES)
def test_unused_steps_are_not_built(matrix: Matrix) -> None:
    network = _network(matrix)
    used = [(r, c) for r in range(1, 4) for c in range(1, 4) if matrix[r - 1][c - 1]]
    assert set(network.same) == {str(r) for r, c in used if r == c}
    assert set(network.down) == {str(k) for r, c in used for k in range(c, r)}


@settings(max_examples=25, deadline=None)
@given(MATRICES)
def test_the_common_part_of_two_paths_is_computed_once(matrix: Matrix) -> None:
    network = _network(matrix)
    calls: Counter[str] = Counter()
    for kind in ("up", "down", "same"):
        for level, step in getattr(network, kind).items():
            step.register_forward_hook(lambda *_, name=f"{kind} {level}": calls.update([name]))
    network(torch.rand(1, 2, 16, 16))
    wanted = Counter({f"up {level}": 1 for level in range(1, DEPTH + 1)})  # the decoder's own
    used = [(r, c) for r in range(1, 4) for c in range(1, 4) if matrix[r - 1][c - 1]]
    wanted.update(f"same {r}" for r, c in used if r == c)
    wanted.update(f"up {k}" for k, _ in {(k, c) for r, c in used for k in range(r, c)})
    wanted.update(f"down {k}" for k, _ in {(k, c) for r, c in used for k in range(c, r)})
    assert calls == wanted


def test_all_maps_between_two_levels_pass_one_step() -> None:
    network = _network(((True,) * DEPTH,) * DEPTH)
    assert (len(network.up), len(network.down), len(network.same)) == (DEPTH, DEPTH - 1, DEPTH)


@settings(max_examples=25, deadline=None)
@given(st.integers(16, 41), st.integers(16, 41), st.sampled_from([1, 2, 3, 4]))
def test_the_output_has_the_size_of_the_input_from_16_pixels_on(
    height: int, width: int, depth: int
) -> None:
    space = NasDip(depth=depth, width=WIDTH)
    for architecture in (space.published(158, (0, 1)), space.named("deep_image_prior")):
        y = space.build(architecture, Signature(1, 3))(torch.rand(1, 1, height, width))
        assert y.shape == (1, 3, height, width)
        assert y.isfinite().all()


@pytest.mark.parametrize(("depth", "side"), [(1, 16), (5, 16), (6, 32), (8, 128)])
def test_a_deep_space_needs_larger_pictures(depth: int, side: int) -> None:
    assert NasDip(depth=depth).smallest_side == side


@pytest.mark.parametrize("depth", [0, 9])
def test_a_depth_out_of_range_is_refused(depth: int) -> None:
    with pytest.raises(SettingsError, match="depth"):
        building.make("space", {"name": "nasdip", "depth": depth})


@pytest.mark.parametrize("name", ["nasdip_denoising", "deep_image_prior"])
def test_the_output_is_between_0_and_1(name: str) -> None:
    space = NasDip(depth=2, width=8)
    torch.manual_seed(0)
    y = space.build(space.named(name), Signature(3, 1))(100 * torch.randn(1, 3, 20, 20))
    assert y.min() >= 0
    assert y.max() <= 1


def test_the_hand_made_prior_has_2217831_parameters() -> None:
    """As many as the network of Deep Image Prior for 3 output channels."""
    space = NasDip(depth=5, width=128)
    assert space.baseline == "deep_image_prior"
    network = space.build(space.named("deep_image_prior"), Signature(32, 3))
    assert sum(parameter.numel() for parameter in network.parameters()) == 2_217_831


PAPER = {"depth": 5, "width": 128}


@pytest.mark.parametrize(
    ("name", "shared", "apart"),
    [("nasdip_denoising", 3.52e6, 3.92e6), ("nasdip_inpainting", 7.50e6, 10.71e6)],
)
def test_x2_steps_are_shared_as_in_the_paper_or_apart_as_in_the_program(
    name: str, shared: float, apart: float
) -> None:
    """Figure 5 has one step a level; the program has four more, for maps that cross levels."""
    space, signature = NasDip(**PAPER), Signature(32, 3)
    found = space.named(name)
    ours = Architecture("nasdip", {k: v for k, v in found.choices.items() if k != "crossing"})
    assert _parameters(space.build(ours, signature)) == pytest.approx(shared, abs=5e3)
    assert _parameters(space.build(found, signature)) == pytest.approx(apart, abs=5e3)
    program = NasDip(**PAPER, crossing="apart")
    assert program.named(name) == ours
    assert _parameters(program.build(ours, signature)) == pytest.approx(apart, abs=5e3)


@pytest.mark.parametrize(("width", "parameters"), [(128, 100_224), (64, 25_536)])
def test_deep_decoder_has_its_papers_parameters(width: int, parameters: int) -> None:
    """Heckel and Hand, section 3: k = 128 and k = 64 for pictures of 512 x 512 in colour."""
    space = NasDip(depth=5, width=width)
    network = space.build(space.named("deep_decoder"), Signature(32, 3))
    assert _parameters(network) == parameters


@pytest.mark.parametrize(("depth", "halvings"), [(2, 5), (5, 8), (6, 8)])
def test_the_u_net_of_cyclegan_halves_three_times_more_than_depth_and_eight_times_at_most(
    depth: int, halvings: int
) -> None:
    space = NasDip(depth=depth, width=8)
    network = space.build(space.named("cyclegan_unet"), Signature(3, 3))
    assert sum(isinstance(one, nn.Conv2d) for one in network.modules()) == halvings


def test_the_u_net_of_cyclegan_has_54_million_parameters() -> None:
    """As that of pix2pix for 256 x 256, whose normalisations have weights and layers no biases."""
    space = NasDip(depth=5, width=128)
    with torch.device("meta"):
        network = space.build(space.named("cyclegan_unet"), Signature(3, 3))
    assert _parameters(network) == pytest.approx(54.414e6, rel=2e-4)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (16, 30)])
def test_the_u_net_of_cyclegan_takes_pictures_of_any_size(height: int, width: int) -> None:
    space = NasDip(depth=3, width=8)
    network = space.build(space.named("cyclegan_unet"), Signature(3, 3))
    y = network(torch.rand(1, 3, height, width))
    assert y.shape == (1, 3, height, width)
    assert 0 < y.min() < y.max() < 1


@pytest.mark.parametrize("scale", [1, 2])
def test_deep_decoder_is_a_function_of_its_coarse_input_alone(scale: int) -> None:
    space = NasDip(depth=2, width=12)
    network = space.build(space.named("deep_decoder"), Signature(2, 3, scale))
    x = torch.rand(1, 2, 20, 18)
    y = network(x)
    assert y.shape == (1, 3, 20 * scale, 18 * scale)
    assert 0 < y.min() < y.max() < 1
    assert len(network.steps) == 3
    assert {m.kernel_size for m in network.modules() if isinstance(m, nn.Conv2d)} == {(1, 1)}


def test_a_hand_made_network_of_another_name_is_refused() -> None:
    with pytest.raises(NasirError, match="did you mean 'deep_decoder'"):
        NasDip().build(Architecture("nasdip", {"network": "deep_decode"}), Signature(3, 3))


def _parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@settings(max_examples=15, deadline=None)
@given(matrix=MATRICES)
def test_steps_apart_take_the_maps_that_cross_levels_alone(matrix: Matrix) -> None:
    network, x = _network(matrix, apart=True), torch.rand(1, 2, 16, 24)
    expected = _every_path_by_itself(network, matrix, x, "crossing_")
    torch.testing.assert_close(network(x), expected)
    levels = range(DEPTH)
    climbed = {k + 1 for row in levels for c in levels if matrix[row][c] for k in range(row, c)}
    assert set(network.up) == {"1", "2", "3"} | {f"crossing_{k}" for k in climbed}


def test_steps_that_are_neither_shared_nor_apart_are_refused() -> None:
    space = NasDip(depth=3, width=4)
    choices = {**space.named("bilinear_additive").choices, "crossing": "twice"}
    with pytest.raises(ArchitectureError, match="crossing is shared or apart, not 'twice'"):
        space.build(Architecture("nasdip", choices), Signature(3, 3))


@pytest.mark.parametrize("name", ["nasdip_denoising", "nasdip_inpainting", "bilinear_additive"])
def test_full_and_shared_connections_build_equal_networks(name: str) -> None:
    shared, full = NasDip(depth=3, width=8), NasDip(depth=3, width=8, connections="full")
    outputs = []
    for space in (shared, full):
        torch.manual_seed(0)
        network = space.build(space.named(name), Signature(2, 1))
        outputs.append(network(torch.rand(1, 2, 16, 16)))
    assert torch.equal(*outputs)


@pytest.mark.parametrize(
    "change",
    [
        {"connection+1": None},
        {"connection+9": True},
        {"connection+0": "yes"},
        {"kernel": None},
        {"colour": "red"},
        {"upsample": "by_hand"},
    ],
    ids=str,
)
def test_an_architecture_outside_the_space_is_refused(change: dict[str, Value | None]) -> None:
    space = NasDip(depth=3, width=8)
    changed = {**space.named("nasdip_denoising").choices, **change}
    choices = {name: value for name, value in changed.items() if value is not None}
    with pytest.raises((ArchitectureError, SettingsError)):
        space.build(Architecture("nasdip", choices), Signature(2, 1))


def test_networks_are_plain_modules() -> None:
    space = NasDip(depth=2, width=8)
    network = space.build(space.named("nasdip_denoising"), Signature(1, 1))
    assert isinstance(network, nn.Module)
    assert all(type(m).__module__.startswith(("torch.", "nasir.")) for m in network.modules())
