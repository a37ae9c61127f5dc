from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.core.architecture import Value
from nasir.core.errors import ArchitectureError
from nasir.search_spaces.nasdip.cell import UpsamplingCell

WIDTH = 16

RESIZED: dict[str, Callable[[Tensor], Tensor]] = {
    "bilinear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    "nearest": lambda x: x.repeat_interleave(2, -2).repeat_interleave(2, -1),
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": lambda x: x.clamp_min(0),
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.2 * x),
    "selu": lambda x: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * x.expm1()),
    "prelu": lambda x: torch.where(x > 0, x, 0.25 * x),  # its slope begins at 1/4
}


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def _cell(**choices: Value) -> UpsamplingCell:
    torch.manual_seed(0)
    return UpsamplingCell({"activation": "none", "dilation": 1, **choices}, WIDTH).double()


def _x(channels: int = WIDTH, side: int = 9) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, channels, side, side + 1, dtype=torch.float64, generator=generator)


def _convolved(x: Tensor, weight: Tensor, dilation: int = 1) -> Tensor:
    """Convolution with reflected borders, tap by tap: weight ``(O, C, k, k)``."""
    kernel = weight.shape[-1]
    r = dilation * (kernel - 1) // 2
    framed = np.pad(x.numpy(), ((0, 0), (0, 0), (r, r), (r, r)), mode="reflect")
    height, width = x.shape[-2:]
    out = np.zeros((x.shape[0], weight.shape[0], height, width))
    for i in range(kernel):
        for j in range(kernel):
            top, left = i * dilation, j * dilation
            seen = framed[..., top : top + height, left : left + width]
            out += np.einsum("oc,nchw->nohw", weight[:, :, i, j].numpy(), seen)
    return torch.from_numpy(out)


def _same(got: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("upsample", "row"),
    [
        ("bilinear", [0.0, 1.0, 3.0, 4.0]),
        ("nearest", [0.0, 0.0, 4.0, 4.0]),
        # Keys' cubic kernel with a = -3/4, the border repeated
        ("bicubic", [-27 / 64, 29 / 32, 99 / 32, 283 / 64]),
    ],
)
def test_resizing_a_step_gives_the_closed_form(upsample: str, row: list[float]) -> None:
    x = torch.tensor([0.0, 4.0], dtype=torch.float64).expand(1, WIDTH, 2, 2)
    y = _cell(upsample=upsample, transform="identity")(x)
    assert y.shape == (1, WIDTH, 4, 4)
    _same(y[0, 0, 0], torch.tensor(row, dtype=torch.float64))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("upsample", RESIZED)
def test_the_activation_follows_resize_and_transform(upsample: str, activation: str) -> None:
    cell = _cell(upsample=upsample, transform="conv", kernel=5, activation=activation)
    f = ACTIVATIONS[activation]
    wanted = f(_convolved(f(RESIZED[upsample](_x())), cell.transform.conv.weight))
    _same(cell(_x()), wanted)


