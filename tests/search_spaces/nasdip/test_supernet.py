"""The relaxation of NAS-DIP's space: its paths, its mixture, what it derives."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError, SettingsError
from nasir.core.search_space import Signature
from nasir.search_spaces.nasdip.cell import DECISIONS, UpsamplingCell
from nasir.search_spaces.nasdip.mixture import MixedCell
from nasir.search_spaces.nasdip.operations import operation
from nasir.search_spaces.nasdip.space import NasDip
from nasir.search_spaces.nasdip.supernet import NasDipSupernet

CELLS = NasDip(depth=1, kernel=(1, 3, 5), dilation=(1, 2), activation=("prelu",))
"""One level: its architectures are the cells."""

LEVELS = NasDip(depth=3, width=4, kernel=(1, 3), dilation=(1, 2))


def made(space: NasDip, partial: int = 1) -> NasDipSupernet:
    """In float64, with every normalisation unlike the others and clear preferences."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        supernet = space.supernet(Signature(4, 3), partial).double()
        for module in supernet.modules():
            if isinstance(module, nn.BatchNorm2d):
                for values in (module.weight, module.bias, module.running_mean, module.running_var):
                    assert values is not None
                    nn.init.uniform_(values, 0.5, 1.5)
        for table in supernet.logits().values():
            nn.init.normal_(table)
    return supernet


def picture(side: int = 8) -> Tensor:
    return torch.rand(1, 4, side, side, dtype=torch.float64, generator=torch.manual_seed(1))


@pytest.fixture(autouse=True)
def _generator() -> Any:
    with torch.random.fork_rng():
        yield


def one_hot(logits: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)


def chosen(supernet: NasDipSupernet, architecture: Architecture) -> NasDipSupernet:
    """The supernet with the greatest logits on an architecture, and one option a row."""
    domain, choices = supernet.domain, architecture.choices
    logits = supernet.logits()
    with torch.no_grad():
        for decision in domain.decisions:
            value = choices.get(decision.name)
            if decision.name in logits and value is not None:
                options = domain.options(()) if decision.name == "upsample" else decision.options
                logits[decision.name].fill_(-1.0)[..., options.index(value)] = 1.0
        for row, name in enumerate(supernet.searched):
            on = 1.0 if choices[name] else -1.0
            logits["connections"][row] = torch.tensor([-on, on])
    supernet.relaxation = one_hot
    return supernet


def network_of(supernet: NasDipSupernet, architecture: Architecture, space: NasDip) -> Any:
    """The network of `architecture` with the supernet's weights and statistics."""
    network: Any = space.build(architecture, Signature(4, 3)).double()
    body: Any = supernet.body
    for part in ("encoder", "decoder", "to_picture"):
        getattr(network, part).load_state_dict(getattr(body, part).state_dict())
    for part in ("down", "same"):
        for level, module in getattr(network, part).items():
            module.load_state_dict(getattr(body, part)[level].state_dict())
    for level, cell in network.up.items():
        copy_cell(cell, body.up[level], supernet.cell.places_of(architecture.choices))
    return network


def copy_cell(cell: UpsamplingCell, mixed: MixedCell, places: tuple[int, int, int, int]) -> None:
    number, upsampling, term, activation = places
    branch = mixed.branches[number]
    copies = [(cell.resize, branch.transforms[term])]
    copies += [(cell.resize_activation, branch.transform_activations[activation])]
    if cell.transform is not None:
        copies = [(cell.transform, branch.transforms[term])]
        copies += [(cell.transform_activation, branch.transform_activations[activation])]
        copies += [(cell.resize, branch.resizes[upsampling])]
        copies += [(cell.resize_activation, branch.resize_activations[activation])]
    for target, source in copies:
        target.load_state_dict(source.state_dict())


