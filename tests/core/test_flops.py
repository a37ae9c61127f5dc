from __future__ import annotations

import sys
from contextlib import AbstractContextManager

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nasir.core.flops import CountedFlops


class Attention(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2)
        return nn.functional.scaled_dot_product_attention(rows, rows, rows)


NETWORKS = {
    "convolutions": nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, groups=1), nn.Conv2d(8, 8, 3, groups=4), nn.Conv2d(8, 3, 1)
    ),
    "up": nn.Sequential(
        nn.ConvTranspose2d(3, 4, 4, 2), nn.Upsample(scale_factor=2), nn.BatchNorm2d(4)
    ),
    "products": nn.Sequential(nn.Linear(12, 7), nn.GELU(), nn.Linear(7, 12)),
    "attention": Attention(),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_the_count_is_that_of_torch(name: str, mode: type[AbstractContextManager[None]]):
    x = torch.rand(2, 3, 12, 12)
    with FlopCounterMode(display=False) as theirs, mode():
        NETWORKS[name](x)
    with CountedFlops() as ours, mode():
        NETWORKS[name](x)
    assert ours.total == theirs.get_total_flops()
    assert ours.total > 0


def test_torchs_compiler_is_not_imported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it fails
    with CountedFlops() as counted:
        NETWORKS["products"](torch.rand(1, 12))
    assert counted.total == 2 * (12 * 7 + 7 * 12)
