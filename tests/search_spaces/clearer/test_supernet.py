from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from small_clearer import SMALL, made
from torch import Tensor

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.search_space import Signature
from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.clearer.supernet import ClearerSupernet

FEW = Clearer(channels=4, cells=2, columns=1)


@pytest.fixture
def supernet() -> ClearerSupernet:
    return made(SMALL)


def one_hot(logits: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)


def chosen(supernet: ClearerSupernet, architecture: Architecture) -> ClearerSupernet:
    """The supernet with all the weight on the modules of `architecture`."""
    options = [m == "fusion" for cell in supernet.columns.modules_of(architecture) for m in cell]
    with torch.no_grad():
        supernet.alphas.copy_(torch.tensor([[-1.0, 1.0] if f else [1.0, -1.0] for f in options]))
    supernet.relaxation = one_hot
    return supernet


def network_of(supernet: ClearerSupernet, architecture: Architecture, space: Clearer) -> Any:
    """The network of `architecture` with the supernet's weights and statistics."""
    network: Any = space.build(architecture, Signature(3, 3)).double()
    network.backbone.load_state_dict(supernet.backbone.state_dict())
    chosen = supernet.columns.modules_of(architecture)
    for modules, columns, options in zip(network.cells, supernet.cells, chosen, strict=True):
        for module, column, option in zip(modules, columns, options, strict=True):
            module.load_state_dict(column[option].state_dict())
    return network


def picture() -> Tensor:
    return torch.rand(2, 3, 8, 12, dtype=torch.float64)


def test_the_paper_s_supernet_has_12_56_million_parameters_and_12_by_2_alphas() -> None:
    torch.manual_seed(0)
    supernet = Clearer().supernet(Signature(3, 3))
    weights = sum(parameter.numel() for parameter in supernet.weight_parameters())
    assert round(weights / 1e6, 2) == 12.56
    assert supernet.alphas.shape == (12, 2)
    assert 0.4e-3 < supernet.alphas.std().item() < 2e-3
    assert torch.allclose(supernet.weights_of("alphas").sum(dim=-1), torch.ones(12))


@pytest.mark.parametrize("architecture", list(FEW.domain), ids=str)
@pytest.mark.parametrize("mixture", ["paper", "program"])
@pytest.mark.parametrize("training", [True, False])
def test_path_network_and_one_hot_mixture_are_equal(
    architecture: Architecture, mixture: str, training: bool
) -> None:
    space = Clearer(channels=4, cells=2, columns=1, mixture=mixture)
    x = picture()
    network = network_of(made(space), architecture, space)
    wanted = network.train(training)(x)
    mixed = chosen(made(space), architecture).train(training)
    path = made(space).train(training)
    torch.testing.assert_close(mixed(x), wanted, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(path(x, architecture), wanted, rtol=1e-12, atol=1e-12)
    assert mixed.derive() == architecture


def test_a_path_and_its_network_leave_the_same_statistics() -> None:
    x = picture()
    architecture = SMALL.named("alternating")
    network = network_of(made(SMALL), architecture, SMALL)
    supernet = made(SMALL)
    network.train()(x)
    supernet.train()(x, architecture)
    again = network_of(supernet, architecture, SMALL)
    for name, values in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], values)


@pytest.mark.parametrize("mixture", ["paper", "program"])
def test_a_column_mixes_as_the_formula_says(mixture: str) -> None:
    column = made(Clearer(channels=4, cells=1, columns=1, mixture=mixture)).cells[0][0]
    x = [torch.randn(2, 4, 8, 8).double(), torch.randn(2, 8, 4, 4).double()]
    w = torch.tensor([0.3, 0.7], dtype=torch.float64)
    p = column["parallel"](x)
    f = column["fusion"](p if mixture == "program" else x)
    for got, a, b in zip(column.mixed(w, (True, True), x), p, f, strict=True):
        torch.testing.assert_close(got, 0.3 * a + 0.7 * b)


def test_modules_of_weight_zero_are_not_run() -> None:
    supernet = chosen(made(SMALL), SMALL.named("all_parallel"))
    for cell in supernet.cells:
        for column in cell:
            column["fusion"].forward = None
    supernet(picture())


def test_gradients_reach_all_weights_and_architecture_parameters(
    supernet: ClearerSupernet,
) -> None:
    supernet(picture()).square().mean().backward()
    assert all(parameter.grad is not None for parameter in supernet.parameters())
    assert supernet.alphas.grad is not None
    assert (supernet.alphas.grad != 0).all()


SIZES = {
    "all_parallel": (92_544, 387_968, 1_568_640),
    "all_fusion": (20_672, 153_536, 784_512),
}
"""Parameters of the modules of the paper's cells, on 2, 3 and 4 branches."""


@pytest.mark.parametrize("name", SIZES)
def test_complexity_is_equation_5_with_true_sizes_of_the_largest_module(name: str) -> None:
    space = Clearer()
    supernet = chosen(space.supernet(Signature(3, 3)), space.named(name))
    assert supernet.complexity().item() == pytest.approx(4 * sum(SIZES[name]) / 1_568_640 / 24)


