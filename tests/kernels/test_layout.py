from __future__ import annotations

import pytest
import torch
from torch import nn

from nasir.core.search_space import Signature
from nasir.kernels import layout
from nasir.kernels.layout import channels_innermost, joined
from nasir.settings import building


def test_maps_are_joined_along_their_channels() -> None:
    maps = [torch.rand(2, c, 3, 4, requires_grad=True) for c in (1, 5)]
    assert torch.equal(joined(maps), torch.cat(maps, 1))


def test_batch_norms_of_a_network_have_dense_gradients_where_they_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []

    def note(module: nn.Module, by_input: object, by_output: tuple[torch.Tensor]) -> None:
        found.append(by_output[0].is_contiguous(memory_format=torch.channels_last))

    space = building.make("space", {"name": "hinas", "layers": 2, "width": 4})
    network = space.build(space.named("all_conv"), Signature(1, 1))
    network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_full_backward_hook(note)
    x = channels_innermost(torch.rand(2, 1, 8, 8))
    monkeypatch.setattr(layout, "gradients_must_be_dense", lambda x: True)
    network(x).sum().backward()
    assert found
    assert all(found)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_innermost_by_their_strides(channels: int) -> None:
    x = torch.rand(2, channels, 4, 5)
    y = channels_innermost(x)
    assert torch.equal(x, y)
    assert y.stride() == (20 * channels, 1, 5 * channels, channels)
    convolved = nn.Conv2d(channels, 8, 1).to(memory_format=torch.channels_last)(y)
    assert convolved.is_contiguous(memory_format=torch.channels_last)
