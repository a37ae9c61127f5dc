"""What the authors of NAS-DIP published: the numbers of cells, and the found architectures."""

from __future__ import annotations

from collections.abc import Mapping

from nasir.core.architecture import Value
from nasir.core.errors import ArchitectureError

CELLS = 324
"""The number of cells in the published program."""

UPSAMPLES = ("bilinear", "bicubic", "nearest", "pixel_shuffle")
TRANSFORMS = ("conv", "trans_conv", "split_stack_sum", "sep_conv", "depth_wise_conv")
KERNELS = (1, 3, 5, 7)
ACTIVATIONS = ("none", "relu", "leaky_relu")

_TRANSFORMED = len(TRANSFORMS) * len(KERNELS) * len(ACTIVATIONS)  # 60
_PER_UPSAMPLE = _TRANSFORMED + len(ACTIVATIONS)  # 63: identity has no kernel
_SUB_PIXEL = len(UPSAMPLES) * _PER_UPSAMPLE  # 252: from here on the transform comes first
_TRANS_CONV = _SUB_PIXEL + _TRANSFORMED  # 312: from here on a transposed convolution alone

FOUND: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "nasdip_denoising": (158, (0, 1, 2, 3, 4)),
    "nasdip_inpainting": (86, (-2, 0, 1)),
    "nasdip_super_resolution": (119, (-1, 0, 3)),
}
"""The found architectures: cell number and connected level differences (source - decoder)."""

FOUND_FOR: Mapping[str, str] = {
    "denoise": "nasdip_denoising",
    "inpaint": "nasdip_inpainting",
    "sr": "nasdip_super_resolution",
}
"""The found architecture for each of the paper's tasks."""

FIGURE_3: Mapping[str, dict[str, Value]] = {
    "bilinear_additive": {
        "upsample": "bilinear",
        "transform": "split_stack_sum",
        "kernel": 3,
        "dilation": 1,
        "activation": "none",
    },
    "transposed_convolution": {
        "upsample": "trans_conv",
        "kernel": 3,
        "dilation": 1,
        "activation": "none",
    },
    "sub_pixel_convolution": {
        "upsample": "sub_pixel",
        "transform": "conv",
        "kernel": 3,
        "dilation": 1,
        "activation": "none",
    },
}
"""The blue, red and green path of figure 3."""


def cell_of(number: int) -> dict[str, Value]:
    """The choices of the cell with a published number, 0 to 323."""
    if not 0 <= number < CELLS:
        raise ArchitectureError(f"cell {number} does not exist: numbers go from 0 to {CELLS - 1}")
    if number >= _TRANS_CONV:
        kernel, activation = divmod(number - _TRANS_CONV, len(ACTIVATIONS))
        return _cell("trans_conv", None, KERNELS[kernel], ACTIVATIONS[activation])
    if number >= _SUB_PIXEL:
        upsample, m = "sub_pixel", number - _SUB_PIXEL
    else:
        place, m = divmod(number, _PER_UPSAMPLE)
        upsample = UPSAMPLES[place]
    rest, activation = divmod(m, len(ACTIVATIONS))
    if m >= _TRANSFORMED:
        return _cell(upsample, "identity", None, ACTIVATIONS[activation])
    transform, kernel = divmod(rest, len(KERNELS))
    return _cell(upsample, TRANSFORMS[transform], KERNELS[kernel], ACTIVATIONS[activation])


def number_of(choices: Mapping[str, Value]) -> int:
    """The published number of a cell; raises ArchitectureError if it has none."""
    wanted = cell_choices(choices)
    for number in range(CELLS):
        if cell_of(number) == wanted:
            return number
    raise ArchitectureError(f"the published numbering has no cell {wanted}")


def cell_choices(choices: Mapping[str, Value]) -> dict[str, Value]:
    """The choices of an architecture that are those of its cell."""
    return {n: v for n, v in choices.items() if not n.startswith(("connection", "crossing"))}


def _cell(
    upsample: str, transform: str | None, kernel: int | None, activation: str
) -> dict[str, Value]:
    """Choices of a cell; the published program has no dilation, which is dilation 1."""
    chosen: dict[str, Value | None] = {
        "upsample": upsample,
        "transform": transform,
        "kernel": kernel,
        "dilation": None if kernel in (None, 1) else 1,
        "activation": activation,
    }
    return {name: value for name, value in chosen.items() if value is not None}