@pytest.mark.parametrize("upsample", RESIZED)
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (3, 3), (7, 2)])
class TestTransforms:
    def test_convolution(self, upsample: str, kernel: int, dilation: int) -> None:
        cell = _cell(upsample=upsample, transform="conv", kernel=kernel, dilation=dilation)
        resized = RESIZED[upsample](_x())
        _same(cell(_x()), _convolved(resized, cell.transform.conv.weight, dilation))

    def test_split_stack_sum_adds_four_consecutive_channels(
        self, upsample: str, kernel: int, dilation: int
    ) -> None:
        cell = _cell(
            upsample=upsample, transform="split_stack_sum", kernel=kernel, dilation=dilation
        )
        resized = RESIZED[upsample](_x())
        sums = [sum(resized[:, 4 * i + j] for j in range(4)) for i in range(WIDTH // 4)]
        stacked = torch.stack(sums, dim=1)
        _same(cell(_x()), _convolved(stacked, cell.transform.conv.weight, dilation))

    def test_depth_wise_convolution_takes_each_channel_alone(
        self, upsample: str, kernel: int, dilation: int
    ) -> None:
        cell = _cell(
            upsample=upsample, transform="depth_wise_conv", kernel=kernel, dilation=dilation
        )
        resized, weight = RESIZED[upsample](_x()), cell.transform.conv.weight
        alone = [
            _convolved(resized[:, c : c + 1], weight[c : c + 1], dilation) for c in range(WIDTH)
        ]
        _same(cell(_x()), torch.cat(alone, dim=1))

    def test_separable_convolution_is_depth_wise_then_1x1(
        self, upsample: str, kernel: int, dilation: int
    ) -> None:
        cell = _cell(upsample=upsample, transform="sep_conv", kernel=kernel, dilation=dilation)
        resized, weight = RESIZED[upsample](_x()), cell.transform.depth_wise.weight
        alone = [
            _convolved(resized[:, c : c + 1], weight[c : c + 1], dilation) for c in range(WIDTH)
        ]
        mixed = _convolved(torch.cat(alone, dim=1), cell.transform.point_wise.weight)
        _same(cell(_x()), mixed)

    def test_transposed_convolution_is_a_convolution_with_the_turned_kernel(
        self, upsample: str, kernel: int, dilation: int
    ) -> None:
        cell = _cell(upsample=upsample, transform="trans_conv", kernel=kernel, dilation=dilation)
        conv = cell.transform.conv
        turned = conv.weight.flip(-1, -2).transpose(0, 1)
        r = dilation * (kernel - 1) // 2
        resized = RESIZED[upsample](_x())
        _same(cell(_x()), F.conv2d(resized, turned, conv.bias, padding=r, dilation=dilation))


def test_pixel_shuffle_spreads_four_channels_before_the_transform() -> None:
    cell = _cell(upsample="pixel_shuffle", transform="conv", kernel=3)
    x = _x()
    spread = torch.zeros(2, WIDTH // 4, 18, 20, dtype=torch.float64)
    for i in range(2):
        for j in range(2):
            spread[..., i::2, j::2] = x[:, 2 * i + j :: 4]
    _same(cell(x), _convolved(spread, cell.transform.conv.weight))


def test_sub_pixel_convolution_transforms_to_four_times_the_channels_first() -> None:
    cell = _cell(upsample="sub_pixel", transform="conv", kernel=3, activation="relu")
    x = _x()
    y = cell(x)
    wide = _convolved(x, cell.transform.conv.weight).clamp_min(0)
    assert wide.shape[1] == 4 * WIDTH
    for i in range(2):
        for j in range(2):
            _same(y[..., i::2, j::2], wide[:, 2 * i + j :: 4])


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (5, 2), (7, 1)])
def test_transposed_convolution_alone_spreads_each_pixel_over_its_kernel(
    kernel: int, dilation: int
) -> None:
    cell = _cell(upsample="trans_conv", kernel=kernel, dilation=dilation, activation="leaky_relu")
    x, conv = _x(side=4), cell.resize.conv
    r = dilation * (kernel - 1) // 2
    spread = torch.zeros(2, WIDTH, 8 + 2 * r + 1, 10 + 2 * r + 1, dtype=torch.float64)
    for i in range(kernel):
        for j in range(kernel):
            tap = torch.einsum("co,nchw->nohw", conv.weight[:, :, i, j], x)
            spread[..., i * dilation :: 2, j * dilation :: 2][..., :4, :5] += tap
    wanted = spread[..., r : r + 8, r : r + 10] + conv.bias[:, None, None]
    assert cell.transform is None
    _same(cell(x), ACTIVATIONS["leaky_relu"](wanted))


@pytest.mark.parametrize(
    "transform", ["conv", "split_stack_sum", "sep_conv", "depth_wise_conv", "identity"]
)
def test_only_transposed_convolutions_have_a_bias(transform: str) -> None:
    cell = _cell(upsample="bilinear", transform=transform, kernel=3)
    assert not [name for name, _ in cell.named_parameters() if name.endswith("bias")]
    assert _cell(upsample="bilinear", transform="trans_conv", kernel=3).transform.conv.bias.ndim


@pytest.mark.parametrize("missing", ["upsample", "transform", "kernel", "dilation", "activation"])
def test_a_cell_that_lacks_a_decision_is_refused(missing: str) -> None:
    choices = {
        "upsample": "nearest",
        "transform": "conv",
        "kernel": 3,
        "dilation": 1,
        "activation": "relu",
    }
    del choices[missing]
    with pytest.raises(ArchitectureError, match=missing):
        UpsamplingCell(choices, WIDTH)


@pytest.mark.parametrize(
    ("upsample", "transform", "width"),
    [
        ("pixel_shuffle", "identity", 16),
        ("pixel_shuffle", "conv", 18),
        ("sub_pixel", "depth_wise_conv", 16),
        ("nearest", "split_stack_sum", 18),
        ("pixel_shuffle", "split_stack_sum", 24),
    ],
)
def test_a_cell_whose_channels_do_not_divide_is_refused(
    upsample: str, transform: str, width: int
) -> None:
    cell = {"upsample": upsample, "transform": transform, "activation": "none"}
    shape = {} if transform == "identity" else {"kernel": 3, "dilation": 1}
    with pytest.raises(ArchitectureError, match=f"width {width}"):
        UpsamplingCell({**cell, **shape}, width)
