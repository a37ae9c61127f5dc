"""Parameters of facts.md, and the formulas of the paper written down literally."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasir.search_spaces.clearer.modules import FusionModule, ParallelModule, TransitionModule

WIDTHS = (32, 64, 128, 256)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def branches(widths: tuple[int, ...]) -> list[Tensor]:
    side = 2 ** len(widths)
    return [torch.randn(2, width, side >> i, side >> i).double() for i, width in enumerate(widths)]


@pytest.mark.parametrize(("number", "count"), [(2, 92_544), (3, 387_968), (4, 1_568_640)])
def test_a_parallel_module_has_the_published_number_of_parameters(number: int, count: int) -> None:
    assert parameters(ParallelModule(WIDTHS[:number])) == count


@pytest.mark.parametrize(("number", "count"), [(2, 20_672), (3, 153_536), (4, 784_512)])
def test_a_fusion_module_has_the_published_number_of_parameters(number: int, count: int) -> None:
    assert parameters(FusionModule(WIDTHS[:number])) == count


def test_a_parallel_module_keeps_branches_apart() -> None:
    module, x = ParallelModule((2, 4)).double(), branches((2, 4))
    before = module(x)
    x[0] = x[0] + 1
    after = module(x)
    assert torch.equal(after[1], before[1])
    assert not torch.equal(after[0], before[0])


def test_a_fused_branch_is_the_rectified_sum_of_all_brought_to_its_scale() -> None:
    widths = (2, 4, 8)
    module, x = FusionModule(widths).double(), branches(widths)
    up, down = module.up, module.down
    fused = module(x)
    first = x[0].clone()
    for source in (1, 2):
        small = up[f"{source}_0"](x[source]).detach().numpy()
        size = 2**source
        first += torch.from_numpy(np.kron(small, np.ones((1, 1, size, size))))
    middle = (
        x[1] + down["0_1"](x[0]) + up["2_1"](x[2]).repeat_interleave(2, 2).repeat_interleave(2, 3)
    )
    last = x[2] + down["1_2"](x[1]) + down["0_2"](x[0])
    for got, wanted in zip(fused, (first, middle, last), strict=True):
        torch.testing.assert_close(got, wanted.clamp(min=0))


def test_a_fusion_does_not_change_what_comes_in() -> None:
    module, x = FusionModule((2, 4)).double(), branches((2, 4))
    before = [y.clone() for y in x]
    module(x)
    assert all(torch.equal(a, b) for a, b in zip(x, before, strict=True))


def test_a_last_fusion_has_one_branch() -> None:
    x = branches((2, 4, 8))
    (y,) = FusionModule((2, 4, 8), outputs=1).double()(x)
    assert y.shape == x[0].shape


def test_a_transition_opens_a_scale_of_half_the_size_and_keeps_the_others() -> None:
    x = branches((2, 4))
    y = TransitionModule((2, 4), (2, 4, 8)).double()(x)
    assert torch.equal(y[0], x[0])
    assert torch.equal(y[1], x[1])
    assert y[2].shape == (2, 8, 1, 1)
