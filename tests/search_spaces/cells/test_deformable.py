from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nasir.search_spaces.cells.deformable import DeformableConv2d


@pytest.mark.parametrize("side", [7, 33, 64, 100])
def test_an_untrained_layer_is_half_a_convolution(side: int) -> None:
    torch.manual_seed(0)
    layer, x = DeformableConv2d(4, 6), torch.randn(2, 4, side, side + 1)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight, padding=1) / 2)


def test_memory_formats_give_equal_outputs() -> None:
    torch.manual_seed(0)
    layer, x = DeformableConv2d(4, 6), torch.randn(2, 4, 9, 10)
    torch.nn.init.normal_(layer.deformation.weight)
    rows = layer(x)
    layer.to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(x.contiguous(memory_format=torch.channels_last)), rows)


def test_offsets_and_masks_are_learned_from_the_first_step() -> None:
    torch.manual_seed(0)
    layer = DeformableConv2d(3, 3)
    layer(torch.randn(1, 3, 9, 9)).square().sum().backward()
    gradient = layer.deformation.weight.grad
    assert gradient is not None
    assert all(gradient[k].abs().sum() > 0 for k in range(27))


def test_an_export_is_the_same_at_another_size() -> None:
    torch.manual_seed(0)
    layer, x = DeformableConv2d(2, 3), torch.randn(1, 2, 12, 10)
    torch.nn.init.normal_(layer.deformation.weight)
    sizes = {
        2: torch.export.Dim("height", min=4, max=64),
        3: torch.export.Dim("width", min=4, max=64),
    }
    exported = torch.export.export(layer.eval(), (x,), dynamic_shapes=(sizes,)).module()
    for other in (x, torch.randn(1, 2, 7, 21)):
        torch.testing.assert_close(exported(other), layer(other))