def test_path_network_and_one_hot_mixture_of_every_cell_are_equal() -> None:
    """98 of 6 x 5 x 3 x 2 cells are valid: 3 x 21, 2 x 15 and 5."""
    supernet, x = made(CELLS), picture()
    assert CELLS.domain.size == 98
    for architecture in CELLS.domain:
        network = network_of(supernet, architecture, CELLS)
        mixed = chosen(supernet, architecture)
        with torch.no_grad():
            wanted = network(x)
            path = supernet(x, architecture)
            torch.testing.assert_close(path, wanted, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(mixed(x), wanted, rtol=1e-12, atol=1e-12)
        assert mixed.derive() == architecture


@pytest.mark.parametrize(
    "space",
    [
        LEVELS,
        attrs.evolve(LEVELS, connections="full"),
        attrs.evolve(LEVELS, connections="none"),
        attrs.evolve(LEVELS, same_level="searched"),
    ],
    ids=["shared", "full", "none", "searched"],
)
def test_path_network_and_one_hot_mixture_are_equal_with_all_kinds_of_connections(
    space: NasDip,
) -> None:
    x, rng = picture(20), np.random.default_rng(0)
    for training in (True, False):
        architecture = space.domain.sample(rng)
        network = network_of(made(space), architecture, space)
        wanted = network.train(training)(x)
        path = made(space).train(training)
        mixed = chosen(made(space), architecture).train(training)
        torch.testing.assert_close(path(x, architecture), wanted, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(mixed(x), wanted, rtol=1e-12, atol=1e-12)
        assert mixed.derive() == architecture


def test_tables_have_a_weight_for_each_option() -> None:
    """(2 d - 2), d^2, 0 and (2 d - 1) connections are searched at depth d = 3."""
    logits = made(NasDip(depth=3, width=4)).logits()
    shapes = {name: tuple(table.shape) for name, table in logits.items()}
    assert shapes == {
        "upsample": (6,),
        "transform": (3, 5),
        "kernel": (4,),
        "dilation": (3,),
        "activation": (5,),
        "connections": (4, 2),
    }
    assert made(attrs.evolve(LEVELS, connections="full")).logits()["connections"].shape == (9, 2)
    assert made(attrs.evolve(LEVELS, same_level="searched")).logits()["connections"].shape == (5, 2)
    assert "connections" not in made(attrs.evolve(LEVELS, connections="none")).logits()


def test_without_activation_a_mixture_equals_the_weighted_sum_of_all_cells() -> None:
    space = NasDip(depth=1, activation=("none",), kernel=(1, 3), dilation=(1, 2))
    supernet = made(space)
    mixed: Any = supernet.body.up["1"]
    tables = {name: supernet.weights_of(name) for name in supernet.logits()}
    x = torch.randn(1, space.width, 6, 7, dtype=torch.float64)
    total, weights = torch.zeros(1, space.width, 12, 14, dtype=torch.float64), 0.0
    for architecture in space.domain:
        cell = network_of(supernet, architecture, space).up["1"]
        weight = weight_of(space, architecture, tables)
        total, weights = total + weight * cell(x), weights + weight
    assert weights == pytest.approx(1)
    torch.testing.assert_close(mixed(x, supernet.cell.mix(tables)), total)


def weight_of(space: NasDip, architecture: Architecture, tables: dict[str, Tensor]) -> float:
    """The product of the weights of an architecture's choices."""
    choices = architecture.choices
    kind = operation("upsample", str(choices["upsample"]))
    row = {("first", 1): 0, ("first", 4): 1, ("last", 4): 2}
    product = 1.0
    for name in DECISIONS:
        if name in choices:
            table = tables[name]
            if name == "transform":
                table = table[row[kind.place, kind.channels_per_output]]
            options = next(d.options for d in space.domain.decisions if d.name == name)
            product *= table[options.index(choices[name])].item()
    return product


def test_gradients_reach_all_weights_and_architecture_parameters() -> None:
    supernet = made(LEVELS)
    supernet(picture()).square().mean().backward()
    assert all(parameter.grad is not None for parameter in supernet.parameters())
    assert all(table.grad.isfinite().all() for table in supernet.logits().values())  # type: ignore
    for name, table in supernet.logits().items():
        closed = supernet.closed.get(name, torch.zeros(table.shape, dtype=torch.bool))
        assert table.grad is not None
        assert (table.grad[~closed] != 0).all()
        assert (table.grad[closed] == 0).all()


def test_derived_architectures_are_valid_for_any_logits() -> None:
    space = NasDip(depth=2, width=4)
    supernet = made(space)
    for _ in range(50):
        with torch.no_grad():
            for table in supernet.logits().values():
                table.normal_(std=10)
        assert supernet.derive() in space.domain


def test_a_narrow_width_leaves_out_cells_that_cannot_be_built() -> None:
    """Two channels are too few for depth to space, and for stacks of four but in no branch."""
    supernet = made(NasDip(depth=1, width=2))
    ups = [name for branch in supernet.cell.branches for name in branch.upsamplings]
    assert sorted(ups) == ["bicubic", "bilinear", "nearest", "sub_pixel", "trans_conv"]
    assert supernet(picture()).isfinite().all()


def test_operations_of_weight_zero_are_not_run() -> None:
    space = LEVELS
    architecture = space.domain.architecture(
        {"upsample": "bilinear", "transform": "identity", "activation": "relu"}
        | {f"connection{d:+d}": d == 0 for d in range(-2, 3)}
    )
    supernet = chosen(made(space), architecture)
    for cell in supernet.body.up.values():
        for branch in cell.branches:  # type: ignore[union-attr]
            for transform in branch.transforms:
                transform.forward = None if list(transform.parameters()) else transform.forward
    for step in supernet.body.down.values():
        step.forward = None  # type: ignore[assignment]
    assert supernet(picture()).isfinite().all()


def test_complexity_is_the_expected_parameters_over_those_of_the_largest_cell() -> None:
    """A 7 x 7 convolution to 64 channels is the largest; one to 16 has a quarter."""
    space = NasDip(depth=1, kernel=(1, 7), activation=("prelu",))
    supernet = made(space)
    best = {"activation": "prelu", "connection+0": True}
    for choices, wanted in (
        ({"upsample": "sub_pixel", "transform": "conv", "kernel": 7, "dilation": 1}, 1.0),
        ({"upsample": "nearest", "transform": "conv", "kernel": 7, "dilation": 2}, 0.25),
        ({"upsample": "nearest", "transform": "conv", "kernel": 1}, 0.25 / 49),
        ({"upsample": "nearest", "transform": "identity"}, 0.0),
    ):
        architecture = space.domain.architecture({**best, **choices})
        assert chosen(supernet, architecture).complexity().item() == pytest.approx(wanted)
        assert supernet.skips(architecture) == (choices["transform"] == "identity")


def test_entropy_of_one_path_is_zero_and_of_equal_logits_equation_4() -> None:
    supernet = made(NasDip(depth=2, upsample=("bilinear", "nearest"), transform=("conv",)))
    with torch.no_grad():
        for table in supernet.logits().values():
            table.zero_()
    sizes = [2, 1, 4, 3, 5, 2, 2]  # options of the cell's rows and of two connections
    a = [1 / size for size in sizes for _ in range(size)]
    terms = [p * math.log(p) + (1 - p) * math.log(1 - p) if p < 1 else 0.0 for p in a]
    assert supernet.entropy().item() == pytest.approx(-sum(terms) / len(a))
    supernet.relaxation = one_hot
    assert supernet.entropy().item() == 0


def test_partial_channels_pass_the_others_by_and_have_paths() -> None:
    space = NasDip(depth=2, width=32, kernel=(3,), dilation=(1,), transform=("conv",))
    architecture = space.domain.sample(np.random.default_rng(3))
    supernet, x = made(space, partial=2), picture()
    torch.testing.assert_close(chosen(supernet, architecture)(x), supernet(x, architecture))
    cell: Any = supernet.body.up["1"]
    maps = torch.randn(1, 32, 4, 4, dtype=torch.float64)
    tables = {name: supernet.weights_of(name) for name in supernet.logits()}
    passed = cell(maps, supernet.cell.mix(tables))[:, 1::2]
    assert torch.equal(passed, maps[:, 16:].repeat_interleave(2, 2).repeat_interleave(2, 3))


@pytest.mark.parametrize(("partial", "why"), [(0, "divide"), (3, "divide"), (4, "too few")])
def test_unsuitable_partial_is_refused(partial: int, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        NasDip(depth=1, width=16).supernet(Signature(4, 3), partial)


def test_the_hand_made_network_is_not_a_path() -> None:
    with pytest.raises(NasirError, match="network"):
        made(CELLS)(picture(), CELLS.named("deep_image_prior"))