def test_complexity_pulls_most_at_the_largest_modules() -> None:
    """Mean gradients by cell; dC/da_p = p f (C_p - C_f) / N in closed form."""
    supernet = Clearer().supernet(Signature(3, 3))
    torch.manual_seed(0)
    with torch.no_grad():
        supernet.alphas.copy_(torch.randn(12, 2))
    supernet.complexity().backward()
    p, f = supernet.weights_of("alphas").T.detach()
    sizes = torch.tensor(list(SIZES.values())).repeat_interleave(4, dim=1) / 1_568_640
    assert supernet.alphas.grad is not None
    torch.testing.assert_close(supernet.alphas.grad[:, 0], p * f * (sizes[0] - sizes[1]) / 24)
    by_cell = supernet.alphas.grad[:, 0].reshape(3, 4).mean(1)
    assert by_cell.tolist() == pytest.approx([0.0004, 0.0014, 0.0036], abs=5e-5)


def test_complexity_of_the_program_weighs_parallel_0_7_and_fusion_0_3() -> None:
    supernet = made(Clearer(channels=4, cells=1, columns=2, complexity="program"))
    with torch.no_grad():
        supernet.alphas.copy_(torch.tensor([[0.0, math.log(3)], [0.0, 0.0]]))
    wanted = (0.7 * 0.25 + 0.3 * 0.75 + 0.7 * 0.5 + 0.3 * 0.5) / 2
    assert supernet.complexity().item() == pytest.approx(wanted)


def test_entropy_is_equation_4(supernet: ClearerSupernet) -> None:
    with torch.no_grad():
        supernet.alphas.zero_()
    assert supernet.entropy().item() == pytest.approx(math.log(2))
    with torch.no_grad():
        supernet.alphas.copy_(torch.tensor([[0.0, math.log(3)]]).expand(4, 2))
    wanted = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert supernet.entropy().item() == pytest.approx(wanted)


def test_the_penalty_is_the_weighted_sum_and_pulls_towards_fewer_parameters(
    supernet: ClearerSupernet,
) -> None:
    penalty = supernet.penalty(entropy=0.1, complexity=0.5)
    wanted = 0.1 * supernet.entropy() + 0.5 * supernet.complexity()
    assert penalty.item() == pytest.approx(wanted.item())
    supernet.complexity().backward()
    assert supernet.alphas.grad is not None
    assert (supernet.alphas.grad[:, 0] > 0).all()


def test_derivation_takes_the_greater_weight_and_the_first_of_equal_ones(
    supernet: ClearerSupernet,
) -> None:
    with torch.no_grad():
        supernet.alphas.copy_(torch.tensor([[1.0, 1.0], [0.0, 0.1], [0.2, 0.1], [-1.0, -2.0]]))
    p, f = "parallel", "fusion"
    assert SMALL.searched.modules_of(supernet.derive()) == ((p, f), (p, p))


def test_a_closed_option_is_not_derived(supernet: ClearerSupernet) -> None:
    with torch.no_grad():
        supernet.alphas.copy_(torch.tensor([[5.0, 0.0]]).expand(4, 2))
    closed = torch.zeros(4, 2, dtype=torch.bool)
    closed[1, 0] = True
    supernet.close({"alphas": closed})
    p, f = "parallel", "fusion"
    assert SMALL.searched.modules_of(supernet.derive()) == ((p, f), (p, p))
    assert supernet(picture()).isfinite().all()


def test_no_module_is_a_skip_connection(supernet: ClearerSupernet) -> None:
    assert supernet.skips(SMALL.named("all_parallel")) == 0


def test_partial_channels_shrink_the_modules_and_pass_the_rest_by() -> None:
    column = made(Clearer(channels=4, cells=1, columns=1), partial=2).cells[0][0]
    x = [torch.randn(2, 4, 8, 8).double(), torch.randn(2, 8, 4, 4).double()]
    active = column["fusion"]([x[0][:, :2], x[1][:, :4]])
    y = column.one("fusion", x)
    assert torch.equal(y[0], torch.stack((active[0], x[0][:, 2:]), dim=2).flatten(1, 2))
    assert torch.equal(y[1], torch.stack((active[1], x[1][:, 4:]), dim=2).flatten(1, 2))


def test_one_hot_weights_are_the_path_with_partial_channels() -> None:
    architecture, x = SMALL.named("alternating"), picture()
    mixed = chosen(made(SMALL, partial=4), architecture)
    path = made(SMALL, partial=4)
    torch.testing.assert_close(mixed(x), path(x, architecture))


@pytest.mark.parametrize("partial", [0, 3])
def test_partial_that_does_not_divide_the_channels_is_refused(partial: int) -> None:
    with pytest.raises(SettingsError, match="does not divide the 4 channels"):
        SMALL.supernet(Signature(3, 3), partial)
