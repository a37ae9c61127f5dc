"""NAS-DIP: its search space and the operations of its upsampling cell."""

from nasir.core.registry import USES
from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

_UPSAMPLE = "nasir.search_spaces.nasdip.upsample:"
_TRANSFORM = "nasir.search_spaces.nasdip.transform:"


@hookimpl
def register_search_spaces(register: Register) -> None:
    register(
        "nasdip",
        "nasir.search_spaces.nasdip.space:NasDip",
        "upsampling cell and cross-level connections of a deep image prior (NAS-DIP)",
        default_for=USES,
    )


@hookimpl
def register_operations(register: Register) -> None:
    register("upsample.bilinear", _UPSAMPLE + "Bilinear", "bilinear interpolation")
    register("upsample.bicubic", _UPSAMPLE + "Bicubic", "bicubic interpolation")
    register("upsample.nearest", _UPSAMPLE + "Nearest", "each pixel four times")
    register("upsample.pixel_shuffle", _UPSAMPLE + "PixelShuffle", "depth to space, then transform")
    register("upsample.sub_pixel", _UPSAMPLE + "SubPixel", "transform, then depth to space")
    register(
        "upsample.trans_conv", _UPSAMPLE + "TransposedConv", "transposed convolution, stride 2"
    )
    register("transform.conv", _TRANSFORM + "Conv", "convolution")
    register(
        "transform.trans_conv", _TRANSFORM + "TransposedConv", "transposed convolution, stride 1"
    )
    register(
        "transform.split_stack_sum",
        _TRANSFORM + "SplitStackSum",
        "sum of every 4 channels, convolution",
    )
    register("transform.sep_conv", _TRANSFORM + "SeparableConv", "depth-wise, then 1x1 convolution")
    register("transform.depth_wise_conv", _TRANSFORM + "DepthWiseConv", "depth-wise convolution")
    register("transform.identity", _TRANSFORM + "Identity", "nothing")
    register("activation.none", "torch.nn:Identity", "no activation")
    register("activation.relu", "torch.nn:ReLU", "max(0, x)")
    register("activation.leaky_relu", _TRANSFORM + "CellLeakyReLU", "slope 0.2 below zero")
    register("activation.selu", "torch.nn:SELU", "scaled exponential linear unit")
    register("activation.prelu", "torch.nn:PReLU", "slope below zero is learned")
